"""A model's scores of tokens as starts and ends become the likeliest answers of a passage."""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.domain import AnswerSpan, Span
from rag.reader_input import OVERLAP, Window

MAXIMUM_SPAN_TOKENS = OVERLAP
"""The longest answer: every shorter stretch stands whole in one window; room for a clause."""

MAXIMUM_SPANS = 5

Logits: TypeAlias = NDArray[np.float32]

Stretches: TypeAlias = NDArray[np.float64]
"""Shape (tokens, lengths): [i, n] is the log odds of the stretch from token i to token i + n against "no
answer here", minus infinity where that is beyond the last token."""


@dataclass(frozen=True, slots=True)
class WindowSpans:
    """Every stretch of up to 64 tokens in one window; token i stands at `places[i]` in the passage's text."""

    places: tuple[tuple[int, int], ...]
    stretches: Stretches

    @property
    def log_odds(self) -> float:
        """Of the best stretch against none; minus infinity where there is no stretch."""
        return float(self.stretches.max(initial=-math.inf))


def window_spans(window: Window, logits: Logits) -> WindowSpans:
    """The stretches of one window; `logits` has shape (tokens, 2): each token as start and as end.

    Start and end at token 0 mean "no answer here"; a stretch's odds against it are those of its start times
    those of its end.
    """
    first, count = window.first_passage_token, len(window.ids) - window.first_passage_token - 1
    passage = slice(first, first + count)
    # Both log-softmax constants cancel in the odds, so the logits do.
    odds = logits.astype(np.float64) - logits[0]
    padded = np.concatenate([odds[passage, 1], np.full(MAXIMUM_SPAN_TOKENS, -np.inf)])
    ends = np.lib.stride_tricks.sliding_window_view(padded, MAXIMUM_SPAN_TOKENS)[:count]
    return WindowSpans(window.offsets[passage], odds[passage, :1] + ends)


def answer_spans(windows: Sequence[WindowSpans], text: str) -> tuple[AnswerSpan, ...]:
    """At most five answers of one passage, best first, none overlapping another; windows in their order.

    Probabilities are among all stretches of the passage and "no answer", which weighs 1 beside their odds.
    A stretch that stands in two windows counts once, by the one that likes it better.
    """
    places, stretches = _joined(windows)
    whole = float(np.logaddexp.reduce(stretches.ravel(), initial=0.0))
    chosen: list[AnswerSpan] = []
    for first, length, log_odds in _best_apart(stretches):
        span = _span(places[first][0], places[first + length][1], text)
        is_apart = all(span.end <= other.span.start or other.span.end <= span.start for other in chosen)
        if is_apart and span.start < span.end:
            chosen.append(AnswerSpan(span, math.exp(log_odds - whole)))
    return tuple(chosen)


def _joined(windows: Sequence[WindowSpans]) -> tuple[list[tuple[int, int]], Stretches]:
    """All windows as one: the first 64 tokens of each further one are the last 64 of the one before."""
    places = list(windows[0].places)
    stretches = windows[0].stretches
    for window in windows[1:]:
        start = len(places) - OVERLAP
        places += window.places[OVERLAP:]
        added = np.full((len(places) - len(stretches), MAXIMUM_SPAN_TOKENS), -np.inf)
        stretches = np.concatenate([stretches, added])
        np.maximum(stretches[start:], window.stretches, out=stretches[start:])
    return places, stretches


def _best_apart(stretches: Stretches) -> Iterator[tuple[int, int, float]]:
    """First token, tokens after it and log odds of the best stretches, none sharing a token with another."""
    left = stretches.copy()
    firsts = np.arange(len(left))[:, None]
    lasts = firsts + np.arange(left.shape[1])[None, :]
    for _ in range(MAXIMUM_SPANS if left.size else 0):
        first, length = (int(i) for i in np.unravel_index(left.argmax(), left.shape))
        if left[first, length] == -np.inf:
            return
        yield first, length, float(left[first, length])
        left[(firsts <= first + length) & (lasts >= first)] = -np.inf


def _span(start: int, end: int, text: str) -> Span:
    """To the end of the last token's accents, which BERT's tokenizer drops from its places."""
    while end < len(text) and unicodedata.category(text[end]) == "Mn":
        end += 1
    return Span(start, end)
