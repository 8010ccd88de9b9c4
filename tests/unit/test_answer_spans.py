"""Scores of tokens become answers with probabilities; the odds here can be multiplied by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answer_spans import MAXIMUM_SPAN_TOKENS, WindowSpans, answer_spans, window_spans
from rag.domain import Span
from rag.reader_input import OUTSIDE, OVERLAP, Window

NEVER = -50.0


def window_of(*places: tuple[int, int]) -> Window:
    """A window with a question of one token, and the passage's tokens at these places."""
    count = len(places)
    return Window(
        row=0,
        ids=tuple(range(count + 4)),
        types=(0, 0, 0, *[1] * (count + 1)),
        offsets=(OUTSIDE,) * 3 + places + (OUTSIDE,),
        first_passage_token=3,
    )


def logits_of(window: Window, starts: dict[int, float], ends: dict[int, float]) -> np.ndarray:
    """Odds of the passage's tokens as starts and ends against token 0; any other token is as good as out."""
    logits = np.full((len(window.ids), 2), 1 + NEVER, np.float32)
    logits[0] = 1  # any constant: only differences count
    logits[1:3] = 9  # the question's own tokens are never an answer, however high they score
    for column, odds in enumerate((starts, ends)):
        for token, value in odds.items():
            logits[window.first_passage_token + token, column] = 1 + math.log(value)
    return logits


WORDS = window_of((0, 3), (4, 10), (11, 15), (16, 20))
TEXT = "the tenant pays rent"


def test_the_odds_of_a_stretch_are_those_of_its_start_times_those_of_its_end() -> None:
    found = window_spans(WORDS, logits_of(WORDS, {1: 2.0}, {2: 3.0, 3: 0.5}))
    assert math.exp(found.log_odds) == pytest.approx(6)
    best = answer_spans([found], TEXT)[0]
    assert best.span == Span(4, 15)
    assert best.probability == pytest.approx(6 / (1 + 2 * 3 + 2 * 0.5))


def test_further_answers_overlap_no_better_one() -> None:
    found = window_spans(WORDS, logits_of(WORDS, {0: 4.0, 1: 3.0, 3: 1.0}, {1: 2.0, 3: 1.0}))
    spans = answer_spans([found], TEXT)
    # Odds: 0-1 8, 1-1 6 (overlaps), 0-3 4 (overlaps), 1-3 3 (overlaps), 3-3 1; in all 22, and 1 for none.
    assert [(item.span, round(item.probability, 4)) for item in spans[:2]] == [
        (Span(0, 10), round(8 / 23, 4)),
        (Span(16, 20), round(1 / 23, 4)),
    ]


def test_an_answer_never_ends_before_it_starts() -> None:
    found = window_spans(WORDS, logits_of(WORDS, {3: 9.0}, {0: 9.0}))
    assert all(item.span.start < item.span.end for item in answer_spans([found], TEXT))
    assert found.log_odds < NEVER / 2


def test_an_answer_has_at_most_64_tokens() -> None:
    window = window_of(*((2 * i, 2 * i + 1) for i in range(100)))
    in_reach = window_spans(window, logits_of(window, {10: 1.0}, {10 + MAXIMUM_SPAN_TOKENS - 1: 1.0}))
    too_far = window_spans(window, logits_of(window, {10: 1.0}, {10 + MAXIMUM_SPAN_TOKENS: 1.0}))
    assert in_reach.log_odds == pytest.approx(0, abs=1e-5)
    assert too_far.log_odds < NEVER / 2


def test_an_answer_keeps_the_accent_that_the_tokenizer_drops() -> None:
    text = "cafe\u0301 noir"
    window = window_of((0, 4), (6, 10))
    found = window_spans(window, logits_of(window, {0: 2.0}, {0: 2.0}))
    assert answer_spans([found], text)[0].span.of(text) == "cafe\u0301"


def test_a_window_without_passage_tokens_has_no_answer() -> None:
    window = window_of()
    found = window_spans(window, logits_of(window, {}, {}))
    assert found.log_odds == -math.inf
    assert answer_spans([found], "") == ()


def two_windows(*scores: tuple[dict[int, float], dict[int, float]]) -> list[WindowSpans]:
    """Windows of 100 one-letter words each; the last 64 of the first are the first 64 of the second."""
    windows = [window_of(*((2 * i, 2 * i + 1) for i in range(36 * n, 36 * n + 100))) for n in range(2)]
    return [window_spans(w, logits_of(w, *of)) for w, of in zip(windows, scores, strict=True)]


def test_a_stretch_that_stands_in_two_windows_counts_once_by_the_better_one() -> None:
    assert OVERLAP == 64
    # The word 40 of the passage, in both windows; the words 120 to 121, in the second alone.
    first, second = two_windows(
        ({40: 1.5}, {40: 2.0}), ({40 - 36: 1.0, 120 - 36: 1.0}, {40 - 36: 2.0, 121 - 36: 1.0})
    )
    spans = answer_spans([first, second], "a " * 136)
    # Odds: 3 (2 in the second window), 1, and 1 for none; the one from 40 to 121 is longer than an answer.
    assert [(item.span, round(item.probability, 4)) for item in spans[:2]] == [
        (Span(80, 81), round(3 / 5, 4)),
        (Span(240, 243), round(1 / 5, 4)),
    ]


def test_the_same_passage_in_one_window_or_in_two_has_the_same_answers() -> None:
    starts, ends = {10: 2.0, 70: 3.0, 130: 1.0}, {12: 1.0, 70: 0.5, 135: 4.0}
    whole = window_of(*((2 * i, 2 * i + 1) for i in range(136)))
    first = ({10: 2.0, 70: 3.0}, {12: 1.0, 70: 0.5})
    second = ({70 - 36: 3.0, 130 - 36: 1.0}, {70 - 36: 0.5, 135 - 36: 4.0})
    parts = two_windows(first, second)
    once = answer_spans([window_spans(whole, logits_of(whole, starts, ends))], "a " * 136)
    twice = answer_spans(parts, "a " * 136)
    assert [item.span for item in once[:3]] == [item.span for item in twice[:3]]
    assert [item.probability for item in once] == pytest.approx([item.probability for item in twice])


def test_at_most_five_answers_are_given() -> None:
    window = window_of(*((2 * i, 2 * i + 1) for i in range(9)))
    every = dict.fromkeys(range(9), 1.0)
    assert len(answer_spans([window_spans(window, logits_of(window, every, every))], "a " * 9)) == 5


@given(st.integers(1, 90), st.integers(0, 2**32 - 1), st.floats(0.1, 60))
def test_answers_are_apart_ordered_and_share_one_probability(count: int, seed: int, spread: float) -> None:
    window = window_of(*((2 * i, 2 * i + 1) for i in range(count)))
    logits = np.random.default_rng(seed).normal(0, spread, (len(window.ids), 2)).astype(np.float32)
    spans = answer_spans([window_spans(window, logits)], "a " * count)
    chances = [item.probability for item in spans]
    assert chances == sorted(chances, reverse=True)
    assert 0 <= sum(chances) <= 1 + 1e-9
    places = sorted((item.span.start, item.span.end) for item in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(places))
