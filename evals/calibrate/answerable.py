"""Fitting how a question looks that the documents do not answer: on sets that have both kinds."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from evals.calibrate.fit import MINIMUM_LANGUAGE, Floats, fit_regression
from evals.calibrate.samples import Sample
from rag.calibrator import POOLED, Answerability, Stacker, logistic

FALSE_ABSTENTION = 0.02
"""The share of answerable questions refused as out of scope; low confidence refuses some more."""
MINIMUM_OF_A_KIND = 50
"""Answerable, and unanswerable, questions without which the two cannot be told apart."""


def fit_answerability(fit: Sequence[Sample], tune: Sequence[Sample]) -> Answerability | None:
    """Stackers on one part and their minimum on another; None where unanswerable questions are too few.

    The minimum is chosen on every answerable question of the sets that have unanswerable ones: those sets
    hold questions that name what they are about.
    """
    fit = _with_both_kinds(fit)
    sets = {sample.data_set for sample in fit}
    tune = [sample for sample in tune if sample.is_answerable and sample.data_set in sets]
    stackers: dict[str, Stacker] = {}
    minimum: dict[str, float] = {}
    for group in (POOLED, *sorted({sample.language for sample in fit})):
        own, own_tune = _of(group, fit), _of(group, tune)
        is_own = group == POOLED or MINIMUM_LANGUAGE <= len(own) < len(fit)
        if is_own and _is_enough(own) and own_tune:
            stackers[group] = fit_regression(own, _labels(own), even_weights(own))
            minimum[group] = _minimum(stackers[group], own_tune)
    return Answerability(stackers, minimum) if POOLED in stackers else None


def even_weights(samples: Sequence[Sample]) -> Floats:
    """One weight each, of mean 1: sets weigh equally, and within a set both kinds do."""
    kinds = [(sample.data_set, sample.is_answerable) for sample in samples]
    sizes = Counter(kinds)
    weights = np.array([1 / sizes[kind] for kind in kinds])
    return np.asarray(weights / weights.mean(), dtype=np.float64)


def _minimum(stacker: Stacker, answerable: Sequence[Sample]) -> float:
    """What FALSE_ABSTENTION of the answerable questions do not reach, sets weighing equally."""
    scores = np.array([logistic(stacker.log_odds(sample.signals)) for sample in answerable])
    weights = even_weights(answerable)
    return float(np.quantile(scores, FALSE_ABSTENTION, weights=weights, method="inverted_cdf"))


def _with_both_kinds(samples: Sequence[Sample]) -> list[Sample]:
    kinds: dict[str, set[bool | None]] = {}
    for sample in samples:
        kinds.setdefault(sample.data_set, set()).add(sample.is_answerable)
    return [sample for sample in samples if {True, False} <= kinds[sample.data_set]]


def _of(group: str, samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if group in {POOLED, sample.language}]


def _labels(samples: Sequence[Sample]) -> list[bool]:
    return [bool(sample.is_answerable) for sample in samples]


def _is_enough(samples: Sequence[Sample]) -> bool:
    answerable = sum(_labels(samples))
    return min(answerable, len(samples) - answerable) >= MINIMUM_OF_A_KIND
