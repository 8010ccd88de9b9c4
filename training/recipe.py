"""The rounds of training: what each learns from, how fast, and in which order."""

import hashlib
import os
import random
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import TypeVar

import torch
from tokenizers import Tokenizer

from evals.data import is_development
from rag.adapters.reader_files import HASHES_FILE, TOKENIZER_FILE, ReaderFiles
from training.batches import TOKENS_PER_BATCH
from training.examples import Example, read_examples
from training.loader import Material, batches_of
from training.model import ReaderNetwork, from_exported
from training.train import Phase, train
from training.work import CLOZE_FILES, MASKED_FILES, RANKING_FILES, SPANS_FILE, SUPPORT_FILE, Work, lines

SEED = 20261122
EVERY = "*"  # every source of a file
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over questions, claims and texts.

    `times`: by file, how often the examples of each source are learnt; below 1 a random part is taken. What a
    file holds of other sources is left out. `masked`: how often the texts of a language are, with tokens
    hidden. `share`: of all these, shuffled, what is learnt from. `learning_rate` is the highest.
    `begins_after`: the round whose weights it goes on from; None: those of the packaged encoder.
    """

    times: Mapping[str, Mapping[str, float]]
    learning_rate: float
    begins_after: str | None
    share: float = 1.0
    masked: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Machine:
    """What fits the machine: on a GPU larger batches, dropout, and other processes that make the batches."""

    device: str
    tokens_per_batch: int
    dropout: float
    workers: int


def this_machine() -> Machine:
    """A GPU where torch sees one."""
    if torch.cuda.is_available():
        return Machine("cuda", 4 * TOKENS_PER_BATCH, dropout=0.1, workers=max(1, (os.cpu_count() or 2) - 2))
    return Machine("cpu", TOKENS_PER_BATCH, dropout=0.0, workers=0)


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


def _twice(times: Mapping[str, Mapping[str, float]]) -> Mapping[str, Mapping[str, float]]:
    return {file: {source: 2 * each for source, each in of.items()} for file, of in times.items()}


READ_AGAIN = _by_file(
    spans={
        "squad_slice": 4.0,
        "covid_qa": 4.0,
        "bioasq": 4.0,
        "policyqa": 3.0,
        "cuad": 2.5,
        "cmrc2018": 2.5,
        "drcd": 4.0,
    },
    ranking={
        "retrieval/stard": 5.0,
        "reading/covid_qa": 4.0,
        "reading/bioasq": 4.0,
        "document/cuad": 2.0,
        "retrieval/bioasq": 4.0,
        "reading/squad_slice": 2.0,
        "document/policyqa": 2.0,
        "reading/cmrc2018": 1.5,
        "reading/drcd": 1.5,
        "retrieval/fastapi": 3.0,
    },
    claims={
        "wice": 5.0,
        "expertqa": 3.0,
        "altered": 2.0,
        "stated": 0.5,
        "topical": 2.0,
        "joined": 1.5,
        "ideal": 2.0,
    },
    cloze={EVERY: 0.3},
)
ROUNDS = {
    "pretrain": Round(
        {CLOZE_FILES["en"]: {EVERY: 0.07}, CLOZE_FILES["zh"]: {EVERY: 0.05}},
        masked={"zh": 0.17},
        learning_rate=2e-4,
        begins_after=None,
    ),
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
        learning_rate=1.5e-4,
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
        learning_rate=1.5e-4,
        begins_after="read",
    ),
    "pretrain-more": Round(
        {file: {EVERY: 2.0} for file in CLOZE_FILES.values()},
        masked={"en": 2.0, "zh": 3.0},
        learning_rate=4e-4,
        begins_after="read-more",
    ),
    "read-again": Round(READ_AGAIN, learning_rate=1.5e-4, begins_after="pretrain-more"),
    "read-longer": Round(_twice(READ_AGAIN), learning_rate=2e-4, begins_after="pretrain-more"),
}
"""The first three take about an hour each on two cores; the others were sized for a GPU, and learnt on one in
three minutes (`pretrain-more`) and 3.7 minutes each, side by side. `SHIPPED` are those whose mean is shipped.

English labels are few and learnt more often than the others; of Chinese spans, which are plenty, a part is.
MedQuAD, which `training.ranking` knows too, is left out: its collection takes longer to embed than its
examples are worth. `training/log.md` tells why each round is as it is.
"""
SHIPPED = ("read-again", "read-longer")
RANKED = ROUNDS["read"].times[RANKING_FILES["en"]]
"""The suites that ranking examples are made of."""


def learn(
    work: Work,
    name: str,
    *,
    share: float | None = None,
    begin: Path | None = None,
    minutes: float | None = None,
) -> None:
    """Go through one of ROUNDS.

    `share`: of its shuffled material, what is learnt from; None: the round's own. `begin` is the folder of an
    exported reader to go on from, None: the end of the round before. After `minutes` the round ends, and its
    rate has fallen by then, whatever was learnt.
    """
    chosen, machine = ROUNDS[name], this_machine()
    torch.manual_seed(SEED)
    network, tokenizer = _beginning(work, chosen, begin, machine.dropout)
    chance = random.Random(f"{SEED}:{name}")
    files = {work.data / file: times for file, times in chosen.times.items() if times}
    texts = {work.data / MASKED_FILES[language]: times for language, times in chosen.masked.items()}
    material = Material(
        [item for file, times in files.items() for item in _repeated(_training(file), times, chance)],
        [line for file, times in texts.items() for line in _times(lines(file), times, chance)],
        tokenizer,
        machine.tokens_per_batch,
        SEED,
    )
    learnt = chosen.share if share is None else share
    ended = work.done(chosen.begins_after) if chosen.begins_after else work.tokenizer
    before = begin / HASHES_FILE if begin else ended
    train(
        network.to(machine.device),
        Phase(
            name=name,
            batches=lambda: batches_of(material, machine.workers),
            examples=round(learnt * (len(material.pairs) + len(material.texts))),
            learning_rate=chosen.learning_rate,
            seconds=None if minutes is None else 60 * minutes,
            made_from=_digest((learnt, *astuple(chosen)), [*files, *texts, before]),
        ),
        work.checkpoints,
    )


def _beginning(
    work: Work, chosen: Round, begin: Path | None, dropout: float
) -> tuple[ReaderNetwork, Tokenizer]:
    """The network that a round goes on from; an exported one's tokenizer becomes that of the work folder."""
    if begin:
        files = ReaderFiles(begin)
        shutil.copyfile(files.verified(TOKENIZER_FILE), work.tokenizer)
        return from_exported(files, dropout=dropout), Tokenizer.from_file(str(work.tokenizer))
    if chosen.begins_after:
        return work.network(chosen.begins_after, dropout=dropout)
    # Whoever goes on from a reader needs neither the package nor what reads it.
    from training.origin import extended_tokenizer, packaged_encoder  # noqa: PLC0415

    tokenizer = extended_tokenizer(lines(work.data / MASKED_FILES["zh"]), work.tokenizer)
    return packaged_encoder(tokenizer.get_vocab(), dropout=dropout), tokenizer


def _repeated(
    examples: Iterable[Example], times: Mapping[str, float], chance: random.Random
) -> Iterator[Example]:
    """Each example as often as its source says ("altered:cuad" is of "altered"); of a fraction, by chance."""
    for example in examples:
        wanted = times.get(example.source.partition(":")[0], times.get(EVERY, 0.0))
        yield from _times([example], wanted, chance)


def _times(items: Iterable[T], times: float, chance: random.Random) -> Iterator[T]:
    for item in items:
        for _ in range(int(times) + (chance.random() < times % 1)):
            yield item


def development(work: Work) -> Iterator[Example]:
    """Every example of the documents that training never sees."""
    for name in (SPANS_FILE, *RANKING_FILES.values(), SUPPORT_FILE):
        yield from (item for item in read_examples(work.data / name) if is_development(item.group))


def _training(path: Path) -> Iterator[Example]:
    """The examples of a file that are not of the development split."""
    return (example for example in read_examples(path) if not is_development(example.group))


def _digest(amounts: tuple[object, ...], files: Iterable[Path]) -> str:
    """Tells the options and the files of one training from those of another."""
    digest = hashlib.sha256(repr(amounts).encode())
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
