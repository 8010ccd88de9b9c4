"""How good a calibrator seems on the answers it was certified on, which did not choose its probabilities."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evals.calibrate.calibration import Calibration, scored
from evals.calibrate.certify import Scored
from evals.calibrate.samples import Sample
from evals.metrics.bootstrap import measure
from evals.metrics.smooth_calibration import smooth_calibration_error
from evals.metrics.statistic import Measured, Metric, Share, auroc
from rag.calibrator import POOLED, Threshold


@dataclass(frozen=True, slots=True)
class Estimate:
    """Brier, smECE, AUROC and the share that is right of a group's certifying answers, as far as defined."""

    group: str
    measured: tuple[Measured, ...]


def estimates_of(made: Calibration) -> tuple[Estimate, ...]:
    """All answers', then each language's and each domain's, sorted."""
    scores = scored(made.calibrator, made.certifying)
    groups = [(POOLED, np.ones(len(scores), dtype=bool))]
    groups += [(f"language:{name}", scores.language == name) for name in np.unique(scores.language)]
    groups += [(f"domain:{name}", scores.domain == name) for name in np.unique(scores.domain) if name]
    clusters = np.array([sample.cluster for sample in made.certifying])
    return tuple(
        _estimate(group, scores.where(chosen), clusters[chosen].tolist()) for group, chosen in groups
    )


def _estimate(group: str, scores: Scored, clusters: Sequence[str]) -> Estimate:
    p, y, every = scores.probability, scores.is_correct.astype(np.float64), np.ones(len(scores))
    metrics = [
        Metric("Brier", every, Share((p - y) ** 2, every)),
        Metric("smECE", every, smooth_calibration_error(p, y, every)),
        Metric("AUROC", every, auroc(p, y)),
        Metric("accuracy", every, Share(y, every)),
    ]
    return Estimate(group, measure(metrics, clusters))


def design_effects_of(made: Calibration) -> tuple[float, ...]:
    """For each of the calibrator's thresholds the design effect of its certificate, 1 without one."""
    scores = scored(made.calibrator, made.certifying)
    return tuple(_effect_in_group(threshold, made, scores) for threshold in made.calibrator.thresholds)


def _effect_in_group(threshold: Threshold, made: Calibration, scores: Scored) -> float:
    kind, _, name = threshold.group.partition(":")
    belongs = {"language": scores.language == name, "domain": scores.domain == name}
    chosen = belongs.get(kind, np.ones(len(scores), dtype=bool))
    samples = [sample for sample, is_chosen in zip(made.certifying, chosen, strict=True) if is_chosen]
    return design_effect(threshold, samples, scores.where(chosen))


def design_effect(threshold: Threshold, samples: Sequence[Sample], scores: Scored) -> float:
    """The variance of the accepted answers' risk by cluster over that of independent answers.

    1 where that cannot be told: no error, or nothing but errors, among what is accepted.
    """
    if threshold.certificate is None:
        return 1.0
    count, wrong = threshold.certificate.accepted, threshold.certificate.wrong
    if not 0 < wrong < count:
        return 1.0
    risk = wrong / count
    residuals: dict[str, float] = defaultdict(float)
    for sample, probability in zip(samples, scores.probability, strict=True):
        if probability >= threshold.value:
            residuals[sample.cluster] += (not sample.is_correct) - risk
    clusters = len(residuals)
    if clusters < 2:
        return float(count)  # one document: nothing is known of others
    variance = sum(value**2 for value in residuals.values()) * clusters / (clusters - 1)
    return variance / (count * risk * (1 - risk))
