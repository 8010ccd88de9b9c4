"""The phases of training: what each learns from, how fast, and in which order."""

import gzip
import hashlib
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer

from evals.data import is_development
from rag.adapters.reader_files import HASHES_FILE, TOKENIZER_FILE, ReaderFiles
from rag.tokens import is_unspaced
from training.batches import Batch, masked_batches, pair_batches
from training.examples import Example, read_examples
from training.model import ReaderNetwork, from_exported, from_packaged_encoder, original_tokenizer
from training.prepare import CLOZE_FILES, MASKED_FILE, RANKING_FILES, SPANS_FILE, SUPPORT_FILE
from training.train import Phase, interleaved, train
from training.vocabulary import PUNCTUATION, extended, missing_characters

SEED = 20261122
PRETRAINING_RATE, READING_RATE = 2e-4, 1.5e-4


@dataclass(frozen=True, slots=True)
class PretrainingAmounts:
    """Cloze questions by language, and Chinese passages with characters hidden."""

    cloze_en: int = 10_000
    cloze_zh: int = 5_000
    masked: int = 12_000


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over questions and claims.

    `times`: by file, how often the examples of each source are learnt; below 1 a random part is taken. What a
    file holds of other sources is left out. `share`: of all these, shuffled, what is learnt from.
    `begins_after`: the phase whose weights it goes on from.
    """

    times: Mapping[str, Mapping[str, float]]
    share: float
    begins_after: str


def _by_file(
    spans: Mapping[str, float],
    ranking: Mapping[str, float],
    claims: Mapping[str, float],
    cloze: Mapping[str, float],
) -> Mapping[str, Mapping[str, float]]:
    ranked, clozes = (
        dict.fromkeys(RANKING_FILES.values(), ranking),
        dict.fromkeys(CLOZE_FILES.values(), cloze),
    )
    return {SPANS_FILE: spans, **ranked, SUPPORT_FILE: claims, **clozes}


ROUNDS = {
    "read": Round(
        _by_file(
            spans={
                "squad_slice": 2.0,
                "covid_qa": 2.0,
                "bioasq": 2.0,
                "policyqa": 1.2,
                "cuad": 0.7,
                "cmrc2018": 0.2,
                "drcd": 0.35,
            },
            ranking={
                "retrieval/stard": 1.5,
                "reading/covid_qa": 0.9,
                "reading/bioasq": 0.9,
                "document/cuad": 0.7,
                "retrieval/bioasq": 0.6,
                "reading/squad_slice": 0.4,
                "document/policyqa": 0.5,
                "reading/cmrc2018": 0.2,
                "reading/drcd": 0.2,
                "retrieval/fastapi": 0.5,
            },
            claims={
                "wice": 2.0,
                "expertqa": 1.0,
                "altered": 0.2,
                "stated": 0.15,
                "topical": 0.3,
                "joined": 0.25,
                "ideal": 0.4,
            },
            cloze={},
        ),
        share=0.8,
        begins_after="pretrain",
    ),
    "read-more": Round(
        _by_file(
            spans={
                "squad_slice": 1.5,
                "covid_qa": 1.5,
                "bioasq": 1.2,
                "policyqa": 0.7,
                "cuad": 0.5,
                "cmrc2018": 0.3,
                "drcd": 0.6,
            },
            ranking={
                "retrieval/stard": 1.0,
                "reading/covid_qa": 0.5,
                "reading/bioasq": 0.5,
                "document/cuad": 0.4,
                "retrieval/bioasq": 0.3,
                "reading/squad_slice": 0.3,
                "document/policyqa": 0.3,
                "reading/cmrc2018": 0.15,
                "reading/drcd": 0.15,
                "retrieval/fastapi": 0.5,
            },
            claims={
                "wice": 3.0,
                "expertqa": 1.0,
                "altered": 0.5,
                "stated": 0.15,
                "topical": 1.0,
                "joined": 0.3,
                "ideal": 0.4,
            },
            cloze={
                "cloze_recurring/wice": 0.6,
                "cloze_garbled/wice": 0.6,
                "cloze_recurring/squad_slice": 0.5,
                "cloze_garbled/squad_slice": 0.5,
            },
        ),
        share=0.62,
        begins_after="read",
    ),
}
"""The shipped weights are those after the last; each takes about an hour on two cores.

English labels are few and learnt more often than the others; of Chinese spans, which are plenty, a part is.
MedQuAD, which `training.ranking` knows too, is left out: its collection takes longer to embed than its
examples are worth. The second round has what the first had too little of (training/log.md): claims with a
fact altered, and cloze questions on encyclopedic sentences.
"""
RANKED = ROUNDS["read"].times[RANKING_FILES["en"]]
"""The suites that ranking examples are made of."""


@dataclass(frozen=True, slots=True)
class Work:
    """The folder of examples, checkpoints and results."""

    folder: Path

    @property
    def data(self) -> Path:
        """Where `prepare` writes and training reads."""
        return self.folder / "data"

    @property
    def home(self) -> Path:
        """The collections that ranking examples are mined from."""
        return self.folder / "home"

    @property
    def tokenizer(self) -> Path:
        """The extended tokenizer."""
        return self.folder / "tokenizer.json"

    @property
    def checkpoints(self) -> Path:
        """What each phase leaves."""
        return self.folder / "checkpoints"

    def network(self, phase: str) -> tuple[ReaderNetwork, Tokenizer]:
        """The network as it was after a phase, and its tokenizer; FileNotFoundError before that."""
        tokenizer = Tokenizer.from_file(str(self.tokenizer))
        network = ReaderNetwork(tokenizer.get_vocab_size())
        path = self.checkpoints / f"{phase}.done.pt"
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["network"])
        return network, tokenizer


def pretrain(work: Work, amounts: PretrainingAmounts) -> None:
    """Learn Chinese characters, and to find spans, from unlabelled text."""
    torch.manual_seed(SEED)
    texts = _lines(work.data / MASKED_FILE)
    tokenizer = _tokenizer(work, texts)
    network = from_packaged_encoder(tokenizer.get_vocab())
    files = [work.data / name for name in CLOZE_FILES.values()]
    limits = (amounts.cloze_en, amounts.cloze_zh)
    cloze = [item for file, limit in zip(files, limits, strict=True) for item in _training(file, limit)]
    texts = texts[: amounts.masked]

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
        Phase(
            name="pretrain",
            batches=batches,
            examples=len(cloze) + len(texts),
            learning_rate=PRETRAINING_RATE,
            candidates=_candidates(tokenizer),
            made_from=_digest(astuple(amounts), [*files, work.data / MASKED_FILE]),
        ),
        work.checkpoints,
    )


def read(work: Work, round_name: str, share: float | None, begin: Path | None) -> None:
    """Learn all four heads in one of ROUNDS.

    `share`: of its shuffled questions and claims, what is learnt from; None: the round's own.
    `begin` is the folder of an exported reader to go on from, None: the end of the phase before.
    """
    chosen = ROUNDS[round_name]
    learnt = chosen.share if share is None else share
    torch.manual_seed(SEED)
    network, tokenizer = work.network(chosen.begins_after) if begin is None else _exported(work, begin)
    beginning = work.checkpoints / f"{chosen.begins_after}.done.pt" if begin is None else begin / HASHES_FILE
    random_source = random.Random(SEED + 3)
    files = {work.data / name: times for name, times in chosen.times.items() if times}
    examples = [
        example
        for file, times in files.items()
        for example in _repeated(_training(file), times, random_source)
    ]
    train(
        network.to(_device()),
        Phase(
            name=round_name,
            batches=lambda: pair_batches(examples, tokenizer, random.Random(SEED + 4)),
            examples=round(learnt * len(examples)),
            learning_rate=READING_RATE,
            candidates=_candidates(tokenizer),
            made_from=_digest(
                (learnt, *(item for times in files.values() for item in times.items())),
                [*files, beginning],
            ),
        ),
        work.checkpoints,
    )


def _exported(work: Work, folder: Path) -> tuple[ReaderNetwork, Tokenizer]:
    """An exported reader's network; its tokenizer becomes that of the work folder."""
    files = ReaderFiles(folder)
    shutil.copyfile(files.verified(TOKENIZER_FILE), work.tokenizer)
    return from_exported(files), Tokenizer.from_file(str(work.tokenizer))


def _repeated(
    examples: Sequence[Example], times: Mapping[str, float], random_source: random.Random
) -> Iterator[Example]:
    """Each example as often as its source says ("altered:cuad" is of "altered"); of a fraction, by chance."""
    for example in examples:
        wanted = times.get(example.source.partition(":")[0], 0.0)
        for _ in range(int(wanted) + (random_source.random() < wanted % 1)):
            yield example


def development(work: Work) -> Iterator[Example]:
    """Every example of the documents that training never sees."""
    for name in (SPANS_FILE, *RANKING_FILES.values(), SUPPORT_FILE):
        yield from (item for item in read_examples(work.data / name) if is_development(item.group))


def _training(path: Path, limit: int | None = None) -> list[Example]:
    """The first examples of a file that are not of the development split."""
    kept: list[Example] = []
    for example in read_examples(path):
        if len(kept) == limit:
            break
        if not is_development(example.group):
            kept.append(example)
    return kept


def _lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip()]


def _tokenizer(work: Work, texts: Sequence[str]) -> Tokenizer:
    """The extended tokenizer, made once."""
    if work.tokenizer.is_file():
        return Tokenizer.from_file(str(work.tokenizer))
    original = Tokenizer.from_file(str(original_tokenizer()))
    return extended(original_tokenizer(), missing_characters(original, texts), work.tokenizer)


def _candidates(tokenizer: Tokenizer) -> torch.Tensor:
    """The ids of Chinese characters and marks, ascending."""
    chosen = [i for token, i in tokenizer.get_vocab().items() if is_unspaced(token) or token in PUNCTUATION]
    return torch.tensor(sorted(chosen))


def _digest(amounts: tuple[object, ...], files: Sequence[Path]) -> str:
    """Tells the options and the files of one training from those of another."""
    digest = hashlib.sha256(repr(amounts).encode())
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
