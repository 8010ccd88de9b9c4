"""The shapes of calibration and feedback that go out over HTTP."""

from typing import Literal

from pydantic import BaseModel, Field

from rag.calibration_report import CalibrationReport
from rag.calibrator import Calibrator, Threshold
from rag.calibrators import Installation
from rag.drift import Drift
from rag.feedback import Feedback


class CertificateOut(BaseModel):
    """What was proved at `confidence_level`: at most `target_risk` of what reaches the threshold is wrong."""

    confidence_level: float
    n: int = Field(description="questions that nothing else had seen")
    accepted: int = Field(description="how many of them reached the threshold")
    wrong: int = Field(description="how many of those were wrong")


class ThresholdOut(BaseModel):
    """The least probability to answer at for a risk; without a certificate the best known, no promise."""

    group: str = Field(description='"all", or a part of the questions such as "domain:legal"')
    target_risk: float
    threshold: float
    coverage: float | None = Field(description="the share of questions that reach it")
    certificate: CertificateOut | None


class FittedSet(BaseModel):
    """A set of questions that the calibrator was fitted on, and how many served which purpose."""

    name: str
    correct: str = Field(description="what counted as a right answer")
    fit: int
    calibrate: int
    tune: int
    certify: int


class ReliabilityPoint(BaseModel):
    """Answers of about equal probability: the mean predicted, and the share that was right."""

    predicted: float
    observed: float
    n: int


class CalibratorOut(BaseModel):
    """The calibrator in force for a collection."""

    id: str
    origin: Literal["collection", "shipped"] = Field(
        description="fitted on the collection's own questions, or on public sets"
    )
    created_at: str
    pipeline: str = Field(description="fingerprint of the pipeline it was fitted on")
    n_calibration: int
    sets: list[FittedSet]
    thresholds: list[ThresholdOut]
    reliability: list[ReliabilityPoint]


class InstalledOut(BaseModel):
    """A calibrator that was installed for a collection.

    `calibrated` says whether it was fitted on the pipeline in question, that of quoted answers unless the
    request names another; else it is kept for answers of its own pipeline. The fields that come out of the
    file are null where this version cannot read it.
    """

    id: str | None
    pipeline: str | None
    installed_at: str
    removed_at: str | None
    calibrated: bool


class FeedbackCounts(BaseModel):
    """Outcomes in the log, and those answers whose verdict is settled."""

    answered: int
    abstained: int
    correct: int
    wrong: int


class DriftOut(BaseModel):
    """The risk that people's verdicts show since the calibrator was fitted, against the one it promises.

    `drifting`: so many wrong answers are not believable at `target_risk`; `since` is when the answer was
    asked that gave it away, null if none did.
    """

    target_risk: float
    threshold: float
    n: int = Field(description="judged answers that reached the threshold")
    wrong: int
    risk: float
    drifting: bool
    since: str | None


class CalibrationOut(BaseModel):
    """How far a collection's answers can be trusted.

    `calibrated`: scores are probabilities. `certified`: a risk is proved for this collection, which only a
    calibrator of its own can do; certificates of the shipped one hold for the questions it was fitted on.
    """

    collection: str
    pipeline: str = Field(description="fingerprint of the pipeline whose answers this is about")
    calibrated: bool
    certified: bool
    max_risk: float | None
    domain: str
    calibrator: CalibratorOut | None
    installed: list[InstalledOut] = Field(
        description="newest first; of each pipeline the first is in force, unless removed"
    )
    feedback: FeedbackCounts
    drift: DriftOut | None = Field(description="null without a calibrator")


class FeedbackOut(BaseModel):
    """A verdict as it was given; `sentence` is null for the answer as a whole."""

    id: int
    answer_id: str
    verdict: Literal["correct", "wrong"]
    sentence: int | None
    comment: str
    created_at: str


class FeedbackPage(BaseModel):
    """Some feedback by id; `next_after` goes into `after` for the next page, null at the end."""

    feedback: list[FeedbackOut]
    next_after: int | None


def calibration_of(report: CalibrationReport) -> CalibrationOut:
    """The report on a collection."""
    assurance = report.assurance
    correct = sum(sample.is_correct for sample in report.samples)
    return CalibrationOut(
        collection=report.collection.name,
        pipeline=report.pipeline,
        calibrated=assurance.calibrator is not None,
        certified=report.is_certified,
        max_risk=assurance.max_risk,
        domain=assurance.domain,
        calibrator=_calibrator(assurance.calibrator, assurance.is_own) if assurance.calibrator else None,
        installed=[installed_of(item) for item in report.installations],
        feedback=FeedbackCounts(
            answered=report.counts.answered,
            abstained=report.counts.abstained,
            correct=correct,
            wrong=len(report.samples) - correct,
        ),
        drift=_drift(report.drift) if report.drift else None,
    )


def _calibrator(calibrator: Calibrator, is_own: bool) -> CalibratorOut:
    return CalibratorOut(
        id=calibrator.id,
        origin="collection" if is_own else "shipped",
        created_at=calibrator.created_at,
        pipeline=calibrator.pipeline,
        n_calibration=calibrator.n_calibration,
        sets=[
            FittedSet(
                name=item.suite,
                correct=item.correct,
                fit=item.fit,
                calibrate=item.calibrate,
                tune=item.tune,
                certify=item.certify,
            )
            for item in calibrator.sets
        ],
        thresholds=[_threshold(item) for item in calibrator.thresholds],
        reliability=[
            ReliabilityPoint(predicted=point.predicted, observed=point.observed, n=point.n)
            for point in calibrator.reliability
        ],
    )


def _drift(drift: Drift) -> DriftOut:
    return DriftOut(
        target_risk=drift.target_risk,
        threshold=drift.threshold,
        n=drift.n,
        wrong=drift.wrong,
        risk=drift.risk,
        drifting=drift.is_drifting,
        since=drift.since or None,
    )


def _threshold(threshold: Threshold) -> ThresholdOut:
    proved = threshold.certificate
    return ThresholdOut(
        group=threshold.group,
        target_risk=threshold.target_risk,
        threshold=threshold.value,
        coverage=threshold.coverage,
        certificate=CertificateOut(
            confidence_level=proved.confidence_level,
            n=proved.n,
            accepted=proved.accepted,
            wrong=proved.wrong,
        )
        if proved
        else None,
    )


def installed_of(installation: Installation) -> InstalledOut:
    """A calibrator of a collection's own, without its numbers."""
    calibrator = installation.calibrator
    return InstalledOut(
        id=calibrator.id if calibrator else None,
        pipeline=calibrator.pipeline if calibrator else None,
        installed_at=installation.installed_at,
        removed_at=installation.removed_at,
        calibrated=installation.is_fitting,
    )


def feedback_of(given: Feedback) -> FeedbackOut:
    """One verdict."""
    return FeedbackOut(
        id=given.id,
        answer_id=given.answer_id,
        verdict=given.verdict.value,
        sentence=given.sentence,
        comment=given.comment,
        created_at=given.created_at,
    )
