"""What a calibrator is fitted on: answers with their signals, and whether each was right."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from evals.judge import is_correct
from evals.metrics.decision import is_judged
from evals.records import Header, Record, RunFolder
from evals.sets.few import FEW
from rag.errors import ConflictError, InvalidRequestError
from rag.feedback import FeedbackSample
from rag.language import language_of

FEEDBACK_CORRECT = "a user's verdict"


class LeftOut(StrEnum):
    """Why a record is no sample."""

    TEST = "of a test split"
    FAILED = "failed"
    SILENT = "without signals"
    UNJUDGED = "whose gold cannot tell right from wrong"
    REPEATED = "asked twice"
    OTHER_PIPELINE = "of another pipeline"


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer; `is_answerable` is None where only the answer was judged.

    `weight` is how much it counts, beside its suite's weight, when probabilities are fitted.
    `cluster` is what it shares with answers that are not independent of it.

    That is its set and document: the same document of a set is one cluster in all of the set's tasks.
    """

    suite: str
    cluster: str
    language: str
    domain: str
    signals: Mapping[str, float]
    is_correct: bool
    is_answerable: bool | None = None
    weight: float = 1.0

    @property
    def data_set(self) -> str:
        """The data set, whichever task was done on it."""
        return self.cluster.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Samples:
    """Answers of one pipeline, in the order read; `correct` says by suite what counts as right.

    `newest` is when the newest run was started, or the newest answer given; `left_out` counts what is not
    here, by reason.
    """

    items: tuple[Sample, ...]
    pipeline: str
    correct: Mapping[str, str]
    newest: str
    left_out: Mapping[str, int]


def samples_from_runs(folders: Sequence[RunFolder]) -> Samples:
    """The samples of runs that one pipeline made; ConflictError names the two that differ.

    Test questions are left out, whatever was asked: nothing is fitted on them. So are questions that failed
    and those of tasks that propose no answer, which have no signals. An answer without a sentence stays, as
    a wrong one: its confidence must be low.
    """
    headers = [(folder, folder.header()) for folder in folders]
    if not headers:
        raise InvalidRequestError("no run to fit on; name the folders of runs, or use --from-feedback")
    first, known = headers[0]
    for folder, header in headers[1:]:
        if header.pipeline != known.pipeline:
            raise ConflictError(
                f"{first.path} was made by pipeline {known.pipeline} ({known.worded_by}) and {folder.path} "
                f"by {header.pipeline} ({header.worded_by}): a calibrator weighs one pipeline's signals. Fit "
                "one for each, or run the older one again"
            )
    items: list[Sample] = []
    left_out: Counter[str] = Counter()
    known_answers: set[tuple[str, str, str]] = set()
    for folder, header in headers:
        for record in folder.records():
            answer = (_data_set(header.suite), record.id, _hash(record.signals))
            reason = _why_not(record, answer in known_answers)
            known_answers.add(answer)
            if reason:
                left_out[reason] += 1
            else:
                items.append(_sample(record, header))
    return Samples(
        items=tuple(items),
        pipeline=known.pipeline,
        correct={header.suite: header.correct for _, header in headers},
        newest=max(header.started_at for _, header in headers),
        left_out=dict(sorted(left_out.items())),
    )


def samples_from_feedback(rows: Iterable[FeedbackSample], collection: str, pipeline: str) -> Samples:
    """The samples of an operator's own verdicts on answers of this pipeline.

    Answers with equal signals are one cluster: they are the same question asked again.
    """
    suite = f"feedback/{collection}"
    given = sorted(rows, key=lambda row: (row.asked_at, row.answer_id))
    items = [
        Sample(suite, f"{suite}:{_hash(row.signals)}", row.language, row.domain, row.signals, row.is_correct)
        for row in given
        if row.pipeline == pipeline
    ]
    others = len(given) - len(items)
    return Samples(
        items=tuple(items),
        pipeline=pipeline,
        correct={suite: FEEDBACK_CORRECT},
        newest=max((row.asked_at for row in given if row.pipeline == pipeline), default=""),
        left_out={LeftOut.OTHER_PIPELINE: others} if others else {},
    )


def together(runs: Samples, feedback: Samples) -> Samples:
    """Both, of one pipeline; ConflictError where they are of two."""
    if runs.pipeline != feedback.pipeline:
        raise ConflictError(
            f"the runs were made by pipeline {runs.pipeline} and the feedback is on {feedback.pipeline}: run "
            "the suites again with the present settings"
        )
    return replace(
        runs,
        items=(*runs.items, *feedback.items),
        correct={**runs.correct, **feedback.correct},
        newest=max(runs.newest, feedback.newest),
        left_out=dict(Counter(runs.left_out) + Counter(feedback.left_out)),
    )


def _why_not(record: Record, is_known: bool) -> LeftOut | None:
    if record.is_test:
        return LeftOut.TEST
    if record.error:
        return LeftOut.FAILED
    if not record.signals:
        return LeftOut.SILENT
    if not is_judged(record):
        return LeftOut.UNJUDGED
    return LeftOut.REPEATED if is_known else None


def _sample(record: Record, header: Header) -> Sample:
    return Sample(
        suite=header.suite,
        cluster=f"{_data_set(header.suite)}:{record.group}",
        language=language_of(record.question),  # as the pipeline judges it
        domain=record.domain,
        signals=record.signals,
        is_correct=is_correct(record),
        is_answerable=record.is_answerable,
    )


def _data_set(suite: str) -> str:
    """The set of a suite's questions, whether asked of all its documents or of few."""
    return suite.rpartition("/")[2].removesuffix(FEW)


def _hash(signals: Mapping[str, float]) -> str:
    return hashlib.sha256(json.dumps(signals, sort_keys=True).encode()).hexdigest()[:16]
