"""Edits of a text, applied at once, and the map between offsets before and after."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.domain import Span


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `replacement` in place of `text[start:end]`."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True)
class _Step:
    """One pass of edits: four ascending arrays, one entry an edit, in source and target offsets."""

    source_start: NDArray[np.int64]
    source_end: NDArray[np.int64]
    target_start: NDArray[np.int64]
    target_end: NDArray[np.int64]

    def inverse(self) -> "_Step":
        return _Step(self.target_start, self.target_end, self.source_start, self.source_end)

    def start(self, offset: int) -> int:
        """Where a stretch that starts at `offset` starts in the target; inside an edit, at its start."""
        edit = int(np.searchsorted(self.source_start, offset, side="right")) - 1
        if edit < 0:
            return offset
        if offset < self.source_end[edit]:
            return int(self.target_start[edit])
        return int(self.target_end[edit] + offset - self.source_end[edit])

    def end(self, offset: int) -> int:
        """Where a stretch that ends at `offset` ends in the target; inside an edit, at its end."""
        edit = int(np.searchsorted(self.source_start, offset, side="left")) - 1
        if edit < 0:
            return offset
        if offset < self.source_end[edit]:
            return int(self.target_end[edit])
        return int(self.target_end[edit] + offset - self.source_end[edit])


@dataclass(frozen=True, slots=True)
class OffsetMap:
    """Where each place of the canonical text was in the parsed text, and back.

    Both directions are ascending, and exact for every character that cleaning kept.
    """

    steps: tuple[_Step, ...] = ()

    def to_source(self, offset: int) -> int:
        """The parsed text's offset of the character at a canonical offset."""
        for step in reversed(self.steps):
            offset = step.inverse().start(offset)
        return offset

    def to_canonical(self, offset: int) -> int:
        """The canonical offset of a parsed character; where it was removed, of what stands in its place."""
        for step in self.steps:
            offset = step.start(offset)
        return offset

    def source_span(self, span: Span) -> Span:
        """The stretch of parsed text that a canonical span was made from."""
        start, end = span.start, span.end
        for step in reversed(self.steps):
            start, end = step.inverse().start(start), step.inverse().end(end)
        return Span(start, max(start, end))

    def canonical_span(self, span: Span) -> Span:
        """The stretch of canonical text that a parsed span became; empty where all of it was removed."""
        start, end = span.start, span.end
        for step in self.steps:
            start, end = step.start(start), step.end(end)
        return Span(start, max(start, end))


@dataclass(frozen=True, slots=True)
class Edited:
    """A text on its way through cleaning, with the map back to where it began."""

    text: str
    offsets: OffsetMap = OffsetMap()

    def apply(self, edits: Iterable[Edit]) -> "Edited":
        """The text after `edits`, which are in order and do not overlap."""
        pieces: list[str] = []
        table: list[tuple[int, int, int, int]] = []
        position = length = 0
        for edit in edits:
            pieces.append(self.text[position : edit.start])
            pieces.append(edit.replacement)
            length += edit.start - position
            table.append((edit.start, edit.end, length, length + len(edit.replacement)))
            length += len(edit.replacement)
            position = edit.end
        if not table:
            return self
        pieces.append(self.text[position:])
        columns = np.array(table, dtype=np.int64).T
        step = _Step(*(np.ascontiguousarray(column) for column in columns))
        return Edited("".join(pieces), OffsetMap((*self.offsets.steps, step)))
