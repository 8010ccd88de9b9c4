"""Blocks of a structured document become text in which every line break is real."""

import re
from dataclasses import dataclass, field

from ingest.parse import Heading

_BLANKS = re.compile(r"\s+")
_MAX_LEVEL = 9


@dataclass
class BlockWriter:
    """Collects blocks in reading order; paragraphs stand apart, rows and list items one a line."""

    _pieces: list[str] = field(default_factory=list)
    _headings: list[Heading] = field(default_factory=list)
    _length: int = 0
    _was_tight: bool = False

    def paragraph(self, text: str) -> None:
        """A paragraph; its inner line breaks are kept."""
        lines = (_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
        self._add("\n".join(line for line in lines if line), is_tight=False)

    def heading(self, text: str, level: int) -> None:
        """A heading on one line, level from 1."""
        title = _BLANKS.sub(" ", text).strip()
        start = self._add(title, is_tight=False)
        if title:
            self._headings.append(Heading(min(level, _MAX_LEVEL), start, start + len(title), title))

    def item(self, text: str, marker: str = "-", depth: int = 0) -> None:
        """An item of a list on one line, indented by its depth."""
        content = _BLANKS.sub(" ", text).strip()
        self._add(f"{'  ' * depth}{marker} {content}" if content else "", is_tight=True)

    def row(self, cells: list[str]) -> None:
        """A row of a table on one line; empty cells keep their place so that columns stay in line."""
        contents = [_BLANKS.sub(" ", cell).strip() for cell in cells]
        self._add(" | ".join(contents) if any(contents) else "", is_tight=True)

    def code(self, text: str) -> None:
        """Lines kept as they are."""
        self._add(text.strip("\n").rstrip(), is_tight=False)

    def finished(self) -> tuple[str, tuple[Heading, ...]]:
        """The text and its headings."""
        return "".join(self._pieces), tuple(self._headings)

    def _add(self, block: str, *, is_tight: bool) -> int:
        if not block:
            return self._length
        if self._pieces:
            gap = "\n" if is_tight and self._was_tight else "\n\n"
            self._pieces.append(gap)
            self._length += len(gap)
        start = self._length
        self._pieces.append(block)
        self._length += len(block)
        self._was_tight = is_tight
        return start
