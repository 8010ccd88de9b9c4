"""Edits of a text, applied at once, and the map between offsets before and after."""

from bisect import bisect_right
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

    def to_source(self, offset: int) -> int:
        return _carried(offset, self.target_start, self.target_end, self.source_start, self.source_end)

    def to_target(self, offset: int) -> int:
        return _carried(offset, self.source_start, self.source_end, self.target_start, self.target_end)


def _carried(
    offset: int,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    other_starts: NDArray[np.int64],
    other_ends: NDArray[np.int64],
) -> int:
    """The same place on the other side; a place inside an edit falls on that edit's start."""
    edit = int(bisect_right(starts, offset)) - 1
    if edit < 0:
        return offset
    if offset < ends[edit]:
        return int(other_starts[edit])
    return int(other_ends[edit] + offset - ends[edit])


@dataclass(frozen=True, slots=True)
class OffsetMap:
    """Where each place of the canonical text was in the parsed text, and back.

    Both directions are ascending, and exact for every character that cleaning kept.
    """

    steps: tuple[_Step, ...] = ()

    def to_source(self, offset: int) -> int:
        """The parsed text's offset of the character at a canonical offset."""
        for step in reversed(self.steps):
            offset = step.to_source(offset)
        return offset

    def to_canonical(self, offset: int) -> int:
        """The canonical offset of a parsed character; where it was removed, of what stands in its place."""
        for step in self.steps:
            offset = step.to_target(offset)
        return offset

    def source_span(self, span: Span) -> Span:
        """The stretch of parsed text that a canonical span was made from."""
        if span.start >= span.end:
            return Span(self.to_source(span.start), self.to_source(span.start))
        return Span(self.to_source(span.start), self.to_source(span.end - 1) + 1)

    def canonical_span(self, span: Span) -> Span:
        """The stretch of canonical text that a parsed span became; empty where all of it was removed."""
        return Span(self.to_canonical(span.start), self.to_canonical(span.end))


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
