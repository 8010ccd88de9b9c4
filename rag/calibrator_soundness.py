"""Whether the numbers of a calibrator that somebody else made can be trusted not to break an answer.

How its parts must fit together its classes check themselves; here is what only an upload can get wrong.
"""

import math
from collections.abc import Iterator
from datetime import datetime

from scipy.special import bdtr

from rag.calibrator import Calibrator, Certificate, Isotonic, Scale, Stacker, Threshold, Weight
from rag.errors import InvalidRequestError

LARGEST = 1e12  # far beyond any log-odds or signal; what is made of such numbers is still finite
SMALLEST_DEVIATION = 1e-9
LARGEST_COUNT = 2**53  # beyond, JSON readers round
ID_CHARACTERS = 128


def require_sound(calibrator: Calibrator) -> None:
    """InvalidRequestError names the field at fault and what it should be."""
    for fault in _faults(calibrator):
        raise InvalidRequestError(
            f"the calibrator cannot be used: {fault}; make one with `attest eval calibrate`",
            fault.partition(":")[0],
        )


def _faults(calibrator: Calibrator) -> Iterator[str]:
    if not calibrator.id.isprintable() or not 1 <= len(calibrator.id) <= ID_CHARACTERS:
        yield f"id: it has 1 to {ID_CHARACTERS} printable characters"
    if not _is_moment(calibrator.created_at):
        yield "created_at: it is a moment with its offset from UTC, such as 2026-11-22T17:59:10+00:00"
    for language, stacker in calibrator.stackers.items():
        yield from _stacker_faults(f"stackers.{language}", stacker)
    if calibrator.answerability:
        for language, stacker in calibrator.answerability.stackers.items():
            yield from _stacker_faults(f"answerability.stackers.{language}", stacker)
        for language, minimum in calibrator.answerability.minimum.items():
            if not _is_share(minimum):
                yield f"answerability.minimum.{language}: it is from 0 to 1"
    for language, scale in calibrator.scales.items():
        yield from _scale_faults(f"scales.{language}", scale)
    for number, threshold in enumerate(calibrator.thresholds):
        yield from _threshold_faults(f"thresholds.{number}", threshold)
    yield from _report_faults(calibrator)


def _stacker_faults(place: str, stacker: Stacker) -> Iterator[str]:
    if not _is_number(stacker.intercept):
        yield f"{place}.intercept: it is finite and at most {LARGEST:g}"
    for weight in stacker.weights:
        yield from _weight_faults(f"{place}.{weight.signal}", weight)


def _weight_faults(place: str, weight: Weight) -> Iterator[str]:
    numbers = (weight.lowest, weight.highest, weight.mean, weight.deviation, weight.coefficient)
    if not all(map(_is_number, numbers)):
        yield f"{place}: its numbers are finite and at most {LARGEST:g}"
    if weight.deviation < SMALLEST_DEVIATION:
        yield f"{place}.deviation: it is at least {SMALLEST_DEVIATION:g}"


def _scale_faults(place: str, scale: Scale) -> Iterator[str]:
    if isinstance(scale, Isotonic):
        if not all(map(_is_number, scale.x)) or not all(map(_is_share, scale.y)):
            yield f"{place}: x is finite and y is from 0 to 1"
    elif not (_is_number(scale.slope) and _is_number(scale.intercept)):
        yield f"{place}: slope and intercept are finite and at most {LARGEST:g}"


def _threshold_faults(place: str, threshold: Threshold) -> Iterator[str]:
    if not 0 < threshold.target_risk < 1:
        yield f"{place}.target_risk: it is between 0 and 1"
    if not _is_share(threshold.value):
        yield f"{place}.value: it is from 0 to 1"
    if threshold.coverage is not None and not _is_share(threshold.coverage):
        yield f"{place}.coverage: it is from 0 to 1"
    certificate = threshold.certificate
    if certificate is None:
        return
    if not 0 < certificate.confidence_level < 1:
        yield f"{place}.certificate.confidence_level: it is between 0 and 1"
    if not 0 <= certificate.wrong <= certificate.accepted <= certificate.n <= LARGEST_COUNT:
        yield f"{place}.certificate: of n questions some were accepted, and of those some were wrong"
    elif not _is_proof(certificate, threshold.target_risk):
        yield (
            f"{place}.certificate: {certificate.wrong} wrong of {certificate.accepted} accepted do not prove "
            f"a risk of {threshold.target_risk:g} with a confidence of {certificate.confidence_level:g}"
        )


def _is_proof(certificate: Certificate, target_risk: float) -> bool:
    """Whether so few wrong answers are rare enough where the risk is the target: the binomial test."""
    chance = float(bdtr(certificate.wrong, certificate.accepted, target_risk))
    return certificate.accepted >= 1 and chance <= 1 - certificate.confidence_level + 1e-9


def _report_faults(calibrator: Calibrator) -> Iterator[str]:
    if not _is_count(calibrator.n_calibration):
        yield "n_calibration: it is a count"
    for number, fitted in enumerate(calibrator.sets):
        if not all(map(_is_count, (fitted.fit, fitted.calibrate, fitted.tune, fitted.certify))):
            yield f"sets.{number}: fit, calibrate, tune and certify are counts"
    for number, point in enumerate(calibrator.reliability):
        if not (_is_share(point.predicted) and _is_share(point.observed) and _is_count(point.n)):
            yield f"reliability.{number}: predicted and observed are from 0 to 1, n is a count"


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_number(value: float) -> bool:
    return math.isfinite(value) and abs(value) <= LARGEST


def _is_share(value: float) -> bool:
    return 0 <= value <= 1


def _is_count(value: int) -> bool:
    return 0 <= value <= LARGEST_COUNT
