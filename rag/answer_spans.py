"""A model's scores of tokens as starts and ends become the likeliest answers of a passage."""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.domain import AnswerSpan, Span
from rag.reader_input import OVERLAP, Window

MAXIMUM_SPAN_TOKENS = OVERLAP
"""The longest answer: every shorter stretch stands whole in one window; room for a clause."""

MAXIMUM_SPANS = 5

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WindowSpans:
    """What one window says: its best stretches with their log odds against "no answer here", best first.

    `total` is the log of the odds of all its stretches together; minus infinity where it has none.
    """

    best: tuple[tuple[Span, float], ...]
    total: float

    @property
    def log_odds(self) -> float:
        """Of the best stretch against none; minus infinity where there is no stretch."""
        return self.best[0][1] if self.best else -math.inf


def window_spans(window: Window, logits: Logits, text: str) -> WindowSpans:
    """The best stretches of up to 64 tokens in one window, none overlapping another, in places of `text`.

    `logits` has shape (tokens, 2): each token as start and as end. Start and end at token 0 mean "no answer
    here"; a stretch's odds against it are those of its start times those of its end.
    """
    first, count = window.first_passage_token, len(window.ids) - window.first_passage_token - 1
    if count == 0:
        return WindowSpans((), -math.inf)
    # Both log-softmax constants cancel in the odds, so the logits do.
    odds = logits.astype(np.float64) - logits[0]
    starts, ends = odds[first : first + count, 0], odds[first : first + count, 1]
    lengths = min(MAXIMUM_SPAN_TOKENS, count)
    padded = np.concatenate([ends, np.full(lengths - 1, -np.inf)])
    table = starts[:, None] + np.lib.stride_tricks.sliding_window_view(padded, lengths)
    peak = table.max()
    total = float(peak + np.log(np.exp(table - peak).sum()))
    best = tuple(
        (_span(window, text, first + start, first + start + length), value)
        for start, length, value in _best_apart(table)
    )
    return WindowSpans(best, total)


def answer_spans(windows: Sequence[WindowSpans]) -> tuple[AnswerSpan, ...]:
    """At most five answers of one passage, best first, none overlapping another.

    Probabilities are among all stretches of all windows and "no answer", which weighs 1 beside their odds.
    """
    whole = float(np.logaddexp.reduce([0.0, *(window.total for window in windows)]))
    found = [item for window in windows for item in window.best]
    chosen: list[AnswerSpan] = []
    for span, log_odds in sorted(found, key=lambda item: (-item[1], item[0].start, item[0].end)):
        is_apart = all(span.end <= other.span.start or other.span.end <= span.start for other in chosen)
        if is_apart and span.start < span.end and len(chosen) < MAXIMUM_SPANS:
            chosen.append(AnswerSpan(span, math.exp(log_odds - whole)))
    return tuple(chosen)


def _best_apart(table: NDArray[np.float64]) -> Iterator[tuple[int, int, float]]:
    """First token, tokens after it and value of the best stretches; `table[i, n]` is of i to i + n."""
    left = table.copy()
    firsts = np.arange(len(table))[:, None]
    lasts = firsts + np.arange(table.shape[1])[None, :]
    for _ in range(MAXIMUM_SPANS):
        start, length = (int(i) for i in np.unravel_index(left.argmax(), left.shape))
        if left[start, length] == -np.inf:
            return
        yield start, length, float(table[start, length])
        left[(firsts <= start + length) & (lasts >= start)] = -np.inf


def _span(window: Window, text: str, first: int, last: int) -> Span:
    """From the first token to the last one's accents, which BERT's tokenizer drops from its places."""
    start, end = window.offsets[first][0], window.offsets[last][1]
    while end < len(text) and unicodedata.category(text[end]) == "Mn":
        end += 1
    return Span(start, end)
