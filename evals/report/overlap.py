"""What two texts have in common, word for word; Chinese is compared character by character."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from rag.domain import Span

SHORTEST_RUN = 6  # characters of Chinese, a word counting as two: shorter runs are "of the" and the like
LONGEST_TEXT = 800  # words compared; matching costs the product of the two lengths
_IDEOGRAPH = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_WORD = re.compile(rf"{_IDEOGRAPH}|(?:(?!{_IDEOGRAPH})\w)+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text that is shown as one; `is_shared` says that the other side has it too."""

    text: str
    is_shared: bool


def shared_spans(text: str, others: tuple[str, ...]) -> tuple[Span, ...]:
    """The runs of words in `text` that stand in one of `others`, case aside; a short text may match whole."""
    words = _words(text)
    spans = [span for other in others for span in _shared_with(words, _words(other))]
    return merged(tuple(spans))


def merged(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """The same stretches in order, those that touch or overlap joined."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda item: (item.start, item.end)):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        elif span.start < span.end:
            joined.append(span)
    return tuple(joined)


def pieces(text: str, shared: tuple[Span, ...]) -> tuple[Piece, ...]:
    """`text` cut at the borders of `shared`, which are merged spans; joined again they are `text`."""
    cut = []
    position = 0
    for span in shared:
        cut += [Piece(text[position : span.start], is_shared=False), Piece(span.of(text), is_shared=True)]
        position = span.end
    cut.append(Piece(text[position:], is_shared=False))
    return tuple(piece for piece in cut if piece.text)


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    span: Span


def _words(text: str) -> list[_Word]:
    found = _WORD.finditer(text)
    return [_Word(item.group().casefold(), Span(*item.span())) for item in found][:LONGEST_TEXT]


def _shared_with(words: list[_Word], others: list[_Word]) -> list[Span]:
    mine, theirs = [word.text for word in words], [word.text for word in others]
    shortest = min(SHORTEST_RUN, _length(words), _length(others))
    blocks = SequenceMatcher(a=mine, b=theirs, autojunk=False).get_matching_blocks()
    return [
        Span(words[block.a].span.start, words[block.a + block.size - 1].span.end)
        for block in blocks
        if block.size and _length(words[block.a : block.a + block.size]) >= shortest
    ]


def _length(words: list[_Word]) -> int:
    return sum(1 if re.match(_IDEOGRAPH, word.text) else 2 for word in words)
