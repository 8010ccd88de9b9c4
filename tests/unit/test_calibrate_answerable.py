from dataclasses import replace

import numpy as np
import pytest
from synthetic_samples import samples

from evals.calibrate.answerable import FALSE_ABSTENTION, even_weights, fit_answerability
from evals.calibrate.calibration import calibrate_on, decided_on
from evals.calibrate.fit import suite_weights, with_unanswerable_share
from evals.calibrate.samples import Sample, Samples
from rag.calibrator import POOLED, Answerability, Calibrator, calibrator_from_json, calibrator_to_json


def both_kinds(n: int, *, seed: int, suite: str = "removed/one", language: str = "en") -> list[Sample]:
    """Half are unanswerable; their signal `held` is lower by two deviations, and their answers are wrong."""
    rng = np.random.default_rng(seed)
    return [
        replace(
            sample,
            signals={**sample.signals, "held": float(rng.normal(0 if number % 2 else 2))},
            is_answerable=number % 2 == 0,
            is_correct=sample.is_correct and number % 2 == 0,
        )
        for number, sample in enumerate(samples(n, seed=seed, suite=suite, language=language))
    ]


def refused(known: Answerability, asked: list[Sample]) -> float:
    below = [known.of(s.signals, s.language) < known.minimum_for(s.language) for s in asked]
    return sum(below) / len(below)


def test_unanswerable_questions_are_refused_and_few_answerable_ones() -> None:
    known = fit_answerability(both_kinds(1000, seed=1), both_kinds(1000, seed=2))
    assert known is not None
    new = both_kinds(2000, seed=3)
    assert refused(known, [s for s in new if s.is_answerable]) == pytest.approx(FALSE_ABSTENTION, abs=0.03)
    assert refused(known, [s for s in new if not s.is_answerable]) > 0.6


def test_a_language_of_its_own_gets_its_own_weights_and_minimum() -> None:
    fit = [*both_kinds(600, seed=1), *both_kinds(600, seed=2, suite="removed/two", language="zh")]
    known = fit_answerability(fit, fit)
    assert known is not None
    assert set(known.stackers) == set(known.minimum) == {POOLED, "en", "zh"}


def test_sets_without_unanswerable_questions_teach_nothing() -> None:
    assert fit_answerability(samples(500), samples(500)) is None
    with_both = both_kinds(600, seed=1)
    alone, beside = (
        fit_answerability(with_both, with_both),
        fit_answerability([*with_both, *samples(500, suite="reading/two")], with_both),
    )
    assert alone == beside


def test_each_kind_of_each_suite_weighs_the_same() -> None:
    asked = [*both_kinds(100, seed=1), *both_kinds(10, seed=2, suite="removed/small")]
    weights = even_weights(asked)
    for suite in ("removed/one", "removed/small"):
        for kind in (True, False):
            own = [
                w for w, s in zip(weights, asked, strict=True) if (s.suite, s.is_answerable) == (suite, kind)
            ]
            assert sum(own) == pytest.approx(len(asked) / 4)


def test_what_is_refused_as_out_of_scope_counts_as_not_accepted_when_certifying() -> None:
    asked = both_kinds(1200, seed=4)
    made = calibrate_on(
        Samples(tuple(asked), "p", {"removed/one": "x"}, "2026-01-01T00:00:00+00:00", {}),
        confidence_level=0.9,
        seed=0,
    ).calibrator
    known = made.answerability
    assert known is not None
    for sample, probability in zip(asked, decided_on(made, asked).probability, strict=True):
        is_refused = known.of(sample.signals, "en") < known.minimum_for("en")
        assert (probability == 0) == is_refused


def test_unanswerable_questions_can_be_given_the_share_that_people_ask() -> None:
    asked = [*both_kinds(200, seed=1), *samples(300, suite="reading/one")]
    weighted = with_unanswerable_share(asked, 0.1)
    in_vain = [s.is_answerable is False for s in weighted]
    assert sum(suite_weights(weighted)[in_vain]) / len(weighted) == pytest.approx(0.1)
    assert with_unanswerable_share(samples(50), 0.1) == tuple(samples(50))


def test_answerability_survives_its_file() -> None:
    asked = both_kinds(1200, seed=5)
    made: Calibrator = calibrate_on(
        Samples(tuple(asked), "p", {"removed/one": "x"}, "2026-01-01T00:00:00+00:00", {}),
        confidence_level=0.9,
        seed=0,
    ).calibrator
    assert calibrator_from_json(calibrator_to_json(made), "file") == made


def test_a_stacker_without_a_minimum_is_refused() -> None:
    known = fit_answerability(both_kinds(600, seed=1), both_kinds(600, seed=2))
    assert known is not None
    with pytest.raises(ValueError, match="a minimum for each stacker"):
        Answerability(known.stackers, {})
