import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.sentences import sentences


def split(text: str, language: str = "en") -> list[str]:
    return [span.of(text) for span in sentences(text, language)]


LANGUAGES = st.sampled_from(["en", "zh"])
TEXTS = st.text(
    alphabet=st.one_of(
        st.sampled_from('aB1 .。；！?？"“”』」（）()\n\t\u3000，é😀\u0301𠮷第条'),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=120,
)


@given(TEXTS, LANGUAGES)
def test_every_visible_character_is_in_exactly_one_sentence(text: str, language: str) -> None:
    covered = [place for span in sentences(text, language) for place in range(span.start, span.end)]
    assert len(covered) == len(set(covered))
    assert {p for p, character in enumerate(text) if not character.isspace()} <= set(covered)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("blank", ["\u00a0", "\u202f", "\u3000", "\u0085"])
def test_a_blank_that_is_not_ascii_is_one_like_others(blank: str, language: str) -> None:
    text = f"option A{blank}. B is next."
    assert sentences(text, language) == sentences(text.replace(blank, " "), language)


@given(TEXTS, LANGUAGES)
def test_sentences_are_in_order_not_empty_trimmed_and_within_one_line(text: str, language: str) -> None:
    spans = sentences(text, language)
    assert all(before.end <= after.start for before, after in itertools.pairwise(spans))
    for span in spans:
        content = span.of(text)
        assert content
        assert content == content.strip()
        assert "\n" not in content


@pytest.mark.parametrize("text", ["", " ", "\n \u3000\n"])
def test_a_text_without_visible_characters_has_no_sentence(text: str) -> None:
    assert sentences(text, "en") == []


def test_offsets_count_code_points_after_emoji_and_combining_marks() -> None:
    assert split("😀👩‍🚀 flew. The e\u0301te\u0301 came. 𠮷野家。走。", "zh") == [
        "😀👩‍🚀 flew.",
        "The e\u0301te\u0301 came.",
        "𠮷野家。",
        "走。",
    ]


def test_abbreviations_do_not_end_a_sentence() -> None:
    assert split("See Sec. 5 of 15 U.S.C. § 5 (e.g. this). Dr. Lee agreed.") == [
        "See Sec. 5 of 15 U.S.C. § 5 (e.g. this).",
        "Dr. Lee agreed.",
    ]


def test_a_numbering_stays_with_what_it_numbers() -> None:
    assert split("1. Term. It lasts a year. 2.3. Fees. Section 3.2. Notices apply. (b) Costs. He pays.") == [
        "1. Term.",
        "It lasts a year.",
        "2.3. Fees.",
        "Section 3.2. Notices apply.",
        "(b) Costs.",
        "He pays.",
    ]


def test_headings_list_items_and_table_rows_are_not_glued_to_what_follows() -> None:
    assert split("# Scope\nIt applies\n- a nut\n- a bolt\n| M8 | 9 N·m |") == [
        "# Scope",
        "It applies",
        "- a nut",
        "- a bolt",
        "| M8 | 9 N·m |",
    ]


def test_chinese_stops_and_semicolons_end_sentences_with_their_closing_quotes() -> None:
    assert split("（一）甲方；（二）乙方。他说：「好。」然后『走！』再来？！真的。", "zh") == [
        "（一）甲方；",
        "（二）乙方。",
        "他说：「好。」",
        "然后『走！』",
        "再来？！",
        "真的。",
    ]


def test_a_stop_inside_brackets_does_not_end_a_chinese_sentence() -> None:
    assert split("甲方应当（见附件。）付款。", "zh") == ["甲方应当（见附件。）付款。"]


def test_a_closing_quotation_mark_stays_with_its_sentence() -> None:
    assert split('He said "Stop." Then he left.') == ['He said "Stop."', "Then he left."]


@pytest.mark.parametrize("unit", ["“啊。", "`", "<!--", '"a. ', "(a. "])
def test_marks_that_open_and_never_close_take_linear_time(unit: str) -> None:
    # It took minutes before; the suite's own time limit is the assertion.
    assert sentences(unit * (100_000 // len(unit)), "zh")


def test_a_sentence_across_the_end_of_a_window_is_whole() -> None:
    text = "The seller pays all costs of shipping. " * 400
    assert set(split(text)) == {"The seller pays all costs of shipping."}


def test_an_odd_quotation_mark_does_not_glue_a_page_together() -> None:
    text = 'A 3" bolt fits. ' + "The seller pays all costs of shipping. " * 40 + 'A "nut" fits.'
    assert max(len(sentence) for sentence in split(text)) < 100
