from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from evals.questions import Corpus, EvalQuestion, Gold, QuestionSet
from evals.sets.few import SIZES, among_few, of_few_documents
from evals.sets.removed import is_chosen
from ingest.text_document import TextDocument
from rag.filters import parse_filter

TRAIN, TEST = 20, 15
PARTS = 2


def text_of(document: str, part: int) -> TextDocument:
    return TextDocument(f"{document}/{part}", document, "one two", {"document": document})


def asked_of(document: str, number: int, *, is_answerable: bool = True) -> EvalQuestion:
    return EvalQuestion(
        id=f"{document}-{number}",
        text="one?",
        gold=Gold(answers=("one",), documents=(f"{document}/0",)),
        language="en",
        domain="general",
        group=document,
        is_test=document.startswith("test"),
        is_answerable=is_answerable,
    )


def set_of(documents: Sequence[str], questions: Sequence[EvalQuestion]) -> QuestionSet:
    texts = tuple(text_of(document, part) for document in documents for part in range(PARTS))
    return QuestionSet(tuple(questions), Corpus("c", "h" * 64, texts), "before")


NAMES = [f"train{i}" for i in range(TRAIN)] + [f"test{i}" for i in range(TEST)]
ASKED = [asked_of(name, number) for name in NAMES for number in range(6)]
DATA = set_of(NAMES, ASKED)
FEW = of_few_documents(DATA)


def shown(question: EvalQuestion) -> list[str]:
    """The documents that the question's scope lets through, in the order in which it names them."""
    match question.scope:
        case {"document": {"$in": [*names]}}:
            parse_filter(question.scope)
            return [str(name) for name in names]
    pytest.fail(f"a scope of another form: {question.scope}")


def test_the_same_questions_are_asked_of_the_same_few_documents_every_time() -> None:
    assert of_few_documents(DATA) == FEW
    assert among_few(lambda _: DATA)(Path()) == FEW


def test_what_a_question_is_shown_does_not_depend_on_the_other_questions_of_its_documents() -> None:
    alone = of_few_documents(replace(DATA, questions=DATA.questions[::6]))
    assert alone.questions == FEW.questions[::6]


def test_about_half_of_the_questions_lose_the_document_that_answers_them() -> None:
    left_out = [question for question in FEW.questions if not question.is_answerable]
    assert 0.4 < len(left_out) / len(ASKED) < 0.6
    assert {question.id for question in left_out} == {q.id for q in ASKED if is_chosen(q.id)}


def test_a_question_s_own_document_is_shown_exactly_where_it_is_answerable() -> None:
    for question in FEW.questions:
        assert (question.group in shown(question)) is question.is_answerable, question.id


def test_of_the_gold_of_a_question_without_its_document_only_the_document_is_left() -> None:
    for before, after in zip(ASKED, FEW.questions, strict=True):
        kept = before.gold if after.is_answerable else Gold(documents=before.gold.documents)
        assert after == replace(before, scope=after.scope, is_answerable=after.is_answerable, gold=kept)


def test_only_documents_of_the_question_s_own_split_are_shown() -> None:
    for question in FEW.questions:
        assert all(name.startswith("test") is question.is_test for name in shown(question)), question.id


def test_every_size_comes_up_with_and_without_the_answer_and_no_document_is_shown_twice() -> None:
    for is_answerable in (True, False):
        sizes = {len(shown(q)) for q in FEW.questions if q.is_answerable is is_answerable}
        assert sizes == set(SIZES)
    assert all(len(set(shown(question))) == len(shown(question)) for question in FEW.questions)


def test_a_question_with_gold_in_two_documents_is_shown_both_or_neither() -> None:
    pairs = [
        replace(q, gold=Gold(documents=(f"{q.group}/0", f"train{(int(q.group[5:]) + 1) % TRAIN}/1")))
        for q in ASKED
        if not q.is_test
    ]
    for question in of_few_documents(set_of(NAMES, pairs)).questions:
        own = {uri.split("/")[0] for uri in question.gold.documents}
        assert own & set(shown(question)) == (own if question.is_answerable else set())


def test_where_there_are_fewer_documents_than_asked_for_all_others_will_do() -> None:
    names = ["train0", "train1", "train2"]
    few = of_few_documents(set_of(names, [asked_of(name, i) for name in names for i in range(20)]))
    for question in few.questions:
        assert 1 <= len(shown(question)) <= 2, question.id


def test_a_question_that_cannot_be_answered_is_not_asked_and_its_document_is_not_shown() -> None:
    refused = asked_of("train-extra", 0, is_answerable=False)
    few = of_few_documents(set_of([*NAMES, "train-extra"], [*ASKED, refused]))
    assert few.questions == FEW.questions


def test_the_corpus_stays_and_the_hash_tells_the_two_sets_apart() -> None:
    assert FEW.corpus == DATA.corpus
    assert FEW.data_hash != DATA.data_hash
    assert FEW.data_hash != of_few_documents(replace(DATA, data_hash="another")).data_hash


def test_questions_that_bring_their_passages_cannot_be_asked_of_few_documents() -> None:
    with pytest.raises(ValueError, match="corpus"):
        of_few_documents(replace(DATA, corpus=None))
