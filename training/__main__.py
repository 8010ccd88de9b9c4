"""`python -m training STEP`: how the reader's weights are made; training/README.md tells more."""

import gzip
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import structlog
import torch
import typer
from tokenizers import Tokenizer

from evals.data import data_root
from ingest.progress import ProgressBar
from rag.adapters.packaged_reader import FOLDER
from rag.tokens import is_unspaced
from training.batches import Batch, masked_batches, pair_batches
from training.examples import Example, is_development, read_examples
from training.export import export
from training.measure import measure
from training.model import HEADS, ORIGINAL_TOKENIZER, ReaderNetwork, from_packaged_encoder, shipped_weights
from training.prepare import CLOZE_FILES, MASKED_FILE, RANKING_FILES, SPANS_FILE, SUPPORT_FILE, prepare
from training.train import Phase, interleaved, train
from training.vocabulary import PUNCTUATION, extended, missing_characters

LOG = structlog.get_logger()
SEED = 20261122
RECIPE_VERSION = "1"
QUESTION_FILES = (SPANS_FILE, *RANKING_FILES.values())
PRETRAINING_RATE, READING_RATE = 2e-4, 1.5e-4

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
Work = Annotated[Path, typer.Option(help="Folder for examples, checkpoints and results; any step resumes.")]


@cli.command("prepare")
def prepare_examples(work: Work = Path("training-work")) -> None:
    """Make the examples from ATTEST_DATA, train documents alone."""
    with ProgressBar() as bar:
        prepare(data_root(), work / "data", work / "home", SEED, bar.report)


@cli.command()
def pretrain(
    work: Work = Path("training-work"),
    cloze_en: Annotated[int, typer.Option(help="English cloze questions.")] = 30_000,
    cloze_zh: Annotated[int, typer.Option(help="Chinese cloze questions.")] = 15_000,
    masked: Annotated[int, typer.Option(help="Chinese passages with characters hidden.")] = 45_000,
) -> None:
    """Learn Chinese characters, and to find spans, from unlabelled text."""
    torch.manual_seed(SEED)
    texts = _lines(work / "data" / MASKED_FILE)
    tokenizer = _tokenizer(work, texts)
    network = from_packaged_encoder(tokenizer.get_vocab())
    cloze = [
        *_training(work / "data" / CLOZE_FILES["en"], cloze_en),
        *_training(work / "data" / CLOZE_FILES["zh"], cloze_zh),
    ]
    texts = texts[:masked]

    def batches() -> Iterator[Batch]:
        return interleaved(
            [
                (len(cloze), pair_batches(cloze, tokenizer, random.Random(SEED))),
                (len(texts), masked_batches(texts, tokenizer, random.Random(SEED + 1))),
            ],
            random.Random(SEED + 2),
        )

    train(
        network.to(_device()),
        Phase("pretrain", batches, len(cloze) + len(texts), PRETRAINING_RATE, _candidates(tokenizer)),
        work / "checkpoints",
    )


@cli.command()
def read(
    work: Work = Path("training-work"),
    english_epochs: Annotated[int, typer.Option(help="Times that English spans are learnt.")] = 2,
    claims: Annotated[int, typer.Option(help="Claims beside their evidence.")] = 20_000,
) -> None:
    """Learn all four heads from questions and claims."""
    torch.manual_seed(SEED)
    network, tokenizer = network_of(work, "pretrain")
    chance = random.Random(SEED + 3)
    questions = [
        example
        for name in QUESTION_FILES
        for example in _training(work / "data" / name)
        for _ in range(english_epochs if (name, example.language) == (SPANS_FILE, "en") else 1)
    ]
    supports = _training(work / "data" / SUPPORT_FILE)
    examples = [*questions, *chance.sample(supports, min(claims, len(supports)))]
    LOG.info("reading", examples=dict(Counter((item.task.value, item.language) for item in examples)))

    def batches() -> Iterator[Batch]:
        return pair_batches(examples, tokenizer, random.Random(SEED + 4))

    phase = Phase("read", batches, len(examples), READING_RATE, _candidates(tokenizer))
    train(network.to(_device()), phase, work / "checkpoints")


@cli.command("measure")
def measure_development(
    work: Work = Path("training-work"),
    phase: Annotated[str, typer.Option(help="After which phase.")] = "read",
    limit: Annotated[int, typer.Option(help="Examples of each source.")] = 400,
) -> None:
    """Print what a network can do on the development documents."""
    network, tokenizer = network_of(work, phase)
    chosen: dict[str, list[Example]] = defaultdict(list)
    for name in (*QUESTION_FILES, SUPPORT_FILE):
        for example in read_examples(work / "data" / name):
            if is_development(example.group) and len(chosen[example.source]) < limit:
                chosen[example.source].append(example)
    for figure in measure(network, tokenizer, [item for items in chosen.values() for item in items]):
        typer.echo(f"{figure.source:32} {figure.name:28} {figure.value:.3f}  n {figure.n}")


@cli.command("export")
def export_weights(
    work: Work = Path("training-work"),
    phase: Annotated[str, typer.Option(help="After which phase.")] = "read",
    folder: Annotated[Path, typer.Option(help="Where the reader's files go.")] = FOLDER,
) -> None:
    """Write the files that are shipped: int8 weights, tokenizer, hashes."""
    network, _ = network_of(work, phase)
    recipe = {"version": RECIPE_VERSION, "heads": HEADS}
    export(shipped_weights(network), work / "tokenizer.json", recipe, folder)


def _lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip()]


def _tokenizer(work: Path, texts: Sequence[str]) -> Tokenizer:
    """The extended tokenizer, made once."""
    path = work / "tokenizer.json"
    if path.is_file():
        return Tokenizer.from_file(str(path))
    original = Tokenizer.from_file(str(ORIGINAL_TOKENIZER))
    return extended(ORIGINAL_TOKENIZER, missing_characters(original, texts), path)


def _candidates(tokenizer: Tokenizer) -> torch.Tensor:
    """The ids of Chinese characters and marks, ascending."""
    chosen = [i for token, i in tokenizer.get_vocab().items() if is_unspaced(token) or token in PUNCTUATION]
    return torch.tensor(sorted(chosen))


def _training(path: Path, limit: int | None = None) -> list[Example]:
    """The first examples of a file that are not of the development split."""
    kept: list[Example] = []
    for example in read_examples(path):
        if len(kept) == limit:
            break
        if not is_development(example.group):
            kept.append(example)
    return kept


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def network_of(work: Path, phase: str) -> tuple[ReaderNetwork, Tokenizer]:
    """The network as it was after a phase, and its tokenizer."""
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    network = ReaderNetwork(tokenizer.get_vocab_size())
    state = torch.load(work / "checkpoints" / f"{phase}.done.pt", map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    return network, tokenizer


if __name__ == "__main__":
    cli()
