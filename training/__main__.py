"""`python -m training STEP`: how the reader's weights are made; training/README.md tells more."""

import random
import sys
from pathlib import Path
from typing import Annotated

import typer

from evals.data import data_root
from ingest.progress import ProgressBar
from rag.adapters.reader_files import FOLDER
from rag.errors import AttestError
from training.embedding import NAME as EMBED
from training.embedding import learn_embedding
from training.export import export, export_chinese
from training.measure import measure, sample
from training.model import HEADS, shipped_weights
from training.prepare import prepare
from training.recipe import RANKED, ROUNDS, SEED, SHIPPED, development, learn
from training.work import Work

RECIPE_VERSION = "1"

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
Folder = Annotated[
    Path, typer.Option("--work", help="Folder for examples, checkpoints and results; any step resumes.")
]
After = Annotated[
    list[str] | None,
    typer.Option(
        "--after", help=f"After which round; of several, their mean. Left out: {', '.join(SHIPPED)}."
    ),
]
WORK = Path("training-work")


@cli.command("prepare")
def prepare_examples(work: Folder = WORK) -> None:
    """Make the examples from ATTEST_DATA, train documents alone."""
    with ProgressBar() as bar:
        made = Work(work)
        prepare(data_root(), made.data, made.home, ranked=RANKED, seed=SEED, report=bar.report)


@cli.command("learn")
def learn_rounds(
    work: Folder = WORK,
    rounds: Annotated[
        list[str] | None, typer.Option("--round", help=f"One of {', '.join(ROUNDS)}; left out, all in turn.")
    ] = None,
    share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of a round's material, what is learnt from.")
    ] = None,
    begin: Annotated[
        Path | None,
        typer.Option(help="Go on from an exported reader (rag/reader), not from the round before."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="For each round at most; its learning rate falls accordingly.")
    ] = None,
) -> None:
    """Learn characters, and all four heads, round after round; on a GPU where torch sees one."""
    for name in rounds or ROUNDS:
        if name not in ROUNDS:
            raise typer.BadParameter(f"{name} is none of {', '.join(ROUNDS)}", param_hint="--round")
        learn(Work(work), name, share=share, begin=begin, minutes=minutes)


@cli.command("embed")
def learn_to_embed(
    work: Folder = WORK,
    begin: Annotated[Path, typer.Option(help="The exported reader whose encoder is trained on.")] = FOLDER,
    share: Annotated[float, typer.Option(min=0, max=1, help="Of the questions, what is learnt from.")] = 1.0,
) -> None:
    """Give Chinese texts a place in the packaged model's space (about an hour on two cores)."""
    learn_embedding(Work(work), begin, share=share)


@cli.command("measure")
def measure_development(
    work: Folder = WORK,
    after: After = None,
    limit: Annotated[int, typer.Option(help="Examples of each source.")] = 400,
) -> None:
    """Print what a network can do on the development documents."""
    network, tokenizer = Work(work).network(*(after or SHIPPED))
    chosen = sample(development(Work(work)), limit, random.Random(SEED))
    for figure in measure(network, tokenizer, chosen):
        size = f"n {figure.n}, documents {figure.documents}"
        typer.echo(f"{figure.source:32} {figure.name:28} {figure.value:.3f}  {size}")


@cli.command("export")
def export_weights(work: Folder = WORK, after: After = None, folder: Path = FOLDER) -> None:
    """Write the files that are shipped: int8 weights, tokenizer, hashes."""
    network, _ = Work(work).network(*(after or SHIPPED))
    recipe = {"version": RECIPE_VERSION, "heads": HEADS}
    export(shipped_weights(network), Work(work).tokenizer, recipe, folder)


@cli.command("export-embedding")
def export_embedding(work: Folder = WORK, folder: Path = FOLDER) -> None:
    """Write the encoder of Chinese texts beside the reader that it was trained on from."""
    network, _ = Work(work).network(EMBED)
    export_chinese(shipped_weights(network), folder)


if __name__ == "__main__":
    try:
        cli()
    except AttestError as error:
        sys.exit(f"{error}")
