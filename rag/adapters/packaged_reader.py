"""The shipped reader: one encoder that finds answers, ranks passages and checks claims; no torch, no hub."""

import math
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rag.adapters.bert_graph import BertGraph, BertShape
from rag.adapters.openvino_runtime import CompiledModel
from rag.adapters.reader_files import FOLDER, TOKENIZER_FILE, ReaderFiles, Temperatures
from rag.adapters.token_batches import TokenBatch, token_batches
from rag.answer_spans import answer_spans, window_spans
from rag.domain import Claim, Passage, Reading
from rag.reader_input import CLAIM_TOKENS, QUESTION_TOKENS, PairEncoder, Window

READER_NAME = "attest-reader"
SPAN_HEAD = "span"
POOLED_HEADS = ("relevance", "answerable", "support")
UNSUPPORTED = (0.0, 0.0, 1.0)
TOKENS_AT_ONCE = 3072
"""Thirty passages of 200 tokens are two batches, one for each of two cores: .76 of the time that batches of
2,048 take, which are three (medians of 7 in one process)."""

RECENT = 512
"""Passages whose results are kept, 60 KB each: what was reranked is read next, with the same results."""

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question or a claim, the passages to be read beside it, and how many of its tokens are read."""

    text: str
    passages: tuple[Passage, ...]
    tokens: int = QUESTION_TOKENS


@dataclass(frozen=True, slots=True)
class WindowResult:
    """What the heads say of one window: scores of its tokens, two log odds, and three probabilities."""

    window: Window
    by_token: NDArray[np.float32]
    relevance: float
    answerable: float
    support: tuple[float, float, float]


class ReaderModel:
    """A loaded reader: the tokenizer and the compiled graph. May be used by any number of threads at once."""

    def __init__(self, files: ReaderFiles) -> None:
        weights, recipe = files.weights(), files.recipe()
        self._model = CompiledModel(_graph(weights, recipe.heads, files))
        self._temperatures: Temperatures = recipe.temperatures
        self._encoder = PairEncoder(Tokenizer.from_file(str(files.verified(TOKENIZER_FILE))))
        self._executor = ThreadPoolExecutor(self._model.streams, thread_name_prefix="read")

    def results(self, asked: Sequence[Asked]) -> list[list[WindowResult]]:
        """What it says of each passage's windows: passages in order, one question's after another's."""
        windows = [
            (item, self._encoder.windows(item.text, item.passages, asked_tokens=item.tokens))
            for item in asked
        ]
        flat = [window for _, of_item in windows for window in of_item]
        results: dict[int, WindowResult] = {}

        def compute(batch: TokenBatch) -> None:
            outputs = self._model.run([batch.ids, batch.mask, _types(batch, flat)])
            for row, *logits in zip(batch.rows, *outputs, strict=True):
                results[row] = self._result(flat[row], logits)

        batches = list(token_batches([window.ids for window in flat], TOKENS_AT_ONCE))
        if len(batches) == 1:
            compute(batches[0])
        else:
            list(self._executor.map(compute, batches))
        ordered = iter(results[row] for row in range(len(flat)))
        found: list[list[WindowResult]] = []
        for item, of_item in windows:
            of_passages: list[list[WindowResult]] = [[] for _ in item.passages]
            for window in of_item:
                of_passages[window.row].append(next(ordered))
            found += of_passages
        return found

    def _result(self, window: Window, logits: Sequence[NDArray[np.float32]]) -> WindowResult:
        by_token, relevance, answerable, support = logits
        exponents = support.astype(np.float64) / self._temperatures.support
        odds = np.exp(exponents - exponents.max())
        supported, partial, unsupported = (float(value) for value in odds / odds.sum())
        return WindowResult(
            window=window,
            by_token=by_token[: len(window.ids)],
            relevance=float(relevance[0]) / self._temperatures.relevance,
            answerable=float(answerable[0]) / self._temperatures.answerable,
            support=(supported, partial, unsupported),
        )


class PackagedReader:
    """`Reader` and `Reranker` in one, and the probabilities of support; `folder` may hold another reader.

    Weights and tokenizer are loaded when first needed, after their hashes were compared with the known ones.
    One look at a passage gives every head's results; they are kept for the next method that asks.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = ReaderFiles(folder)
        self._lock = threading.Lock()
        self._model: ReaderModel | None = None
        self._recent: LRUCache[tuple[str, int, Passage], list[WindowResult]] = LRUCache(RECENT)

    @cached_property
    def version(self) -> str:
        """The files and the recipe that made them; loads neither. ModelUnavailableError without them."""
        return f"{self._files.fingerprint()} {self._files.recipe().version}"

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """One reading per passage, in order; a long passage is as good as its best window."""
        results = self._results([Asked(question, tuple(passages))])
        return [_reading(found, passage.text) for found, passage in zip(results, passages, strict=True)]

    def relevance(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """How likely each passage answers, 0 to 1, in order."""
        return [_relevance(found) for found in self._results([Asked(question, tuple(passages))])]

    def support_probabilities(self, claims: Sequence[Claim]) -> Probabilities:
        """Shape (claims, 3): supported, partial, unsupported, by the passage that supports the claim most.

        A claim without passages is unsupported.
        """
        asked = [
            Asked(claim.text, tuple(Passage("", text) for text in claim.passages), CLAIM_TOKENS)
            for claim in claims
        ]
        results = iter(self._results(asked))
        rows = [
            max((item.support for _ in claim.passages for item in next(results)), default=UNSUPPORTED)
            for claim in claims
        ]
        return np.array(rows, dtype=np.float64).reshape(len(claims), 3)

    def _results(self, asked: Sequence[Asked]) -> list[list[WindowResult]]:
        """Those of every passage in order; what was computed lately is not computed again."""
        keys = [(item.text, item.tokens, passage) for item in asked for passage in item.passages]
        with self._lock:
            self._model = self._model or ReaderModel(self._files)
            known = {key: self._recent[key] for key in keys if key in self._recent}
        new = [
            replace(item, passages=passages)
            for item in asked
            if (passages := tuple(p for p in item.passages if (item.text, item.tokens, p) not in known))
        ]
        computed = iter(self._model.results(new))
        found = {(item.text, item.tokens, p): next(computed) for item in new for p in item.passages}
        with self._lock:
            self._recent.update(found)
        return [known[key] if key in known else found[key] for key in keys]


def _graph(weights: Mapping[str, NDArray[np.float32]], heads: int, files: ReaderFiles) -> Any:
    """The reader's graph; ModelUnavailableError where a weight is missing."""
    layers = {name.split(".")[2] for name in weights if name.startswith("encoder.layer.")}
    shape = BertShape(max(1, len(layers)), heads)  # without any, the first one's are missing
    try:
        return BertGraph(weights, shape, has_types=True).reading_model(SPAN_HEAD, POOLED_HEADS)
    except KeyError as error:
        raise files.without_weights(str(error)) from error


def _types(batch: TokenBatch, windows: Sequence[Window]) -> NDArray[np.int32]:
    """The tokens' types, 0 for padding; shape as the batch's ids."""
    types = np.zeros_like(batch.ids)
    for row, window in enumerate(windows[i] for i in batch.rows):
        types[row, : len(window.types)] = window.types
    return types


def _reading(results: Sequence[WindowResult], text: str) -> Reading:
    """The best of a passage's windows. Two heads tell whether it answers, and their log odds are averaged."""
    spans = [window_spans(item.window, item.by_token) for item in results]
    answerable = max((item.answerable + of.log_odds) / 2 for item, of in zip(results, spans, strict=True))
    return Reading(
        relevance=_relevance(results),
        answerable=_probability(answerable),
        spans=answer_spans(spans, text),
    )


def _relevance(results: Sequence[WindowResult]) -> float:
    """That of a passage's best window."""
    return _probability(max(item.relevance for item in results))


def _probability(log_odds: float) -> float:
    """The logistic function; e to the minus 700 is the smallest that does not overflow on the way."""
    return 1 / (1 + math.exp(-max(log_odds, -700.0)))
