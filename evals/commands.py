"""`attest eval`: ask a suite's questions, and see, compare, calibrate and gate what came of it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from evals.calibrate.commands import calibrate
from evals.gate.commands import gate
from evals.questions import Split
from evals.report.commands import report
from evals.verify.commands import verify_data
from evals.wording_options import DecodingOption, GeneratorOption, ModeOption, ProfileOption
from rag.decoding import AnswerMode

if TYPE_CHECKING:
    from evals.questions import EvalQuestion, QuestionSet
    from evals.records import RunFolder
    from evals.suites import Suite
    from evals.tasks import Ask
    from evals.wording import Wording
    from rag.settings import Settings
    from rag.system import System

T = TypeVar("T")

DATA_MISSING = 2
DEFAULT_HOME = Path(".attest/evals")

eval_ = typer.Typer(
    help="Ask questions whose answers are known, through the same wiring that serves, and measure what comes "
    "back. Public data sets are found through ATTEST_DATA; your own questions are a JSONL or CSV file.",
    no_args_is_help=True,
)
eval_.command("calibrate")(calibrate)
eval_.command("report")(report)
eval_.command("gate")(gate)
eval_.command("verify-data")(verify_data)


@eval_.command("list")
def list_suites(
    names: Annotated[bool, typer.Option("--names", help="Only the names, a line each.")] = False,
) -> None:
    """List the suites, and what counts as a right answer in each."""
    from rich.console import Console
    from rich.table import Table

    from evals.suites import SUITES

    if names:
        typer.echo("\n".join(suite.name for suite in SUITES))
        return
    table = Table("suite", "about", "right when", box=None, pad_edge=False)
    for suite in SUITES:
        table.add_row(suite.name, suite.about, suite.correct)
    Console().print(table)


@eval_.command("run")
def run(
    name: Annotated[
        str,
        typer.Argument(
            metavar="SUITE", help="A name that `attest eval list` shows, or a file of your own questions."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The run's folder; given again, the run continues there.")],
    split: Annotated[Split, typer.Option(help="Which questions to ask.")] = Split.ALL,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask only this many, chosen by their ids and the seed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Chooses the questions of a limit.")] = 0,
    sample_id: Annotated[
        list[str] | None, typer.Option(help="Ask only the question of this id; may be given again.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Questions asked at once.")] = 1,
    collection: Annotated[
        str, typer.Option(help="The collection to ask, for your own questions; suites bring their own.")
    ] = "",
    home: Annotated[
        Path | None, typer.Option(help="The folder of state; .attest/evals, or yours with --collection.")
    ] = None,
    generator: GeneratorOption = "extractive",
    profile: ProfileOption = "general",
    mode: ModeOption = AnswerMode.JSON,
    decoding: DecodingOption = "{}",
) -> None:
    """Ask a suite's questions and measure the answers.

    Writes header.json, then records.jsonl, a line per question as it is answered, then metrics.json from
    the records alone. The corpus is ingested on the first run and found unchanged on the next ones. A run
    that was stopped continues where it was, also one that ended because a language model's server was down.

    Exit status: 0 measured, 2 the suite's data is not on this machine, 1 another error.
    """
    from evals.records import RunFolder
    from evals.run import Selection, header_for
    from evals.tasks import way_of_asking
    from evals.wording import wording_of
    from rag.wiring import open_system

    wording = wording_of(generator, profile, mode, decoding)
    with _missing_data_as_status():
        suite, data = _questions_of(name, collection, wording)
        selection = Selection(split, limit, seed, tuple(sample_id or ()))
        questions = selection.of(suite, data)
    folder = RunFolder(out)
    with open_system(_settings(home, collection)) as system:
        if collection:
            system.refresh(collection)  # a name that is not there is an error now, not one per question
        header = header_for(suite, selection, data, questions, system, collection=collection, wording=wording)
        folder.begin(header)
        asked = collection or _bring_in(system, data)
        _ask(way_of_asking(suite.task, system, asked, wording), questions, folder, concurrency)
    _show(folder)


@eval_.command("score")
def score_again(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
) -> None:
    """Compute metrics.json of runs again from their records; nothing is asked and no model is loaded."""
    from evals.records import RunFolder

    for folder in folders:
        _show(RunFolder(folder))


@eval_.command("compare")
def compare_runs(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="A run's folder.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="Another run of the same suite.")],
) -> None:
    """Compare two runs question by question: what changed, and whether by more than chance."""
    from rich.console import Console
    from rich.table import Table

    from evals.compare import compare
    from evals.records import RunFolder

    comparison = compare(RunFolder(before), RunFolder(after))
    table = Table(
        title=f"{comparison.suite}: {after} against {before}, {comparison.shared} questions",
        caption="smallest: the smallest true difference that so many questions show in four of five tries",
    )
    for column in ("metric", "before", "after", "difference", "95 % interval", "p", "smallest", "n"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for row in comparison.differences:
        values = (f"{row.first:.3f}", f"{row.second:.3f}", f"{row.difference:+.3f}")
        noise = (f"{row.low:+.3f} to {row.high:+.3f}", f"{row.p:.3f}", f"{row.smallest:.3f}")
        table.add_row(row.name, *values, *noise, str(row.n))
    Console().print(table)
    for note in comparison.notes:
        typer.secho(f"note: {note}", fg="yellow")


@contextmanager
def _missing_data_as_status() -> Iterator[None]:
    from evals.data import DataMissingError

    try:
        yield
    except DataMissingError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(DATA_MISSING) from error


def _questions_of(name: str, collection: str, wording: "Wording") -> "tuple[Suite, QuestionSet]":
    """The suite of this name with its questions; a file of questions is a suite of its own."""
    from evals.data import data_root
    from evals.sets.own import load_own
    from evals.suites import own_suite, suite_named
    from evals.tasks import require_answers
    from rag.errors import InvalidRequestError

    if not name.lower().endswith((".jsonl", ".csv")):
        if collection:
            raise InvalidRequestError(
                f"{name} brings its own collection; leave --collection out, or name a .jsonl or .csv file",
                "collection",
            )
        suite = suite_named(name)
        require_answers(suite.task, wording)
        return suite, suite.load(data_root())
    if not collection:
        raise InvalidRequestError(
            "questions of your own need --collection, the name of the collection to ask", "collection"
        )
    path = Path(name)
    return own_suite(path), load_own(path)


def _settings(home: Path | None, collection: str) -> "Settings":
    """The operator's own settings for their own collection; a database of its own for public corpora."""
    from rag.settings import load_settings

    if collection:
        return load_settings(home)
    return load_settings(home or DEFAULT_HOME).model_copy(update={"database_url": ""})


def _bring_in(system: "System", data: "QuestionSet") -> str:
    """The name of the collection that holds the suite's corpus now; "" where it needs none."""
    from rich.console import Console
    from rich.progress import Progress

    from evals.run import bring_in
    from ingest.wiring import open_ingestion

    corpus = data.corpus
    if corpus is None:
        return ""
    ingestion = open_ingestion(system)
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("corpus", total=sum(len(text.text) for text in corpus.texts))
            stored = bring_in(
                ingestion, corpus, lambda done: progress.update(bar, completed=done.characters_done)
            )
    finally:
        ingestion.close()
    message = f"corpus: {stored} of {len(corpus.texts)} stored now, in collection {corpus.collection}"
    typer.echo(message, err=True)
    return corpus.collection


def _ask(
    ask: "Ask",
    questions: Sequence["EvalQuestion"],
    folder: "RunFolder",
    concurrency: int,
) -> None:
    from evals.run import ask_all

    known = list(folder.records())
    done = sum(1 for record in known if not record.error)
    if known:
        again = f", {len(known) - done} that failed are asked again" if len(known) > done else ""
        typer.echo(f"continuing: {done} of {len(questions)} questions have their record{again}", err=True)
    records = ask_all(ask, questions, folder, concurrency)
    failed = sum(1 for record in _shown(records, "questions", len(questions) - done) if record.error)
    if failed:
        message = (
            f"{failed} questions failed and count as wrong; see records.jsonl, or run it again to ask them"
        )
        typer.secho(message, fg="yellow", err=True)


def _shown(items: Iterable[T], description: str, total: int) -> Iterable[T]:
    """The items, with a progress bar on standard error."""
    from rich.console import Console
    from rich.progress import track

    return track(items, description, total=total, console=Console(stderr=True), transient=True)


def _show(folder: "RunFolder") -> None:
    from rich.console import Console
    from rich.table import Table

    from evals.score import score

    header = folder.header()
    measured = score(folder)
    table = Table(title=f"{header.suite}, split {header.split}")
    for column in ("metric", "value", "95 % interval", "n"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for item in measured:
        table.add_row(item.name, f"{item.value:.3f}", f"{item.low:.3f} to {item.high:.3f}", str(item.n))
    Console().print(table)
