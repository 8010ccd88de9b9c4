"""Milliseconds by stage, as every outcome shows them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter


class Stopwatch:
    """Times named stages and the whole since it was made; `on_stage` is told when one begins."""

    def __init__(self, on_stage: Callable[[str], object] = lambda _: None) -> None:
        self._on_stage = on_stage
        self._began = perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside as the stage `name`."""
        self._on_stage(name)
        began = perf_counter()
        yield
        self._stages[name] = (perf_counter() - began) * 1000

    def milliseconds(self) -> Mapping[str, float]:
        """Milliseconds of each stage in order, then of the whole as "total"."""
        total = (perf_counter() - self._began) * 1000
        return {name: round(value, 3) for name, value in (self._stages | {"total": total}).items()}
