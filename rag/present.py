"""An outcome as people read it in a terminal and as programs read it in JSON."""

from rag.domain import (
    Abstention,
    Answer,
    Citation,
    Confidence,
    Hit,
    Outcome,
    SourceSpan,
    UnsupportedSentence,
)
from rag.follow_up import in_full

JsonObject = dict[str, object]

_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def outcome_to_json(outcome: Outcome) -> JsonObject:
    """The outcome in the shape of the HTTP API; fields without a value are null or empty."""
    record = outcome.record
    confidence = record.confidence
    return {
        "id": record.id,
        "status": _status(outcome),
        "question": in_full(record.question),
        "answer": outcome.text if isinstance(outcome, Answer) else None,
        "language": record.language,
        "generator": record.generator,
        "model": record.model or None,
        "missing": list(outcome.missing) if isinstance(outcome, Answer) else [],
        "unsupported": [_unsupported(s) for s in outcome.unsupported] if isinstance(outcome, Answer) else [],
        "abstention": _abstention(outcome) if isinstance(outcome, Abstention) else None,
        "citations": [_citation(c) for c in outcome.citations] if isinstance(outcome, Answer) else [],
        "confidence": {
            "score": confidence.score,
            "calibrated": confidence.is_calibrated,
            "certified": confidence.is_certified,
            "threshold": confidence.threshold,
            "target_risk": confidence.target_risk,
            "confidence_level": confidence.confidence_level,
            "n_calibration": confidence.n_calibration,
            "calibrator": confidence.calibrator,
            "answerable": confidence.answerable,
            "minimum_answerable": confidence.minimum_answerable,
            "signals": dict(confidence.signals),
        },
        "evidence": [_evidence(hit) for hit in record.evidence],
        "usage": dict(record.usage) or None,
        "timings_ms": dict(record.timings_ms),
        "warnings": list(record.warnings),
    }


def source_to_json(source: SourceSpan) -> JsonObject:
    """A quotation with the place it stands at."""
    start_page, end_page = source.document.pages_of(source.span)
    return {
        "document_id": source.document.id,
        "document_title": source.document.title,
        "uri": source.document.uri,
        "revision": source.document.revision,
        "chunk_id": source.chunk_id,
        "cited_text": source.cited_text,
        "location": {
            "start_char_index": source.span.start,
            "end_char_index": source.span.end,
            "start_page": start_page,
            "end_page": end_page,
        },
        "answer": _short_answer(source),
    }


def outcome_to_text(outcome: Outcome) -> str:
    """The outcome for a terminal: the answer with its quotes, or the reason and the closest sources.

    The words that answer are bold, by codes that click leaves out where the output is no terminal.
    """
    match outcome:
        case Answer(record, text, citations, missing, unsupported):
            lines = [_marked(text, citations), ""]
            lines += [
                f"  [{c.marker}] {_place(source)}\n      “{_with_bold_focus(source)}”"
                for c in citations
                for source in c.sources
            ]
            lines += [f"not answered: {part}" for part in missing]
            lines += [f"not supported ({item.failed}): {item.text}" for item in unsupported]
            lines += ["", _confidence(record.confidence)]
        case Abstention(record, _, message, closest):
            lines = [f"No answer: {message}"]
            lines += ["", "Closest sources:"] if closest else []
            lines += [f"  - {_place(source)}\n      “{_first_line(source.cited_text)}”" for source in closest]
    lines += [f"note: {warning}" for warning in outcome.record.warnings]
    return "\n".join(lines)


def _status(outcome: Outcome) -> str:
    match outcome:
        case Answer():
            return "partial" if outcome.missing else "answered"
        case Abstention():
            return "abstained"


def _short_answer(source: SourceSpan) -> JsonObject | None:
    """The words of a quotation that answer, null where no reader told them."""
    if source.focus is None:
        return None
    return {
        "start_char_index": source.focus.start,
        "end_char_index": source.focus.end,
        "text": source.focus.moved(-source.span.start).of(source.cited_text),
    }


def _with_bold_focus(source: SourceSpan) -> str:
    if source.focus is None:
        return source.cited_text
    inside, text = source.focus.moved(-source.span.start), source.cited_text
    return f"{text[: inside.start]}{_BOLD}{inside.of(text)}{_PLAIN}{text[inside.end :]}"


def _abstention(outcome: Abstention) -> JsonObject:
    return {
        "reason": str(outcome.reason),
        "message": outcome.message,
        "closest_sources": [source_to_json(source) for source in outcome.closest_sources],
    }


def _citation(citation: Citation) -> JsonObject:
    return {
        "id": f"c{citation.marker}",
        "marker": f"[{citation.marker}]",
        "start": citation.span.start,
        "end": citation.span.end,
        "text": citation.text,
        "sources": [source_to_json(source) for source in citation.sources],
        "support": {"label": str(citation.support.label), "score": citation.support.score},
    }


def _unsupported(sentence: UnsupportedSentence) -> JsonObject:
    return {"text": sentence.text, "failed": str(sentence.failed)}


def _evidence(hit: Hit) -> JsonObject:
    return {
        "chunk_id": hit.chunk.id,
        "document_id": hit.chunk.document.id,
        "rank": hit.rank,
        "scores": dict(hit.scores),
        "text": hit.chunk.text,
    }


def _marked(text: str, citations: tuple[Citation, ...]) -> str:
    """The answer with a mark after each sentence."""
    parts, last = [], 0
    for citation in citations:
        parts.append(f"{text[last : citation.span.end]} [{citation.marker}]")
        last = citation.span.end
    return "".join([*parts, text[last:]])


def _place(source: SourceSpan) -> str:
    first, last = source.document.pages_of(source.span)
    pages = "" if first is None else f", page {first}" if first == last else f", pages {first}-{last}"
    characters = f"characters {source.span.start}-{source.span.end}"
    return f"{source.document.title} ({source.document.uri}{pages}, {characters})"


def _confidence(confidence: Confidence) -> str:
    """What the score means: a probability, with what is proved of the risk, or an order only."""
    score = f"confidence {confidence.score:.2f}"
    if not confidence.is_calibrated:
        return f"{score}, not calibrated: it orders answers, it is no probability"
    meaning = (
        f"{score}: the probability of being right, calibrated on n = {confidence.n_calibration:,} answers"
    )
    if not confidence.is_certified or confidence.target_risk is None or confidence.confidence_level is None:
        return meaning
    return (
        f"{meaning}\ncertified: at most {confidence.target_risk * 100:g} % of such answers are wrong "
        f"({confidence.confidence_level * 100:g} % confidence)"
    )


def _first_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:119] + "…"
