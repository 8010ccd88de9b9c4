"""Draft sentences become an answer's text and its citations, quoted from the store."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rag.domain import (
    Citation,
    DraftSentence,
    Quotation,
    SourceSpan,
    Span,
    Support,
    SupportLabel,
    UnsupportedSentence,
)
from rag.evidence_candidates import is_list_item

_SENTENCE_ENDS = re.compile(r"[.!?…。！？；][\"'”’」』）》】〕)\]*_`]*$")


@dataclass(frozen=True, slots=True)
class CitedText:
    """An answer's text, the citation of each of its sentences in order, and what it leaves open.

    `unsupported` is what was written and is no part of it.
    """

    text: str
    citations: tuple[Citation, ...]
    missing: tuple[str, ...] = ()
    unsupported: tuple[UnsupportedSentence, ...] = ()


def cite(
    sentences: Sequence[DraftSentence],
    missing: Sequence[str] = (),
    unsupported: Sequence[UnsupportedSentence] = (),
) -> CitedText:
    """Join sentences and cite the spans that each rests on; what stands between them belongs to none.

    `missing` and `unsupported` are as in `Draft`.
    """
    text = ""
    citations: list[Citation] = []
    for marker, sentence in enumerate(sentences, start=1):
        if text:
            text += _seam(citations[-1].text, sentence.text)
        span = Span(len(text), len(text) + len(sentence.text))
        text += sentence.text
        sources = tuple(quote(item) for item in sentence.quotations)
        citations.append(Citation(marker, span, sentence.text, sources, _support(sentence, sources)))
    return CitedText(text, tuple(citations), tuple(missing), tuple(unsupported))


def quote(quotation: Quotation) -> SourceSpan:
    """A quotation with its words, sliced from the chunk that the store gave."""
    chunk = quotation.chunk
    inside = quotation.span.moved(-chunk.start)
    return SourceSpan(chunk.document, chunk.id, quotation.span, inside.of(chunk.text), quotation.focus)


def _seam(before: str, after: str) -> str:
    """A line break beside a list and after what no mark ends, in Chinese nothing, else a blank."""
    is_beside_list = "\n" in before or is_list_item(before) or is_list_item(after)
    if is_beside_list or not _SENTENCE_ENDS.search(before):
        return "\n"
    return "" if _is_wide(before[-1:]) or _is_wide(after[:1]) else " "


def _is_wide(character: str) -> bool:
    """Whether a character fills a Chinese type square, as Han and full-width marks do."""
    return character != "" and unicodedata.east_asian_width(character) in "WF"


def _support(sentence: DraftSentence, sources: Sequence[SourceSpan]) -> Support:
    """The verdict it came with; a sentence that is its own quotation is supported."""
    if sentence.support is not None:
        return sentence.support
    is_verbatim = any(sentence.text == source.cited_text for source in sources)
    return Support(SupportLabel.SUPPORTED if is_verbatim else SupportLabel.UNSUPPORTED, sentence.score)
