import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rag.domain import Span
from training.changes import places, replaced, reversals, swaps
from training.examples import Example, Task
from training.names import names
from training.opposites import opposites
from training.rewording import reworded
from training.stretches import Stretch
from training.unanswerable import (
    Kind,
    Positive,
    adversarial,
    changed_on_both_sides,
    other_passage,
    passage_reversed,
    passage_swapped,
    question_reversed,
    question_swapped,
    sentence_removed,
    states,
)

PASSAGE = (
    "The bridge in Warsaw was opened in 1957 by the mayor. It carries trams and it is painted green every "
    "ten years. Another bridge, the one in Gdansk, was planned but never paid for by the city council."
)


def positive(question: str, answer: str, passage: str = PASSAGE, language: str = "en") -> Positive:
    start = passage.index(answer)
    spans = ((start, start + len(answer)),)
    example = Example(
        Task.READ, language, "set", "doc", question, "Bridges", passage, spans=spans, relevance=1.0
    )
    return Positive(example, (answer,), (("doc/0", Span(*spans[0])),))


OPENED = positive("When was the bridge in Warsaw opened?", "1957")


def test_a_swapped_question_asks_about_another_name_of_the_passage() -> None:
    made = question_swapped(OPENED, random.Random(0))
    assert made is not None
    assert made.question == "When was the bridge in Gdansk opened?"
    assert (made.spans, made.relevance) == ((), None)
    assert made.passage == PASSAGE


def test_a_question_is_not_swapped_to_a_name_that_the_answering_sentence_has() -> None:
    passage = "The bridges in Warsaw and in Gdansk were opened in 1957. Nothing else is known of them today."
    assert (
        question_swapped(positive("When was the bridge in Warsaw opened?", "1957", passage), random.Random(0))
        is None
    )


def test_a_question_is_not_swapped_where_the_passage_has_not_its_name() -> None:
    asked = positive("Who built the bridge in Lublin?", "the mayor")
    assert question_swapped(asked, random.Random(0)) is None


def test_a_reversed_question_has_the_opposite_word() -> None:
    made = question_reversed(positive("What was the first bridge called", "It", PASSAGE), random.Random(5))
    assert made is not None
    assert made.question == "What was the last bridge called"
    assert made.spans == ()


def test_a_question_is_not_negated() -> None:
    assert not reversals("When was the bridge painted?", "en", random.Random(0))


def test_a_swapped_passage_speaks_of_another_name() -> None:
    made = passage_swapped(OPENED, random.Random(0))
    assert made is not None
    assert made.passage.startswith("The bridge in Gdansk was opened in 1957")
    assert (made.question, made.spans) == (OPENED.example.question, ())


def test_a_swap_on_both_sides_keeps_the_answer() -> None:
    made = changed_on_both_sides(replace(OPENED, example=replace(OPENED.example)), random.Random(0))
    assert made is not None
    assert made.spans is not None
    assert [made.passage[start:end] for start, end in made.spans] == ["1957"]
    assert made.relevance == 1.0
    assert made.passage != PASSAGE


def test_a_negated_passage_does_not_answer() -> None:
    asked = positive("What kind of old bridge was rebuilt?", "stone", "The old stone bridge fell. " + PASSAGE)
    made = passage_reversed(asked, random.Random(0))
    assert made is not None
    assert made.passage.startswith("The new stone bridge fell.")


def test_the_answering_sentence_is_removed_unless_the_answer_stands_again() -> None:
    made = sentence_removed(OPENED, random.Random(0))
    assert made is not None
    assert made.passage == PASSAGE.partition("mayor. ")[2]
    assert made.relevance == 0.0
    again = positive("When was the bridge in Warsaw opened?", "1957", PASSAGE + " It closed in 1957 too.")
    assert sentence_removed(again, random.Random(0)) is None


def test_another_passage_has_neither_the_mark_nor_the_answer() -> None:
    stretches = [
        Stretch("doc/0", "doc", "Bridges", 0, "The same text, elsewhere cut, over the mark of the answer."),
        Stretch("doc/1", "doc", "Bridges", 0, "A bridge of 1957 in Warsaw."),
        Stretch("doc/2", "doc", "Rivers", 0, "A bridge in Warsaw."),
    ]
    made = other_passage(OPENED, stretches, random.Random(0))
    assert made is not None
    assert (made.passage, made.title, made.spans, made.relevance) == (
        "A bridge in Warsaw.",
        "Rivers",
        (),
        0.0,
    )
    assert other_passage(OPENED, stretches[:2], random.Random(0)) is None


def test_a_text_states_a_long_answer_in_other_words_too() -> None:
    assert states("The mayor opened the new bridge.", "opened by the mayor: the bridge")
    assert not states("The mayor slept.", "opened by the mayor: the bridge")


def test_chinese_questions_are_swapped_and_reversed_in_their_script() -> None:
    passage = "《红楼梦》最早的版本出版于1754年。《西游记》的作者是吴承恩，全书共有一百回，流传很广。"
    asked = positive("《红楼梦》最早的版本是什么时候出版的？", "1754年", passage, "zh")
    swapped = question_swapped(asked, random.Random(0))
    assert swapped is not None
    assert swapped.question == "《西游记》最早的版本是什么时候出版的？"
    reversed_ = question_reversed(asked, random.Random(0))
    assert reversed_ is not None
    assert reversed_.question == "《红楼梦》最晚的版本是什么时候出版的？"
    assert opposites("他是在哪個時期成功的", "zh")["成功"] == "失敗"
    assert opposites("他在哪里成功的", "zh")["成功"] == "失败"


def test_a_question_may_be_swapped_to_the_title_of_another_document() -> None:
    asked = positive(
        "Who painted the Bridges?", "Monet", "The Bridges is a picture. Monet painted the Bridges."
    )
    alike = replace(asked, titles=("Old Bridges", "Water Lilies"))
    made = question_swapped(alike, random.Random(0))
    assert made is not None
    assert made.question == "Who painted the Water Lilies?"


def test_at_most_as_many_adversarial_examples_are_made_as_asked_each_of_its_kind() -> None:
    made = list(adversarial(OPENED, 2, random.Random(1)))
    assert len(made) == 2
    assert len({item.kind for item in made}) == 2
    unchanged = adversarial(OPENED, 3, random.Random(1), may_change=False)
    assert [item.kind for item in unchanged] == [Kind.SENTENCE_REMOVED]


def test_names_are_told_apart_by_their_form() -> None:
    found = {
        name.text: name.kind
        for name in names("In 1957 the BBC praised the Polish bridge of Jan Nowak.", "en")
    }
    assert found == {"1957": "year", "BBC": "acronym", "Polish": "adjective", "Jan Nowak": "name"}


def test_a_year_without_another_one_is_shifted() -> None:
    (change,) = swaps("Who won in 1957?", ["Nothing."], "en", random.Random(0))
    assert change.new != "1957"
    assert change.in_question("Who won in 1957?") == f"Who won in {change.new}?"


def test_words_are_replaced_whole_and_as_they_are_written() -> None:
    assert places("New", "New York, Newer, new, New") == [Span(0, 3), Span(22, 25)]
    assert replaced("aXbX", [Span(1, 2), Span(3, 4)], "..") == "a..b.."
    assert not reversals("Who lives in New York", "en", random.Random(0))


@given(st.text(alphabet="abc dé中文", min_size=1, max_size=60), st.integers(0, 50))
def test_rewording_keeps_what_is_asked_about(words: str, seed: int) -> None:
    for language in ("en", "zh"):
        made = reworded(f"Who was {words}?", language, random.Random(seed))
        assert f"was {words}".rstrip() in made


def test_a_negated_chinese_verb_is_not_negated_again() -> None:
    assert not places("使用", "他从未使用电脑。")
    assert places("使用", "他使用电脑。") == [Span(1, 3)]
