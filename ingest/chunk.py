"""A canonical text becomes chunks: exact slices, packed from sentences, inside sections where possible."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.chunking.sections import Section, sections
from ingest.chunking.splitting import SEAM_TOKENS, CountTokens, counted, fitting
from ingest.parse import Heading
from rag.domain import Span
from rag.intake import DraftChunk
from rag.sentences import sentences

CHUNK_VERSION = "chunk-1"
"""Raised whenever chunking the same text alike may give other chunks: a part of the recipe."""

# A chunk this full may end at a section's start though the next section's beginning would fit.
_FULL_ENOUGH = 0.5
# A chunk this full ends at a top heading; an emptier one (a title, a lone heading) goes on with it.
_WORTH_A_CHUNK = 0.25


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """Sizes in tokens of the embedding model, special tokens not counted.

    `maximum` is what the model reads at most; `overlap` repeats up to so many tokens of whole sentences
    from the end of the chunk before, within a section.
    """

    target: int = 200
    maximum: int = 254
    overlap: int = 0

    def recipe(self) -> str:
        """What of the recipe chunking decides."""
        return f"{CHUNK_VERSION}:{self.target}/{self.maximum}/{self.overlap}"


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence, or a part of an overlong one, and the number of the section it stands in."""

    start: int
    end: int
    tokens: int
    section: int
    is_heading: bool


def chunk(
    text: str,
    headings: Sequence[Heading],
    language: str,
    count_tokens: CountTokens,
    settings: ChunkSettings,
) -> tuple[DraftChunk, ...]:
    """Chunks in order that cover every visible character, none of more than `settings.maximum` tokens.

    Without an overlap they are disjoint. `count_tokens` is the embedder's; it is called with thousands of
    sentences at a time. Headings are part of the text of the chunk that begins with them.
    """
    parts = sections(text, headings)
    spans = fitting(text, sentences(text, language), count_tokens, settings.maximum)
    pieces = _pieces(spans, parts, headings)
    groups = _merged_tails(list(_groups(pieces, parts, settings)), parts, settings)
    groups = _verified(text, groups, count_tokens, settings.maximum)
    if settings.overlap:
        groups = list(_overlapped(groups, settings))
    return tuple(DraftChunk(group[0].start, group[-1].end, _path(group, parts)) for group in groups)


def _pieces(
    spans: Sequence[tuple[Span, int]], parts: Sequence[Section], headings: Sequence[Heading]
) -> list[_Piece]:
    """Sentences with their section; a heading is a piece that lies within a heading's stretch."""
    pieces: list[_Piece] = []
    section = number = 0
    for span, tokens in spans:
        while section + 1 < len(parts) and parts[section + 1].start < span.end:
            section += 1
        while number < len(headings) and headings[number].end < span.end:
            number += 1
        is_heading = number < len(headings) and headings[number].start <= span.start
        pieces.append(_Piece(span.start, span.end, tokens, section, is_heading))
    return pieces


def _groups(
    pieces: Sequence[_Piece], parts: Sequence[Section], settings: ChunkSettings
) -> Iterator[list[_Piece]]:
    """Greedy packing up to the target that prefers to break where sections do."""
    sizes = [0] * len(parts)
    for piece in pieces:
        sizes[piece.section] += piece.tokens
    group: list[_Piece] = []
    tokens = 0
    limit = settings.maximum
    for piece in pieces:
        is_new_section = bool(group) and piece.section != group[-1].section
        ends_here = is_new_section and _ends_at_section(tokens, piece, sizes, parts, settings)
        if group and (ends_here or tokens + piece.tokens > limit):
            carried = [] if is_new_section else _trailing_headings(group)
            yield group[: len(group) - len(carried)]
            group, tokens = carried, sum(heading.tokens for heading in carried)
            limit = settings.maximum
        group.append(piece)
        tokens += piece.tokens
        if not piece.is_heading:
            limit = settings.target  # headings alone may take what follows up to the maximum
    if group:
        yield group


def _ends_at_section(
    tokens: int, piece: _Piece, sizes: Sequence[int], parts: Sequence[Section], settings: ChunkSettings
) -> bool:
    if parts[piece.section].is_top and tokens >= _WORTH_A_CHUNK * settings.target:
        return True
    fits = tokens + sizes[piece.section] <= settings.target
    return not fits and tokens >= _FULL_ENOUGH * settings.target


def _trailing_headings(group: Sequence[_Piece]) -> list[_Piece]:
    """Headings at the end of a chunk, which belong to what follows; not the whole of it."""
    first = len(group)
    while first > 1 and group[first - 1].is_heading:
        first -= 1
    return list(group[first:])


def _merged_tails(
    groups: Sequence[list[_Piece]], parts: Sequence[Section], settings: ChunkSettings
) -> list[list[_Piece]]:
    """Small leftovers go to the chunk before, where both together are no more than the maximum."""
    merged: list[list[_Piece]] = []
    for group in groups:
        is_small = sum(piece.tokens for piece in group) < _WORTH_A_CHUNK * settings.target
        may_merge = bool(merged) and is_small and not parts[group[0].section].is_top
        if may_merge and not _is_doubtful([*merged[-1], *group], settings.maximum):
            merged[-1] = [*merged[-1], *group]
        else:
            merged.append(group)
    return merged


def _verified(
    text: str, groups: Sequence[list[_Piece]], count_tokens: CountTokens, maximum: int
) -> list[list[_Piece]]:
    """The groups, those halved whose text has more tokens than their pieces have together."""
    doubtful = [group for group in groups if _is_doubtful(group, maximum)]
    texts = [text[group[0].start : group[-1].end] for group in doubtful]
    too_long = {
        group[0].start
        for group, tokens in zip(doubtful, counted(texts, count_tokens), strict=True)
        if tokens > maximum
    }
    verified: list[list[_Piece]] = []
    for group in groups:
        if group[0].start in too_long:
            middle = len(group) // 2
            verified += _verified(text, [group[:middle], group[middle:]], count_tokens, maximum)
        else:
            verified.append(group)
    return verified


def _is_doubtful(group: Sequence[_Piece], maximum: int) -> bool:
    """Whether the pieces' tokens and those of the seams between them might be more than the maximum."""
    return len(group) > 1 and _at_most(group) > maximum


def _at_most(group: Sequence[_Piece]) -> int:
    return sum(piece.tokens for piece in group) + SEAM_TOKENS * (len(group) - 1)


def _overlapped(groups: Sequence[list[_Piece]], settings: ChunkSettings) -> Iterator[list[_Piece]]:
    """Each group with whole pieces of the one before in front of it, as the overlap and the maximum allow."""
    before: list[_Piece] = []
    for group in groups:
        tokens = _at_most(group)
        repeated: list[_Piece] = []
        spent = 0
        for piece in reversed(before[1:]):  # not all of it: every chunk begins after the one before
            spent += piece.tokens + SEAM_TOKENS
            is_foreign = piece.section != group[0].section
            if is_foreign or spent > settings.overlap or tokens + spent > settings.maximum:
                break
            repeated.insert(0, piece)
        yield [*repeated, *group]
        before = group


def _path(group: Sequence[_Piece], parts: Sequence[Section]) -> tuple[str, ...]:
    """What the sections that have more than headings in this chunk share of their paths."""
    numbers = sorted({piece.section for piece in group if not piece.is_heading}) or [group[-1].section]
    paths = [parts[number].path for number in numbers]
    shared: list[str] = []
    for titles in zip(*paths, strict=False):
        if len(set(titles)) > 1:
            break
        shared.append(titles[0])
    return tuple(shared)
