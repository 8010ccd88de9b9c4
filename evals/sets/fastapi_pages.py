"""FastAPI's documentation: a section of the Chinese translation asks for the English page it translates.

The two languages share the anchors of headings. The question is what the section says of itself: the headings
that lead to it and its first sentence, in Chinese, without markup. The English pages are the collection, as
they are. A group is a page, test by the hash of its path.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.data import data_file, hash_of, is_held_out, read_rows
from evals.questions import Corpus, EvalQuestion, Gold, QuestionSet
from ingest.text_document import TextDocument

LAYOUT = "fastapi-1"
NOT_IN_ENGLISH = "a section that the English page has not"

_HEADING = re.compile(r"^(?P<level>#{1,6})\s+(?P<title>.*?)\s*\{\s*#(?P<anchor>[^}\s]+)\s*\}\s*$")
_TITLE = re.compile(r"^#{1,6}\s+(?P<title>.*?)\s*(?:\{[^}]*\}\s*)?$")
_FENCE = re.compile(r"^\s*(?P<marks>`{3,}|~{3,})")
_SENTENCE = re.compile(r".+?(?:[。！？!?]|\.(?=\s|$)|$)")
_MARKUP = (
    (re.compile(r"!\[[^\]]*\]\([^)]*\)"), ""),
    (re.compile(r"\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"</?[A-Za-z][^>]*>"), ""),
    (re.compile(r"[*`]+"), ""),
    (re.compile(r"^\s*(?:[-+]|\d+\.)\s+"), ""),
)
_NO_PROSE = ("{*", "///", "|", ">", "<", "!", "---")


@dataclass(frozen=True, slots=True)
class _Page:
    path: str
    text: str
    lang: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page under a heading; `path` are the titles from the page's to its own, without markup."""

    anchor: str
    path: tuple[str, ...]
    first_sentence: str


def chinese_sections(root: Path) -> QuestionSet:
    """A question per Chinese section that the English page has too."""
    file = data_file(root, "fastapi_docs/docs_en_zh.jsonl")
    pages = list(read_rows(file, _Page))
    english = {page.path: page for page in pages if page.lang == "en"}
    anchors = {path: {section.anchor for section in sections(page.text)} for path, page in english.items()}
    questions: list[EvalQuestion] = []
    missing = 0
    for page in pages:
        if page.lang == "zh":
            for section in sections(page.text):
                if section.anchor in anchors.get(page.path, ()):
                    questions.append(_question(page.path, section))
                else:
                    missing += 1
    texts = tuple(
        TextDocument(page.path, title_of(page.text) or page.path, page.text, {"document": page.path})
        for page in english.values()
    )
    data_hash = hash_of([file], LAYOUT)
    left_out = {NOT_IN_ENGLISH: missing} if missing else {}
    return QuestionSet(tuple(questions), Corpus("fastapi", data_hash, texts), data_hash, left_out)


def _question(page: str, section: Section) -> EvalQuestion:
    return EvalQuestion(
        id=f"{page}#{section.anchor}",
        text=" ".join((*section.path, section.first_sentence)).strip(),
        gold=Gold(documents=(page,)),
        language="zh",
        domain="technical",
        group=page,
        is_test=is_held_out(page),
    )


def title_of(text: str) -> str:
    """The title of a page: that of its first heading, with or without an anchor; "" where it has none."""
    for line in _without_code(text):
        if found := _TITLE.match(line):
            return plain(found["title"])
    return ""


def sections(text: str) -> Iterator[Section]:
    """The sections of a Markdown page that have an anchor, in order; code is no heading."""
    path: list[tuple[int, str]] = []
    lines = list(_without_code(text))
    for number, line in enumerate(lines):
        if found := _HEADING.match(line):
            level = len(found["level"])
            path = [*(above for above in path if above[0] < level), (level, plain(found["title"]))]
            yield Section(
                found["anchor"], tuple(title for _, title in path), _first_sentence(lines[number + 1 :])
            )


def plain(markdown: str) -> str:
    """A line of Markdown without its markup."""
    for pattern, kept in _MARKUP:
        markdown = pattern.sub(kept, markdown)
    return " ".join(markdown.split())


def _first_sentence(lines: Sequence[str]) -> str:
    """The first sentence of prose before the next heading; "" where there is none."""
    for line in lines:
        if _HEADING.match(line):
            break
        if line.strip().startswith(_NO_PROSE):
            continue
        if sentence := _SENTENCE.match(plain(line)):
            return sentence[0].strip()
    return ""


def _without_code(text: str) -> Iterator[str]:
    fence = ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if fence:
            if found and found["marks"].startswith(fence) and line.strip() == found["marks"]:
                fence = ""
        elif found:
            fence = found["marks"]
        else:
            yield line
