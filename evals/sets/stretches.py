"""Stretches of the sets' documents, cut like chunks, for what is made from plain text and not from labels.

The documents are those of the sets that may train weights; each is train or test as in the set's own suites.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evals.data import data_file, is_held_out, read_rows
from evals.sets import bioasq, fastapi_pages, longform, span_sets
from evals.sets.squad_layout import SpanLayout
from rag.domain import Span
from rag.sentences import sentences

CHARACTERS = {"en": (300, 1_000), "zh": (100, 400)}
"""The shortest and longest stretch."""

LENGTHS = {"en": (40, 320), "zh": (14, 130)}
"""The shortest and longest sentence that makes a claim, in characters."""

LEAST_LETTERS = 0.6  # of a claim's characters: tables and lists of figures say nothing by themselves
_ENDED = re.compile(r"[.!。！；;]['\"”’」』)）]*$")
_NO_PROSE = ("#", "{*", "///", "|", ">", "<", "!", "---")
_READ_BEHIND = 1.6  # times the longest stretch is parted into sentences, for the first and last may be torn


_LAWS_FILE = "laws_zh/articles_national.jsonl"
_PAGES_FILE = "fastapi_docs/docs_en_zh.jsonl"
_OTHER_FILES = {
    "medquad": ("medquad/medquad_qa.jsonl",),
    "bioasq": tuple(
        f"bioasq/snippets_beir/{name}" for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv")
    ),
    "laws_zh": (_LAWS_FILE,),
    "fastapi_en": (_PAGES_FILE,),
    "fastapi_zh": (_PAGES_FILE,),
}
_LAYOUTS = {
    layout.name: layout
    for layout in (
        span_sets.SQUAD_SLICE,
        span_sets.COVID_QA,
        span_sets.CUAD,
        span_sets.POLICYQA,
        span_sets.CMRC2018,
        span_sets.DRCD,
    )
}


@dataclass(frozen=True, slots=True)
class Whole:
    """A document, or a paragraph that is one by itself; `uri` is its own within the source."""

    source: str
    uri: str
    language: str
    group: str
    title: str
    text: str
    is_test: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring sentences of a document. Invariant: every sentence is a slice of `text`."""

    whole: Whole
    text: str
    sentences: tuple[str, ...]


def stretches(
    whole: Whole, count: int, random_source: random.Random, longest: int | None = None
) -> Iterator[Stretch]:
    """At most `count` stretches from random places of a document; none where it is too short.

    `longest`, in characters, where it should be another than that of CHARACTERS.
    """
    least, most = CHARACTERS[whole.language]
    most = longest or most
    if len(whole.text) < least:
        return
    reach = int(most * _READ_BEHIND)
    for _ in range(min(count, 1 + len(whole.text) // most)):
        start = random_source.randrange(max(1, len(whole.text) - most))
        start = start if len(whole.text) > most else 0
        window = whole.text[start : start + reach]
        found = sentences(window, whole.language)
        found = found[1:] if start else found
        found = found[:-1] if start + reach < len(whole.text) else found
        stretch = _packed(found, random_source.randint(least, most))
        if len(stretch) > 1 and stretch[-1].end - stretch[0].start >= least * 0.8:
            first, last = stretch[0].start, stretch[-1].end
            yield Stretch(whole, window[first:last], tuple(span.of(window) for span in stretch))


def can_be_claimed(sentence: str, language: str) -> bool:
    """Whether a sentence says something: of a fitting length, whole, mostly letters."""
    least, most = LENGTHS[language]
    letters = sum(character.isalpha() for character in sentence)
    is_whole = _ENDED.search(sentence) is not None and all(
        sentence.count(opening) == sentence.count(closing)
        for opening, closing in ("()", "（）", "《》", "“”")
    )
    return least <= len(sentence) <= most and is_whole and letters > LEAST_LETTERS * len(sentence)


def _packed(found: list[Span], target: int) -> list[Span]:
    """Sentences from the first on, as many as make `target` characters."""
    kept: list[Span] = []
    for span in found:
        if kept and span.end - kept[0].start > target:
            break
        kept.append(span)
    return kept


def _span_texts(layout: SpanLayout) -> Callable[[Path], Iterator[Whole]]:
    def read(root: Path) -> Iterator[Whole]:
        for source in layout.read(root).sources:
            yield Whole(
                layout.name,
                source.uri,
                layout.language,
                source.document,
                source.title,
                source.text,
                source.is_test,
            )

    return read


def _medquad(root: Path) -> Iterator[Whole]:
    corpus = longform.load_medquad(root).corpus
    for text in corpus.texts if corpus else ():
        yield Whole("medquad", text.uri, "en", text.title, text.title, text.text, is_held_out(text.title))


def _bioasq(root: Path) -> Iterator[Whole]:
    """Snippets whose PubMed record serves questions of one side of the split alone."""
    asked = bioasq.snippets(root)
    texts = {text.uri: text for text in asked.corpus.texts} if asked.corpus else {}
    records: dict[str, set[bool]] = {}
    first: dict[str, str] = {}
    for question in asked.questions:
        for uri in question.gold.documents:
            records.setdefault(_record(texts[uri].metadata, uri), set()).add(question.is_test)
            first.setdefault(uri, question.group)
    for uri, group in first.items():
        sides = records[_record(texts[uri].metadata, uri)]
        if len(sides) == 1:
            text = texts[uri]
            yield Whole("bioasq", uri, "en", group, text.title, text.text, is_test=next(iter(sides)))


def _record(metadata: Mapping[str, object], uri: str) -> str:
    return str(metadata.get("document", uri))


@dataclass(frozen=True, slots=True)
class _Article:
    title: str
    article: str
    path: str
    text: str


def _laws(root: Path) -> Iterator[Whole]:
    """Each chapter of a law, its articles a line each."""
    chapters: dict[tuple[str, str], list[str]] = {}
    for row in read_rows(data_file(root, _LAWS_FILE), _Article):
        lines = chapters.setdefault((row.title, row.path), [])
        line = f"{row.article} {' '.join(row.text.split())}"
        if line not in lines:
            lines.append(line)
    for (title, path), lines in chapters.items():
        heading = " > ".join(part for part in (title, path) if part)
        yield Whole("laws_zh", heading, "zh", title, heading, "\n".join(lines), is_held_out(title))


@dataclass(frozen=True, slots=True)
class _Page:
    path: str
    text: str
    lang: str


def _fastapi(language: str) -> Callable[[Path], Iterator[Whole]]:
    def read(root: Path) -> Iterator[Whole]:
        for page in read_rows(data_file(root, _PAGES_FILE), _Page):
            if page.lang == language:
                title = fastapi_pages.title_of(page.text) or page.path
                text = "\n".join(_prose(page.text))
                yield Whole("fastapi", page.path, language, page.path, title, text, is_held_out(page.path))

    return read


def _prose(markdown: str) -> Iterator[str]:
    """The lines of a page that are sentences: no code, heading, table or include."""
    is_code = False
    for line in markdown.splitlines():
        if line.lstrip().startswith(("```", "~~~", "````")):
            is_code = not is_code
        elif not is_code and line.strip() and not line.lstrip().startswith(_NO_PROSE):
            yield fastapi_pages.plain(line)


def files_of(root: Path, name: str) -> list[Path]:
    """The files that a set's documents are read from; DataMissingError where one is not there."""
    names = _LAYOUTS[name].files if name in _LAYOUTS else _OTHER_FILES[name]
    return [data_file(root, file) for file in names]


READERS: Mapping[str, Callable[[Path], Iterator[Whole]]] = {
    **{name: _span_texts(layout) for name, layout in _LAYOUTS.items()},
    "medquad": _medquad,
    "bioasq": _bioasq,
    "laws_zh": _laws,
    "fastapi_en": _fastapi("en"),
    "fastapi_zh": _fastapi("zh"),
}
"""How the documents of each set are read, in the set's order."""
