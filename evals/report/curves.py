"""How far confidence can be trusted, ready to be drawn: a reliability diagram and a risk-coverage curve."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from evals.metrics.confidence import RISKS, judged
from evals.metrics.curves import ReliabilityBin, reliability_bins, risk_coverage_points
from evals.metrics.decision import is_judged
from evals.records import Record

MOST_BINS = 10
FEWEST_IN_BIN = 20  # fewer say nothing about a share
POINTS_DRAWN = 200


@dataclass(frozen=True, slots=True)
class Dot:
    """Answers of about equal confidence, the share that was right, and Wilson's 95 % interval of that."""

    bin: ReliabilityBin
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Point:
    """With the share `coverage` answered, the most confident first, the share `risk` of them is wrong."""

    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class Target:
    """The largest coverage at most `risk` wrong, and the most that a perfect ranking could cover.

    `reached` is the share wrong at that coverage: less than `risk` where everything can be answered.
    """

    risk: float
    coverage: float
    reached: float
    oracle: float


@dataclass(frozen=True, slots=True)
class Curves:
    """Of n questions whose right answer is known, the share `accuracy` was proposed rightly.

    Points go from the smallest coverage to 1.
    """

    n: int
    accuracy: float
    reliability: tuple[Dot, ...]
    risk_coverage: tuple[Point, ...]
    oracle: tuple[Point, ...]
    targets: tuple[Target, ...]

    @property
    def risk_shown(self) -> float:
        """The end of the risk axis: room above the risk of answering everything, at least .4."""
        return min(1.0, max(0.4, math.ceil(13 * (1 - self.accuracy)) / 10))

    @property
    def risk_ticks(self) -> tuple[float, ...]:
        """Where the risk axis is labelled."""
        step = 0.1 if self.risk_shown <= 0.5 else 0.2
        return tuple(round(step * number, 1) for number in range(int(self.risk_shown / step + 1e-9) + 1))


def curves_of(records: Sequence[Record]) -> Curves | None:
    """The curves over every judged question, failed ones counting as wrong; None without any."""
    known = [record for record in records if is_judged(record)]
    if not known:
        return None
    pairs = judged(known)
    accuracy = float(pairs.correct.mean())
    points = tuple(Point(point.coverage, point.risk) for point in risk_coverage_points(pairs))
    bins = max(1, min(MOST_BINS, len(known) // FEWEST_IN_BIN))
    return Curves(
        n=len(known),
        accuracy=accuracy,
        reliability=tuple(_dot(item) for item in reliability_bins(pairs, bins)),
        risk_coverage=_thinned(points),
        oracle=_oracle(accuracy),
        targets=tuple(_target(risk, points, accuracy) for risk in RISKS),
    )


def _dot(item: ReliabilityBin) -> Dot:
    interval = binomtest(round(item.accuracy * item.n), item.n).proportion_ci(method="wilson")
    return Dot(item, float(interval.low), float(interval.high))


def _oracle(accuracy: float) -> tuple[Point, ...]:
    """All right answers come first: nothing is wrong up to the accuracy, then everything is."""
    coverages = np.linspace(accuracy, 1, POINTS_DRAWN // 4) if accuracy else np.array([])
    return tuple(Point(float(coverage), float(1 - accuracy / coverage)) for coverage in coverages)


def _target(risk: float, points: Sequence[Point], accuracy: float) -> Target:
    allowed = [point for point in points if point.risk <= risk + 1e-12]
    best = max(allowed, key=lambda point: point.coverage, default=Point(0.0, 0.0))
    return Target(risk, best.coverage, best.risk, min(1.0, accuracy / (1 - risk)))


def _thinned(points: Sequence[Point]) -> tuple[Point, ...]:
    kept = np.unique(np.linspace(0, len(points) - 1, POINTS_DRAWN).astype(int))
    return tuple(points[place] for place in kept)
