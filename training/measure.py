"""What a network can do on the development documents, by data set: for choosing between recipes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from tokenizers import Tokenizer

from evals.metrics.text import f1
from rag.domain import Passage
from rag.reader_input import PairEncoder, Window
from training.batches import LONGEST, Pair, pair_batch
from training.examples import Example, Task
from training.model import SUPPORT_CLASSES, ReaderNetwork

LONGEST_SPAN = 48  # tokens
BATCH = 48


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one source over n examples."""

    name: str
    source: str
    value: float
    n: int


@dataclass(frozen=True, slots=True)
class _Read:
    example: Example
    answer: str
    answerable: float
    relevance: float
    support: int


def measure(network: ReaderNetwork, tokenizer: Tokenizer, examples: Sequence[Example]) -> list[Figure]:
    """Mean F1 where there is an answer, AUROC of the answerable and the relevance head, balanced accuracy."""
    by_source: dict[str, list[_Read]] = defaultdict(list)
    for read in _read(network, tokenizer, examples):
        by_source[read.example.source].append(read)
    return [figure for source in sorted(by_source) for figure in _figures(source, by_source[source])]


def _figures(source: str, read: Sequence[_Read]) -> Iterator[Figure]:
    scores = [
        f1(
            item.answer,
            tuple(item.example.passage[a:b] for a, b in item.example.spans),
            item.example.language,
        )
        for item in read
        if item.example.spans
    ]
    if scores:
        yield Figure("F1", source, float(np.mean(scores)), len(scores))
    told = [(item.answerable, bool(item.example.spans)) for item in read if item.example.spans is not None]
    yield from _auroc("answerable_AUROC", source, told)
    ranked = [
        (item.relevance, item.example.relevance > 0.5) for item in read if item.example.relevance is not None
    ]
    yield from _auroc("relevance_AUROC", source, ranked)
    claims = [
        (item.support == 0, item.example.label == SUPPORT_CLASSES[0]) for item in read if item.example.label
    ]
    if len({label for _, label in claims}) == 2:
        guesses, labels = zip(*claims, strict=True)
        yield Figure(
            "support_balanced_accuracy", source, float(balanced_accuracy_score(labels, guesses)), len(claims)
        )


def _auroc(name: str, source: str, pairs: Sequence[tuple[float, bool]]) -> Iterator[Figure]:
    if len({label for _, label in pairs}) == 2:
        scores, labels = zip(*pairs, strict=True)
        yield Figure(name, source, float(roc_auc_score(labels, scores)), len(pairs))


@torch.no_grad()
def _read(network: ReaderNetwork, tokenizer: Tokenizer, examples: Iterable[Example]) -> Iterator[_Read]:
    encoder = PairEncoder(tokenizer)
    pairs = [
        Pair(item, encoder.windows(item.question, [Passage(item.title, item.passage)], 2 * LONGEST)[0])
        for item in examples
    ]
    pairs.sort(key=lambda pair: len(pair.window.ids))
    network.eval()
    for first in range(0, len(pairs), BATCH):
        group = pairs[first : first + BATCH]
        batch = pair_batch(group)
        with torch.autocast(batch.ids.device.type, dtype=torch.bfloat16):
            logits = network(batch.ids, batch.types, batch.mask)
        spans = torch.log_softmax(logits.span, 1).numpy()
        for row, pair in enumerate(group):
            answer, odds = _best_span(spans[row], pair.window, pair.example.passage)
            yield _Read(
                pair.example,
                answer,
                odds + float(logits.answerable[row]),
                float(logits.relevance[row]),
                int(logits.support[row].argmax()) if pair.example.task is Task.SUPPORT else -1,
            )


def _best_span(log_probability: NDArray[np.float32], window: Window, passage: str) -> tuple[str, float]:
    """The likeliest span of the window's passage, and by how much it is likelier than none."""
    first, end = window.first_passage_token, len(window.ids) - 1
    if first >= end:
        return "", 0.0
    starts, ends = log_probability[first:end, 0], log_probability[first:end, 1]
    together = starts[:, None] + ends[None, :]
    allowed = np.triu(np.ones_like(together, dtype=bool)) & ~np.triu(
        np.ones_like(together, dtype=bool), LONGEST_SPAN
    )
    best = int(np.where(allowed, together, -np.inf).argmax())
    i, j = divmod(best, len(ends))
    text = passage[window.offsets[first + i][0] : window.offsets[first + j][1]]
    return text, float(together[i, j] - log_probability[0].sum())
