import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.clean import CleanDocument, clean
from ingest.cleaning.offsets import Edit, Edited
from ingest.parse import Heading, Layout, ParsedDocument
from rag.domain import Page, Span
from rag.errors import UnreadableDocumentError


def parsed(
    text: str,
    layout: Layout = Layout.WRAPPED,
    headings: tuple[Heading, ...] = (),
    pages: tuple[Page, ...] = (),
) -> ParsedDocument:
    return ParsedDocument("Title", "text/plain", layout, text, headings, pages)


def cleaned(text: str, layout: Layout = Layout.WRAPPED) -> str:
    return clean(parsed(text, layout)).text


ALPHABET = st.one_of(
    st.sampled_from(
        "aB1-. \n\t|#`~第条章。，（é中文e\u0301\u00a0\u3000\u00ad\u200b\u200d\u0301😀\r\f\ud800\ufeff"
    ),
    st.characters(),
)
TEXTS = st.text(alphabet=ALPHABET, max_size=200)
LAYOUTS = st.sampled_from(list(Layout))


def canonical(text: str, layout: Layout) -> CleanDocument | None:
    try:
        return clean(parsed(text, layout))
    except UnreadableDocumentError:
        return None


@given(TEXTS, LAYOUTS)
def test_cleaning_a_canonical_text_again_changes_nothing(text: str, layout: Layout) -> None:
    once = canonical(text, layout)
    if once is not None and layout is not Layout.MARKDOWN:
        assert cleaned(once.text, Layout.LINES) == once.text


@given(TEXTS, LAYOUTS)
def test_a_canonical_text_is_composed_trimmed_and_free_of_unseen_characters(
    text: str, layout: Layout
) -> None:
    once = canonical(text, layout)
    if once is None:
        return
    assert unicodedata.is_normalized("NFC", once.text)
    assert once.text == once.text.strip()
    assert "\r" not in once.text
    assert not any(
        unicodedata.category(character) in ("Cc", "Cs")
        for character in once.text.replace("\n", "").replace("\t", "")
    )
    once.text.encode("utf-8")


@given(TEXTS, LAYOUTS)
def test_every_kept_character_is_found_where_it_came_from(text: str, layout: Layout) -> None:
    once = canonical(text, layout)
    if once is None:
        return
    for place, character in enumerate(once.text):
        span = once.offsets.source_span(Span(place, place + 1))
        source = span.of(text)
        assert span.start < span.end or character.isspace()
        if source != character and not character.isspace() and character != "\ufffd":
            assert unicodedata.normalize("NFC", source).find(character) >= 0 or unicodedata.combining(
                source[0]
            )


@given(TEXTS, LAYOUTS)
def test_the_map_ascends_in_both_directions(text: str, layout: Layout) -> None:
    once = canonical(text, layout)
    if once is None:
        return
    there = [once.offsets.to_canonical(place) for place in range(len(text) + 1)]
    back = [once.offsets.to_source(place) for place in range(len(once.text) + 1)]
    assert all(a <= b for a, b in itertools.pairwise(there))
    assert all(a <= b for a, b in itertools.pairwise(back))
    assert all(0 <= place <= len(once.text) for place in there)
    assert all(0 <= place <= len(text) for place in back)


CUTS = st.lists(st.integers(0, 30), max_size=8, unique=True).map(sorted)


@given(st.text(min_size=30, max_size=30), CUTS, st.lists(st.text(max_size=3), min_size=4, max_size=4))
def test_an_untouched_character_maps_to_itself_and_back(text: str, cuts: list[int], new: list[str]) -> None:
    pairs = zip(cuts[::2], cuts[1::2], new, strict=False)
    edits = [Edit(start, end, replacement) for start, end, replacement in pairs]
    edited = Edited(text).apply(edits)
    touched = {place for edit in edits for place in range(edit.start, edit.end)}
    for place in set(range(len(text))) - touched:
        target = edited.offsets.to_canonical(place)
        assert edited.text[target] == text[place]
        assert edited.offsets.to_source(target) == place


def test_a_gold_span_is_carried_into_the_canonical_text_and_back() -> None:
    source = "The  se\u00adller shall\r\ndeliver the goods.\n"
    document = clean(parsed(source))
    start = source.index("se\u00adller")
    span = document.offsets.canonical_span(Span(start, start + len("se\u00adller")))
    assert span.of(document.text) == "seller"
    assert document.offsets.source_span(span).of(source) == "se\u00adller"


def test_unseen_characters_go_and_emoji_sequences_stay() -> None:
    assert (
        cleaned("pay\u200bment \u202eevil\u202c ok\u00ad \ufeff👩\u200d🚀 a\U000e0041b\x00c")
        == "payment evil ok 👩\u200d🚀 abc"
    )


def test_letters_are_composed_but_compatibility_characters_stay() -> None:
    assert cleaned("e\u0301tude ﬁne ① Ａ") == "étude ﬁne ① Ａ"


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert cleaned("a\ud800b") == "a\ufffdb"


def test_wrapped_lines_become_a_paragraph() -> None:
    text = """The seller shall deliver the goods to the place
that the buyer names and shall bear the costs of
delivery up to that place.

The buyer pays."""
    assert cleaned(text) == (
        "The seller shall deliver the goods to the place that the buyer names and shall bear the costs of "
        "delivery up to that place.\n\nThe buyer pays."
    )


def test_wrapped_chinese_lines_are_joined_without_a_blank() -> None:
    lines = (
        "第四百六十六条 当事人对合同条款的理解有争议的，应当依据本法第一百四十二条的规",
        "定，确定争议条款的含义。合同文本采用两种以上文字订立并约定具有同等效力的，对",
        "各文本使用的词句推定具有相同含义。",
        "第四百六十七条 本法没有规定的合同，适用本编通则的规定。",
    )
    assert cleaned("\n".join(lines)).split("\n") == ["".join(lines[:3]), lines[3]]


def test_list_items_and_table_rows_keep_their_lines() -> None:
    text = """The kit holds the following parts, each of which is
listed here:
- a bolt of the size that the drawing of the kit shows
- a nut of the size that the drawing of the kit shows
M8 | 9 N·m
200.01  1  400.01"""
    assert cleaned(text).split("\n") == [
        "The kit holds the following parts, each of which is listed here:",
        "- a bolt of the size that the drawing of the kit shows",
        "- a nut of the size that the drawing of the kit shows",
        "M8 | 9 N·m",
        "200.01 1 400.01",
    ]


def test_a_reference_at_the_start_of_a_line_is_no_heading() -> None:
    text = """The parties settle every dispute in accordance with
Section 5 of the agreement that they have signed in
March and nowhere else."""
    assert "\n" not in cleaned(text)


FILLER = "\nso that the lines of this text are as wide as they are\n"


def test_hyphens_of_line_ends_go_and_those_of_compounds_stay() -> None:
    text = f"""The two-stage reader finds the answer with a communi-
cation of evidence and then a two-
stage check of it.{FILLER}"""
    assert "a communication of" in cleaned(text)
    assert "a two-stage check" in cleaned(text)


def test_a_hyphen_before_a_capital_or_a_digit_stays() -> None:
    text = f"""The study of people who were ill with COVID-
19 in the spring and the Lucene-
BM25 system was long.{FILLER}"""
    assert "COVID-19" in cleaned(text)
    assert "Lucene-BM25" in cleaned(text)


def pages_of(bodies: list[str]) -> ParsedDocument:
    pages, text = [], ""
    for number, body in enumerate(bodies, start=1):
        start = len(text)
        text += f"ACME Manual\n{body}\nPage {number} of {len(bodies)}\n"
        pages.append(Page(number, start, len(text)))
    return parsed(text, pages=tuple(pages))


def test_recurring_headers_and_page_numbers_are_removed_and_pages_still_point_to_their_text() -> None:
    document = clean(pages_of(["First.", "Second.", "Third.", "Fourth."]))
    assert document.text == "ACME Manual\nFirst.\nSecond.\nThird.\nFourth."
    assert [Span(page.start, page.end).of(document.text).strip() for page in document.pages] == [
        "ACME Manual\nFirst.",
        "Second.",
        "Third.",
        "Fourth.",
    ]


def test_a_paragraph_goes_on_over_the_end_of_a_page() -> None:
    bodies = [
        f"The {good} that the seller delivers go to them\nat a place that is agreed upon for the {good}"
        for good in ("bolts", "screws", "engines", "gears")
    ]
    text = clean(pages_of(bodies)).text
    assert "agreed upon for the bolts The screws that" in text
    assert "Page" not in text


def test_chinese_page_numbers_are_furniture() -> None:
    pages, text = [], ""
    for number, numeral in enumerate("一二三四", start=1):
        start = len(text)
        text += f"第{numeral}页\n第{numeral}条 内容不同的正文{numeral}。\n"
        pages.append(Page(number, start, len(text)))
    assert "页" not in clean(parsed(text, pages=tuple(pages))).text


HARD_BREAK = "  "


def test_markdown_keeps_code_tables_and_hard_breaks() -> None:
    text = f"""# Torque

Tighten the bolt with the torque that the table
states for it.

| size   | torque |
|--------|--------|
| M8     | 9 N·m  |

```python
def f(x):
    return  x   # two blanks
```

- one
- two{HARD_BREAK}
  still two
"""
    assert (
        cleaned(text, Layout.MARKDOWN)
        == f"""# Torque

Tighten the bolt with the torque that the table states for it.

| size | torque |
|--------|--------|
| M8 | 9 N·m |

```python
def f(x):
    return  x   # two blanks
```

- one
- two{HARD_BREAK}
  still two"""
    )


@given(st.text(alphabet="ab -#|>`~\n\t.中。1)", max_size=300))
def test_cleaning_markdown_again_changes_nothing(text: str) -> None:
    once = canonical(text, Layout.MARKDOWN)
    if once is not None:
        assert cleaned(once.text, Layout.MARKDOWN) == once.text


def test_front_matter_and_comments_are_not_part_of_the_text() -> None:
    text = "---\ntitle: x\n---\n# A <!-- note\nto self -->\n\n```\n<!-- code -->\n```\n"
    assert cleaned(text, Layout.MARKDOWN) == "# A\n\n```\n<!-- code -->\n```"


def test_headings_follow_their_text() -> None:
    text = "Scope  of\u00ad delivery\n\nIt   delivers."
    heading = Heading(1, 0, text.index("\n"), "Scope  of\u00ad delivery")
    document = clean(parsed(text, Layout.LINES, (heading,)))
    assert document.headings == (Heading(1, 0, 17, "Scope of delivery"),)
    assert Span(0, 17).of(document.text) == "Scope of delivery"


def test_chinese_chapters_and_articles_are_headings_and_references_to_them_are_not() -> None:
    text = "第一章 总则\n\n第一条 为了规范，制定本法。\n\n第二条的规定不适用。\n\n第十二条之一 例外。"
    found = clean(parsed(text, Layout.LINES)).headings
    assert [(heading.level, heading.title) for heading in found] == [
        (4, "第一章 总则"),
        (9, "第一条"),
        (9, "第十二条之一"),
    ]
    assert all(text[heading.start : heading.end] == heading.title for heading in found)


def test_english_articles_are_headings_and_sentences_that_start_like_them_are_not() -> None:
    text = "ARTICLE IV - PAYMENT\n\nSection 3.2 Fees\n\nSection 5 applies to all.\n\nPart of it stays."
    found = clean(parsed(text, Layout.LINES)).headings
    assert [(heading.level, heading.title) for heading in found] == [
        (4, "ARTICLE IV - PAYMENT"),
        (5, "Section 3.2 Fees"),
    ]


def test_a_text_of_unseen_characters_only_is_refused() -> None:
    with pytest.raises(UnreadableDocumentError, match="no text"):
        clean(parsed("\u200b \n\x00"))


def test_the_language_is_told() -> None:
    assert clean(parsed("第一条 为了规范合同，制定本法。")).language == "zh"
    assert clean(parsed("This agreement is made.")).language == "en"


@pytest.mark.parametrize(
    "unit", [" ", "\n", "-\n", "<!--", "`", "#", "a ", "e\u0301", "\u200d", "第", "(", "| ", "第一条"]
)
def test_cleaning_takes_linear_time_on_monotonous_texts(unit: str) -> None:
    # A quadratic step would take hours on these; the suite's own time limit is the assertion.
    for layout in Layout:
        canonical("x" + unit * (300_000 // len(unit)), layout)
