import pytest

from evals.choose import choose, configured_chooser, letter_of, prompt_hash, prompt_of
from evals.judge import is_correct
from evals.questions import EvalQuestion, GivenPassage, Gold
from rag.errors import InvalidRequestError

DECISIONS = ("yes", "no", "maybe")


def question(language: str = "en", choices: tuple[str, ...] = DECISIONS) -> EvalQuestion:
    return EvalQuestion(
        id="1",
        text="Does $it help?",
        gold=Gold(label="B"),
        language=language,
        domain="medical",
        group="1",
        is_test=True,
        passages=(GivenPassage("a", "RESULTS", "It cost $5 and did not help."),),
        choices=choices,
    )


@pytest.mark.parametrize(
    "completion",
    [
        "B",
        "b)",
        "(B)",
        "**B**",
        "B. no",
        "Answer: B.",
        "**Answer: B**",
        "The correct answer is option B",
        "Option A is wrong. The answer is B",
        "The answer is (B) because A patient was lost.",
        "I think it is B",
        "答案：B",
        "答案是Ｂ",
        "（Ｂ）",
        "故选B。",
        "选项A错误，应选B",
        "no",
        "No.",
        "<think>Surely A? The answer is A.</think>\nB",
    ],
)
def test_the_letter_of_a_completion_is_found(completion: str) -> None:
    assert letter_of(completion, DECISIONS) == "B"


@pytest.mark.parametrize(
    "completion",
    ["", "I do not know.", "A patient came.", "B or C", "Answer: Z", "<think>B", "not C but B", "Yes and no"],
)
def test_no_letter_is_made_up(completion: str) -> None:
    assert letter_of(completion, DECISIONS) == ""


def test_the_prompt_holds_question_passages_and_lettered_options_as_they_are() -> None:
    prompt = prompt_of(question())
    assert "Question: Does $it help?" in prompt
    assert "[1] RESULTS\nIt cost $5 and did not help." in prompt
    assert "A. yes\nB. no\nC. maybe" in prompt


def test_a_chinese_question_gets_a_chinese_prompt() -> None:
    assert "选项：\nA. yes" in prompt_of(question("zh"))
    assert "Options:\nA. yes" in prompt_of(question("de"))


def test_the_hash_of_the_templates_is_a_sha256() -> None:
    assert len(prompt_hash()) == 64


@pytest.mark.parametrize("count", [0, 1, 27])
def test_a_question_needs_two_to_26_options(count: int) -> None:
    with pytest.raises(InvalidRequestError, match=f"has {count} options"):
        prompt_of(question(choices=("x",) * count))


def test_a_scripted_model_is_scored() -> None:
    right = choose(question(), lambda _: "The answer is B.")
    wrong = choose(question(), lambda _: "A")
    assert (right.predicted, right.status, right.answer) == ("B", "answered", "The answer is B.")
    assert [is_correct(right), is_correct(wrong)] == [True, False]


def test_a_completion_without_a_letter_is_an_abstention() -> None:
    record = choose(question(), lambda _: "gibberish")
    assert (record.predicted, record.status, record.reason) == ("", "abstained", "no_option_named")
    assert not is_correct(record)


def test_without_a_language_model_choosing_is_refused_with_the_remedy() -> None:
    with pytest.raises(InvalidRequestError, match=r"need a language model.*evals\.choose\.choose"):
        configured_chooser()
