import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from synthetic_samples import samples

from evals.calibrate.fit import (
    choose_scales,
    fit_scale,
    fit_stacker,
    fit_stackers,
    log_odds_of,
    suite_weights,
)
from evals.calibrate.samples import Sample
from rag.calibrator import POOLED, Isotonic, Sigmoid, logistic
from rag.errors import InvalidRequestError


def _labels(answers: list[Sample]) -> NDArray[np.bool_]:
    return np.array([answer.is_correct for answer in answers])


class LogOdds(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A classifier, fitted from the start, whose one column is its decision function."""

    classes_ = np.array([0, 1])

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, *_: object) -> None:
        raise AssertionError("it is frozen")

    def decision_function(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return rows[:, 0]

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.bool_]:
        return rows[:, 0] > 0


def test_exported_weights_give_the_log_odds_of_scikit_learn() -> None:
    answers = samples(600)
    stacker = fit_stacker(answers)
    names = tuple(weight.signal for weight in stacker.weights)
    assert names == ("good", "half", "noise")
    values = np.array([[answer.signals[name] for name in names] for answer in answers])
    clipped = np.clip(values, *np.quantile(values, (0.01, 0.99), axis=0))
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
    reference.fit(clipped, _labels(answers))
    ours = [stacker.log_odds(answer.signals) for answer in answers]
    assert np.abs(ours - reference.decision_function(clipped)).max() < 1e-9


@pytest.mark.parametrize("kind", ["sigmoid", "temperature", "isotonic"])
def test_exported_numbers_give_the_probabilities_of_scikit_learn(kind: str) -> None:
    answers = samples(1200)
    log_odds, right = np.array([answer.signals["half"] for answer in answers]), _labels(answers)
    calibrated = CalibratedClassifierCV(FrozenEstimator(LogOdds()), method=kind)
    expected = calibrated.fit(log_odds[:, None], right).predict_proba(log_odds[:, None])[:, 1]
    if kind == "isotonic":  # ours is kept from certainty, 1 / (n + 2) from the ends
        expected = np.clip(expected, 1 / (np.sum(~right) + 2), 1 - 1 / (np.sum(right) + 2))
    scale = fit_scale(kind, log_odds, right, np.ones(1200))
    assert scale.kind == kind
    assert np.abs([scale.probability(x) for x in log_odds] - expected).max() < 1e-9


def test_the_weights_find_the_signal_that_matters() -> None:
    by_name = {weight.signal: weight for weight in fit_stacker(samples(3000)).weights}
    assert by_name["good"].coefficient / by_name["good"].deviation == pytest.approx(1, abs=0.15)
    assert abs(by_name["noise"].coefficient) < 0.15
    assert "constant" not in by_name


def test_suites_weigh_equally_but_a_tiny_one_does_not_rule() -> None:
    answers = [*samples(800), *samples(200, suite="reading/two"), *samples(10, suite="reading/three")]
    weights = suite_weights(answers)
    sums = weights[:800].sum(), weights[800:1000].sum(), weights[1000:].sum()
    assert sums[0] == pytest.approx(sums[1])
    assert sums[2] == pytest.approx(sums[1] / 10)
    assert weights.mean() == pytest.approx(1)


def test_a_missing_signal_is_put_at_its_mean() -> None:
    answers = samples(300)
    some = [
        Sample(a.suite, a.cluster, a.language, a.domain, {"good": a.signals["good"]}, a.is_correct)
        if number % 3 == 0
        else a
        for number, a in enumerate(answers)
    ]
    stacker = fit_stacker(some)
    means = {weight.signal: weight.mean for weight in stacker.weights}
    assert stacker.log_odds({"good": 1.0}) == pytest.approx(stacker.log_odds({"good": 1.0, **_only(means)}))


def _only(means: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in means.items() if name != "good"}


def test_a_language_gets_its_own_weights_from_300_answers_on() -> None:
    english = samples(500)
    chinese = samples(300, suite="reading/zh", language="zh", seed=1)
    german = samples(299, suite="reading/de", language="de", seed=2)
    assert set(fit_stackers([*english, *chinese, *german])) == {POOLED, "en", "zh"}
    assert set(fit_stackers(english)) == {POOLED}


def test_overconfident_log_odds_are_tempered() -> None:
    log_odds = np.array([a.signals["good"] for a in samples(4000)]) * 3
    scale = fit_scale("temperature", log_odds, _labels(samples(4000)), np.ones(4000))
    assert isinstance(scale, Sigmoid)
    assert scale.slope == pytest.approx(1 / 3, abs=0.03)
    assert scale.intercept == 0


def test_the_scale_of_least_brier_score_is_chosen_and_the_others_are_told() -> None:
    answers = samples(900)
    chosen = choose_scales(fit_stackers(samples(900, seed=1)), answers, seed=0)[0]
    assert (chosen.language, chosen.n) == (POOLED, 900)
    assert set(chosen.brier) == {"none", "temperature", "sigmoid"}  # isotonic needs 1,000 labels
    assert chosen.scale.kind == min(("temperature", "sigmoid"), key=lambda kind: chosen.brier[kind])


def test_isotonic_is_chosen_where_no_sigmoid_fits() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 3000)
    right = rng.random(3000) < np.where(x < 0.5, 0.1, np.where(x < 0.8, 0.5, 0.55))
    answers = [
        Sample("reading/one", f"one:{n}", "en", "", {"x": float(v)}, bool(r))
        for n, (v, r) in enumerate(zip(x, right, strict=True))
    ]
    chosen = choose_scales(fit_stackers(answers), answers, seed=0)[0]
    assert isinstance(chosen.scale, Isotonic)
    assert 0 < min(chosen.scale.y) < max(chosen.scale.y) < 1


def test_log_odds_that_mislead_give_everyone_the_same_probability() -> None:
    answers = samples(400)
    log_odds = -np.array([a.signals["good"] for a in answers])
    scale = fit_scale("sigmoid", log_odds, _labels(answers), np.ones(400))
    rate = float(_labels(answers).mean())
    assert scale.probability(-9.0) == scale.probability(9.0) == pytest.approx(rate)


def test_a_scale_is_fitted_on_what_the_language_gets_at_run_time() -> None:
    english, chinese = samples(400), samples(400, suite="reading/zh", language="zh", seed=1)
    stackers = fit_stackers([*english, *chinese])
    assert log_odds_of(stackers, chinese[:1])[0] == stackers["zh"].log_odds(chinese[0].signals)
    assert {chosen.language for chosen in choose_scales(stackers, [*english, *chinese], 0)} == {
        POOLED,
        "en",
        "zh",
    }


def test_too_few_wrong_answers_are_refused() -> None:
    right = [answer for answer in samples(400) if answer.is_correct]
    with pytest.raises(InvalidRequestError, match="and 0 wrong answers are too few to fit"):
        fit_stackers(right)


def test_the_unscaled_brier_score_is_that_of_the_logistic_function() -> None:
    answers = samples(400)
    stackers = fit_stackers(answers)
    chosen = choose_scales(stackers, answers, 0)[0]
    p = np.array([logistic(x) for x in log_odds_of(stackers, answers)])
    assert math.isclose(chosen.brier["none"], float(((p - _labels(answers)) ** 2).mean()))
