"""Answer or abstain: the last step, and the only place where that is decided."""

from dataclasses import replace

from rag.calibrators import Assurance, threshold_in_force
from rag.cite import CitedText, quote
from rag.domain import (
    Abstention,
    AbstentionReason,
    Answer,
    Confidence,
    Outcome,
    Quotation,
    Record,
    SourceSpan,
    Span,
    SupportLabel,
    UnsupportedPolicy,
)
from rag.question_kind import asks_for_yes_or_no

CLOSEST_SOURCES = 3
SOURCE_CHARACTERS = 400

_MESSAGES = {
    AbstentionReason.NO_EVIDENCE: "No document in this collection bears on the question.",
    AbstentionReason.LOW_CONFIDENCE: (
        "The documents touch on the question, but no sentence answers it clearly."
    ),
    AbstentionReason.OUT_OF_SCOPE: (
        "The documents touch on the subject, but they do not seem to hold an answer to this question."
    ),
    AbstentionReason.UNSUPPORTED: "Nothing that could be said is borne out by the documents.",
    AbstentionReason.NOT_CERTIFIED: (
        "A certified risk was required, and this collection has no certificate for it; fit a calibrator on "
        "its own questions with `attest eval calibrate`, or ask without require_certificate."
    ),
}
NO_RISK_NAMED = (
    "A certified risk was required, but none was named; send max_risk, or set the collection's max_risk."
)
UNCALIBRATED = (
    "max_risk was not applied: no calibrator was fitted on this pipeline, so no score is a probability"
)
NOT_CERTIFIED = (
    "a risk of {max_risk:g} is not certified for this collection; the best threshold known was used"
)

UNSUPPORTED = (
    "{count} of {written} sentences of the language model are no part of the answer: their sources do not "
    "bear them out, or they answer something else"
)

YES_OR_NO = {
    "en": ("This is a yes/no question: Attest shows the evidence and leaves the conclusion to you."),
    "zh": "这是一个是非问题：Attest 列出依据，结论由您自己判断。",
}


def decide(
    record: Record,
    cited: CitedText,
    assurance: Assurance,
    minimum_score: float,
    policy: UnsupportedPolicy = UnsupportedPolicy.DROP,
) -> Outcome:
    """An Answer if every sentence is supported and the score reaches the threshold, else an Abstention.

    What was written beside it and is unsupported goes by the policy; no policy makes it a part of the answer.
    """
    record = _with_count(_with_threshold(record, assurance, minimum_score), cited)
    confidence = record.confidence
    if not record.evidence:
        return _abstain(record, AbstentionReason.NO_EVIDENCE)
    if record.question.require_certificate and not confidence.is_certified:
        is_named = _max_risk(record, assurance) is not None
        return _abstain(record, AbstentionReason.NOT_CERTIFIED, "" if is_named else NO_RISK_NAMED)
    if cited.citations and _is_out_of_scope(confidence):
        return _abstain(record, AbstentionReason.OUT_OF_SCOPE)
    is_refused = _is_refused(cited, policy)
    is_sure = confidence.score >= (confidence.threshold or 0.0)  # never so for a NaN
    if not is_refused and not (cited.citations and is_sure):
        return _abstain(record, AbstentionReason.LOW_CONFIDENCE)
    labels = {citation.support.label for citation in cited.citations}
    if is_refused or labels != {SupportLabel.SUPPORTED}:
        return _abstain(record, AbstentionReason.UNSUPPORTED)
    flagged = cited.unsupported if policy is UnsupportedPolicy.FLAG else ()
    return Answer(_with_notes(record), cited.text, cited.citations, cited.missing, flagged)


def _is_refused(cited: CitedText, policy: UnsupportedPolicy) -> bool:
    """Whether something was written of which nothing is supported, or not all where that is demanded."""
    is_demanded = policy is UnsupportedPolicy.ABSTAIN
    return bool(cited.unsupported) and (is_demanded or not cited.citations)


def _is_out_of_scope(confidence: Confidence) -> bool:
    if confidence.answerable is None or confidence.minimum_answerable is None:
        return False
    return confidence.answerable < confidence.minimum_answerable


def _max_risk(record: Record, assurance: Assurance) -> float | None:
    """The risk in force: the question's own goes before the collection's."""
    asked = record.question.max_risk
    return asked if asked is not None else assurance.max_risk


def _with_threshold(record: Record, assurance: Assurance, minimum_score: float) -> Record:
    """The record with the threshold in force, and a warning where a risk was asked for without a proof."""
    max_risk, calibrator = _max_risk(record, assurance), assurance.calibrator
    if max_risk is None or calibrator is None:
        unknown = () if max_risk is None else (UNCALIBRATED,)
        confidence = replace(record.confidence, threshold=minimum_score)
        return replace(record, confidence=confidence, warnings=(*record.warnings, *unknown))
    threshold = threshold_in_force(calibrator, max_risk, assurance.domain, record.language)
    certificate = threshold.certificate if assurance.is_own else None
    confidence = replace(
        record.confidence,
        threshold=threshold.value,
        target_risk=threshold.target_risk,
        is_certified=certificate is not None,
        confidence_level=certificate.confidence_level if certificate else None,
    )
    unproven = () if certificate else (NOT_CERTIFIED.format(max_risk=max_risk),)
    return replace(record, confidence=confidence, warnings=(*record.warnings, *unproven))


def _with_count(record: Record, cited: CitedText) -> Record:
    """The record, with a warning where sentences were written that are no part of the answer."""
    if not cited.unsupported:
        return record
    count = len(cited.unsupported)
    warning = UNSUPPORTED.format(count=count, written=count + len(cited.citations))
    return replace(record, warnings=(*record.warnings, warning))


def _with_notes(record: Record) -> Record:
    """The record with what a reader of the answer should know, in the question's language."""
    if not asks_for_yes_or_no(record.question.text):
        return record
    note = YES_OR_NO.get(record.language, YES_OR_NO["en"])
    return replace(record, warnings=(*record.warnings, note))


def _abstain(record: Record, reason: AbstentionReason, message: str = "") -> Abstention:
    return Abstention(record, reason, message or _MESSAGES[reason], _closest(record))


def _closest(record: Record) -> tuple[SourceSpan, ...]:
    """The beginnings of the best chunks, one from each document."""
    best: dict[int, SourceSpan] = {}
    for hit in record.evidence:
        chunk = hit.chunk
        if chunk.document.id not in best and len(best) < CLOSEST_SOURCES:
            span = Span(chunk.start, min(chunk.end, chunk.start + SOURCE_CHARACTERS))
            best[chunk.document.id] = quote(Quotation(chunk, span))
    return tuple(best.values())
