"""`attest eval gate`: exit status 1 where runs got worse."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evals.gate.baseline import Baseline, Standing
    from evals.gate.limits import Gate
    from evals.gate.verdict import Finding

FAILED = 1
MALFORMED = 2
LOG_WIDTH = 150


def gate(
    file: Annotated[Path, typer.Argument(metavar="GATE.yaml", help="Thresholds by suite and metric.")],
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs.")],
    update: Annotated[
        bool, typer.Option("--update", help="Write the baseline anew from these runs, and judge nothing.")
    ] = False,
) -> None:
    """Hold runs to thresholds and to a baseline, and show what got worse, and by how much.

    A metric fails below its min, above its max, or when it is worse than the baseline by more than
    allowed_drop and the paired 95 % interval of the difference leaves 0 out. A suite without a run fails.

    Exit status: 0 passed, 1 failed, 2 a malformed file.
    """
    from evals.data import DataError
    from evals.gate.baseline import read_baseline
    from evals.gate.limits import read_gate
    from evals.gate.verdict import judge
    from rag.errors import InvalidRequestError

    try:
        read = read_gate(file)
        standings = _standings(read, runs)
        place = file.parent / read.baseline
        if update:
            _update(place, read, file, standings)
            typer.echo(f"wrote {place}")
            return
        baseline: Baseline | None = read_baseline(place) if read.baseline else None
    except (InvalidRequestError, DataError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(MALFORMED) from error
    findings = judge(read, standings, baseline)
    _show(findings)
    failures = sum(1 for finding in findings if finding.verdict.is_failure)
    if failures:
        typer.secho(f"the gate failed: {failures} of {len(findings)} checks", fg="red", err=True)
        raise typer.Exit(FAILED)
    typer.echo(f"the gate passed: {len(findings)} checks")


def _standings(read: "Gate", runs: Sequence[Path]) -> "list[Standing]":
    from evals.gate.baseline import gated_metrics, standing_of
    from evals.records import RunFolder
    from rag.errors import InvalidRequestError

    folders = [RunFolder(path) for path in runs]
    suites = [folder.header().suite for folder in folders]
    if doubled := {suite for suite in suites if suites.count(suite) > 1}:
        raise InvalidRequestError(f"two runs of {sorted(doubled)[0]} were given; give one run a suite")
    return [
        standing_of(folder, gated_metrics(read, suite))
        for folder, suite in zip(folders, suites, strict=True)
        if suite in read.suites
    ]


def _update(place: Path, read: "Gate", file: Path, standings: "Sequence[Standing]") -> None:
    from evals.gate.baseline import write_baseline
    from rag.errors import InvalidRequestError

    if not read.baseline:
        raise InvalidRequestError(f"{file} names no baseline; add a line such as `baseline: baseline.json`")
    missing = set(read.suites) - {standing.suite for standing in standings}
    if missing:
        raise InvalidRequestError(
            f"--update needs a run of every suite of {file}; {sorted(missing)[0]} has none"
        )
    write_baseline(place, standings)


def _show(findings: "Sequence[Finding]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for column in ("suite", "metric", "baseline", "now", "better by", "95 % interval", "verdict"):
        table.add_column(column, justify="left" if column in {"suite", "metric", "verdict"} else "right")
    for item in findings:
        change = item.change
        table.add_row(
            item.suite,
            item.metric or "(run)",
            "" if item.baseline is None else f"{item.baseline:.3f}",
            "" if item.value is None else f"{item.value:.3f}",
            "" if change is None else f"{change.value:+.3f}",
            "" if change is None else f"{change.low:+.3f} to {change.high:+.3f}",
            f"{item.verdict}{': ' + item.reason if item.reason else ''}",
            style="red" if item.verdict.is_failure else None,
        )
    # A log has no width of its own, and names must not be cut.
    Console(width=None if sys.stdout.isatty() else LOG_WIDTH).print(table)
