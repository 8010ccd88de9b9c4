import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.question_kind import QuestionKind, asks_for_several, asks_for_yes_or_no, holds, kind_of


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many days of notice are required?", QuestionKind.NUMBER),
        ("What is the dose for children?", QuestionKind.NUMBER),
        ("试用期为几个月？", QuestionKind.NUMBER),
        ("年假有多少天？", QuestionKind.NUMBER),
        ("When does the lease end?", QuestionKind.TIME),
        ("In which year was it built?", QuestionKind.TIME),
        ("合同何时到期？", QuestionKind.TIME),
        ("他是哪年出生的？", QuestionKind.TIME),
        ("Who insures the warehouse?", QuestionKind.PERSON),
        ("法定代表人是谁？", QuestionKind.PERSON),
        ("Where is the court?", QuestionKind.PLACE),
        ("公司位于哪里？", QuestionKind.PLACE),
        ("Why was the claim dismissed?", QuestionKind.REASON),
        ("为什么驳回起诉？", QuestionKind.REASON),
        ("Is the tenant liable?", QuestionKind.YES_NO),
        ("承租人是否负责投保？", QuestionKind.YES_NO),
        ("可以转租吗？", QuestionKind.YES_NO),
        ("What is a tenant?", QuestionKind.OTHER),
        ("什么是承租人？", QuestionKind.OTHER),
        ("", QuestionKind.OTHER),
    ],
)
def test_a_question_asks_for_a_kind_of_thing(question: str, kind: QuestionKind) -> None:
    assert kind_of(question) is kind


def test_the_first_kind_that_fits_is_taken() -> None:
    assert kind_of("When and where was it signed?") is QuestionKind.TIME
    assert kind_of("Is it known who signed it?") is QuestionKind.PERSON


def test_a_word_within_a_word_asks_for_nothing() -> None:
    assert kind_of("Whenever rent is late, what is charged?") is QuestionKind.OTHER


@pytest.mark.parametrize(
    ("kind", "text", "is_held"),
    [
        (QuestionKind.NUMBER, "Six months of notice.", False),  # only small letters count as number words
        (QuestionKind.NUMBER, "Notice of six months.", True),
        (QuestionKind.NUMBER, "Notice of 6 months.", True),
        (QuestionKind.NUMBER, "试用期为三个月。", True),
        (QuestionKind.NUMBER, "试用期不得延长。", False),
        (QuestionKind.TIME, "It ended in 1998.", True),
        (QuestionKind.TIME, "It ended in May.", True),
        (QuestionKind.TIME, "合同于3月到期。", True),
        (QuestionKind.TIME, "It ended badly.", False),
        (QuestionKind.PERSON, "It is insured by Anna.", True),
        (QuestionKind.PERSON, "it is insured by somebody.", False),
        (QuestionKind.PERSON, "由承租人投保。", True),
        (QuestionKind.PLACE, "It stands in Geneva.", True),
        (QuestionKind.PLACE, "位于广东省。", True),
        (QuestionKind.PLACE, "it stands by the river.", False),
        (QuestionKind.REASON, "It failed because of rust.", True),
        (QuestionKind.REASON, "因未付租金而解除。", True),
        (QuestionKind.REASON, "It failed.", False),
    ],
)
def test_a_kind_is_looked_for_by_its_form(kind: QuestionKind, text: str, is_held: bool) -> None:
    assert holds(kind, text) is is_held


@given(st.text(max_size=40))
def test_what_has_no_form_is_never_found_nor_missing(text: str) -> None:
    assert holds(QuestionKind.YES_NO, text) is None
    assert holds(QuestionKind.OTHER, text) is None


@pytest.mark.parametrize(
    ("question", "is_several"),
    [
        ("Which drugs are approved for children?", True),
        ("What are the symptoms of gout?", True),
        ("What side effects have been reported?", True),
        ("Who were the parties to the contract?", True),
        ("List the duties of the tenant.", True),
        ("Please list 3 inhibitors of CGRP", True),
        ("Name the three courts.", True),
        ("承租人有哪些义务？", True),
        ("合同有哪几种？", True),
        ("请列举承租人的义务。", True),
        ("押金和租金分别是多少？", True),
        ("What is the rent?", False),
        ("What does this do?", False),
        ("Which process is used?", False),
        ("Which virus can cause it?", False),
        ("What lens did he use?", False),
        ("What gas did they use?", False),
        ("What status can it have?", False),
        ("Which process did they use?", False),
        ("Which diagnosis did he get?", False),
        ("Which basis did they choose?", False),
        ("What analysis did they make?", False),
        ("Which bus can I take?", False),
        ("What can tenants do?", False),
        ("Who pays for repairs which are urgent?", False),
        ("Is the roof covered by repairs which are urgent?", False),
        ("Under which laws are sales taxed?", True),
        ("What is the rent and what are the fees?", True),
        ("What is the rent? Which fees are due?", True),
        ("Who is named in the list?", False),
        ("租金是多少？", False),
        ("", False),
    ],
)
def test_some_questions_ask_for_several_things(question: str, is_several: bool) -> None:
    assert asks_for_several(question) is is_several


@pytest.mark.parametrize(
    ("question", "is_yes_or_no"),
    [
        ("Is the tenant liable?", True),
        ("Must the deposit be returned when the lease ends?", True),
        ("可以转租吗？", True),
        ("承租人是否负责投保？", True),
        ("Would the rent be due?", True),
        ("Isn't the rent due?", True),
        ("Will the tenant pay?", True),
        ("May the tenant sublet?", True),
        ("任何一方能否解除合同？", True),
        ("May 2020 events?", False),
        ("Will of the people", False),
        ("Can I cancel within two weeks, and what does it cost?", False),
        ("Can I cancel, and if so, how?", False),
        ("Is the deposit insured and is it returned?", False),
        ("Is it safe?\nHow long does it protect?", False),
        ("是否可以转租，是否需要押金？", False),
        ("是否可以转租以及何时？", False),
        ("?" * 4000, False),
        ("Can you tell me who insures it?", False),
        ("Is it due in May or in June?", False),
        ("Is it safe? How long does it protect?", False),
        ("Who insures the warehouse?", False),
        ("有什么办法吗？", False),
        ("押金是三个月还是两个月租金？", False),
        ("", False),
    ],
)
def test_some_questions_are_answered_by_yes_or_no(question: str, is_yes_or_no: bool) -> None:
    assert asks_for_yes_or_no(question) is is_yes_or_no
