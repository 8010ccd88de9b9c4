"""Certificates against exact values, against MAPIE's controller, and against known probabilities."""

import numpy as np
import pytest
from mapie.risk_control import BinaryClassificationController, BinaryRisk
from numpy.typing import NDArray

from evals.calibrate.certify import Scored, certified, grid_of, threshold_for, thresholds_of
from rag.calibrator import POOLED, Certificate

LEVEL = 0.9


def _scored(probability: NDArray[np.float64], right: NDArray[np.bool_], language: str = "en") -> Scored:
    names = np.full(len(right), language)
    return Scored(probability, right, names, np.full(len(right), ""))


def _accepted(right: int, wrong: int) -> Scored:
    """So many answers of probability .9."""
    return _scored(np.full(right + wrong, 0.9), np.arange(right + wrong) < right)


@pytest.mark.parametrize(("accepted", "wrong"), [(45, 0), (77, 1), (105, 2), (184, 5), (306, 10)])
def test_so_many_accepted_answers_certify_five_per_cent_and_one_less_does_not(
    accepted: int, wrong: int
) -> None:
    grid = np.array([0.5])
    assert certified(0.05, grid, _accepted(accepted - wrong, wrong), LEVEL) == 0.5
    assert certified(0.05, grid, _accepted(accepted - wrong - 1, wrong), LEVEL) is None


def test_nothing_accepted_certifies_nothing() -> None:
    assert certified(0.3, np.array([0.95]), _accepted(100, 0), LEVEL) is None
    assert certified(0.3, np.array([]), _accepted(100, 0), LEVEL) is None


def test_the_walk_ends_at_the_first_step_that_fails() -> None:
    # 50 right at .9; 20 wrong at .8; 1,000 right at .7, with which the whole would be safe again.
    probability = np.repeat([0.9, 0.8, 0.7], [50, 20, 1000])
    answers = _scored(probability, probability != 0.8)
    assert certified(0.05, np.array([0.9, 0.8, 0.7]), answers, LEVEL) == 0.9
    assert certified(0.05, np.array([0.7]), answers, LEVEL) == 0.7


def _population(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Probabilities of mean about .75 that tell right from wrong with an AUROC of about .86."""
    return np.asarray(1 / (1 + np.exp(-rng.normal(1.9, 2.2, n))))


def _drawn(rng: np.random.Generator, n: int) -> Scored:
    truth = _population(rng, n)
    return _scored(truth, rng.random(n) < truth)


def _wrong(y_true: NDArray[np.int_], y_pred: NDArray[np.int_]) -> NDArray[np.bool_]:
    return np.asarray((y_pred == 1) & (y_true == 0))


def _chosen(y_true: NDArray[np.int_], y_pred: NDArray[np.int_]) -> NDArray[np.bool_]:
    return np.asarray(y_pred == 1)


@pytest.mark.filterwarnings("ignore:Fixed sequence testing requires a monotonic risk:UserWarning")
@pytest.mark.parametrize("target", [0.05, 0.1, 0.2])
def test_mapies_controller_certifies_the_same_threshold(target: float) -> None:
    rng = np.random.default_rng(5)
    tune, certify = _drawn(rng, 500), _drawn(rng, 2000)
    grid = grid_of(target, tune, 2000)
    controller = BinaryClassificationController(
        lambda rows: np.column_stack((1 - rows, rows)),
        risk=BinaryRisk(_wrong, _chosen, higher_is_better=False),
        target_level=target,
        confidence_level=LEVEL,
        best_predict_param_choice="recall",
        list_predict_params=grid[::-1],
        fwer_method="fixed_sequence",
    ).calibrate(certify.probability, certify.is_correct.astype(int))
    assert certified(target, grid, certify, LEVEL) == controller.best_predict_param is not None


def test_the_grid_runs_from_safe_to_risky_and_begins_with_answers_enough() -> None:
    tune = _drawn(np.random.default_rng(0), 500)
    grid = grid_of(0.05, tune, 1000)
    assert list(grid) == sorted(set(grid), reverse=True)
    assert 2 <= len(grid) <= 20
    first, last = tune.above(grid[[0, -1]]).count / len(tune)
    assert first * 1000 >= 45
    assert first < last < 0.9
    assert len(grid_of(0.05, tune.where(np.zeros(500, dtype=bool)), 1000)) == 0


def test_without_a_proof_the_best_known_threshold_is_given_without_a_certificate() -> None:
    # Of the best 40 none is wrong, and .02 of doubt in each makes them fit; the other 60 are wrong.
    tune = _scored(np.repeat([0.98, 0.4], [40, 60]), np.repeat([True, False], [40, 60]))
    found = threshold_for(POOLED, 0.05, tune, tune.where(np.arange(100) < 10), LEVEL)
    assert (found.value, found.coverage, found.certificate) == (0.98, 0.4, None)
    few = tune.where(np.arange(100) >= 30)  # 10 right ones are too few to be told from luck
    assert threshold_for(POOLED, 0.05, few, few, LEVEL).value == 0.95
    doubted = _scored(np.repeat([0.8, 0.4], [40, 60]), np.repeat([True, False], [40, 60]))
    assert threshold_for(POOLED, 0.05, doubted, few, LEVEL).value == 0.95


@pytest.mark.parametrize("seed", range(5))
def test_an_unproved_threshold_is_never_below_that_of_a_larger_risk(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = thresholds_of(_drawn(rng, 60), _drawn(rng, 120), LEVEL)
    for number, threshold in enumerate(found):
        if threshold.certificate is None:
            assert threshold.value >= max((other.value for other in found[number + 1 :]), default=0.0)


def test_a_certificate_says_how_many_were_accepted_and_wrong() -> None:
    tune = _scored(np.repeat([0.9, 0.4], [60, 40]), np.repeat([True, False], [60, 40]))
    right = np.repeat([True, False], [118, 82])
    certify = _scored(np.repeat([0.9, 0.4], [120, 80]), right)
    found = threshold_for(POOLED, 0.1, tune, certify, LEVEL)
    assert found.certificate == Certificate(LEVEL, n=200, accepted=120, wrong=2)
    assert (found.value, found.coverage) == (0.9, 0.6)


def test_a_language_with_answers_enough_gets_thresholds_of_its_own() -> None:
    rng = np.random.default_rng(1)
    tune, certify = _drawn(rng, 600), _drawn(rng, 700)
    tune = Scored(tune.probability, tune.is_correct, np.repeat(["en", "zh"], 300), tune.domain)
    certify = Scored(
        certify.probability, certify.is_correct, np.repeat(["en", "zh", "de"], [300, 301, 99]), certify.domain
    )
    groups = {threshold.group for threshold in thresholds_of(tune, certify, LEVEL)}
    assert groups == {POOLED, "language:en", "language:zh"}


def _naive(target: float, answers: Scored) -> float | None:
    """The least threshold whose observed risk fits."""
    candidates = np.unique(answers.probability)
    accepted = answers.above(candidates)
    fitting = np.flatnonzero(accepted.wrong <= target * accepted.count)
    return float(candidates[fitting[0]]) if len(fitting) else None


@pytest.mark.parametrize("target", [0.05, 0.2])
def test_over_200_resplits_certified_risk_is_broken_in_at_most_a_tenth_and_the_naive_one_far_more(
    target: float,
) -> None:
    rng = np.random.default_rng(2026)
    truth = _population(rng, 4000)
    certified_at, broken, naively_broken = 0, 0, 0
    for _ in range(200):
        right = rng.random(len(truth)) < truth
        order = rng.permutation(len(truth))
        answers = _scored(truth, right)
        tune, certify = (answers.where(part) for part in (order < 400, (order >= 400) & (order < 1400)))
        value = certified(target, grid_of(target, tune, len(certify)), certify, LEVEL)
        certified_at += value is not None
        broken += value is not None and _true_risk(truth, value) > target
        naive = _naive(target, certify)
        naively_broken += naive is not None and _true_risk(truth, naive) > target
    assert broken <= 20
    assert naively_broken >= 60
    assert certified_at >= 100  # a rule that never certifies breaks nothing either


def _true_risk(truth: NDArray[np.float64], value: float) -> float:
    """From the probabilities that drew the labels, not from labels."""
    return float((1 - truth[truth >= value]).mean())
