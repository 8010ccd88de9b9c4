"""The project's own questions and the handbook they are asked of change together."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from evals.questions import EvalQuestion
from evals.sets.own import load_own
from ingest.adapters.markdown import parse_markdown
from ingest.clean import clean
from rag.language import language_of

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = ROOT / "evals" / "handbook" / "questions.jsonl"
DOCS = ROOT / "docs"


@cache
def questions() -> tuple[EvalQuestion, ...]:
    return load_own(QUESTIONS).questions


@cache
def canonical_text(document: str) -> str:
    return clean(parse_markdown((DOCS / document).read_bytes(), document)).text


@pytest.mark.parametrize("asked", questions(), ids=lambda asked: asked.id)
def test_every_gold_passage_stands_word_by_word_in_its_page(asked: EvalQuestion) -> None:
    for mark in asked.gold.marks:
        assert (DOCS / mark.document).is_file(), (
            f"{asked.id} ({asked.text}) has gold in docs/{mark.document}, which is gone: "
            "name the page that says it now"
        )
        assert mark.text in canonical_text(mark.document), (
            f"docs/{mark.document} was edited and no longer says “{mark.text}”: "
            f"give question {asked.id} ({asked.text}) in {QUESTIONS.name} its new words"
        )


def test_a_question_is_answerable_exactly_when_it_has_gold() -> None:
    for asked in questions():
        assert asked.is_answerable == bool(asked.gold.answers) == bool(asked.gold.marks), asked.id


def test_a_gold_passage_is_short_enough_to_be_one_quotation() -> None:
    for asked in questions():
        for mark in asked.gold.marks:
            assert "\n" not in mark.text, asked.id
            assert 0 < len(mark.text) <= 160, asked.id


def test_questions_are_of_the_language_they_claim_and_unlike_each_other() -> None:
    assert all(language_of(asked.text) == asked.language for asked in questions())
    assert len({asked.text.casefold() for asked in questions()}) == len(questions())
    assert len({asked.id for asked in questions()}) == len(questions())


def test_there_are_enough_of_each_kind() -> None:
    kinds = Counter((asked.language, asked.is_answerable) for asked in questions())
    assert kinds["en", True] >= 40
    assert kinds["en", False] >= 15
    assert kinds["zh", True] >= 15
    assert kinds["zh", False] >= 8
    assert {asked.metadata["phrasing"] for asked in questions()} == {"own words", "terms"}


def test_no_question_repeats_the_sentence_that_answers_it() -> None:
    for asked in questions():
        for mark in asked.gold.marks:
            assert mark.text.casefold() not in asked.text.casefold(), asked.id
