"""How sure a figure is: percentile bootstrap (Efron & Tibshirani 1993), resampling whole groups of questions.

Questions on one document are not independent, so documents are drawn, with all their questions. The two
runs of a comparison are drawn together, so that what is hard for both cancels out.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from scipy.stats import norm

from evals.data import DataError
from evals.metrics import SEED
from evals.metrics.statistic import Measured, Metric, Values, Weights

RESAMPLES = 1000
CONFIDENCE_LEVEL = 0.95
POWER = 0.8
DECIMALS = 6
_AT_ONCE = 50  # resamples in memory: 50 x 12,000 questions are 5 MB for each array in use


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of two runs over the same questions: second minus first, its 95 % interval and two-sided p.

    `smallest` is the smallest true difference that so many questions would show in four of five tries.
    """

    name: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    smallest: float
    n: int


def measure(metrics: Sequence[Metric], groups: Sequence[str]) -> tuple[Measured, ...]:
    """Each metric with its interval, in their order; what is not defined on these questions is left out."""
    _require_alignment(metrics, groups)
    once = np.ones((1, len(groups)))
    defined = [item for item in metrics if np.isfinite(item.statistic(once)[0])]
    drawn = _by_resample(defined, _resamples(groups))
    return tuple(
        _measured(metric, float(metric.statistic(once)[0]), values)
        for metric, values in zip(defined, drawn, strict=True)
    )


def compare(
    first: Sequence[Metric], second: Sequence[Metric], groups: Sequence[str]
) -> tuple[Difference, ...]:
    """The paired difference of every metric that both have, in the first's order, question by question."""
    _require_alignment([*first, *second], groups)
    others = {metric.name: metric for metric in second}
    once = np.ones((1, len(groups)))
    pairs = [
        (metric, others[metric.name])
        for metric in first
        if metric.name in others
        and np.isfinite(metric.statistic(once)[0])
        and np.isfinite(others[metric.name].statistic(once)[0])
    ]
    drawn = _by_resample([metric for pair in pairs for metric in pair], _resamples(groups))
    return tuple(
        _difference(one, other, drawn[2 * place + 1] - drawn[2 * place], once)
        for place, (one, other) in enumerate(pairs)
    )


def resampled(
    metrics: Sequence[Metric], groups: Sequence[str], strata: Sequence[str], resamples: int
) -> tuple[Values, ...]:
    """Each metric on the first `resamples` draws, nan where undefined: the same draws for the same groups.

    Groups are drawn within their stratum, so that every draw holds each in its share. `resamples` is at
    most RESAMPLES.
    """
    _require_alignment(metrics, groups)
    blocks = islice(_resamples(groups, strata), -(-resamples // _AT_ONCE))
    return tuple(values[:resamples] for values in _by_resample(metrics, blocks))


def smallest_difference(standard_error: float) -> float:
    """What a two-sided test at 5 % finds with a power of 80 %: 2.80 standard errors."""
    return float(norm.ppf(1 - (1 - CONFIDENCE_LEVEL) / 2) + norm.ppf(POWER)) * standard_error


def _require_alignment(metrics: Sequence[Metric], groups: Sequence[str]) -> None:
    if not groups:
        raise DataError("there are no records to measure; run the suite first")
    if any(len(metric.counted) != len(groups) for metric in metrics):
        raise ValueError("every metric must have one entry for each question")


def _resamples(groups: Sequence[str], strata: Sequence[str] = ()) -> Iterator[Weights]:
    """How often each question was drawn, a few resamples at a time; the draws depend on names only.

    A group belongs to the stratum of its first question. A stratum's single group cannot be resampled: then
    its questions are, and the interval is that of this one document.
    """
    stratum_of = dict(reversed(list(zip(groups, strata or [""] * len(groups), strict=True))))
    sizes = Counter(stratum_of.values())
    drawn_names = [
        group if sizes[stratum_of[group]] > 1 else f"{group} {position:09}"
        for position, group in enumerate(groups)
    ]
    _, first, codes = np.unique(np.array(drawn_names), return_index=True, return_inverse=True)
    kinds = np.array([stratum_of[groups[position]] for position in first])
    members = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    random = np.random.default_rng(SEED)
    for start in range(0, RESAMPLES, _AT_ONCE):
        rows = min(_AT_ONCE, RESAMPLES - start)
        parts = [own[random.integers(0, len(own), size=(rows, len(own)))] for own in members]
        flat = np.concatenate(parts, axis=1) + len(first) * np.arange(rows)[:, None]
        counts = np.bincount(flat.ravel(), minlength=rows * len(first)).reshape(rows, len(first))
        yield counts[:, codes].astype(np.float64)


def _by_resample(metrics: Sequence[Metric], resamples: Iterator[Weights]) -> list[Values]:
    """Each metric's values over all resamples, nan where a resample has nothing to compute it from."""
    parts = [[metric.statistic(weights) for metric in metrics] for weights in resamples]
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def _measured(metric: Metric, value: float, drawn: Values) -> Measured:
    low, high = _interval(drawn, value)
    n = int(metric.counted.sum())
    return Measured(metric.name, round(value, DECIMALS), round(low, DECIMALS), round(high, DECIMALS), n)


def _interval(drawn: Values, value: float) -> tuple[float, float]:
    """Low and high percentile, widened where needed to hold the value itself.

    smECE and coverage at a risk are larger on resamples than on the sample, since resampling adds noise;
    their percentile interval can lie above the value (smECE .012 of a calibrated sample: .012 to .030).
    """
    tail = (1 - CONFIDENCE_LEVEL) / 2
    defined = drawn[np.isfinite(drawn)]
    if not len(defined):
        return value, value
    low, high = np.quantile(defined, [tail, 1 - tail])
    return min(float(low), value), max(float(high), value)


def _difference(one: Metric, other: Metric, drawn: Values, once: Weights) -> Difference:
    first, second = float(one.statistic(once)[0]), float(other.statistic(once)[0])
    defined = drawn[np.isfinite(drawn)]
    low, high = _interval(drawn, second - first)
    return Difference(
        name=one.name,
        first=round(first, DECIMALS),
        second=round(second, DECIMALS),
        difference=round(second - first, DECIMALS),
        low=round(low, DECIMALS),
        high=round(high, DECIMALS),
        p=round(_two_sided_p(defined), DECIMALS),
        smallest=round(smallest_difference(float(defined.std()) if len(defined) else 0.0), DECIMALS),
        n=int(min(one.counted.sum(), other.counted.sum())),
    )


def _two_sided_p(differences: Values) -> float:
    """Twice the smaller share of resamples on either side of 0; one resample is added to each, so never 0."""
    below = (differences <= _NOTHING).sum()
    above = (differences >= -_NOTHING).sum()
    return float(min(1.0, 2 * (min(below, above) + 1) / (len(differences) + 1)))


_NOTHING = 1e-12  # differences of equal runs come out of floating point as no more than this
