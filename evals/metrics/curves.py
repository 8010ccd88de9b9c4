"""Confidence as curves, for the report and for judging a calibrator."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evals.metrics.confidence import Judged

BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Proposals of similar confidence: their number, mean confidence, share right, and range."""

    n: int
    confidence: float
    accuracy: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class RiskCoveragePoint:
    """Answering from `threshold` up answers the share `coverage`, of which the share `risk` is wrong."""

    threshold: float
    coverage: float
    risk: float


def reliability_bins(pairs: Judged, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Bins of equal mass, least confident first; equal confidences share a bin, so there may be fewer."""
    order = np.argsort(pairs.confidence, kind="stable")
    ordered, correct = pairs.confidence[order], pairs.correct[order]
    edges = {0, len(ordered)}
    for step in range(1, bins):
        # An edge within equal confidences moves down to where they begin.
        place = min(len(ordered) * step // bins, len(ordered) - 1)
        edges.add(int(np.searchsorted(ordered, ordered[place], side="left")))
    bounds = sorted(edges)
    return tuple(
        ReliabilityBin(
            n=end - start,
            confidence=float(ordered[start:end].mean()),
            accuracy=float(correct[start:end].mean()),
            lowest=float(ordered[start]),
            highest=float(ordered[end - 1]),
        )
        for start, end in pairwise(bounds)
    )


def risk_coverage_points(pairs: Judged) -> tuple[RiskCoveragePoint, ...]:
    """One point for each confidence that occurs, from the highest (least coverage) down to full coverage."""
    order = np.argsort(-pairs.confidence, kind="stable")
    ordered = pairs.confidence[order]
    wrong = np.cumsum(1 - pairs.correct[order])
    ends = np.flatnonzero(np.concatenate([ordered[1:] != ordered[:-1], [True]])) if len(ordered) else ()
    return tuple(
        RiskCoveragePoint(
            threshold=float(ordered[end]),
            coverage=float((end + 1) / len(ordered)),
            risk=float(wrong[end] / (end + 1)),
        )
        for end in ends
    )
