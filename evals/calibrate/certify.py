"""Thresholds with a proof: at most so many of the answers above one are wrong, at a level of confidence.

MAPIE's `BinaryClassificationController` proves the same, with two differences that its source shows (1.6.0).
Its fixed sequence takes the direction of the walk from the very answers that shall prove, so that chance can
turn it round, and a first step that accepts nothing does. And it rounds the number of wrong answers up from
a share: of 77 answers with 1 wrong, risk "precision" counts 2 wrong. So the p-values here are the binomial's
over whole numbers, which is what MAPIE's are without the rounding, and the walk is MAPIE's own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from mapie.risk_control import control_fwer
from numpy.typing import NDArray
from scipy.stats import binom

from rag.calibrator import POOLED, Certificate, Threshold

TARGET_RISKS = (0.05, 0.10, 0.20, 0.30)
MINIMUM_GROUP = 300
"""Answers of a language or domain in the certifying part from which it gets thresholds of its own."""
CANDIDATES = 200
"""Thresholds looked at on the tuning part: every half per cent of coverage."""
STEPS = 20
"""Thresholds walked at most; more would change little, as neighbours accept nearly the same answers."""
HOPELESS = 0.01
"""The grid ends where the tuning part would look so bad less often than this, were the risk in bounds."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Answers' probabilities, whether each is right, and their languages and domains, in one order."""

    probability: Floats
    is_correct: NDArray[np.bool_]
    language: NDArray[np.str_]
    domain: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.probability)

    def where(self, chosen: NDArray[np.bool_]) -> "Scored":
        """The chosen ones."""
        return Scored(
            self.probability[chosen], self.is_correct[chosen], self.language[chosen], self.domain[chosen]
        )

    def above(self, thresholds: Floats) -> "Accepted":
        """How many reach each threshold, and how many of those are wrong."""
        reached = self.probability >= thresholds[:, np.newaxis]
        return Accepted(reached.sum(axis=1), (reached & ~self.is_correct).sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Accepted:
    """For each threshold, the answers that reach it and the wrong ones among them."""

    count: NDArray[np.int_]
    wrong: NDArray[np.int_]


def thresholds_of(tune: Scored, certify: Scored, confidence_level: float) -> tuple[Threshold, ...]:
    """For every target a threshold over all answers, and one for each language and domain that has enough.

    Each proof holds at the confidence level by itself; that all hold at once is not claimed.
    """
    found: list[Threshold] = []
    for group, in_tune, in_certify in _groups(tune, certify):
        own_tune, own_certify = tune.where(in_tune), certify.where(in_certify)
        of_group = [
            threshold_for(group, target, own_tune, own_certify, confidence_level)
            for target in reversed(TARGET_RISKS)
        ]
        found += reversed(_rising(of_group, own_tune))
    return tuple(found)


def threshold_for(
    group: str, target: float, tune: Scored, certify: Scored, confidence_level: float
) -> Threshold:
    """The least threshold with a proof, else the best known.

    The proof takes the answers of `certify` as drawn independently of each other and of all that chose the
    probabilities and the grid. Where one document's answers err together it is too hopeful.
    """
    value = certified(target, grid_of(target, tune, len(certify)), certify, confidence_level)
    if value is None:
        return _best_known(group, target, tune)
    accepted = certify.above(np.array([value]))
    count, wrong = int(accepted.count[0]), int(accepted.wrong[0])
    proof = Certificate(confidence_level, len(certify), count, wrong)
    return Threshold(group, target, value, count / len(certify), proof)


def certified(target: float, grid: Floats, certify: Scored, confidence_level: float) -> float | None:
    """The last threshold of the grid up to which all are proved, or None.

    Fixed-sequence testing: the grid was ordered without sight of `certify`, each step is tested at the full
    level, and the first that fails ends the walk; so a false proof is as rare as in a single test.
    """
    if not len(grid):
        return None
    accepted = certify.above(grid)
    p_values = np.where(accepted.count > 0, binom.cdf(accepted.wrong, accepted.count, target), 1.0)
    proved = control_fwer(p_values, 1 - confidence_level, "fixed_sequence")
    return float(grid[proved[-1]]) if len(proved) else None


def grid_of(target: float, tune: Scored, n_certify: int) -> Floats:
    """Thresholds from the safest step to the riskiest, chosen on the tuning part; empty without answers.

    It begins where as many certifying answers as are expected there would prove the most: a step of few
    answers proves nothing even if all are right, and would end the walk. It ends where the tuning part says
    that no proof is to be hoped for.
    """
    if not len(tune):
        return np.array([])
    shares = np.linspace(0, 1, CANDIDATES + 1)
    candidates = np.unique(np.quantile(tune.probability, shares, method="higher"))[::-1]
    accepted = tune.above(candidates)
    expected = np.floor(accepted.count * (n_certify / len(tune)))
    risk = (accepted.wrong + 0.5) / (accepted.count + 1)  # no step is taken for faultless on a few answers
    evidence = binom.logcdf(np.floor(risk * expected), expected, target)
    start = int(np.argmin(evidence))
    is_possible = binom.sf(accepted.wrong - 1, accepted.count, target) >= HOPELESS
    last = max(start, int(np.flatnonzero(is_possible)[-1])) if is_possible.any() else start
    steps = np.unique(np.linspace(start, last, STEPS).round().astype(int))
    return np.asarray(candidates[steps], dtype=np.float64)


def _best_known(group: str, target: float, tune: Scored) -> Threshold:
    """Without a proof: the least threshold at which the tuning part's risk fits as observed and as predicted.

    Observed with one more wrong answer added, so that a few right ones do not suffice; it is still no bound.
    Predicted by the probabilities themselves, which rest on more labels than a small group's tuning part
    has. Where none fits: the probability 1 - target.
    """
    candidates = np.unique(tune.probability)
    accepted = tune.above(candidates)
    doubt = np.cumsum(1 - np.sort(tune.probability)[::-1])  # the expected number of errors among the best
    fits = (accepted.wrong + 1) / (accepted.count + 1) <= target
    fitting = np.flatnonzero(fits & (doubt[accepted.count - 1] <= target * accepted.count))
    value = float(candidates[fitting[0]]) if len(fitting) else 1 - target
    return Threshold(group, target, value, _coverage(tune, value))


def _coverage(tune: Scored, value: float) -> float | None:
    return int(tune.above(np.array([value])).count[0]) / len(tune) if len(tune) else None


def _rising(thresholds: Sequence[Threshold], tune: Scored) -> tuple[Threshold, ...]:
    """In the order given, which is of falling risk, no unproved threshold below one for a larger risk."""
    least = 0.0
    raised = []
    for threshold in thresholds:
        least = max(least, threshold.value)
        if threshold.certificate is None:
            threshold = replace(threshold, value=least, coverage=_coverage(tune, least))  # noqa: PLW2901
        raised.append(threshold)
    return tuple(raised)


def _groups(tune: Scored, certify: Scored) -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]]:
    """Every group's name, and which answers of both parts are in it; one that is all of them is left out."""
    yield POOLED, np.ones(len(tune), dtype=bool), np.ones(len(certify), dtype=bool)
    for kind in ("language", "domain"):
        in_tune, in_certify = getattr(tune, kind), getattr(certify, kind)
        for name in _large(in_certify):
            yield f"{kind}:{name}", in_tune == name, in_certify == name


def _large(names: NDArray[np.str_]) -> Sequence[str]:
    found, counts = np.unique(names, return_counts=True)
    return [
        str(name)
        for name, count in zip(found, counts, strict=True)
        if name and MINIMUM_GROUP <= count < len(names)
    ]
