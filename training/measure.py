"""What a network can do on the development documents, by data set: for choosing between recipes."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from tokenizers import Tokenizer

from evals.metrics.text import f1
from rag.answer_spans import WindowSpans, answer_spans, window_spans
from rag.domain import Passage
from rag.reader_input import CLAIM_TOKENS, QUESTION_TOKENS, PairEncoder
from training.batches import Pair, pair_batch
from training.examples import Example, Task
from training.model import SUPPORT_CLASSES, ReaderNetwork

PAIRS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one source over n examples of so many documents."""

    name: str
    source: str
    value: float
    n: int
    documents: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the network sees in one window of an example."""

    spans: WindowSpans
    answerable: float
    relevance: float
    supported: float


@dataclass(frozen=True, slots=True)
class _Read:
    """An example as serving would read it: by its best window."""

    example: Example
    answer: str
    answerable: float
    relevance: float
    supported: float


def sample(examples: Iterable[Example], limit: int, random_source: random.Random) -> list[Example]:
    """At most `limit` examples of each source, drawn from all of its documents."""
    by_source: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_source[example.source].append(example)
    return [
        example
        for source in sorted(by_source)
        for example in random_source.sample(by_source[source], min(limit, len(by_source[source])))
    ]


def measure(network: ReaderNetwork, tokenizer: Tokenizer, examples: Sequence[Example]) -> list[Figure]:
    """Mean F1 where there is an answer, AUROC of the answerable and the relevance head, balanced accuracy."""
    by_source: dict[str, list[_Read]] = defaultdict(list)
    for read in _read(network, tokenizer, examples):
        by_source[read.example.source].append(read)
    return [figure for source in sorted(by_source) for figure in _figures(source, by_source[source])]


def _figures(source: str, read: Sequence[_Read]) -> Iterator[Figure]:
    answered = [item for item in read if item.example.spans]
    if answered:
        yield _figure("F1", source, answered, float(np.mean([_f1(item) for item in answered])))
    told = [item for item in read if item.example.spans is not None]
    yield from _auroc("answerable_AUROC", source, told, [(i.answerable, bool(i.example.spans)) for i in told])
    ranked = [item for item in read if item.example.relevance is not None]
    yield from _auroc(
        "relevance_AUROC", source, ranked, [(i.relevance, i.example.relevance == 1) for i in ranked]
    )
    claims = [item for item in read if item.example.label]
    labels = [item.example.label == SUPPORT_CLASSES[0] for item in claims]
    if len(set(labels)) == 2:
        guesses = [item.supported > 0.5 for item in claims]
        accuracy = float(balanced_accuracy_score(labels, guesses))
        yield _figure("support_balanced_accuracy", source, claims, accuracy)


def _f1(item: _Read) -> float:
    example = item.example
    golds = tuple(example.passage[start:end] for start, end in example.spans or ())
    return f1(item.answer, golds, example.language)


def _auroc(
    name: str, source: str, read: Sequence[_Read], pairs: Sequence[tuple[float, bool]]
) -> Iterator[Figure]:
    if len({label for _, label in pairs}) == 2:
        scores, labels = zip(*pairs, strict=True)
        yield _figure(name, source, read, float(roc_auc_score(labels, scores)))


def _figure(name: str, source: str, read: Sequence[_Read], value: float) -> Figure:
    return Figure(name, source, value, len(read), len({item.example.group for item in read}))


def _read(network: ReaderNetwork, tokenizer: Tokenizer, examples: Sequence[Example]) -> Iterator[_Read]:
    """In the order of the examples."""
    encoder = PairEncoder(tokenizer)
    pairs = [(row, pair) for row, example in enumerate(examples) for pair in _pairs(encoder, example)]
    pairs.sort(key=lambda item: len(item[1].window.ids))
    seen: dict[int, list[_Seen]] = defaultdict(list)
    network.eval()
    for first in range(0, len(pairs), PAIRS_AT_ONCE):
        group = pairs[first : first + PAIRS_AT_ONCE]
        found = _look(network, [pair for _, pair in group])
        for (row, _), item in zip(group, found, strict=True):
            seen[row].append(item)
    for row, example in enumerate(examples):
        spans = answer_spans([item.spans for item in seen[row]], example.passage)
        yield _Read(
            example,
            spans[0].span.of(example.passage) if spans else "",
            max(item.answerable for item in seen[row]),
            max(item.relevance for item in seen[row]),
            max(item.supported for item in seen[row]),
        )


def _pairs(encoder: PairEncoder, example: Example) -> list[Pair]:
    tokens = CLAIM_TOKENS if example.task is Task.SUPPORT else QUESTION_TOKENS
    passage = Passage(example.title, example.passage)
    return [
        Pair(example, window) for window in encoder.windows(example.question, [passage], asked_tokens=tokens)
    ]


@torch.no_grad()
def _look(network: ReaderNetwork, pairs: Sequence[Pair]) -> Iterator[_Seen]:
    batch = pair_batch(pairs)
    device = next(network.parameters()).device
    with torch.autocast(device.type, dtype=torch.bfloat16):
        logits = network(batch.ids.to(device), batch.types.to(device), batch.mask.to(device))
    by_token, support = logits.span.cpu().numpy(), torch.softmax(logits.support, 1)
    for row, pair in enumerate(pairs):
        spans = window_spans(pair.window, by_token[row, : len(pair.window.ids)])
        yield _Seen(
            spans,
            float(logits.answerable[row]) + spans.log_odds,
            float(logits.relevance[row]),
            float(support[row, 0]),
        )
