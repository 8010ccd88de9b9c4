"""Signals to log-odds by logistic regression, log-odds to a probability by the scale of least Brier score."""

import math
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from evals.calibrate.samples import Sample
from rag.calibrator import POOLED, Isotonic, Scale, Sigmoid, Stacker, Weight, logistic
from rag.errors import InvalidRequestError

MINIMUM_LANGUAGE = 300
"""Answers in a language from which it gets a stacker or a scale of its own."""
MINIMUM_ISOTONIC = 1000
"""Labels below which isotonic regression overfits, as scikit-learn warns."""
MINIMUM_OF_A_LABEL = 10
"""Right, and wrong, answers without which nothing can be told apart."""
FULL_WEIGHT = 100
"""Answers from which a suite weighs as much as any other; a smaller one's noise must not rule."""
SEEN = (0.01, 0.99)
"""Quantiles of a signal between which it is taken as it is."""
CONSTANT = 1e-9
"""A signal that varies by no more says nothing."""
FOLDS = 5
UNSCALED = "none"

Floats = NDArray[np.float64]
Stackers = Mapping[str, Stacker]


@dataclass(frozen=True, slots=True)
class ChosenScale:
    """The scale of a language, what the choice rested on, and the Brier score of every alternative.

    The scores are cross-validated by document; `UNSCALED` is the stacker's own probability.
    """

    language: str
    n: int
    scale: Scale
    brier: Mapping[str, float]


def suite_weights(samples: Sequence[Sample]) -> Floats:
    """One weight each, of mean 1, by which suites weigh equally, times the samples' own weights.

    A collection that nobody has seen is more like one more suite than like one more question of the largest.
    """
    sizes = Counter(sample.suite for sample in samples)
    weights = np.array([sample.weight / max(sizes[sample.suite], FULL_WEIGHT) for sample in samples])
    return np.asarray(weights / weights.mean(), dtype=np.float64)


def with_unanswerable_share(samples: Sequence[Sample], share: float) -> tuple[Sample, ...]:
    """The samples so weighted that the unanswerable questions make up this share of the whole.

    Suites that hide the answer of every second question say nothing of how often people ask in vain.
    """
    weights = suite_weights(samples)
    is_in_vain = np.array([sample.is_answerable is False for sample in samples])
    in_vain, others = float(weights[is_in_vain].sum()), float(weights[~is_in_vain].sum())
    if not (in_vain and others):
        return tuple(samples)
    factor = share / (1 - share) * others / in_vain
    return tuple(
        replace(sample, weight=sample.weight * factor) if is_one else sample
        for sample, is_one in zip(samples, is_in_vain, strict=True)
    )


def fit_stackers(samples: Sequence[Sample]) -> Stackers:
    """A stacker over all, and one for each language that has answers enough beside others'."""
    _check_labels(samples, "fit the signals' weights")
    stackers = {POOLED: fit_stacker(samples)}
    for language, own in _languages(samples):
        stackers[language] = fit_stacker(own)
    return stackers


def fit_stacker(samples: Sequence[Sample]) -> Stacker:
    """The log-odds of being right."""
    return fit_regression(samples, [sample.is_correct for sample in samples], suite_weights(samples))


def fit_regression(samples: Sequence[Sample], labels: Sequence[bool], weights: Floats) -> Stacker:
    """The regression over every signal that varies; a missing value is put at the mean."""
    names = sorted({name for sample in samples for name in sample.signals})
    values = np.array(
        [[sample.signals.get(name, np.nan) for name in names] for sample in samples], dtype=float
    )
    values[~np.isfinite(values)] = np.nan
    is_known = ~np.isnan(values).all(axis=0)
    names, values = [name for name, known in zip(names, is_known, strict=True) if known], values[:, is_known]
    lowest, highest = np.nanquantile(values, SEEN, axis=0)
    varies = highest - lowest > CONSTANT
    if not varies.any():
        raise InvalidRequestError(
            f"no signal of {len(samples)} answers varies: nothing tells right from wrong"
        )
    values, lowest, highest = values[:, varies], lowest[varies], highest[varies]
    scaler = StandardScaler().fit(np.clip(values, lowest, highest), sample_weight=weights)
    standardised = np.nan_to_num(scaler.transform(np.clip(values, lowest, highest)), nan=0.0)
    regression = LogisticRegression(C=1.0, max_iter=1000).fit(standardised, labels, sample_weight=weights)
    columns = zip(
        np.array(names)[varies],
        lowest,
        highest,
        scaler.mean_,
        scaler.scale_,
        regression.coef_[0],
        strict=True,
    )
    return Stacker(
        tuple(Weight(str(name), *(float(number) for number in numbers)) for name, *numbers in columns),
        float(regression.intercept_[0]),
    )


def log_odds_of(stackers: Stackers, samples: Sequence[Sample]) -> Floats:
    """What the calibrator at run time would make of each, before its scale."""
    return np.array(
        [stackers.get(s.language, stackers[POOLED]).log_odds(s.signals) for s in samples], dtype=np.float64
    )


def choose_scales(stackers: Stackers, samples: Sequence[Sample], seed: int) -> tuple[ChosenScale, ...]:
    """The pooled scale first, then one for each language that has answers enough beside others'."""
    _check_labels(samples, "calibrate the probabilities")
    own = [choose_scale(stackers, group, language, seed) for language, group in _languages(samples)]
    return (choose_scale(stackers, samples, POOLED, seed), *own)


def choose_scale(stackers: Stackers, samples: Sequence[Sample], language: str, seed: int) -> ChosenScale:
    """The alternative of the least Brier score, suites weighing equally; of equal ones the simplest."""
    log_odds = log_odds_of(stackers, samples)
    labels = np.array([sample.is_correct for sample in samples])
    weights = suite_weights(samples)
    kinds = ["temperature", "sigmoid"] + (["isotonic"] if len(samples) >= MINIMUM_ISOTONIC else [])
    folds = list(_folds(samples, labels, seed))
    brier = {UNSCALED: _brier(np.array([logistic(x) for x in log_odds]), labels, weights)}
    for kind in kinds:
        predicted = np.full(len(samples), np.nan)
        for rest, fold in folds:
            scale = fit_scale(kind, log_odds[rest], labels[rest], weights[rest])
            predicted[fold] = [scale.probability(x) for x in log_odds[fold]]
        is_seen = ~np.isnan(predicted)
        brier[kind] = _brier(predicted[is_seen], labels[is_seen], weights[is_seen])
    best = min(kinds, key=lambda kind: round(brier[kind], 6))
    return ChosenScale(language, len(samples), fit_scale(best, log_odds, labels, weights), brier)


def fit_scale(kind: str, log_odds: Floats, labels: NDArray[np.bool_], weights: Floats) -> Scale:
    """A "temperature", "sigmoid" or "isotonic" scale by scikit-learn, as numbers.

    An isotonic one is kept as far from 0 and 1 as Platt's prior keeps a sigmoid: nobody is certain.
    """
    everything = np.arange(len(labels))  # nothing is fitted before the scale, so there is nothing to hold out
    calibrated = CalibratedClassifierCV(
        FrozenEstimator(_as_given()), method=kind, cv=[(everything, everything)]
    )
    with warnings.catch_warnings():
        # It warns that a frozen estimator takes no weights; only the scale is fitted here, and that does.
        warnings.filterwarnings("ignore", message="Since FrozenEstimator", category=UserWarning)
        calibrated.fit(log_odds.reshape(-1, 1), labels.astype(int), sample_weight=weights)
    fitted = calibrated.calibrated_classifiers_[0].calibrators[0]
    if kind == "sigmoid":
        slope, intercept = -float(fitted.a_), -float(fitted.b_)
        if slope < 0:  # log-odds that mislead: better one probability for all than the order turned round
            rate = float(np.average(labels, weights=weights))
            return Sigmoid("sigmoid", 0.0, math.log(rate / (1 - rate)))
        return Sigmoid("sigmoid", slope, intercept)
    if kind == "temperature":
        return Sigmoid("temperature", 2 * float(fitted.beta_), 0.0)  # softmax over (-x, x) has the odds e^2x
    right = int(labels.sum())
    low, high = 1 / (len(labels) - right + 2), (right + 1) / (right + 2)
    knots = [float(x) for x in fitted.X_thresholds_]
    return Isotonic(
        "isotonic", tuple(knots), tuple(float(y) for y in np.clip(fitted.y_thresholds_, low, high))
    )


def _as_given() -> LogisticRegression:
    """A classifier of one column whose decision function is that column."""
    regression = LogisticRegression()
    regression.classes_ = np.array([0, 1])
    regression.coef_, regression.intercept_ = np.array([[1.0]]), np.array([0.0])
    regression.n_features_in_ = 1
    return regression


def _folds(
    samples: Sequence[Sample], labels: NDArray[np.bool_], seed: int
) -> Iterator[tuple[NDArray[np.int_], NDArray[np.int_]]]:
    """The rest and the fold, by cluster; a fold whose rest is all right or all wrong is passed over."""
    clusters = [sample.cluster for sample in samples]
    count = min(FOLDS, len(set(clusters)), int(labels.sum()), int((~labels).sum()))
    if count < 2:
        return
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for rest, fold in folds.split(clusters, labels, clusters):
        if 0 < labels[rest].sum() < len(rest):
            yield rest, fold


def _brier(predicted: Floats, labels: NDArray[np.bool_], weights: Floats) -> float:
    """The weighted mean of the squared error; 1, the worst there is, where nothing could be predicted."""
    return float(np.average((predicted - labels) ** 2, weights=weights)) if len(predicted) else 1.0


def _languages(samples: Sequence[Sample]) -> Iterator[tuple[str, list[Sample]]]:
    """The languages, sorted, with answers enough of both labels, and others' beside them."""
    for language in sorted({sample.language for sample in samples}):
        own = [sample for sample in samples if sample.language == language]
        if MINIMUM_LANGUAGE <= len(own) < len(samples) and _fewer_label(own) >= MINIMUM_OF_A_LABEL:
            yield language, own


def _fewer_label(samples: Sequence[Sample]) -> int:
    right = sum(sample.is_correct for sample in samples)
    return min(right, len(samples) - right)


def _check_labels(samples: Sequence[Sample], purpose: str) -> None:
    if _fewer_label(samples) < MINIMUM_OF_A_LABEL:
        right = sum(sample.is_correct for sample in samples)
        raise InvalidRequestError(
            f"{right} right and {len(samples) - right} wrong answers are too few to {purpose}: at least "
            f"{MINIMUM_OF_A_LABEL} of each are needed. Give more runs, or more verdicts"
        )
