import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.marks import WrittenSentence, read_json, read_marks
from rag.prompt import answer_schema


def named(text: str, sources: int = 3, language: str = "en") -> list[tuple[str, tuple[int, ...]]]:
    return [(item.text, item.sources) for item in read_marks(text, sources, language).sentences]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Rent is due in May. [1]", "en", [("Rent is due in May.", (1,))]),
        ("Rent is due in May [1].", "en", [("Rent is due in May.", (1,))]),
        ("It is so. [1][3] It stays so. [2]", "en", [("It is so.", (1, 3)), ("It stays so.", (2,))]),
        ("It is so [1, 2; 3].", "en", [("It is so.", (1, 2, 3))]),
        ("[2] It is so.", "en", [("It is so.", (2,))]),
        ("It is so. [1][1]", "en", [("It is so.", (1,))]),
        ("租金五月到期。【1】押金三个月。［２］", "zh", [("租金五月到期。", (1,)), ("押金三个月。", (2,))]),
        ("租金五月到期[1、2]。", "zh", [("租金五月到期。", (1, 2))]),
        ("- one thing [1]\n- another thing [2]", "en", [("- one thing", (1,)), ("- another thing", (2,))]),
        (
            "Nothing is named. The law of [2020] holds.",
            "en",
            [("Nothing is named.", ()), ("The law of [2020] holds.", ())],
        ),
        ("", "en", []),
        ("[1]", "en", []),
    ],
)
def test_a_mark_belongs_to_the_sentence_before_it(
    text: str, language: str, expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert named(text, language=language) == expected


def test_marks_that_name_no_source_are_removed_and_counted() -> None:
    written = read_marks("It is so. [9] It stays so. [1][12]", 3, "en")
    assert [item.sources for item in written.sentences] == [(), (1,)]
    assert written.out_of_range == 2


def test_zero_alone_says_that_there_is_no_answer() -> None:
    assert read_marks("[0]", 3, "en").says_no_answer
    assert not read_marks("It is so. [1] And [0] more.", 3, "en").says_no_answer


def test_what_cannot_be_encoded_is_a_question_mark() -> None:
    assert named("It is so\ud83d [1]") == [("It is so?", (1,))]


def test_thoughts_are_no_part_of_an_answer() -> None:
    assert named("<think>May? [2]</think>It is so. [1]") == [("It is so.", (1,))]
    assert named("<think>May? [2]") == []
    assert named("May? [2]</think>It is so. [1]") == [("It is so.", (1,))]
    assert named("It is so. [1] <think>May? [2]</think>") == [("It is so.", (1,))]


def test_the_torn_last_sentence_of_half_an_answer_is_left_out() -> None:
    written = read_marks("It is so. [1] It sta", 3, "en", is_whole=False)
    assert written.sentences == (WrittenSentence("It is so.", (1,)),)


@given(st.text(alphabet="a .[]【】［］１2,，。<>think/\n", max_size=60), st.integers(1, 5))
def test_no_text_breaks_it_and_no_source_out_of_range_comes_out(text: str, sources: int) -> None:
    for item in read_marks(text, sources, "en").sentences:
        assert item.text
        assert all(1 <= number <= sources for number in item.sources)


def test_json_gives_sentences_with_their_sources_and_quotes() -> None:
    sentence = {"text": "It is so [2].", "citations": [1, 7], "quote": "so it is"}
    written = read_json(json.dumps({"answerable": True, "sentences": [sentence]}), 3)
    assert written.sentences == (WrittenSentence("It is so.", (1,), "so it is"),)
    assert written.out_of_range == 1


def test_each_sentence_of_a_json_item_is_one_of_its_own() -> None:
    item = {
        "text": "Rent is due in May. It is 900 euros. 押金三个月。租金五月到期。",
        "citations": [2],
        "quote": "due",
    }
    written = read_json(json.dumps({"answerable": True, "sentences": [item]}), 3).sentences
    texts = ["Rent is due in May.", "It is 900 euros.", "押金三个月。", "租金五月到期。"]
    assert [item.text for item in written] == texts
    assert {(item.sources, item.quote) for item in written} == {((2,), "due")}


def test_a_json_answer_that_never_ends_or_cannot_be_encoded_breaks_nothing() -> None:
    assert read_json("[" * 5_000, 3).sentences == ()
    item = r'{"sentences": [{"text": "Rent is due\ud83d", "citations": [1], "quote": "\ud83d"}]}'
    assert read_json(item, 3).sentences == (WrittenSentence("Rent is due?", (1,), "?"),)


def test_half_of_a_json_answer_keeps_its_whole_sentences() -> None:
    whole = '{"text": "It is so.", "citations": [1], "quote": ""}'
    text = f'{{"answerable": true, "sentences": [{whole}, {{"text": "It st'
    written = read_json(text, 3, is_whole=False)
    assert [item.text for item in written.sentences] == ["It is so."]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["sentences", "text", "citations", "quote"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_no_json_breaks_it(value: object) -> None:
    for item in read_json(json.dumps(value), 3).sentences:
        assert all(1 <= number <= 3 for number in item.sources)


def test_the_schema_lets_only_given_sources_through() -> None:
    schema = json.dumps(answer_schema(3))
    assert '"enum": [1, 2, 3]' in schema
