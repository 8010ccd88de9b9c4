import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.calibrator import (
    POOLED,
    Calibrator,
    Certificate,
    FittedOn,
    Isotonic,
    Sigmoid,
    Stacker,
    Threshold,
    Weight,
    calibrator_from_json,
    calibrator_to_json,
    load_calibrator,
    logistic,
)
from rag.errors import InvalidRequestError

PROOF = Certificate(confidence_level=0.9, n=100, accepted=45, wrong=0)
STACKER = Stacker(
    (
        Weight("support", lowest=0.0, highest=1.0, mean=0.5, deviation=0.25, coefficient=2.0),
        Weight("margin", lowest=0.0, highest=4.0, mean=1.0, deviation=2.0, coefficient=-1.0),
    ),
    intercept=0.5,
)
CALIBRATOR = Calibrator(
    version=1,
    id="abc",
    created_at="2026-01-02T03:04:05+00:00",
    pipeline="p1",
    stackers={POOLED: STACKER},
    scales={POOLED: Sigmoid("sigmoid", 1.0, 0.0), "zh": Isotonic("isotonic", (-1.0, 1.0), (0.2, 0.8))},
    thresholds=(
        Threshold(POOLED, 0.1, 0.8, 0.4, PROOF),
        Threshold(POOLED, 0.2, 0.6, 0.6, PROOF),
        Threshold("language:zh", 0.1, 0.9, 0.3, PROOF),
        Threshold("language:zh", 0.2, 0.7, 0.5),
    ),
    sets=(FittedOn("reading/one", "the gold span is cited", 4, 3, 2, 1),),
    n_calibration=7,
)


def test_log_odds_are_the_intercept_and_the_weighted_deviations() -> None:
    # 0.5 + 2 * (0.75 - 0.5) / 0.25 - (2 - 1) / 2
    assert STACKER.log_odds({"support": 0.75, "margin": 2.0}) == 2.0


@pytest.mark.parametrize("signals", [{}, {"support": math.nan, "margin": math.inf}, {"unknown": 9.0}])
def test_a_signal_that_is_missing_or_not_finite_counts_as_its_mean(signals: dict[str, float]) -> None:
    assert STACKER.log_odds(signals) == 0.5


def test_a_signal_beyond_all_that_was_seen_counts_as_the_furthest_seen() -> None:
    assert STACKER.log_odds({"margin": 1e9}) == STACKER.log_odds({"margin": 4.0})
    assert STACKER.log_odds({"margin": -1e9}) == STACKER.log_odds({"margin": 0.0})


def test_isotonic_lies_on_lines_between_knots_and_is_flat_outside() -> None:
    scale = Isotonic("isotonic", (0.0, 1.0, 3.0), (0.1, 0.5, 0.7))
    assert [scale.probability(x) for x in (-5, 0.0, 0.5, 1.0, 2.0, 3.0, 9)] == pytest.approx(
        [0.1, 0.1, 0.3, 0.5, 0.6, 0.7, 0.7]
    )


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2), st.sampled_from(["en", "zh"]))
def test_probabilities_lie_in_0_to_1_and_keep_the_order_of_log_odds(
    log_odds: list[float], language: str
) -> None:
    scale = CALIBRATOR.scales.get(language, CALIBRATOR.scales[POOLED])
    low, high = (scale.probability(x) for x in sorted(log_odds))
    assert 0 <= low <= high <= 1


def test_the_logistic_function_does_not_overflow() -> None:
    assert (logistic(-1e308), logistic(0.0), logistic(1e308)) == (0.0, 0.5, 1.0)


def test_a_language_without_its_own_scale_uses_the_pooled_one() -> None:
    assert CALIBRATOR.probability({}, "fr") == logistic(0.5)
    assert CALIBRATOR.probability({}, "zh") == pytest.approx(0.2 + 0.6 * 0.75)


@pytest.mark.parametrize(
    ("max_risk", "groups", "value", "is_certified"),
    [
        (0.1, (), 0.8, True),
        (0.15, (), 0.8, True),
        (0.5, (), 0.6, True),
        (0.1, ("language:zh",), 0.9, True),
        (0.1, ("domain:legal", "language:zh"), 0.9, True),
        (0.2, ("language:zh",), 0.9, True),  # the proof at .1 goes before the best known at .2
    ],
)
def test_the_threshold_is_the_largest_proved_risk_in_the_nearest_group(
    max_risk: float, groups: tuple[str, ...], value: float, is_certified: bool
) -> None:
    found = CALIBRATOR.threshold_for(max_risk, groups)
    assert (found.value, found.certificate is not None) == (value, is_certified)


def test_a_risk_below_every_target_asks_for_the_probability_itself() -> None:
    assert CALIBRATOR.threshold_for(0.02, ()) == Threshold(POOLED, 0.02, 0.98, coverage=None)


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "calibrator.json"
    path.write_text(calibrator_to_json(CALIBRATOR), encoding="utf-8")
    assert load_calibrator(path) == CALIBRATOR


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("version",), 2, "version"),
        (("pipeline",), None, "pipeline"),
        (("stackers", POOLED, "weights", 0, "deviation"), 0, "support"),
        (("scales", "zh", "x"), [1.0, -1.0], "ascending"),
        (("scales", POOLED, "slope"), -1.0, "slope"),
        (("stackers",), {}, "stackers"),
    ],
)
def test_a_damaged_file_is_refused_with_the_field_at_fault(
    place: tuple[str | int, ...], value: object, named: str
) -> None:
    data = json.loads(calibrator_to_json(CALIBRATOR))
    at = data
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    with pytest.raises(InvalidRequestError, match=rf"some\.json is no calibrator .*{named}"):
        calibrator_from_json(json.dumps(data), "some.json")


def test_a_calibrator_needs_a_pooled_scale() -> None:
    with pytest.raises(ValueError, match="scales need an entry 'all'"):
        replace(CALIBRATOR, scales={"zh": CALIBRATOR.scales["zh"]})


def test_a_calibrator_is_read_without_scikit_learn() -> None:
    code = "import sys, rag.calibrator; assert not {'sklearn', 'scipy', 'mapie'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
