import pytest

from rag.follow_up import pointed_back_to, standalone

RENT = "What is the monthly rent of the warehouse?"
ZH = "员工每年享有多少天带薪年假？"


@pytest.mark.parametrize("question", ["When is it due?", "And in May?", "What about storage?", "Why not?"])
def test_what_points_back_or_says_little_is_asked_after_the_question_before(question: str) -> None:
    assert standalone(question, [RENT]) == f"{RENT}\n{question}"


@pytest.mark.parametrize("question", ["那病假呢？", "它可以顺延吗？", "其他员工呢？"])
def test_chinese_follow_ups_too(question: str) -> None:
    assert standalone(question, [ZH]) == f"{ZH}\n{question}"


@pytest.mark.parametrize(
    "question", ["When must the filter of the pump be replaced?", "试用期工资不低于转正工资的多少？"]
)
def test_a_question_that_stands_by_itself_stays_as_it_is(question: str) -> None:
    assert standalone(question, [RENT]) == question


def test_it_is_the_last_question_that_stood_by_itself_that_comes_before() -> None:
    assert standalone("And then?", ["Who insures the warehouse?", RENT, "When is it due?"]).startswith(RENT)


def test_a_first_question_has_nothing_before_it() -> None:
    assert standalone("Why?", []) == "Why?"
    assert pointed_back_to("Why?", []) == ""
