"""What a metric is: a number that depends on how often each question counts.

Written so, the value (each question once) and the bootstrap (each as often as it was drawn) are the same
function, and text is compared once per question.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Weights: TypeAlias = NDArray[np.float64]
"""Shape (resamples, questions): how often each question counts; whole numbers from 0."""

Values: TypeAlias = NDArray[np.float64]
"""Shape (n,): one number per question, or per resample; nan where it is not defined."""

Statistic: TypeAlias = Callable[[Weights], Values]
"""From weights to one value per resample; nan where nothing can be computed."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A named statistic; `counted` has, per question, how many of its items the metric looks at."""

    name: str
    counted: Values
    statistic: Statistic


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric's value over n items and its 95 % bootstrap interval."""

    name: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Share:
    """The sum of numerators over the sum of denominators, both per question."""

    numerators: Values
    denominators: Values

    def __call__(self, weights: Weights) -> Values:
        """One quotient per resample."""
        return divide(total(weights, self.numerators), total(weights, self.denominators))


def mean(name: str, values: Sequence[float] | Values, counted: Sequence[bool] | None = None) -> Metric:
    """The mean of a value per question, over the questions that are counted (all, if not said)."""
    numbers = np.asarray(values, dtype=np.float64)
    looked_at = np.ones(len(numbers)) if counted is None else np.asarray(counted, dtype=np.float64)
    return Metric(name, looked_at, Share(numbers * looked_at, looked_at))


def total(weights: Weights, values: Values) -> Values:
    """The weighted sum per resample."""
    # Not `@`: on two cores shared with others, BLAS threads waited for each other, .6 s for what takes .04.
    sums: Values = np.einsum("rq,q->r", weights, values)
    return sums


def divide(numerators: Values, denominators: Values) -> Values:
    """Elementwise quotients, nan where the denominator is 0."""
    quotients: Values = np.full(np.broadcast(numerators, denominators).shape, np.nan)
    np.divide(numerators, denominators, out=quotients, where=denominators > 0)
    return quotients


class Ordering:
    """Questions from the highest score to the lowest, equal scores in one block.

    A threshold cannot cut a block in two, and no result depends on the order within it.
    """

    def __init__(self, scores: Values) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ordered = scores[self._order]
        is_new = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        self._starts = np.flatnonzero(is_new)

    def block_sums(self, weights: Weights, values: Values) -> Weights:
        """Weighted sums of `values` by block, best first; shape (resamples, blocks)."""
        weighted = weights[:, self._order] * values[self._order]
        if len(self._starts) == len(self._order):
            return weighted
        sums: Weights = np.add.reduceat(weighted, self._starts, axis=1)
        return sums


def share_above(positives: Weights, negatives: Weights) -> Values:
    """The share of pairs whose positive is in a better block than its negative, half where in the same."""
    above = np.cumsum(positives, axis=1) - positives / 2
    return divide((negatives * above).sum(axis=1), positives.sum(axis=1) * negatives.sum(axis=1))


def auroc(scores: Values, is_positive: Values) -> Statistic:
    """The chance that a positive scores above a negative, ties half (Fawcett 2006); nan for one class."""
    ordering = Ordering(scores)

    def statistic(weights: Weights) -> Values:
        positives = ordering.block_sums(weights, is_positive)
        negatives = ordering.block_sums(weights, 1 - is_positive)
        return share_above(positives, negatives)

    return statistic
