"""Milliseconds by stage, as every outcome shows them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter


class Stopwatch:
    """Times named stages and the whole since it was made."""

    def __init__(self) -> None:
        self._began = perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside as the stage `name`."""
        began = perf_counter()
        yield
        self._stages[name] = (perf_counter() - began) * 1000

    def milliseconds(self) -> Mapping[str, float]:
        """Milliseconds of each stage in order, then of the whole as "total"."""
        total = (perf_counter() - self._began) * 1000
        return {name: round(value, 3) for name, value in (self._stages | {"total": total}).items()}
