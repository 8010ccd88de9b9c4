"""`attest eval`: list the suites, run one, score a run again."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from evals.suites import SUITES, Split, suite_named

if TYPE_CHECKING:
    from evals.data import Query, RetrievalSet
    from evals.records import RunFolder
    from evals.suites import Suite
    from rag.system import System

T = TypeVar("T")

DATA_MISSING = 2
DEFAULT_HOME = Path(".attest/evals")

eval_ = typer.Typer(
    help="Measure retrieval on public data sets, through the same wiring that serves. The sets are found "
    "through ATTEST_DATA.",
    no_args_is_help=True,
)


@eval_.command("list")
def list_suites() -> None:
    """List the suites and the splits that each has."""
    for suite in SUITES:
        splits = "all, train, test" if suite.is_test else "all"
        typer.echo(f"{suite.name:<24}{splits:<20}{suite.about}")


@eval_.command("run")
def run(
    name: Annotated[str, typer.Argument(metavar="SUITE", help="A name that `attest eval list` shows.")],
    out: Annotated[Path, typer.Option(help="The run's folder; given again, the run continues there.")],
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask only this many questions, always the same ones.")
    ] = None,
    split: Annotated[Split, typer.Option(help="Which questions to ask.")] = Split.ALL,
    home: Annotated[
        Path, typer.Option(help="The folder that keeps the suites' collections between runs.")
    ] = DEFAULT_HOME,
) -> None:
    """Ask a suite's questions and measure the ranking of the documents found.

    Writes header.json, then records.jsonl, a line per question as it is answered, then metrics.json from
    the records alone. The corpus is ingested on the first run and found unchanged on the next ones.

    Exit status: 0 measured, 2 the suite's data is not on this machine, 1 another error.
    """
    from evals.data import data_root, load_retrieval_set
    from evals.metrics import SEED
    from evals.records import RunFolder
    from evals.run import header_for
    from rag.settings import Settings
    from rag.wiring import open_system

    suite = suite_named(name)
    with _missing_data_as_status():
        data = load_retrieval_set(data_root() / suite.folder)
    queries = suite.select(data.queries, split, limit, SEED)
    folder = RunFolder(out)
    # Always SQLite under `home`: a suite's corpus has no place in the database that production uses.
    with open_system(Settings(home=home, database_url="")) as system:
        space = system.embedder.space
        folder.begin(header_for(suite, split=split, limit=limit, data=data, queries=queries, space=space))
        collection = _bring_in(system, suite, data)
        _ask(system, collection, queries, folder)
    _show(suite, folder)


@eval_.command("score")
def score_again(
    folder: Annotated[Path, typer.Argument(help="The folder of a run.")],
) -> None:
    """Compute a run's metrics.json again from its records; nothing is asked."""
    from evals.records import RunFolder

    run_folder = RunFolder(folder)
    _show(suite_named(run_folder.header().suite), run_folder)


@contextmanager
def _missing_data_as_status() -> Iterator[None]:
    from evals.data import DataMissingError

    try:
        yield
    except DataMissingError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(DATA_MISSING) from error


def _bring_in(system: "System", suite: "Suite", data: "RetrievalSet") -> str:
    """The name of the collection that holds the suite's corpus now."""
    from evals.run import collection_name, texts_of
    from ingest.wiring import open_ingestion

    name = collection_name(suite, data)
    ingestion = open_ingestion(system)
    try:
        texts = _shown(texts_of(data), "corpus", len(data.corpus))
        stored = ingestion.add_texts(texts, name, source=suite.name, report=lambda _: None)
    finally:
        ingestion.close()
    typer.echo(f"corpus: {stored} of {len(data.corpus)} stored now, in collection {name}", err=True)
    return name


def _ask(system: "System", collection: str, queries: Sequence["Query"], folder: "RunFolder") -> None:
    from evals.run import ask_all

    done = sum(1 for _ in folder.records())
    if done:
        typer.echo(f"continuing: {done} of {len(queries)} questions have their record", err=True)
    records = ask_all(system.search, collection, queries, folder)
    failed = sum(1 for record in _shown(records, "questions", len(queries) - done) if record.error)
    if failed:
        typer.secho(f"{failed} questions failed and count as 0; see records.jsonl", fg="yellow", err=True)


def _shown(items: Iterable[T], description: str, total: int) -> Iterable[T]:
    """The items, with a progress bar on standard error."""
    from rich.console import Console
    from rich.progress import track

    return track(items, description, total=total, console=Console(stderr=True), transient=True)


def _show(suite: "Suite", folder: "RunFolder") -> None:
    from rich.console import Console
    from rich.table import Table

    from evals.run import score

    header = folder.header()
    measured = score(folder)
    if measured[0].n < header.questions:
        message = f"incomplete: {measured[0].n} of {header.questions} questions; run it again to continue"
        typer.secho(message, fg="yellow", err=True)
    table = Table(title=f"{suite.name}, split {header.split}")
    for column in ("measure", "value", "95 % interval", "n"):
        table.add_column(column, justify="left" if column == "measure" else "right")
    for item in measured:
        table.add_row(item.name, f"{item.value:.3f}", f"{item.low:.3f} to {item.high:.3f}", str(item.n))
    Console().print(table)
