from collections.abc import Sequence

import pytest

from evals.data import DataError
from evals.questions import EvalQuestion, GivenPassage, Gold
from evals.reading import ShortAnswer, figures_of, measure_reader, read_answer
from rag.domain import AnswerSpan, Passage, Reading, Span

LEASE = GivenPassage("lease", "Lease", "Rent is due in May.")
CONTRACT = GivenPassage("合同", "租约", "租金五月支付。")


class WordFinder:
    """Answers with the first of its words that a passage has; the later the word, the less answerable."""

    version = "1"

    def __init__(self, *words: str) -> None:
        self._words = words

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        assert question == "When?"
        return [self._reading(passage.text) for passage in passages]

    def _reading(self, text: str) -> Reading:
        for rank, word in enumerate(self._words, start=1):
            if word in text:
                span = Span(text.index(word), text.index(word) + len(word))
                return Reading(1.0, 1 / rank, (AnswerSpan(span, 1.0),))
        return Reading(0.0, 0.0, ())


def asked(
    name: str, *expected: str, passages: Sequence[GivenPassage] = (LEASE,), language: str = "en"
) -> EvalQuestion:
    return EvalQuestion(
        name,
        "When?",
        Gold(answers=expected),
        language,
        "legal",
        group=name,
        is_test=True,
        is_answerable=bool(expected),
        passages=tuple(passages),
    )


def test_the_answer_is_the_best_span_of_the_most_answerable_passage() -> None:
    both = asked("q", "五月", passages=(LEASE, CONTRACT))
    assert read_answer(WordFinder("五月", "May"), both) == ShortAnswer("五月", 1.0)
    assert read_answer(WordFinder("May", "五月"), both) == ShortAnswer("May", 1.0)
    assert read_answer(WordFinder("June"), both) == ShortAnswer("", 0.0)
    assert read_answer(WordFinder("May"), asked("q", "May", passages=())) == ShortAnswer("", 0.0)


def test_figures_are_squads() -> None:
    questions = (asked("exact", "May"), asked("longer", "in May"), asked("other", "June"), asked("none"))
    found = figures_of(questions, [ShortAnswer("May", score) for score in (0.9, 0.8, 0.1, 0.5)])
    assert (found.questions, found.documents) == (4, 4)
    assert found.exact_match.value == pytest.approx(1 / 3, abs=1e-6)
    assert found.exact_match.n == found.f1.n == 3
    assert found.f1.value == pytest.approx((1 + 2 / 3 + 0) / 3, abs=1e-6)
    assert found.best_f1 is not None
    assert found.best_f1.value == pytest.approx((1 + 2 / 3 + 0 + 1) / 4, abs=1e-6)  # answered from .8 up
    assert found.answerability is not None
    assert found.answerability.value == pytest.approx(2 / 3, abs=1e-6)
    assert found.best_f1.n == found.answerability.n == 4


def test_without_unanswerable_questions_nothing_can_be_refused() -> None:
    found = measure_reader(WordFinder("May"), [asked("a", "May"), asked("b", "in May")])
    assert found.f1.value == pytest.approx((1 + 2 / 3) / 2, abs=1e-6)
    assert (found.best_f1, found.answerability) == (None, None)


def test_chinese_is_compared_by_character() -> None:
    question = asked("q", "五月", passages=(CONTRACT,), language="zh")
    found = measure_reader(WordFinder("五月支付"), [question])
    assert found.f1.value == pytest.approx(2 * 2 / (4 + 2), abs=1e-6)


def test_where_nothing_is_answerable_there_are_no_figures() -> None:
    with pytest.raises(DataError, match="no question is answerable"):
        measure_reader(WordFinder("May"), [asked("q")])
