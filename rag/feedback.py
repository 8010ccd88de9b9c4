"""What is remembered of an answer, and what people said of it. No word of a question or a document."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from rag.domain import Answer, Outcome


class Verdict(StrEnum):
    """Whether an answer, or one sentence of it, is right."""

    CORRECT = "correct"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class LoggedAnswer:
    """What is kept of an outcome: enough to weigh its signals again, nothing of what it was about.

    `sentences` is the number of cited sentences, 0 for an abstention.
    """

    id: str
    collection: str
    asked_at: str
    language: str
    generator: str
    pipeline: str
    is_answered: bool
    score: float
    signals: Mapping[str, float]
    sentences: int


@dataclass(frozen=True, slots=True)
class Feedback:
    """One verdict as it was given; `sentence` is a citation's marker, None for the answer as a whole."""

    id: int
    answer_id: str
    verdict: Verdict
    sentence: int | None
    comment: str
    created_at: str


@dataclass(frozen=True, slots=True)
class FeedbackSample:
    """An answer whose verdict is settled: what a calibrator can be fitted on and watched with."""

    answer_id: str
    asked_at: str
    language: str
    domain: str
    pipeline: str
    score: float
    signals: Mapping[str, float]
    is_correct: bool


def logged_answer(outcome: Outcome) -> LoggedAnswer:
    """What is kept of an outcome that was given just now."""
    record = outcome.record
    score, signals = record.confidence.score, record.confidence.signals
    return LoggedAnswer(
        id=record.id,
        collection=record.question.collection,
        asked_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        language=record.language,
        generator=record.generator,
        pipeline=record.pipeline,
        is_answered=isinstance(outcome, Answer),
        # No database stores a NaN here, nor JSON a number of another library's type, and one such answer
        # would hold up those behind it. A NaN reaches no threshold, and neither does 0.
        score=float(score) if math.isfinite(score) else 0.0,
        signals={name: float(value) for name, value in signals.items() if math.isfinite(value)},
        sentences=len(outcome.citations) if isinstance(outcome, Answer) else 0,
    )


def settled(given: Sequence[Feedback], sentences: int) -> Verdict | None:
    """The verdict on an answer of so many sentences, from all that was said of it in the order given.

    Of several verdicts on the same sentence, or on the whole, the last counts, and one on the whole takes
    back those on sentences before it. One wrong sentence makes the answer wrong; right sentences make it
    right only when all of them are, else nothing is settled: None.
    """
    whole: Verdict | None = None
    single: dict[int, Verdict] = {}
    for item in given:
        if item.sentence is None:
            whole, single = item.verdict, {}
        else:
            single[item.sentence] = item.verdict
    if Verdict.WRONG in single.values():
        return Verdict.WRONG
    return Verdict.CORRECT if single and len(single) == sentences else whole
