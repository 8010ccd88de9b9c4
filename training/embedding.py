"""Chinese texts learn a place in the packaged model's space: questions near the passages that answer them.

The encoder of the reader is trained on, its token embeddings kept as they are, so that both can share them.
Passages in English keep the vectors that the packaged model gives them: a Chinese question learns to find
those, and English texts need no second encoder.
"""

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from evals.data import is_development
from rag.adapters.packaged_minilm import PackagedMiniLM
from rag.adapters.reader_files import TOKENIZER_FILE, ReaderFiles
from rag.encodable import encodable
from training.batches import ContrastBatch
from training.examples import Example, read_examples
from training.model import WIDTH, from_exported
from training.train import Phase, train
from training.work import CLOZE_FILES, RANKING_FILES, SPANS_FILE, Work

NAME = "embed"
SEED = 20261128
QUESTION_TOKENS, PASSAGE_TOKENS = 48, 112
LENGTH_STEP = 16
QUESTIONS_PER_BATCH = 64  # each question's own passage is wrong for the others
WRONG_SHARE = 0.35  # of the questions whose high-ranked wrong passages are known, how many show one
LEARNING_RATE = 3e-4
EPOCHS = 2
TIMES = {"retrieval/stard": 8, "retrieval/fastapi": 3}
"""How often the few questions on statutes and on English pages are learnt, for one time of the others."""
CLOZE = 20_000
"""Cloze questions of Chinese texts, drawn from all."""


Known: TypeAlias = Mapping[str, NDArray[np.float32]]
"""Vectors of texts that need not be computed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, a passage that answers it, and passages that a search ranked high and that do not."""

    kind: str
    question: str
    passage: str
    wrong: tuple[str, ...] = ()


def learn_embedding(work: Work, begin: Path, *, share: float = 1.0) -> None:
    """Train on the encoder of an exported reader, in `begin`; goes on where it was stopped."""
    files = ReaderFiles(begin)
    tokenizer = Tokenizer.from_file(str(files.verified(TOKENIZER_FILE)))
    network = from_exported(files)
    network.encoder.embeddings.requires_grad_(False)
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    asked = questions_with_passages(work)
    known = _known_vectors(asked)
    options = repr((share, EPOCHS, LEARNING_RATE, QUESTIONS_PER_BATCH, WRONG_SHARE, asked))
    train(
        network,
        Phase(
            name=NAME,
            batches=lambda: contrast_batches(asked, tokenizer, known, random.Random(SEED)),
            examples=round(share * EPOCHS * len(asked)),
            learning_rate=LEARNING_RATE,
            made_from=hashlib.sha256(f"{options}{files.fingerprint()}".encode()).hexdigest(),
        ),
        work.checkpoints,
    )


def questions_with_passages(work: Work) -> list[Asked]:
    """Train questions in Chinese with what answers them, those of TIMES as often as it says."""
    ranked = _training(work.data / RANKING_FILES["zh"])
    wrong: dict[str, list[str]] = {}
    for example in ranked:
        if example.relevance == 0:
            wrong.setdefault(example.question, []).append(_text(example))
    spans = (example for example in _training(work.data / SPANS_FILE) if example.language == "zh")
    cloze = _training(work.data / CLOZE_FILES["zh"])
    random.Random(SEED).shuffle(cloze)
    right = (example for example in chain(ranked, _first_of_each(spans)) if example.relevance == 1)
    told = [example for example in cloze if example.relevance == 1][:CLOZE]
    return [
        Asked(_kind(example.source), example.question, _text(example), tuple(wrong.get(example.question, ())))
        for example in chain(right, told)
        for _ in range(TIMES.get(example.source, 1))
    ]


def _training(path: Path) -> list[Example]:
    return [example for example in read_examples(path) if not is_development(example.group)]


def _first_of_each(examples: Iterable[Example]) -> Iterator[Example]:
    """One window of a question's passage is enough."""
    seen: set[str] = set()
    for example in examples:
        if example.relevance == 1 and example.question not in seen:
            seen.add(example.question)
            yield example


def _kind(source: str) -> str:
    """Questions of a kind fill batches of their own, in which wrong passages are not told too easily."""
    name = source.rpartition("/")[2]
    return {"stard": "law", "laws_zh": "law", "fastapi": "pages"}.get(name, "encyclopedia")


def _text(example: Example) -> str:
    """As it is embedded in use: under its title."""
    return f"{example.title}\n{example.passage}" if example.title else example.passage


def _known_vectors(asked: Sequence[Asked]) -> Known:
    """The packaged model's vectors of the passages that it can read."""
    model = PackagedMiniLM()
    texts = list(dict.fromkeys(text for item in asked for text in (item.passage, *item.wrong)))
    counts = model.count_tokens(texts)
    readable = [text for text, count in zip(texts, counts, strict=True) if not count.unknown]
    return dict(zip(readable, model.embed(readable), strict=True))


def contrast_batches(
    asked: Sequence[Asked], tokenizer: Tokenizer, known: Known, chance: random.Random
) -> Iterator[ContrastBatch]:
    """Every question EPOCHS times, in shuffled batches of one kind; what fills no batch is left out."""
    waiting: dict[str, list[Asked]] = {}
    for item in chain.from_iterable(chance.sample(asked, len(asked)) for _ in range(EPOCHS)):
        batch = waiting.setdefault(item.kind, [])
        batch.append(item)
        if len(batch) == QUESTIONS_PER_BATCH:
            yield _batch(waiting.pop(item.kind), tokenizer, known, chance)


def _batch(
    asked: Sequence[Asked], tokenizer: Tokenizer, known: Known, chance: random.Random
) -> ContrastBatch:
    wrong = [chance.choice(item.wrong) for item in asked if item.wrong and chance.random() < WRONG_SHARE]
    texts = list(dict.fromkeys([*(item.passage for item in asked), *wrong]))
    computed, vectors = [text for text in texts if text not in known], [known[t] for t in texts if t in known]
    places = {text: i for i, text in enumerate([*computed, *(text for text in texts if text in known)])}
    answers: dict[str, set[int]] = defaultdict(set)
    for item in asked:
        answers[item.question].add(places[item.passage])
    barred = torch.zeros(len(asked), len(texts))
    for row, item in enumerate(asked):
        barred[row, sorted(answers[item.question] - {places[item.passage]})] = 1
    return ContrastBatch(
        *_padded(tokenizer, [item.question for item in asked], QUESTION_TOKENS),
        *_padded(tokenizer, computed, PASSAGE_TOKENS),
        torch.from_numpy(np.array(vectors, np.float32).reshape(-1, WIDTH)),
        torch.tensor([places[item.passage] for item in asked]),
        barred,
    )


def _padded(tokenizer: Tokenizer, texts: Sequence[str], longest: int) -> tuple[Tensor, Tensor]:
    """Ids and mask, (texts, length); a text that is too long keeps its beginning and its last token."""
    encoded = [item.ids for item in tokenizer.encode_batch([encodable(text) for text in texts])]
    rows = [ids if len(ids) <= longest else [*ids[: longest - 1], ids[-1]] for ids in encoded]
    length = -(-max(map(len, rows), default=1) // LENGTH_STEP) * LENGTH_STEP
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    return ids, mask
