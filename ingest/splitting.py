"""Sentences longer than the model reads are split at the best place inside them."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from rag.domain import Span, TokenCount

CountTokens: TypeAlias = Callable[[Sequence[str]], list[TokenCount]]

SEAM_TOKENS = 2
"""The most that a tokenizer adds where two pieces meet: for an empty line; WordPiece adds none."""

_BATCH = 4096
# Where a sentence may be split, the best first: clauses, phrases, words. Chinese marks need no blank.
_BOUNDARIES = (
    re.compile(r"[;；]\s*|(?<=[:：])\s+|\s(?=\((?:\w{1,3})\)\s)"),
    re.compile(r"[，、]|[,|]\s+|\s[–—-]\s"),
    re.compile(r"\s+"),
)
_JOINER = "\u200d"


def fitting(
    text: str, spans: Sequence[Span], count_tokens: CountTokens, maximum: int
) -> list[tuple[Span, int]]:
    """The spans with their token counts, those of more than `maximum` tokens split; trimmed and in order."""
    counts = counted([span.of(text) for span in spans], count_tokens)
    fitted: list[tuple[Span, int]] = []
    for span, tokens in zip(spans, counts, strict=True):
        if tokens <= maximum:
            fitted.append((span, tokens))
        else:
            fitted.extend(_split(text, span, count_tokens, maximum, _BOUNDARIES))
    return fitted


def counted(texts: Sequence[str], count_tokens: CountTokens) -> list[int]:
    """Token counts in the order of the texts, asked for in batches."""
    batches = (texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH))
    return [count.tokens for batch in batches for count in count_tokens(batch)]


def _split(
    text: str, span: Span, count_tokens: CountTokens, maximum: int, boundaries: Sequence[re.Pattern[str]]
) -> Iterator[tuple[Span, int]]:
    """Parts at the first kind of boundary, packed up to the maximum; what is still too long at the next."""
    if boundaries:
        parts = _parts(text, span, boundaries[0])
    else:
        parts = _halves(text, span)
        if len(parts) == 1:
            yield span, maximum  # a single character: nothing smaller can be cited
            return
    counts = counted([part.of(text) for part in parts], count_tokens)
    pending: Span | None = None
    pending_tokens = 0
    for part, tokens in zip(parts, counts, strict=True):
        together = pending_tokens + SEAM_TOKENS + tokens
        if pending is not None and together <= maximum:
            pending, pending_tokens = Span(pending.start, part.end), together
            continue
        if pending is not None:
            yield pending, pending_tokens
            pending = None
        if tokens > maximum:
            yield from _split(text, part, count_tokens, maximum, boundaries[1:])
        else:
            pending, pending_tokens = part, tokens
    if pending is not None:
        yield pending, pending_tokens


def _parts(text: str, span: Span, boundary: re.Pattern[str]) -> list[Span]:
    """The stretches between boundaries; a mark stays with what it ends, blanks with neither."""
    content = span.of(text)
    ends = [match.end() for match in boundary.finditer(content)]
    parts: list[Span] = []
    start = 0
    for end in [*ends, len(content)]:
        piece = content[start:end]
        if piece.strip():
            first = span.start + start + len(piece) - len(piece.lstrip())
            parts.append(Span(first, first + len(piece.strip())))
            start = end
    return parts


def _halves(text: str, span: Span) -> list[Span]:
    """Two halves of a stretch without any boundary, no character torn from its marks."""
    middle = (span.start + span.end) // 2
    while middle < span.end and (
        unicodedata.combining(text[middle]) or _JOINER in text[middle - 1 : middle + 1]
    ):
        middle += 1
    if not span.start < middle < span.end:
        return [span]
    return [Span(span.start, middle), Span(middle, span.end)]
