"""Who waits for an answer: is told how far it is, and may leave, so that work for nobody is given up."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Listener:
    """May leave at any time, from any thread; what is being done then ends early.

    `on_stage` is told the name of each stage of the pipeline as it begins, from the thread that works.
    """

    def __init__(self, on_stage: Callable[[str], object] = lambda _: None) -> None:
        self.reached = on_stage
        self._lock = threading.Lock()
        self._has_left = False
        self._on_leaving: list[Callable[[], object]] = []

    def leave(self) -> None:
        """Tell whoever works for this listener that nobody waits any more; once is enough."""
        with self._lock:
            self._has_left = True
            told = list(self._on_leaving)
        for tell in told:
            tell()

    @contextmanager
    def told_on_leaving(self, tell: Callable[[], object]) -> Iterator[None]:
        """Call `tell` when the listener leaves while inside, at once where it has left already."""
        with self._lock:
            self._on_leaving.append(tell)
            has_left = self._has_left
        try:
            if has_left:
                tell()
            yield
        finally:
            with self._lock:
                self._on_leaving.remove(tell)
