"""Retrieved chunks become the stretches that an answer may cite: sentences and whole list items."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.domain import Chunk, Hit, Span
from rag.sentences import sentences
from rag.tokens import index_tokens

MINIMUM_CHARACTERS = 12  # shorter ones are list marks, page numbers and captions; half of it in Chinese
LONGEST_ITEM = 400  # characters up to which a list item is cited whole

_HEADING = re.compile(r"#{1,6}\s")
_FENCE = re.compile(r"\s*(?:```|~~~)\s*(?P<language>[\w{]*)")
_LIST_MARK = re.compile(
    r"\s*(?:[-*+•·▪◦]|\(?\d{1,3}[.)、]|\(?[a-z][.)]|[（(][一二三四五六七八九十]{1,3}[)）]、?|[一二三四五六七八九十]{1,3}、)\s*\S"
)
_WORDS = re.compile(r"[^\W\d_]")
_TABLE_RULE = re.compile(r"[\s|:+=-]+")
_ANCHOR = re.compile(r"\s*\{\s*#[^}]*\}\s*$")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch of a retrieved chunk, in offsets of its document, with its tokens.

    `around` holds the tokens of the sentences before and after it as well as its own and its headings'.
    """

    hit: Hit
    span: Span
    text: str
    tokens: frozenset[str]
    around: frozenset[str]

    @property
    def chunk(self) -> Chunk:
        """The chunk it stands in."""
        return self.hit.chunk

    @property
    def heading(self) -> str:
        """The nearest heading above it, or its document's title: often the subject it leaves out."""
        return self.chunk.section[-1] if self.chunk.section else self.chunk.document.title


def candidates(hits: Sequence[Hit]) -> list[Candidate]:
    """What may be cited of each hit, best hit first, in reading order within it."""
    return [candidate for hit in hits for candidate in _of_hit(hit)]


def _of_hit(hit: Hit) -> list[Candidate]:
    chunk = hit.chunk
    spans = list(citable_spans(chunk))
    tokens = [frozenset(index_tokens(span.of(chunk.text))) for span in spans]
    above = frozenset(index_tokens("\n".join((chunk.document.title, *chunk.section))))
    return [
        Candidate(
            hit,
            Span(chunk.start + span.start, chunk.start + span.end),
            span.of(chunk.text),
            tokens[i],
            above.union(*tokens[max(0, i - 1) : i + 2]),
        )
        for i, span in enumerate(spans)
    ]


def citable_spans(chunk: Chunk) -> Iterator[Span]:
    """Sentences and whole list items of `chunk.text`; no headings, code, table rules or fragments."""
    minimum = MINIMUM_CHARACTERS // 2 if chunk.document.language == "zh" else MINIMUM_CHARACTERS
    titles = {_plain(title) for title in (chunk.document.title, *chunk.section)}
    for line in _prose_lines(chunk.text):
        text = line.of(chunk.text)
        if _HEADING.match(text) or _plain(text) in titles or _TABLE_RULE.fullmatch(text):
            continue
        for span in _parts(text, chunk.document.language):
            if span.end - span.start >= minimum and _WORDS.search(span.of(text)):
                yield Span(line.start + span.start, line.start + span.end)


def _parts(line: str, language: str) -> list[Span]:
    """The sentences of a line; a list item that is not too long stays whole."""
    if _LIST_MARK.match(line) and len(line) <= LONGEST_ITEM:
        return [Span(len(line) - len(line.lstrip()), len(line.rstrip()))]
    return sentences(line, language)


def _prose_lines(text: str) -> Iterator[Span]:
    """The lines outside fenced code; a chunk may begin inside a fence, which a bare first mark gives away."""
    lines = [Span(found.start(), found.end()) for found in re.finditer(r"[^\n]+", text)]
    marks = [_FENCE.match(line.of(text)) for line in lines]
    fences = [mark for mark in marks if mark]
    is_code = len(fences) % 2 == 1 and not fences[0]["language"]
    for line, mark in zip(lines, marks, strict=True):
        if mark:
            is_code = not is_code
        elif not is_code:
            yield line


def _plain(title: str) -> str:
    return _ANCHOR.sub("", title).strip(" #*\t").casefold()
