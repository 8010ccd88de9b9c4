"""The shipped reader: one encoder that finds answers, ranks passages and checks claims; no torch, no hub."""

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rag.adapters.bert_graph import BertGraph, BertShape
from rag.adapters.openvino_runtime import CompiledModel
from rag.adapters.reader_files import TOKENIZER_FILE, WEIGHTS_FILE, ReaderFiles, Temperatures
from rag.adapters.token_batches import TokenBatch, token_batches
from rag.answer_spans import WindowSpans, answer_spans, window_spans
from rag.domain import Claim, Passage, Reading
from rag.reader_input import PairEncoder, Window

READER_NAME = "attest-reader"
FOLDER = Path(__file__).parents[1] / "reader"
SPAN_HEAD = "span"
POOLED_HEADS = ("relevance", "answerable", "support")
UNSUPPORTED = (0.0, 0.0, 1.0)
RECENT_PAIRS = 256
"""Pairs whose results are kept: what was reranked for a question is not computed again to be read."""

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WindowResult:
    """What the heads say of one window: spans with their odds, two log odds, and three probabilities."""

    spans: WindowSpans
    relevance: float
    answerable: float
    support: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question or a claim, and a passage."""

    question: str
    passage: Passage


class ReaderModel:
    """A loaded reader: the tokenizer and the compiled graph. May be used by any number of threads at once."""

    def __init__(self, files: ReaderFiles) -> None:
        weights, recipe = files.weights(), files.recipe()
        layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
        graph = BertGraph(weights, BertShape(layers, recipe.heads), has_types=True)
        self._model = CompiledModel(graph.reading_model(SPAN_HEAD, POOLED_HEADS))
        self._temperatures: Temperatures = recipe.temperatures
        self._encoder = PairEncoder(Tokenizer.from_file(str(files.verified(TOKENIZER_FILE))))
        self._executor = ThreadPoolExecutor(self._model.streams, thread_name_prefix="read")

    def results(self, pairs: Sequence[Pair]) -> list[tuple[WindowResult, ...]]:
        """What it says of each pair's windows, in the order of the pairs and of the text."""
        windows = [self._encoder.windows(pair.question, [pair.passage]) for pair in pairs]
        flat = [window for of_pair in windows for window in of_pair]
        texts = [pair.passage.text for pair, of_pair in zip(pairs, windows, strict=True) for _ in of_pair]
        results: dict[int, WindowResult] = {}

        def compute(batch: TokenBatch) -> None:
            outputs = self._model.run([batch.ids, batch.mask, _types(batch, flat)])
            for row, *logits in zip(batch.rows, *outputs, strict=True):
                results[row] = self._result(flat[row], logits, texts[row])

        batches = list(token_batches([window.ids for window in flat]))
        if len(batches) == 1:
            compute(batches[0])
        else:
            list(self._executor.map(compute, batches))
        ordered = iter(results[row] for row in range(len(flat)))
        return [tuple(next(ordered) for _ in of_pair) for of_pair in windows]

    def _result(self, window: Window, logits: Sequence[NDArray[np.float32]], text: str) -> WindowResult:
        by_token, relevance, answerable, support = logits
        exponents = support.astype(np.float64) / self._temperatures.support
        odds = np.exp(exponents - exponents.max())
        supported, partial, unsupported = (float(value) for value in odds / odds.sum())
        return WindowResult(
            spans=window_spans(window, by_token[: len(window.ids)], text),
            relevance=float(relevance[0]) / self._temperatures.relevance,
            answerable=float(answerable[0]) / self._temperatures.answerable,
            support=(supported, partial, unsupported),
        )


class PackagedReader:
    """`Reader` and `Reranker` in one, and the probabilities of support; `folder` may hold another reader.

    Weights and tokenizer are loaded when first needed, after their hashes were compared with the known ones.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = ReaderFiles(folder)
        self._lock = threading.Lock()
        self._model: ReaderModel | None = None
        self._recent: OrderedDict[Pair, tuple[WindowResult, ...]] = OrderedDict()

    @property
    def version(self) -> str:
        """The weights and the recipe that made them; loads neither. ModelUnavailableError without them."""
        return f"{self._files.hashes()[WEIGHTS_FILE][:12]} {self._files.recipe().version}"

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """One reading per passage, in order; a long passage is as good as its best window."""
        return [_reading(results) for results in self._results([Pair(question, p) for p in passages])]

    def relevance(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """How likely each passage answers, 0 to 1, in order."""
        return [reading.relevance for reading in self.read(question, passages)]

    def support_probabilities(self, claims: Sequence[Claim]) -> Probabilities:
        """Shape (claims, 3): supported, partial, unsupported, by the passage that supports the claim most.

        A claim without passages is unsupported.
        """
        pairs = [Pair(claim.text, Passage("", text)) for claim in claims for text in claim.passages]
        results = iter(self._results(pairs))
        rows = [
            max((item.support for _ in claim.passages for item in next(results)), default=UNSUPPORTED)
            for claim in claims
        ]
        return np.array(rows, dtype=np.float64).reshape(len(claims), 3)

    def _results(self, pairs: Sequence[Pair]) -> list[tuple[WindowResult, ...]]:
        """Results of the pairs; those asked for lately are remembered."""
        with self._lock:
            known = {pair: self._recent[pair] for pair in pairs if pair in self._recent}
        missing = list(dict.fromkeys(pair for pair in pairs if pair not in known))
        if missing:
            known |= zip(missing, self._loaded_model().results(missing), strict=True)
        with self._lock:
            for pair in pairs:
                self._recent[pair] = known[pair]
                self._recent.move_to_end(pair)
            while len(self._recent) > RECENT_PAIRS:
                self._recent.popitem(last=False)
        return [known[pair] for pair in pairs]

    def _loaded_model(self) -> ReaderModel:
        with self._lock:
            if self._model is None:
                self._model = ReaderModel(self._files)
            return self._model


def _types(batch: TokenBatch, windows: Sequence[Window]) -> NDArray[np.int32]:
    """The tokens' types, 0 for padding; shape as the batch's ids."""
    types = np.zeros_like(batch.ids)
    for row, window in enumerate(windows[i] for i in batch.rows):
        types[row, : len(window.types)] = window.types
    return types


def _reading(results: Sequence[WindowResult]) -> Reading:
    """The best of a passage's windows. Two heads tell whether it answers, and their log odds are averaged."""
    answerable = max((item.answerable + item.spans.log_odds) / 2 for item in results)
    return Reading(
        relevance=_probability(max(item.relevance for item in results)),
        answerable=_probability(answerable),
        spans=answer_spans([item.spans for item in results]),
    )


def _probability(log_odds: float) -> float:
    """The logistic function; e to the minus 700 is the smallest that does not overflow on the way."""
    return 1 / (1 + math.exp(-max(log_odds, -700.0)))
