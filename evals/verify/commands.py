"""`attest eval verify-data`: whether the data on this machine says what the suites claim."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evals.verify.check import SuiteCheck


def verify_data(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="SUITE...", help="Only these suites. Default: all.")
    ] = None,
) -> None:
    """Load every suite and check its questions, golds, splits and texts; nothing is asked.

    Faults that the data is known to have are told as warnings; sets that are not on this machine are named
    and passed over.

    Exit status: 0 nothing is wrong, 1 a defect was found, or a file is malformed.
    """
    from rich.console import Console
    from rich.progress import track

    from evals.data import DataError, DataMissingError, data_root
    from evals.suites import SUITES, suite_named
    from evals.verify.check import CanonicalTexts, check, split_by_set

    suites = [suite_named(name) for name in names] if names else list(SUITES)
    root = data_root()
    canonical = CanonicalTexts()
    checks: list[SuiteCheck] = []
    missing: dict[str, list[str]] = defaultdict(list)
    malformed: list[str] = []
    is_test: dict[str, dict[str, bool]] = defaultdict(dict)
    for suite in track(suites, "suites", console=Console(stderr=True), transient=True):
        try:
            data = suite.load(root)
        except DataMissingError as error:
            missing[str(error)].append(suite.name)
        except DataError as error:
            malformed.append(f"{suite.name}: {error}")
        else:
            checks.append(check(suite.name, data, canonical))
            is_test[suite.name.split("/")[1]].update({asked.id: asked.is_test for asked in data.questions})
    _show(checks)
    for text in (*_told_once(checks), *split_by_set(is_test)):
        typer.secho(f"warning: {text}", fg="yellow")
    for cause, skipped in missing.items():
        typer.secho(f"skipped {', '.join(skipped)}: {cause}", fg="yellow")
    defects = [*malformed, *(f"{item.suite}: {text}" for item in checks for text in item.defects)]
    for text in defects:
        typer.secho(f"defect: {text}", fg="red", err=True)
    if defects:
        raise typer.Exit(1)


def _told_once(checks: Sequence["SuiteCheck"]) -> Iterator[str]:
    """The warnings, one that several suites of a set share with the names of all of them."""
    suites: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in checks:
        for text in item.warnings:
            suites[item.suite.split("/")[1], text].append(item.suite)
    for (_, text), names in suites.items():
        yield f"{', '.join(names)}: {text}"


def _show(checks: Sequence["SuiteCheck"]) -> None:
    """A row a suite, narrow enough for 80 columns; a share is blank where there is nothing to find."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("suite", no_wrap=True)
    for column in ("train", "test", "refuse", "groups", "texts", "marks", "in place", "found"):
        table.add_column(column, justify="right", no_wrap=True)
    for item in checks:
        counts = (item.train, item.test, item.unanswerable, item.groups, item.texts, item.marks)
        shares = (_share(item.marks_in_place, item.marks), _share(item.found, item.findable))
        table.add_row(item.suite, *(str(count) for count in counts), *shares)
    Console().print(table)
    Console().print(
        "refuse: questions that cannot be answered. in place: marks that stand word for word where they say. "
        "found: questions whose gold is found where scoring looks for it."
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else ""
