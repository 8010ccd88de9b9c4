from dataclasses import replace

import pytest
from made_records import cited, judged_as, made, source, unanswerable

from evals.judge import is_correct
from evals.questions import Gold, Mark
from evals.records import CitedSentence, Place

GOLD = Gold(answers=("May",), documents=("a",), marks=(Mark("a", 10, "May"),))
PLACE = Place("a", 10, 13)


def sentence(document: str, start: int, end: int) -> CitedSentence:
    return CitedSentence("text", (source(document, start, end),), 0.9, "supported")


@pytest.mark.parametrize(
    ("document", "start", "end", "is_right"),
    [
        ("a", 10, 13, True),
        ("a", 0, 40, True),
        ("a", 11, 40, False),
        ("a", 0, 12, False),
        ("b", 0, 40, False),
    ],
)
def test_the_whole_gold_span_must_lie_in_a_quotation_of_its_document(
    document: str, start: int, end: int, is_right: bool
) -> None:
    assert is_correct(cited(sentence(document, start, end), gold=GOLD, places=(PLACE,))) is is_right


def test_any_sentence_and_any_place_will_do() -> None:
    places = (PLACE, Place("b", 5, 8))
    assert is_correct(cited(sentence("c", 0, 9), sentence("b", 0, 9), gold=GOLD, places=places))


def test_an_answer_that_was_withheld_is_judged_by_what_was_proposed() -> None:
    shown = cited(sentence("a", 0, 40), gold=GOLD, places=(PLACE,))
    assert is_correct(replace(shown, status="abstained"))


def test_gold_that_stands_in_no_document_found_makes_no_answer_right() -> None:
    assert not is_correct(cited(sentence("a", 0, 40), gold=GOLD))
    assert not is_correct(cited(sentence("a", 0, 40), gold=Gold(answers=("May",), documents=("a",))))


def test_where_only_documents_are_known_one_must_be_quoted() -> None:
    gold = Gold(documents=("a", "b"), free_answers=("an expert's words",))
    assert is_correct(cited(sentence("c", 0, 9), sentence("b", 0, 9), gold=gold))
    assert not is_correct(cited(sentence("c", 0, 9), gold=gold))


def test_a_label_must_have_been_predicted() -> None:
    assert is_correct(judged_as("q", 0.5, is_right=True))
    assert not is_correct(judged_as("q", 0.5, is_right=False))


def test_failed_unanswerable_and_unanswered_questions_are_never_right() -> None:
    right = cited(sentence("a", 0, 40), gold=GOLD, places=(PLACE,))
    assert not is_correct(replace(right, error="StoreUnavailableError: locked"))
    assert not is_correct(replace(right, is_answerable=False))
    assert not is_correct(unanswerable("q", 0.1))
    assert not is_correct(made(expected=("May",)))
