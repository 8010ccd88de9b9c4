import math
import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import judged_as, made
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from evals.data import DataError
from evals.metrics.confidence import confidences, judged
from evals.metrics.curves import reliability_bins, risk_coverage_points
from evals.metrics.smooth_calibration import smooth_calibration_error
from evals.questions import Gold
from evals.records import Record


def values(records: list[Record], weights: list[int] | None = None) -> dict[str, float]:
    counts = np.array([weights or [1] * len(records)], dtype=np.float64)
    return {metric.name: float(metric.statistic(counts)[0]) for metric in confidences(records)}


def proposals(*pairs: tuple[float, bool]) -> list[Record]:
    return [judged_as(f"q{i:03}", confidence, is_right) for i, (confidence, is_right) in enumerate(pairs)]


def smooth(p: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    everyone = np.ones(len(p))
    return float(smooth_calibration_error(p, y, everyone)(everyone[None, :])[0])


def test_the_risk_coverage_curve_of_four_answers_by_hand() -> None:
    found = values(proposals((0.9, True), (0.8, False), (0.7, True), (0.6, False)))
    assert found["AURC"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert found["coverage@0.05"] == found["coverage@0.3"] == 0.25
    assert found["risk@full"] == 0.5
    assert found["AUROC"] == 0.75
    assert found["oracle@0.2"] == pytest.approx(0.5 / 0.8)


def test_the_largest_coverage_counts_even_where_the_risk_was_higher_before() -> None:
    found = values(proposals((0.9, False), *[(0.5 - i / 100, True) for i in range(9)]))
    assert found["coverage@0.1"] == 1.0  # one wrong of ten, though the first alone is all wrong
    assert found["coverage@0.05"] == 0.0


def test_equal_confidences_are_answered_together() -> None:
    found = values(proposals((0.5, True), (0.5, False)))
    assert found["coverage@0.05"] == 0.0
    assert found["AUROC"] == 0.5
    assert found["AURC"] == pytest.approx(0.5)  # the expected risk is 1/2 after one and after two


def test_a_failed_question_is_wrong_with_full_confidence() -> None:
    records = [*proposals((0.9, True), (0.4, False)), replace(judged_as("z", 0.99, True), error="E: lost")]
    found = values(records)
    assert found["Brier"] == pytest.approx((0.01 + 0.16 + 1) / 3)
    assert found["coverage@0.05"] == 0.0


def test_confidence_outside_0_to_1_is_refused() -> None:
    for wrong in (1.2, -0.1, math.nan):
        with pytest.raises(DataError, match="q000"):
            list(confidences(proposals((wrong, True))))


def test_nothing_is_said_where_no_right_answer_is_known_or_no_confidence_was_given() -> None:
    assert not list(confidences([replace(made("q", "x"), confidence=0.5)]))
    assert not list(confidences(proposals((0.0, True))))


def test_a_question_that_cannot_be_judged_does_not_count() -> None:
    known = proposals((0.9, True), (0.3, False))
    unknown = replace(made("z", "x"), gold=Gold(), confidence=0.7)
    assert values([*known, unknown]) == pytest.approx(values(known))


pairs = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.booleans()), min_size=2, max_size=30
).filter(lambda items: len({y for _, y in items}) == 2 and any(p for p, _ in items))


@given(pairs)
def test_scores_are_scikit_learns(items: list[tuple[float, bool]]) -> None:
    found = values(proposals(*items))
    p, y = [item[0] for item in items], [item[1] for item in items]
    assert found["Brier"] == pytest.approx(brier_score_loss(y, p))
    assert found["log_loss"] == pytest.approx(log_loss(y, p), rel=1e-6)
    assert found["AUROC"] == pytest.approx(roc_auc_score(y, p))


@given(pairs, st.randoms())
def test_the_order_of_records_does_not_matter(
    items: list[tuple[float, bool]], shuffler: random.Random
) -> None:
    records = proposals(*items)
    shuffled = list(records)
    shuffler.shuffle(shuffled)
    assert values(shuffled) == pytest.approx(values(records), abs=1e-9)


@given(pairs)
def test_a_question_that_counts_twice_is_the_same_as_two(items: list[tuple[float, bool]]) -> None:
    records = proposals(*items)
    weights = [1 + place % 2 for place in range(len(records))]
    doubled = [*records, *(replace(r, id=r.id + "b") for r in records[1::2])]
    assert values(records, weights) == pytest.approx(values(doubled), abs=1e-9)


@given(pairs)
def test_coverage_grows_with_the_risk_and_stays_below_the_oracles(items: list[tuple[float, bool]]) -> None:
    found = values(proposals(*items))
    reached = [found[f"coverage@{risk}"] for risk in ("0.05", "0.1", "0.2", "0.3")]
    assert reached == sorted(reached)
    for risk in ("0.05", "0.1", "0.2", "0.3"):
        assert found[f"coverage@{risk}"] <= found[f"oracle@{risk}"] + 1e-9
    for name in ("Brier", "smECE", "AUROC", "AURC"):
        assert -1e-9 <= found[name] <= 1 + 1e-9


def test_smooth_calibration_error_of_one_confidence_is_its_distance_from_the_rate() -> None:
    outcomes = np.repeat([1.0, 0.0], [300, 700])
    for p in (0.0, 0.3, 0.31, 0.5, 0.95, 1.0):
        assert smooth(np.full(1000, p), outcomes) == pytest.approx(abs(p - 0.3), abs=1e-3)


def test_smooth_calibration_error_of_calibrated_confidence_is_near_0() -> None:
    random_ = np.random.default_rng(1)
    p = random_.random(20_000)
    assert smooth(p, (random_.random(20_000) < p).astype(np.float64)) < 0.012


def test_smooth_calibration_error_grows_with_the_shift() -> None:
    random_ = np.random.default_rng(2)
    p = 0.2 + 0.6 * random_.random(20_000)
    errors = [
        smooth(p, (random_.random(20_000) < p + shift).astype(np.float64)) for shift in (0.0, 0.05, 0.1, 0.2)
    ]
    assert errors == sorted(errors)
    assert errors[3] == pytest.approx(0.2, abs=0.01)


def test_smooth_calibration_error_sees_opposite_errors_that_are_far_apart() -> None:
    # half of them 30 points too sure at .9, half 30 points too shy at .1: the mean error is 0
    p = np.repeat([0.1, 0.9], 1000)
    y = np.concatenate([np.repeat([1.0, 0.0], [400, 600]), np.repeat([1.0, 0.0], [600, 400])])
    assert 0.25 < smooth(p, y) < 0.301


def test_smooth_calibration_error_is_the_fixed_point_of_its_definition() -> None:
    # The definition, by sums over mirror images on a fine grid, at the bandwidth that was found.
    random_ = np.random.default_rng(3)
    p = random_.random(400)
    y = (random_.random(400) < p**2).astype(np.float64)
    error = smooth(p, y)
    t = (np.arange(4000) + 0.5) / 4000
    smoothed = np.zeros_like(t)
    for mirror in range(-4, 5, 2):
        for image in (p + mirror, mirror - p):
            kernel = np.exp(-0.5 * ((t[:, None] - image) / error) ** 2) / (error * math.sqrt(2 * math.pi))
            smoothed += kernel @ (y - p) / len(p)
    assert np.abs(smoothed).mean() == pytest.approx(error, abs=1e-3)


def test_bins_of_equal_mass_keep_equal_confidences_together() -> None:
    bins = reliability_bins(judged(proposals((0.1, False), (0.2, False), (0.2, True), (0.9, True))), 2)
    assert [(b.n, b.lowest, b.highest, b.accuracy) for b in bins] == [
        (1, 0.1, 0.1, 0.0),
        (3, 0.2, 0.9, 2 / 3),
    ]


@given(pairs)
def test_bins_hold_everything_once(items: list[tuple[float, bool]]) -> None:
    bins = reliability_bins(judged(proposals(*items)))
    assert sum(b.n for b in bins) == len(items)
    assert sum(b.n * b.accuracy for b in bins) == pytest.approx(sum(y for _, y in items))
    assert all(one.highest < other.lowest for one, other in pairwise(bins))


def test_the_curves_points_are_its_thresholds() -> None:
    points = risk_coverage_points(judged(proposals((0.9, True), (0.5, False), (0.5, True))))
    assert [(p.threshold, p.coverage, p.risk) for p in points] == [(0.9, 1 / 3, 0.0), (0.5, 1.0, 1 / 3)]
    assert risk_coverage_points(judged([])) == ()
