"""The progress bar of an ingestion, on standard error: files, rate and time left."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

from ingest.pipeline import Progress


class ProgressBar:
    """Shows what `report` is told while the block runs; leaves nothing behind in a file or pipe."""

    def __init__(self) -> None:
        self._bars = Bars(
            SpinnerColumn(),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bars.add_task("reading the folder", total=None, rate="")

    def report(self, progress: Progress) -> None:
        """Show this state."""
        elapsed = self._bars.tasks[0].elapsed or 0.0
        rate = f"{progress.characters_done / elapsed:,.0f} characters/s" if elapsed else ""
        self._bars.update(
            self._task,
            completed=progress.files_done,
            total=progress.files_total or None,
            description=progress.uri[-50:],
            rate=rate,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
