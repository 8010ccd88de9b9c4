"""Draft sentences become an answer's text and its citations, quoted from the store."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rag.domain import Citation, DraftSentence, SourceSpan, Span, Support, SupportLabel
from rag.evidence_candidates import is_list_item

_SENTENCE_ENDS = re.compile(r"[.!?…。！？；][\"'”’」』）》】〕)\]*_`]*$")


@dataclass(frozen=True, slots=True)
class CitedText:
    """An answer's text, the citation of each of its sentences in order, and what it leaves open."""

    text: str
    citations: tuple[Citation, ...]
    missing: tuple[str, ...] = ()


def cite(sentences: Sequence[DraftSentence], missing: Sequence[str] = ()) -> CitedText:
    """Join sentences and cite the span that each rests on; what stands between them belongs to none.

    `missing` are the parts of the question that they leave open, as in `Draft`.
    """
    text = ""
    citations: list[Citation] = []
    for marker, sentence in enumerate(sentences, start=1):
        if text:
            text += _seam(citations[-1].text, sentence.text)
        span = Span(len(text), len(text) + len(sentence.text))
        text += sentence.text
        source = quote(sentence)
        citations.append(Citation(marker, span, sentence.text, (source,), _support(sentence, source)))
    return CitedText(text, tuple(citations), tuple(missing))


def quote(sentence: DraftSentence) -> SourceSpan:
    """The span a sentence rests on, its words sliced from the chunk that the store gave."""
    chunk = sentence.chunk
    inside = sentence.span.moved(-chunk.start)
    return SourceSpan(chunk.document, chunk.id, sentence.span, inside.of(chunk.text), sentence.focus)


def _seam(before: str, after: str) -> str:
    """A line break beside a list and after what no mark ends, in Chinese nothing, else a blank."""
    is_beside_list = "\n" in before or is_list_item(before) or is_list_item(after)
    if is_beside_list or not _SENTENCE_ENDS.search(before):
        return "\n"
    return "" if _is_wide(before[-1:]) or _is_wide(after[:1]) else " "


def _is_wide(character: str) -> bool:
    """Whether a character fills a Chinese type square, as Han and full-width marks do."""
    return character != "" and unicodedata.east_asian_width(character) in "WF"


def _support(sentence: DraftSentence, source: SourceSpan) -> Support:
    """A sentence that is its own quotation is supported; how far it answers is the score."""
    is_verbatim = sentence.text == source.cited_text
    return Support(SupportLabel.SUPPORTED if is_verbatim else SupportLabel.UNSUPPORTED, sentence.score)
