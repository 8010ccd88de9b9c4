"""How far confidence can be trusted: is it a probability, and does it put right answers before wrong ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evals.data import DataError
from evals.judge import is_correct
from evals.metrics.decision import is_judged
from evals.metrics.smooth_calibration import smooth_calibration_error
from evals.metrics.statistic import (
    Metric,
    Ordering,
    Share,
    Statistic,
    Values,
    Weights,
    divide,
    share_above,
    total,
)
from evals.records import Record

RISKS = (0.05, 0.1, 0.2, 0.3)
_ROUNDING = 1e-12
_SMALLEST = float(np.finfo(np.float64).eps)  # scikit-learn's clipping in log_loss


@dataclass(frozen=True, slots=True)
class Judged:
    """Confidence from 0 to 1 and whether the proposal was right (1.0 or 0.0), by question."""

    confidence: Values
    correct: Values


def judged(records: Sequence[Record]) -> Judged:
    """Confidence and correctness of every proposal; a failed question is wrong with confidence 1.

    DataError names a record whose confidence is no number from 0 to 1.
    """
    for record in records:
        if not 0.0 <= record.confidence <= 1.0:
            raise DataError(
                f"question {record.id!r} has confidence {record.confidence}, which is not from 0 to 1; "
                "the generator that gave it must be mended and the question run again"
            )
    return Judged(
        np.array([1.0 if record.error else record.confidence for record in records]),
        np.array([float(is_correct(record)) for record in records]),
    )


def confidences(records: Sequence[Record]) -> Iterator[Metric]:
    """Brier, log_loss, smECE, AUROC, AURC, risk@full, and coverage and the oracle's at each risk.

    Nothing where no right answer is known, or no confidence was ever given. A question whose gold cannot
    tell right from wrong is left out.
    """
    known = np.array([float(is_judged(record)) for record in records])
    pairs = judged(records)
    is_confidence_given = any(record.confidence for record in records if not record.error)
    if not known.any() or not is_confidence_given:
        return
    p, y = pairs.confidence, pairs.correct
    yield Metric("Brier", known, Share(known * (p - y) ** 2, known))
    yield Metric("log_loss", known, Share(known * _log_losses(p, y), known))
    curve = Curve(p, y, known)
    yield Metric("smECE", known, smooth_calibration_error(p, y, known))
    yield Metric("AUROC", known, curve.auroc)
    yield Metric("AURC", known, curve.area)
    yield Metric("risk@full", known, Share(known * (1 - y), known))
    for risk in RISKS:
        yield Metric(f"coverage@{risk:.2g}", known, curve.coverage_at(risk))
    for risk in RISKS:
        yield Metric(f"oracle@{risk:.2g}", known, curve.oracle_at(risk))


def _log_losses(p: Values, y: Values) -> Values:
    clipped = np.clip(p, _SMALLEST, 1 - _SMALLEST)
    losses: Values = -(y * np.log(clipped) + (1 - y) * np.log1p(-clipped))
    return losses


class Curve:
    """The risk-coverage curve: risk among the most confident, as more and more are answered."""

    def __init__(self, confidence: Values, correct: Values, known: Values) -> None:
        self._ordering = Ordering(confidence)
        self._known = known
        self._correct = known * correct
        self._wrong = known * (1 - correct)
        self._latest: tuple[Weights, Weights, Weights] | None = None

    def auroc(self, weights: Weights) -> Values:
        """The chance that a right proposal is more sure than a wrong one."""
        counts, wrong = self._counts_and_wrong(weights)
        return share_above(counts - wrong, wrong)

    def area(self, weights: Weights) -> Values:
        """AURC (Geifman & El-Yaniv 2017): the mean risk over the coverages 1/n, 2/n, ... 1.

        Within a block of equal confidence the risk is the expected one over the orders of the block:
        with N answered and E wrong before it, and a share r of wrong in it, the c-th adds
        (E + r c) / (N + c) = r + (E - r N) / (N + c), which sums to harmonic numbers.
        """
        counts, wrong = self._counts_and_wrong(weights)
        answered = np.cumsum(counts, axis=1)
        before = answered - counts
        errors_before = np.cumsum(wrong, axis=1) - wrong
        rate = np.divide(wrong, counts, out=np.zeros_like(wrong), where=counts > 0)
        harmonic = _harmonic_numbers(int(answered[:, -1].max()))
        steps = harmonic[answered.astype(np.int64)] - harmonic[before.astype(np.int64)]
        sums = rate * counts + (errors_before - rate * before) * steps
        return divide(sums.sum(axis=1), answered[:, -1])

    def coverage_at(self, risk: float) -> Statistic:
        """The largest coverage that some threshold reaches with at most this risk; 0 where none does."""

        def statistic(weights: Weights) -> Values:
            answered, wrong = (np.cumsum(sums, axis=1) for sums in self._counts_and_wrong(weights))
            is_allowed = wrong <= risk * answered + _ROUNDING
            return divide(np.where(is_allowed, answered, 0.0).max(axis=1), answered[:, -1])

        return statistic

    def oracle_at(self, risk: float) -> Statistic:
        """The most that any confidence could cover at this risk: accuracy / (1 - risk), at most 1."""

        def statistic(weights: Weights) -> Values:
            accuracy = divide(total(weights, self._correct), total(weights, self._known))
            return np.minimum(1.0, accuracy / (1 - risk))

        return statistic

    def _counts_and_wrong(self, weights: Weights) -> tuple[Weights, Weights]:
        """All questions and the wrong ones by block, most confident first; kept for the next metric's use."""
        if self._latest is None or self._latest[0] is not weights:
            counts = self._ordering.block_sums(weights, self._known)
            self._latest = weights, counts, self._ordering.block_sums(weights, self._wrong)
        return self._latest[1], self._latest[2]


def _harmonic_numbers(largest: int) -> Values:
    """1 + 1/2 + ... + 1/k for every k from 0."""
    return np.concatenate([[0.0], np.cumsum(1 / np.arange(1, largest + 1))])
