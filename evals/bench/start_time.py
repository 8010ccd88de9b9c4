"""Seconds until `attest --help` has answered and until `attest serve` is ready: medians of fresh processes.

    python -m evals.bench.start_time [--repeats 5] [--home DIR] [--out FILE]

Ready is when the URL is printed: the model is loaded, the dictionary of Chinese words too, the indexes are
open. Without --home the server starts in an empty folder; its first start, which writes what later ones find
there, is shown apart. With --home it opens the collections of that folder.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from evals.bench.search_latency import ATTEST, serving


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds of each start of one command, in order."""

    command: str
    first: float
    later: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.later)


def help_seconds() -> float:
    started = time.perf_counter()
    subprocess.run([str(ATTEST), "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def ready_seconds(home: Path) -> float:
    started = time.perf_counter()
    with serving(home):
        return time.perf_counter() - started


def starts(command: str, measure: Callable[[], float], repeats: int) -> Start:
    first, *later = [
        measure() for _ in track(range(repeats + 1), command, console=Console(stderr=True), transient=True)
    ]
    return Start(command, first, tuple(later))


def show(measured: Sequence[Start]) -> None:
    table = Table("command", "median s", "least", "most", "first", title="start, fresh processes")
    for item in measured:
        seconds = (item.median, min(item.later), max(item.later), item.first)
        table.add_row(item.command, *(f"{value:.2f}" for value in seconds))
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--home", type=Path, help="open its collections; default: an empty folder")
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        home = arguments.home or Path(empty)
        measured = (
            starts("attest --help", help_seconds, arguments.repeats),
            starts("attest serve, ready", lambda: ready_seconds(home), arguments.repeats),
        )
    show(measured)
    if arguments.out:
        report = [{**asdict(item), "median": item.median} for item in measured]
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
