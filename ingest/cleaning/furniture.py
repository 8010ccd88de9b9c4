"""Headers, footers and page numbers that recur from page to page."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.cleaning.offsets import Edit
from rag.domain import Page

_MIN_PAGES = 3
_MIN_SHARE = 0.4  # a header that stands on every other page is one too
_EDGE_LINES = 3
_MAX_LENGTH = 150
_PAGE_NUMBER = re.compile(r"(?:page|of|第|共|页|[\W_])*")
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b|[〇零一二三四五六七八九十百]+(?=\s*页)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _EdgeLine:
    key: str
    start: int
    end: int
    is_top: bool


def page_furniture(text: str, pages: Sequence[Page]) -> Iterator[Edit]:
    """Edits that take out the recurring first and last lines of pages, in order.

    Lines are the same when they differ in numbers only. A header in words stays where it first stands, so
    that what only a header says ("Draft", a document's number) is not lost.
    """
    edges = [_edge_lines(text, page) for page in pages]
    if len(edges) < _MIN_PAGES:
        return
    counts = Counter(key for lines in edges for key in {line.key for line in lines})
    needed = max(_MIN_PAGES, _MIN_SHARE * len(edges))
    kept: set[str] = set()
    for lines in edges:
        for line in lines:
            if counts[line.key] < needed:
                continue
            if line.is_top and line.key not in kept and not _PAGE_NUMBER.fullmatch(line.key):
                kept.add(line.key)
            else:
                yield Edit(line.start, line.end, "")


def _edge_lines(text: str, page: Page) -> list[_EdgeLine]:
    """The first and last lines of a page that hold text, each with its line break."""
    lines: list[tuple[int, int]] = []
    start = page.start
    while start < page.end:
        end = text.find("\n", start, page.end) + 1 or page.end
        if text[start:end].strip():
            lines.append((start, end))
        start = end
    top = min(_EDGE_LINES, len(lines))
    bottom = max(top, len(lines) - _EDGE_LINES)
    return [
        _EdgeLine(_key(text[start:end]), start, end, number < top)
        for number, (start, end) in enumerate(lines)
        if (number < top or number >= bottom) and end - start <= _MAX_LENGTH
    ]


def _key(line: str) -> str:
    return _NUMBER.sub("#", " ".join(line.split())).casefold()
