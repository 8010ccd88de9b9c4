"""Answer or abstain: the last step, and the only place where that is decided."""

from rag.cite import CitedText, quote
from rag.domain import (
    Abstention,
    AbstentionReason,
    Answer,
    DraftSentence,
    Outcome,
    Record,
    SourceSpan,
    Span,
    SupportLabel,
)

CLOSEST_SOURCES = 3
SOURCE_CHARACTERS = 400

_MESSAGES = {
    AbstentionReason.NO_EVIDENCE: "No document in this collection bears on the question.",
    AbstentionReason.LOW_CONFIDENCE: (
        "The documents touch on the question, but no sentence answers it clearly."
    ),
    AbstentionReason.UNSUPPORTED: "Nothing that could be said is borne out by the documents.",
}


def decide(record: Record, cited: CitedText, minimum_score: float) -> Outcome:
    """An Answer if every sentence is supported and the best one scores enough, else an Abstention."""
    if not record.evidence:
        return _abstain(record, AbstentionReason.NO_EVIDENCE)
    if not cited.citations or record.confidence.score < minimum_score:
        return _abstain(record, AbstentionReason.LOW_CONFIDENCE)
    if any(citation.support.label is not SupportLabel.SUPPORTED for citation in cited.citations):
        return _abstain(record, AbstentionReason.UNSUPPORTED)
    return Answer(record, cited.text, cited.citations)


def _abstain(record: Record, reason: AbstentionReason) -> Abstention:
    return Abstention(record, reason, _MESSAGES[reason], _closest(record))


def _closest(record: Record) -> tuple[SourceSpan, ...]:
    """The beginnings of the best chunks, one from each document."""
    best: dict[int, SourceSpan] = {}
    for hit in record.evidence:
        chunk = hit.chunk
        if chunk.document.id not in best and len(best) < CLOSEST_SOURCES:
            span = Span(chunk.start, min(chunk.end, chunk.start + SOURCE_CHARACTERS))
            best[chunk.document.id] = quote(DraftSentence("", chunk, span, 0.0))
    return tuple(best.values())
