import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import question_parts as module
from rag.question_parts import MAXIMUM_PARTS, SEAMS_WEIGHED, parts_of


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("What is the rent? When is it due?", ("What is the rent", "When is it due")),
        ("What is the rent and when is it due?", ("What is the rent", "when is it due")),
        ("What is the rent, and to whom is it paid?", ("What is the rent", "to whom is it paid")),
        ("What is the rent; who pays it?", ("What is the rent", "who pays it")),
        ("Is the deposit insured and is it returned?", ("Is the deposit insured", "is it returned")),
        ("租金是多少？何时支付？", ("租金是多少", "何时支付")),
        ("押金是多少以及何时退还？", ("押金是多少", "何时退还")),
        ("押金和租金分别是多少？", ("押金是多少", "租金是多少")),
        ("合同的押金、租金和税费分别是多少？", ("合同的押金是多少", "合同的租金是多少", "合同的税费是多少")),
        ("发起人和参与者分别承担什么责任？", ("发起人承担什么责任", "参与者承担什么责任")),
        ("甲公司与乙公司的法定代表人分别是谁？", ("甲公司的法定代表人是谁", "乙公司的法定代表人是谁")),
    ],
)
def test_a_question_that_asks_several_things_is_taken_apart(question: str, parts: tuple[str, ...]) -> None:
    assert parts_of(question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "What is the rent?",
        "When and where was the contract signed?",
        "Who are the landlord and the tenant?",
        "Which drugs are approved and are used in children?",
        "What is known about when and how the fire began?",
        "Rent; deposit; charges",
        "Alpha. Beta?",
        "租金是多少？",
        "甲方以及乙方的义务是什么？",
        "任何一方能否解除合同以及转租？",
        "押金、租金、税费和水费分别是多少？",
        "和分别是多少？",
        "与会者分别是谁？",
        "",
    ],
)
def test_a_question_that_asks_one_thing_stays_whole(question: str) -> None:
    assert parts_of(question) == (question,)


def test_more_than_three_parts_stay_as_three() -> None:
    question = "What is rent? What is tax? What is law? What is art?"
    assert parts_of(question) == ("What is rent", "What is tax", "What is law? What is art")


@pytest.mark.parametrize("marks", [20, 2000])
def test_however_many_marks_a_text_has_few_of_them_are_weighed(
    marks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed: list[str] = []

    def is_asking(part: str) -> bool:
        weighed.append(part)
        return False

    monkeypatch.setattr(module, "_is_asking", is_asking)
    assert parts_of("? " * marks) == (("? " * marks).strip(),)
    assert len(weighed) == SEAMS_WEIGHED


@settings(deadline=None)
@given(st.text(alphabet="What is?？; and when 何时以及多少分别和的、，", max_size=60))
def test_there_are_one_to_three_parts_of_any_text(question: str) -> None:
    parts = parts_of(question)
    assert 1 <= len(parts) <= MAXIMUM_PARTS
    assert len(parts) > 1 or parts == (question.strip(),)
