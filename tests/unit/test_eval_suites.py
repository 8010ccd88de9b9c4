from dataclasses import replace

import pytest

from evals.data import is_development
from evals.questions import EvalQuestion, Gold, Split
from evals.suites import SUITES, Task, select, suite_named
from rag.errors import InvalidRequestError, NotFoundError


def asked(number: int, *, is_test: bool = False) -> EvalQuestion:
    return EvalQuestion(
        str(number), "?", Gold(documents=("a",)), "en", "general", group=f"g{number}", is_test=is_test
    )


def test_splits_part_the_questions() -> None:
    questions = tuple(asked(number, is_test=number < 3) for number in range(10))
    held_out = select("s", questions, Split.TEST, limit=None, seed=0)
    assert [question.id for question in held_out] == ["0", "1", "2"]
    assert held_out + select("s", questions, Split.TRAIN, limit=None, seed=0) == questions
    assert select("s", questions, Split.ALL, limit=None, seed=0) == questions


def test_development_questions_are_train_questions_of_some_documents() -> None:
    questions = tuple(asked(number, is_test=number < 100) for number in range(400))
    chosen = select("s", questions, Split.DEVELOPMENT, limit=None, seed=0)
    assert 0 < len(chosen) < 300
    assert chosen == tuple(q for q in questions if not q.is_test and is_development(q.group))


def test_a_limit_takes_the_same_questions_whatever_their_order() -> None:
    questions = tuple(asked(number) for number in range(50))
    few = select("s", questions, Split.ALL, limit=5, seed=0)
    assert len(few) == 5
    ids = {question.id for question in few}
    again = select("s", questions[::-1], Split.ALL, limit=5, seed=0)
    assert {question.id for question in again} == ids
    more = select("s", questions, Split.ALL, limit=9, seed=0)
    assert ids < {question.id for question in more}
    other = select("s", questions, Split.ALL, limit=5, seed=1)
    assert {question.id for question in other} != ids


def test_questions_can_be_chosen_by_their_ids() -> None:
    questions = tuple(asked(number) for number in range(5))
    chosen = select("s", questions, Split.ALL, limit=None, seed=0, sample_ids=("3", "1"))
    assert [question.id for question in chosen] == ["1", "3"]
    with pytest.raises(NotFoundError, match="no question '9'"):
        select("s", questions, Split.ALL, limit=None, seed=0, sample_ids=("9",))


def test_a_split_without_questions_is_refused() -> None:
    questions = (replace(asked(1), is_test=True),)
    with pytest.raises(InvalidRequestError, match="no questions in its train split"):
        select("s", questions, Split.TRAIN, limit=None, seed=0)


def test_an_unknown_suite_is_told_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="retrieval/stard"):
        suite_named("retrieval/nothing")


def test_suites_have_distinct_names_of_a_known_task() -> None:
    assert len({suite.name for suite in SUITES}) == len(SUITES)
    assert {suite.task for suite in SUITES} >= {Task.RETRIEVAL, Task.READING, Task.DOCUMENT, Task.PARAGRAPH}
