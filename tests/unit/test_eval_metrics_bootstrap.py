import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.data import DataError
from evals.metrics.bootstrap import compare, measure, resampled, smallest_difference
from evals.metrics.statistic import Metric, mean


def own_groups(n: int) -> list[str]:
    return [f"g{i:05}" for i in range(n)]


def test_no_records_are_no_zero() -> None:
    with pytest.raises(DataError, match="no records"):
        measure([], [])


def test_equal_values_have_no_interval() -> None:
    (found,) = measure([mean("m", np.full(7, 0.4))], own_groups(7))
    assert (found.value, found.low, found.high, found.n) == (0.4, 0.4, 0.4, 7)


def test_the_interval_of_a_coin_is_close_to_the_normal_one() -> None:
    (found,) = measure([mean("m", np.repeat([0.0, 1.0], 200))], own_groups(400))
    half = 1.96 * math.sqrt(0.25 / 400)
    assert found.low == pytest.approx(0.5 - half, abs=0.01)
    assert found.high == pytest.approx(0.5 + half, abs=0.01)


def test_questions_on_one_document_are_drawn_together() -> None:
    # 400 questions on 20 documents, each all right or all wrong: as sure as 20 coins, not as 400.
    values, groups = np.repeat([0.0, 1.0] * 10, 20), [f"d{i // 20}" for i in range(400)]
    (found,) = measure([mean("m", values)], groups)
    half = 1.96 * math.sqrt(0.25 / 20)
    assert found.low == pytest.approx(0.5 - half, abs=0.04)
    assert found.high == pytest.approx(0.5 + half, abs=0.04)


def test_a_single_document_is_resampled_by_question() -> None:
    (found,) = measure([mean("m", np.repeat([0.0, 1.0], 50))], ["only"] * 100)
    assert found.low < 0.45
    assert found.high > 0.55


def test_every_draw_holds_each_stratum_in_its_share() -> None:
    strata = ["en"] * 30 + ["zh"] * 4
    is_chinese = mean("m", [float(name == "zh") for name in strata])
    (apart,) = resampled([is_chinese], own_groups(34), strata, 200)
    assert set(apart) == {4 / 34}
    (together,) = resampled([is_chinese], own_groups(34), [""] * 34, 200)
    assert min(together) == 0.0


def test_the_only_document_of_a_stratum_is_resampled_by_question() -> None:
    groups = [*own_groups(30), *["only"] * 10]
    values = [1.0] * 30 + [0.0, 1.0] * 5
    (drawn,) = resampled([mean("m", values)], groups, ["en"] * 30 + ["zh"] * 10, 200)
    assert 0.75 < min(drawn) < 0.85 < max(drawn) <= 1.0


def test_what_is_not_defined_is_left_out() -> None:
    assert measure([mean("m", np.zeros(3), [False] * 3)], own_groups(3)) == ()


def test_a_statistic_that_grows_with_noise_keeps_its_value_in_its_interval() -> None:
    distance = Metric("m", np.ones(50), lambda w: np.abs(w @ np.resize([1.0, -1.0], 50)) / 50)
    (found,) = measure([distance], own_groups(50))
    assert found.low == found.value == 0.0 < found.high


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcdef")), min_size=1))
def test_the_order_of_questions_does_not_matter(items: list[tuple[float, str]]) -> None:
    shuffled = sorted(items, key=lambda item: (item[0] * 7919) % 1)
    (one,) = measure([mean("m", [v for v, _ in items])], [g for _, g in items])
    (other,) = measure([mean("m", [v for v, _ in shuffled])], [g for _, g in shuffled])
    assert other.value == pytest.approx(one.value, abs=2e-6)
    if len({g for _, g in items}) > 1:
        assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=2e-6)
    assert one.low <= one.value <= one.high


def test_a_run_does_not_differ_from_itself() -> None:
    metric = mean("m", np.random.default_rng(0).random(40))
    (found,) = compare([metric], [metric], own_groups(40))
    assert (found.difference, found.low, found.high, found.p, found.smallest) == (0, 0, 0, 1, 0)


def test_a_small_steady_gain_shows_where_questions_vary_much() -> None:
    random = np.random.default_rng(0)
    first = random.random(200)
    second = first + 0.02 + 0.02 * random.standard_normal(200)
    (found,) = compare([mean("m", first)], [mean("m", second)], own_groups(200))
    assert found.difference == pytest.approx(0.02, abs=0.005)
    assert 0 < found.low < found.difference < found.high
    assert found.p < 0.01
    assert found.smallest == pytest.approx(2.8 * 0.02 / math.sqrt(200), rel=0.1)


def test_noise_is_not_called_a_difference() -> None:
    random = np.random.default_rng(1)
    (found,) = compare([mean("m", random.random(200))], [mean("m", random.random(200))], own_groups(200))
    assert found.low < 0 < found.high
    assert found.p > 0.05


def test_the_smallest_difference_has_80_percent_power_at_5_percent() -> None:
    assert smallest_difference(1.0) == pytest.approx(2.8016, abs=1e-4)
