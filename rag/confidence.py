"""How sure an answer may be: what a calibrator makes of its signals."""

from collections.abc import Mapping

from rag.calibrator import Calibrator
from rag.domain import Confidence


def confidence_of(signals: Mapping[str, float], language: str, calibrator: Calibrator | None) -> Confidence:
    """The calibrated probability; without a calibrator the best sentence's score, which is none."""
    if calibrator is None:
        return Confidence(
            signals["support_maximum"], is_calibrated=False, is_certified=False, signals=signals
        )
    answerability = calibrator.answerability
    return Confidence(
        score=calibrator.probability(signals, language),
        is_calibrated=True,
        is_certified=False,
        signals=signals,
        n_calibration=calibrator.n_calibration,
        calibrator=calibrator.id,
        answerable=answerability.of(signals, language) if answerability else None,
        minimum_answerable=answerability.minimum_for(language) if answerability else None,
    )
