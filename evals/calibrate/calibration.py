"""Samples in, a calibrator out, with what is estimated of it."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evals.calibrate.answerable import fit_answerability
from evals.calibrate.certify import Scored, thresholds_of
from evals.calibrate.fit import ChosenScale, choose_scales, fit_stackers, with_unanswerable_share
from evals.calibrate.samples import Sample, Samples
from evals.calibrate.split import SHARES, SHARES_FOR_OTHERS, SHARES_WITHOUT_FIT, Part, Parts, split
from rag.calibrator import (
    Calibrator,
    CurvePoint,
    FittedOn,
    calibrator_to_json,
)
from rag.errors import ConflictError, InvalidRequestError

MINIMUM_SAMPLES = 100
CURVE_POINTS = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """A calibrator, how its scales were chosen, and the answers that it was certified on."""

    calibrator: Calibrator
    scales: tuple[ChosenScale, ...]
    certifying: tuple[Sample, ...]


def calibrate_on(
    samples: Samples,
    *,
    confidence_level: float,
    seed: int,
    base: Calibrator | None = None,
    unanswerable_share: float | None = None,
    is_for_others: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Calibration:
    """Fit, calibrate, tune and certify on disjoint parts; the weights of a `base` are taken over.

    With an `unanswerable_share`, weights and probabilities are fitted as if that share of all questions were
    unanswerable; certificates are always of the questions as they came. A calibrator that is made for other
    collections than those of the samples carries no certificate: its thresholds are the best known.

    Equal samples in equal order give an equal calibrator. InvalidRequestError where they are too few.
    """
    shares = SHARES_FOR_OTHERS if is_for_others else SHARES
    parts = _parts(samples, seed, SHARES_WITHOUT_FIT if base else shares, unanswerable_share)
    report(f"fitting the signals' weights on {len(parts.fit)} answers")
    stackers = base.stackers if base else fit_stackers(parts.fit)
    answerability = (
        base.answerability if base else fit_answerability(parts.fit, (*parts.calibrate, *parts.tune))
    )
    report(f"choosing the scale of probabilities on {len(parts.calibrate)} answers")
    scales = choose_scales(stackers, parts.calibrate, seed)
    draft = Calibrator(
        version=1,
        id="",
        created_at=samples.newest,
        pipeline=samples.pipeline,
        stackers=stackers,
        scales={chosen.language: chosen.scale for chosen in scales},
        thresholds=(),
        sets=_sets(samples, parts),
        n_calibration=len(parts.fit) + len(parts.calibrate),
        answerability=answerability,
    )
    report(f"certifying thresholds on {len(parts.certify)} answers")
    thresholds = thresholds_of(
        decided_on(draft, parts.tune), decided_on(draft, parts.certify), confidence_level
    )
    if is_for_others:
        thresholds = tuple(replace(threshold, certificate=None) for threshold in thresholds)
    made = replace(draft, thresholds=thresholds, reliability=_reliability(scored(draft, parts.certify)))
    name = hashlib.sha256(calibrator_to_json(made).encode()).hexdigest()[:12]
    return Calibration(replace(made, id=name), scales, parts.certify)


def _parts(
    samples: Samples, seed: int, shares: Mapping[Part, float], unanswerable_share: float | None
) -> Parts:
    """The samples dealt out; the parts that probabilities are fitted on weighted as asked."""
    if len(samples.items) < MINIMUM_SAMPLES:
        raise InvalidRequestError(
            f"{len(samples.items)} answers are too few to calibrate on: {MINIMUM_SAMPLES} are the least, and "
            "some hundreds are needed for a certificate"
        )
    parts = split(samples.items, seed, shares)
    if unanswerable_share is None:
        return parts
    return replace(
        parts,
        fit=with_unanswerable_share(parts.fit, unanswerable_share),
        calibrate=with_unanswerable_share(parts.calibrate, unanswerable_share),
    )


def require_same_pipeline(base: Calibrator, samples: Samples) -> Calibrator:
    """The base, whose weights few samples are to refine; ConflictError if it is of another pipeline."""
    if base.pipeline != samples.pipeline:
        raise ConflictError(
            f"calibrator {base.id} weighs the signals of pipeline {base.pipeline}, these answers were given "
            f"by {samples.pipeline}: leave out --base, or give one of the same pipeline"
        )
    return base


def scored(calibrator: Calibrator, samples: Sequence[Sample]) -> Scored:
    """The probabilities that the calibrator gives at run time."""
    return Scored(
        np.array([calibrator.probability(s.signals, s.language) for s in samples], dtype=np.float64),
        np.array([sample.is_correct for sample in samples], dtype=bool),
        np.array([sample.language for sample in samples], dtype=np.str_),
        np.array([sample.domain for sample in samples], dtype=np.str_),
    )


def decided_on(calibrator: Calibrator, samples: Sequence[Sample]) -> Scored:
    """What a threshold is held against: the probabilities, 0 for what is refused as out of scope before."""
    scores = scored(calibrator, samples)
    known = calibrator.answerability
    if known is None:
        return scores
    is_refused = [known.of(s.signals, s.language) < known.minimum_for(s.language) for s in samples]
    return replace(scores, probability=np.where(is_refused, 0.0, scores.probability))


def _sets(samples: Samples, parts: Parts) -> tuple[FittedOn, ...]:
    counts = [
        Counter(sample.suite for sample in part)
        for part in (parts.fit, parts.calibrate, parts.tune, parts.certify)
    ]
    return tuple(
        FittedOn(suite, samples.correct[suite], *(count[suite] for count in counts))
        for suite in sorted({sample.suite for sample in samples.items})
    )


def _reliability(scores: Scored) -> tuple[CurvePoint, ...]:
    """Ten points of equal numbers of answers, from the least probable up."""
    order = np.argsort(scores.probability, kind="stable")
    return tuple(
        CurvePoint(
            float(scores.probability[chosen].mean()), float(scores.is_correct[chosen].mean()), len(chosen)
        )
        for chosen in np.array_split(order, CURVE_POINTS)
        if len(chosen)
    )
