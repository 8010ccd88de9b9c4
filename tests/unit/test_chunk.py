import itertools
import re
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunk import ChunkSettings, chunk
from ingest.parse import Heading
from rag.domain import TokenCount
from rag.intake import DraftChunk

WORD = re.compile(r"[a-zA-Z0-9]+|\S")


def count_words(texts: Sequence[str]) -> list[TokenCount]:
    """A token is a Latin word, or any other visible character: countable by hand."""
    return [TokenCount(len(WORD.findall(text)), 0) for text in texts]


def count_words_and_breaks(texts: Sequence[str]) -> list[TokenCount]:
    """A tokenizer that needs more tokens for a text than for its parts: line breaks count."""
    return [TokenCount(len(WORD.findall(text)) + text.count("\n"), 0) for text in texts]


def pack(
    text: str,
    headings: Sequence[Heading] = (),
    target: int = 10,
    maximum: int = 14,
    *,
    overlap: int = 0,
    language: str = "en",
) -> tuple[DraftChunk, ...]:
    return chunk(text, headings, language, count_words, ChunkSettings(target, maximum, overlap))


def texts(text: str, chunks: Sequence[DraftChunk]) -> list[str]:
    return [text[piece.start : piece.end] for piece in chunks]


ALPHABET = st.sampled_from("ab cd.  \n\n，。；、第一条章（）😀👩\u200d🚀e\u0301𠮷;:|-1")
TEXTS = st.text(alphabet=ALPHABET, max_size=300)


@st.composite
def texts_with_headings(draw: st.DrawFn) -> tuple[str, list[Heading]]:
    lines = draw(
        st.lists(
            st.tuples(st.text(alphabet=ALPHABET, min_size=1, max_size=60), st.integers(0, 4)), max_size=12
        )
    )
    text, headings = "", []
    for line, level in lines:
        content = line.replace("\n", " ").strip()
        if level and content:
            headings.append(Heading(level, len(text), len(text) + len(content), content))
        text += content + "\n"
    return text, headings


@settings(deadline=None)  # the first overlong sentence imports the splitter
@given(texts_with_headings(), st.sampled_from(["en", "zh"]), st.integers(2, 12))
def test_chunks_are_trimmed_disjoint_in_order_and_cover_every_visible_character(
    document: tuple[str, list[Heading]], language: str, target: int
) -> None:
    text, headings = document
    chunks = pack(text, headings, target, target + 4, language=language)
    covered = [place for piece in chunks for place in range(piece.start, piece.end)]
    assert len(covered) == len(set(covered))
    assert {place for place, character in enumerate(text) if not character.isspace()} <= set(covered)
    assert all(a.end <= b.start for a, b in itertools.pairwise(chunks))
    assert all(content and content == content.strip() for content in texts(text, chunks))


@given(texts_with_headings(), st.integers(2, 12), st.integers(0, 5))
def test_no_chunk_has_more_tokens_than_the_maximum(
    document: tuple[str, list[Heading]], target: int, overlap: int
) -> None:
    text, headings = document
    chunks = pack(text, headings, target, target + 4, overlap=overlap)
    assert all(count.tokens <= target + 4 for count in count_words(texts(text, chunks)))


@given(
    st.lists(st.text(alphabet=st.sampled_from("ab ."), max_size=40).filter(str.strip), max_size=20).map(
        "\n\n".join
    )
)
def test_no_chunk_exceeds_the_maximum_when_seams_cost_tokens(text: str) -> None:
    chunks = chunk(text, (), "en", count_words_and_breaks, ChunkSettings(target=12, maximum=15))
    assert all(count.tokens <= 15 for count in count_words_and_breaks(texts(text, chunks)))


@given(TEXTS, st.integers(1, 6))
def test_with_an_overlap_starts_and_ends_still_ascend(text: str, overlap: int) -> None:
    chunks = pack(text, target=6, maximum=12, overlap=overlap)
    assert all(a.start < b.start and a.end < b.end for a, b in itertools.pairwise(chunks))


def test_sentences_are_packed_up_to_the_target() -> None:
    text = "One two three. Four five six. Seven eight nine ten."
    assert texts(text, pack(text)) == ["One two three. Four five six.", "Seven eight nine ten."]


def test_an_empty_text_has_no_chunks() -> None:
    assert pack("") == ()
    assert pack(" \n\n") == ()


SECTIONS = """# Law

## One

Aa bb cc dd.

## Two

Ee ff gg hh.
"""


def headings_of(text: str) -> list[Heading]:
    found = re.finditer(r"^(#+) (.*)$", text, re.MULTILINE)
    return [Heading(len(match[1]), match.start(), match.end(), match[2]) for match in found]


def test_a_chunk_begins_with_its_heading_and_knows_its_path() -> None:
    chunks = pack(SECTIONS, headings_of(SECTIONS))
    assert texts(SECTIONS, chunks) == ["# Law\n\n## One\n\nAa bb cc dd.", "## Two\n\nEe ff gg hh."]
    assert [piece.section for piece in chunks] == [("Law", "One"), ("Law", "Two")]


def test_small_sections_share_a_chunk_and_the_path_they_have_in_common() -> None:
    text = "# A\n\n## B\n\nOne.\n\n## C\n\nTwo.\n\n# D\n\nThree.\n"
    chunks = pack(text, headings_of(text), target=30, maximum=60)
    assert [piece.section for piece in chunks] == [("A",), ("D",)]
    assert texts(text, chunks) == ["# A\n\n## B\n\nOne.\n\n## C\n\nTwo.", "# D\n\nThree."]


def test_a_heading_is_not_the_end_of_a_chunk() -> None:
    text = "Aa bb cc dd ee ff.\n\n## Next\n\nGg hh ii jj kk ll mm."
    assert texts(text, pack(text, headings_of(text))) == [
        "Aa bb cc dd ee ff.",
        "## Next\n\nGg hh ii jj kk ll mm.",
    ]


def test_chinese_articles_are_packed_with_their_chapter_as_path() -> None:
    text = "第一章 总则\n\n第一条 甲乙丙丁。\n\n第二条 戊己庚辛。\n\n第三条 子丑寅卯。"
    headings = [
        Heading(9 if match[1] == "条" else 4, match.start(), match.end(), match.group())
        for match in re.finditer(r"第.(章 总则|条)", text)
    ]
    chunks = pack(text, headings, target=24, maximum=30, language="zh")
    assert texts(text, chunks) == [
        "第一章 总则\n\n第一条 甲乙丙丁。\n\n第二条 戊己庚辛。",
        "第三条 子丑寅卯。",
    ]
    assert [piece.section for piece in chunks] == [("第一章 总则",), ("第一章 总则", "第三条")]


def test_an_overlong_sentence_is_split_at_its_clauses() -> None:
    text = "a b c d e f, g h i j k; l m n o p q r s t, u v w."
    assert texts(text, pack(text, target=8, maximum=16)) == [
        "a b c d e f, g h i j k;",
        "l m n o p q r s t,",
        "u v w.",
    ]


def test_an_overlong_chinese_sentence_is_split_at_its_commas() -> None:
    text = "甲方应当交付，乙方应当付款、验收，丙方应当担保。"
    assert texts(text, pack(text, target=8, maximum=14, language="zh")) == [
        "甲方应当交付，",
        "乙方应当付款、验收，",
        "丙方应当担保。",
    ]


def test_a_word_longer_than_the_window_is_cut_between_whole_characters() -> None:
    text = "👩\u200d🚀" * 5 + "e\u0301" * 5
    pieces = texts(text, pack(text, target=4, maximum=4))
    assert "".join(pieces) == text
    assert not any(piece[0] in "\u200d\u0301" or piece[-1] == "\u200d" for piece in pieces)


def test_rows_of_a_table_stay_whole() -> None:
    rows = [f"M{size} | {size} Nm" for size in range(10, 20)]
    text = "\n".join(rows)
    assert [row for piece in texts(text, pack(text)) for row in piece.split("\n")] == rows


def test_the_overlap_repeats_whole_sentences() -> None:
    text = "He sold them. She paid him. They met there. It was late."
    assert texts(text, pack(text, target=8, maximum=20, overlap=7)) == [
        "He sold them. She paid him.",
        "She paid him. They met there. It was late.",
    ]


def test_tokens_are_counted_in_few_calls() -> None:
    calls: list[int] = []

    def counting(batch: Sequence[str]) -> list[TokenCount]:
        calls.append(len(batch))
        return count_words(batch)

    chunk("The seller delivers the goods on Monday. " * 5_000, (), "en", counting, ChunkSettings())
    assert calls == [4096, 904]


def test_the_recipe_names_the_settings() -> None:
    assert ChunkSettings(100, 200, 10).recipe() != ChunkSettings(100, 200, 0).recipe()
