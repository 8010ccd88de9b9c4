"""A long text is cut to passages of the size of our chunks, at line and sentence borders."""

import random
import re
from dataclasses import dataclass

from rag.domain import Span


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a text; `start` counts code points in the text that `uri` names."""

    uri: str
    group: str
    title: str
    start: int
    text: str

    @property
    def end(self) -> int:
        """Where it ends in the text."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class _Size:
    """Characters: a text up to `whole` is left whole, a cut one aims at `shortest` to `longest`."""

    whole: int
    shortest: int
    longest: int
    reach: int
    border: re.Pattern[str]


_SIZES = {
    "en": _Size(1100, 400, 1000, 150, re.compile(r"(?<=[.!?;:])\s+(?=[A-Z0-9(\"“])|\s*\n\s*")),
    # A Chinese character is a token of its own: 300 of them and the question are a training window.
    "zh": _Size(300, 120, 280, 60, re.compile(r"(?<=[。！？；])|\s*\n\s*")),
}


def cut_around(text: str, held: Span, language: str, random_source: random.Random) -> Span:
    """A stretch of the text that holds a span anywhere in it; the whole of a short text."""
    size = _SIZES[language]
    if len(text) <= size.whole:
        return Span(0, len(text))
    length = max(random_source.randint(size.shortest, size.longest), held.end - held.start)
    earliest = max(0, held.end - length)
    latest = max(earliest, min(held.start, len(text) - length))
    wanted = random_source.randint(earliest, latest)
    start = _border(text, wanted, size, 0, held.start)
    end = _border(text, wanted + length, size, held.end, len(text))
    return _trimmed(text, start, end)


def tiles(text: str, language: str, random_source: random.Random) -> list[Span]:
    """The whole text as stretches in order, of the lengths that `cut_around` gives."""
    size = _SIZES[language]
    spans = []
    start = 0
    while start < len(text):
        end = start + random_source.randint(size.shortest, size.longest)
        if len(text) <= size.whole or len(text) - end < size.shortest // 2:
            end = len(text)
        end = _border(text, end, size, start + 1, len(text))
        trimmed = _trimmed(text, start, end)
        if trimmed.end > trimmed.start:
            spans.append(trimmed)
        start = end
    return spans


def _border(text: str, wanted: int, size: _Size, lowest: int, highest: int) -> int:
    """The line or sentence border nearest to a place, else the nearest gap between words, within limits."""
    wanted = min(max(wanted, lowest), highest)
    if wanted in (0, len(text)):
        return wanted
    first = max(lowest, wanted - size.reach)
    last = min(highest, wanted + size.reach)
    places = [found.end() for found in size.border.finditer(text, max(0, first - 1), last)]
    places = [place for place in places if first <= place <= last]
    if not places:
        places = [place for place in range(first, last + 1) if text[place - 1 : place].isspace()]
    places += [edge for edge in (0, len(text)) if first <= edge <= last]
    # Without any border the limits themselves are borders: they part an answer from what surrounds it.
    return min(places, key=lambda place: abs(place - wanted), default=wanted)


def _trimmed(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return Span(start, max(start, start + len(piece.strip())))
