"""How far a collection's answers can be trusted, and why: what an operator looks at."""

from dataclasses import dataclass

from rag.calibrators import Assurance, Installation
from rag.domain import Collection
from rag.drift import Drift, drift_of
from rag.feedback import FeedbackSample
from rag.store.answers import AnswerCounts
from rag.system import System


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """What is in force for a collection, what was installed, and what people said of its answers.

    `pipeline` is the fingerprint of what answered, that of quoted answers unless asked otherwise; `samples`
    are the answers with a settled verdict, oldest first. `drift` is None without a calibrator.
    """

    collection: Collection
    pipeline: str
    assurance: Assurance
    installations: tuple[Installation, ...]
    counts: AnswerCounts
    samples: tuple[FeedbackSample, ...]
    drift: Drift | None

    @property
    def is_certified(self) -> bool:
        """Whether a risk is proved for this collection: by a calibrator of its own that fits."""
        calibrator = self.assurance.calibrator
        has_certificate = calibrator is not None and any(
            threshold.certificate is not None for threshold in calibrator.thresholds
        )
        return self.assurance.is_own and has_certificate


def calibration_report(system: System, name: str, pipeline: str = "") -> CalibrationReport:
    """The report on a collection's answers of a pipeline, by its fingerprint, "" for quoted answers.

    NotFoundError if there is no collection of this name.
    """
    collection = system.store.collection(name)
    calibrators = system.pipeline.calibrators
    assurance = calibrators.of(name, pipeline)
    samples = tuple(system.store.answers.samples(collection.id))
    calibrator = assurance.calibrator
    return CalibrationReport(
        collection=collection,
        pipeline=pipeline or system.pipeline.fingerprint,
        assurance=assurance,
        installations=tuple(calibrators.installations(collection.id, pipeline)),
        counts=system.store.answers.counts(collection.id),
        samples=samples,
        drift=None if calibrator is None else drift_of(calibrator, samples, assurance.max_risk),
    )
