"""Retrieved chunks become the stretches that an answer may cite: sentences, list items, short lists."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.domain import Chunk, Hit, Span
from rag.sentences import sentences
from rag.tokens import index_tokens

MINIMUM_CHARACTERS = 12  # shorter ones are list marks, page numbers and captions; half of it in Chinese
LONGEST_LIST = 400  # characters up to which an item, or a list with the line that leads to it, stays whole

_HEADING = re.compile(r"#{1,6}\s")
_ANCHOR = re.compile(r"\s*\{\s*#[^}]*\}\s*$")
_FENCE = re.compile(r"\s*(?:```|~~~)\s*(?P<language>[\w{]*)")
_TABLE_RULE = re.compile(r"[\s|:+=-]+")
_LETTER = re.compile(r"[^\W\d_]")
_LIST_MARK = re.compile(
    r"\s*(?:[-*+•·▪◦]\s|\(?(?:\d{1,3}|[a-z])[.)]\s|[（(]?(?:\d{1,3}|[一二三四五六七八九十]{1,3})[)）、])\s*\S"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch of a retrieved chunk in offsets of its document, with its tokens.

    `around` holds its tokens, those of the candidates before and after it, of its headings and its title.
    """

    hit: Hit
    span: Span
    text: str
    tokens: frozenset[str]
    around: frozenset[str]


def candidates(hits: Sequence[Hit]) -> list[Candidate]:
    """What may be cited of each hit, best hit first, in reading order within it."""
    return [candidate for hit in hits for candidate in _of_hit(hit)]


def citable_spans(chunk: Chunk) -> Iterator[Span]:
    """Spans of `chunk.text` in order; no heading, code, table rule, question or fragment.

    A list item stays whole, and a line that ends in a colon goes with the list that it leads to.
    """
    minimum = MINIMUM_CHARACTERS // 2 if chunk.document.language == "zh" else MINIMUM_CHARACTERS
    titles = {_plain(title) for title in (chunk.document.title, *chunk.section)}
    lines = list(_prose_lines(chunk.text))
    for number, line in enumerate(lines):
        text = line.of(chunk.text)
        if _HEADING.match(text) or _plain(text) in titles or _TABLE_RULE.fullmatch(text):
            continue
        for part in _parts(text, chunk.document.language):
            span = Span(line.start + part.start, line.start + part.end)
            content = span.of(chunk.text)
            if content[-1] in ":：":
                span = Span(span.start, _end_of_list(chunk.text, span, lines[number + 1 :]))
            is_said = content[-1] not in "?？" and not _HEADING.match(content)
            if len(content) >= minimum and _LETTER.search(content) and is_said:
                yield span


def is_list_item(text: str) -> bool:
    """Whether a line begins with a bullet or a number of a list."""
    return _LIST_MARK.match(text) is not None


def _of_hit(hit: Hit) -> list[Candidate]:
    chunk = hit.chunk
    spans = list(citable_spans(chunk))
    tokens = [frozenset(index_tokens(span.of(chunk.text))) for span in spans]
    above = frozenset(index_tokens("\n".join((chunk.document.title, *chunk.section))))
    return [
        Candidate(
            hit=hit,
            span=Span(chunk.start + span.start, chunk.start + span.end),
            text=span.of(chunk.text),
            tokens=tokens[i],
            around=above.union(*tokens[max(0, i - 1) : i + 2]),
        )
        for i, span in enumerate(spans)
    ]


def _parts(line: str, language: str) -> list[Span]:
    """The sentences of a line; a list item that is not too long stays whole."""
    if is_list_item(line) and len(line) <= LONGEST_LIST:
        return [Span(len(line) - len(line.lstrip()), len(line.rstrip()))]
    return sentences(line, language)


def _end_of_list(text: str, lead: Span, following: Sequence[Span]) -> int:
    """Where the list ends that follows a line directly; as many whole items as LONGEST_LIST lets in."""
    end = lead.end
    for line in following:
        is_next = not text[end : line.start].strip()
        if not is_next or not is_list_item(line.of(text)) or line.end - lead.start > LONGEST_LIST:
            break
        end = line.start + len(line.of(text).rstrip())
    return end


def _prose_lines(text: str) -> Iterator[Span]:
    """The lines outside fenced code. A chunk may begin inside it: then the first mark, which ends it, is
    bare, and either the last mark has no end or a second, fourth... one, which begins code, names a language.
    """
    lines = [Span(*found.span()) for found in re.finditer(r"[^\n]*\S[^\n]*", text)]
    marks = [_FENCE.match(line.of(text)) for line in lines]
    fences = [mark for mark in marks if mark]
    can_begin_inside = len(fences) % 2 == 1 or any(mark["language"] for mark in fences[1::2])
    is_code = can_begin_inside and not fences[0]["language"]
    for line, mark in zip(lines, marks, strict=True):
        if mark:
            is_code = not is_code
        elif not is_code:
            yield line


def _plain(title: str) -> str:
    return _ANCHOR.sub("", title).strip(" #*\t").casefold()
