"""Which stretches of a Markdown text are front matter, code, comments and headings."""

import re
from collections.abc import Iterator

from ingest.parse import Heading
from rag.domain import Span

FRONT_MATTER = re.compile(r"\A(?:---[ \t]*\r?\n)((?:[^\n]*\n){0,200}?)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)")

# Patterns start with a literal line break, which `re` finds ten times faster than "^" at every character; the
# text they look at has one put before it.
_FENCE = re.compile(r"\n {0,3}(?P<fence>`{3,}|~{3,})[^\n]*(?:\n(?! {0,3}(?P=fence))[^\n]*)*(?:\n[^\n]*)?")
_MARKED = re.compile(r"\n {0,3}(?P<marks>#{1,6})(?P<title>(?=[ \t\r\n]|\Z)[^\n]*)")
_UNDERLINE = re.compile(r"\n(?P<line>=+|-{2,})[ \t\r]*(?=\n|\Z)")
_NO_TITLE = re.compile(r"[ \t]*(?:[-=#>|*+`<]|\d+[.)]|\r?\Z)")
_MAX_TITLE = 300
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*`]+|(?<!\w)__|__(?!\w)|\{#[^}]*\}")


def headings(text: str) -> tuple[Heading, ...]:
    """Marked (#) and underlined headings outside of front matter, code and comments, in order."""
    visible = "\n" + _blanked(text, [*hidden(text), *code(text)])
    found = [*_marked(visible), *_underlined(visible)]
    return tuple(sorted((heading for heading in found if heading.title), key=lambda heading: heading.start))


def code(text: str) -> list[Span]:
    """The fenced blocks of code, each with its fences; an open one ends with the text."""
    if "```" not in text and "~~~" not in text:
        return []
    return [Span(match.start(), match.end() - 1) for match in _FENCE.finditer("\n" + text)]


def hidden(text: str) -> list[Span]:
    """What a reader of the rendered text does not see: front matter and comments outside of code."""
    front = FRONT_MATTER.match(text)
    spans = [Span(0, front.end())] if front else []
    if "<!--" in text:
        visible = _blanked(text, [*spans, *code(text)])
        spans.extend(_comments(visible))
    return spans


def _comments(text: str) -> Iterator[Span]:
    """Found by hand: a lazy regular expression takes quadratic time over comments that never end."""
    end = 0
    while (start := text.find("<!--", end)) >= 0 and (end := text.find("-->", start) + 3) > 2:
        yield Span(start, end)


def _blanked(text: str, spans: list[Span]) -> str:
    """The text of the same length with blanks for what the spans cover, line breaks kept."""
    pieces: list[str] = []
    position = 0
    for span in sorted(spans, key=lambda span: span.start):
        start = max(position, span.start)
        pieces += [text[position:start], re.sub(r"[^\n]", " ", text[start : span.end])]
        position = max(start, span.end)
    return "".join([*pieces, text[position:]])


def _marked(visible: str) -> Iterator[Heading]:
    for match in _MARKED.finditer(visible):
        yield Heading(len(match["marks"]), match.start(), match.end() - 1, _title(match["title"]))


def _underlined(visible: str) -> Iterator[Heading]:
    for match in _UNDERLINE.finditer(visible):
        start = visible.rfind("\n", 0, match.start()) + 1
        line = visible[start : match.start()]
        before = visible[visible.rfind("\n", 0, max(0, start - 1)) + 1 : max(0, start - 1)]
        # Below a paragraph, or as a rule or a table's border, the marks underline nothing.
        if not _NO_TITLE.match(line) and not before.strip():
            level = 1 if match["line"].startswith("=") else 2
            yield Heading(level, start - 1, match.end() - 1, _title(line))


def _title(line: str) -> str:
    line = line[:_MAX_TITLE].strip()
    unclosed = line.rstrip("#")
    line = unclosed if unclosed.endswith((" ", "\t")) or not unclosed else line
    return _MARKUP.sub(r"\1", line).strip()
