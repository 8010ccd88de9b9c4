"""`python -m training STEP`: how the reader's weights are made; training/README.md tells more."""

import random
import sys
from pathlib import Path
from typing import Annotated

import typer

from evals.data import data_root
from ingest.progress import ProgressBar
from rag.adapters.packaged_reader import FOLDER
from rag.errors import AttestError
from training.export import export
from training.measure import measure, sample
from training.model import HEADS, shipped_weights
from training.prepare import prepare
from training.recipe import RANKED, ROUNDS, SEED, PretrainingAmounts, Work, development, pretrain, read

RECIPE_VERSION = "1"
FIRST = PretrainingAmounts()
LAST = list(ROUNDS)[-1]

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
Folder = Annotated[
    Path, typer.Option("--work", help="Folder for examples, checkpoints and results; any step resumes.")
]
Phase = Annotated[str, typer.Option(help="After which phase.")]
WORK = Path("training-work")


@cli.command("prepare")
def prepare_examples(work: Folder = WORK) -> None:
    """Make the examples from ATTEST_DATA, train documents alone."""
    with ProgressBar() as bar:
        made = Work(work)
        prepare(data_root(), made.data, made.home, ranked=RANKED, seed=SEED, report=bar.report)


@cli.command("pretrain")
def first_phase(
    work: Folder = WORK,
    cloze_en: Annotated[int, typer.Option(help="English cloze questions.")] = FIRST.cloze_en,
    cloze_zh: Annotated[int, typer.Option(help="Chinese cloze questions.")] = FIRST.cloze_zh,
    masked: Annotated[int, typer.Option(help="Chinese passages with characters hidden.")] = FIRST.masked,
) -> None:
    """Learn Chinese characters, and to find spans, from unlabelled text."""
    pretrain(Work(work), PretrainingAmounts(cloze_en, cloze_zh, masked))


@cli.command("read")
def second_phase(
    work: Folder = WORK,
    rounds: Annotated[
        list[str] | None, typer.Option("--round", help=f"One of {', '.join(ROUNDS)}; left out, all in turn.")
    ] = None,
    share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of the examples, what is learnt from.")
    ] = None,
    begin: Annotated[
        Path | None,
        typer.Option(help="Go on from an exported reader (rag/reader), not from the phase before."),
    ] = None,
) -> None:
    """Learn all four heads from questions and claims."""
    for name in rounds or ROUNDS:
        if name not in ROUNDS:
            raise typer.BadParameter(f"{name} is none of {', '.join(ROUNDS)}", param_hint="--round")
        read(Work(work), name, share, begin)


@cli.command("measure")
def measure_development(
    work: Folder = WORK,
    phase: Phase = LAST,
    limit: Annotated[int, typer.Option(help="Examples of each source.")] = 400,
) -> None:
    """Print what a network can do on the development documents."""
    network, tokenizer = Work(work).network(phase)
    chosen = sample(development(Work(work)), limit, random.Random(SEED))
    for figure in measure(network, tokenizer, chosen):
        size = f"n {figure.n}, documents {figure.documents}"
        typer.echo(f"{figure.source:32} {figure.name:28} {figure.value:.3f}  {size}")


@cli.command("export")
def export_weights(work: Folder = WORK, phase: Phase = LAST, folder: Path = FOLDER) -> None:
    """Write the files that are shipped: int8 weights, tokenizer, hashes."""
    network, _ = Work(work).network(phase)
    recipe = {"version": RECIPE_VERSION, "heads": HEADS}
    export(shipped_weights(network), Work(work).tokenizer, recipe, folder)


if __name__ == "__main__":
    try:
        cli()
    except AttestError as error:
        sys.exit(f"{error}")
