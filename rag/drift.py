"""Whether the risk that a calibrator certified is still believed, from verdicts on answers given since."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rag.calibrator import Calibrator, Threshold
from rag.calibrators import threshold_in_force
from rag.feedback import FeedbackSample

FALSE_ALARM = 0.05
"""At most this share of deployments whose risk is as certified will ever be told that it drifts."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What people said of the answers at or above a threshold, against the risk it was chosen for.

    `threshold` is the least that any of them had to reach, `target_risk` the largest that one was chosen for.
    Of `n` answers `wrong` were wrong; `risk` is their share, 0 where n is 0. `is_drifting`: so many wrong
    ones are not believable at `target_risk`; `since` is when the answer was asked that gave it away, "" if
    none did. It presumes that answers are judged whether they look right or not: where people judge only what
    annoys them, the risk seen is higher than the true one.
    """

    target_risk: float
    threshold: float
    n: int
    wrong: int
    risk: float
    is_drifting: bool
    since: str


def drift_of(
    calibrator: Calibrator, recent: Iterable[FeedbackSample], max_risk: float | None = None
) -> Drift:
    """Watch the thresholds for `max_risk`; without it, for the largest risk certified, else known.

    Each answer is held to the threshold of its domain and language, as where it is decided whether to answer.
    Only answers of the calibrator's pipeline count, asked after those it was fitted on. Their probability is
    computed again from their signals: the calibrator of their day may have been another.
    """
    watched = _largest_risk(calibrator) if max_risk is None else max_risk
    fitted_until = datetime.fromisoformat(calibrator.created_at)
    accepted: list[FeedbackSample] = []
    reached: list[Threshold] = []
    for sample in sorted(recent, key=lambda item: (item.asked_at, item.answer_id)):
        if sample.pipeline != calibrator.pipeline or datetime.fromisoformat(sample.asked_at) <= fitted_until:
            continue
        threshold = threshold_in_force(calibrator, watched, sample.domain, sample.language)
        if calibrator.probability(sample.signals, sample.language) >= threshold.value:
            accepted.append(sample)
            reached.append(threshold)
    wrong = [not sample.is_correct for sample in accepted]
    in_force = reached or [threshold_in_force(calibrator, watched, domain="", language="")]
    target_risk = max(threshold.target_risk for threshold in in_force)
    noticed = _noticed_at(wrong, target_risk)
    return Drift(
        target_risk=target_risk,
        threshold=min(threshold.value for threshold in in_force),
        n=len(wrong),
        wrong=sum(wrong),
        risk=sum(wrong) / len(wrong) if wrong else 0.0,
        is_drifting=noticed is not None,
        since="" if noticed is None else accepted[noticed].asked_at,
    )


def _largest_risk(calibrator: Calibrator) -> float:
    """The largest risk that is certified for any group, else the largest known."""
    certified = [item for item in calibrator.thresholds if item.certificate is not None]
    return max((item.target_risk for item in certified or calibrator.thresholds), default=0.5)


def _noticed_at(wrong: list[bool], target_risk: float) -> int | None:
    """The place of the answer at which the risk, bounded from below at every instant, exceeds the target."""
    if not wrong:
        return None
    import numpy as np  # noqa: PLC0415
    from mapie.exchangeability_testing import RiskMonitoring  # noqa: PLC0415 - 2 s, paid where it is asked for

    # MAPIE spends half of its level on a reference set, which the certificate replaces here, and half of the
    # rest on an upper bound that nobody looks at: four times the level makes it FALSE_ALARM. Measured so, a
    # risk of .3 where .1 was certified is noticed after 94 verdicts, .2 after 227 (medians of 60 streams).
    monitor = RiskMonitoring(risk="precision", test_level=4 * FALSE_ALARM, threshold=target_risk, warn=False)
    monitor.update(~np.array(wrong), np.ones(len(wrong), dtype=bool))
    bounds = monitor.online_risk_lower_bound_sequence_history
    above = np.flatnonzero(bounds > target_risk)
    return int(above[0]) if len(above) else None
