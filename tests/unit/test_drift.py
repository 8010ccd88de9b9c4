import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rag.calibrator import POOLED, Calibrator, Certificate, Sigmoid, Stacker, Threshold, Weight
from rag.drift import Drift, drift_of
from rag.feedback import FeedbackSample

FITTED = datetime(2026, 1, 1, tzinfo=UTC)
PROOF = Certificate(0.9, 100, 60, 1)
# The probability is the logistic of the signal `s`, so s = 0 is one half.
CALIBRATOR = Calibrator(
    version=1,
    id="abc",
    created_at=FITTED.isoformat(),
    pipeline="p1",
    stackers={POOLED: Stacker((Weight("s", -10.0, 10.0, 0.0, 1.0, 1.0),), 0.0)},
    scales={POOLED: Sigmoid("sigmoid", 1.0, 0.0)},
    thresholds=(
        Threshold(POOLED, 0.1, 0.5, 0.6, PROOF),
        Threshold(POOLED, 0.2, 0.4, 0.8, PROOF),
        Threshold(POOLED, 0.3, 0.1, 0.9),
    ),
    sets=(),
    n_calibration=100,
)


def _stream(wrong: list[bool], *, signal: float = 2.0, pipeline: str = "p1") -> list[FeedbackSample]:
    return [
        FeedbackSample(
            answer_id=f"{number:04}",
            asked_at=(FITTED + timedelta(hours=number + 1)).isoformat(),
            language="en",
            domain="",
            pipeline=pipeline,
            score=0.0,
            signals={"s": signal},
            is_correct=not is_wrong,
        )
        for number, is_wrong in enumerate(wrong)
    ]


def _draws(risk: float, n: int) -> list[bool]:
    source = random.Random(7)
    return [source.random() < risk for _ in range(n)]


def test_no_verdict_is_no_drift() -> None:
    assert drift_of(CALIBRATOR, []) == Drift(0.2, 0.4, 0, 0, 0.0, False, "")


def test_a_risk_as_certified_is_believed() -> None:
    found = drift_of(CALIBRATOR, _stream(_draws(0.2, 400)))
    assert (found.n, found.target_risk, found.is_drifting, found.since) == (400, 0.2, False, "")
    assert 0.15 < found.risk < 0.25


def test_a_risk_far_above_the_certified_one_is_noticed_and_the_moment_is_named() -> None:
    found = drift_of(CALIBRATOR, _stream([*_draws(0.1, 100), *_draws(0.6, 200)]))
    assert found.is_drifting
    noticed = datetime.fromisoformat(found.since)
    assert FITTED + timedelta(hours=100) < noticed < FITTED + timedelta(hours=300)
    assert found.wrong == round(found.risk * found.n)


def test_the_risk_to_watch_can_be_named() -> None:
    assert drift_of(CALIBRATOR, [], max_risk=0.1).threshold == 0.5
    assert drift_of(CALIBRATOR, [], max_risk=0.15).target_risk == 0.1


def test_answers_below_the_threshold_of_another_pipeline_or_fitted_on_do_not_count() -> None:
    wrong = [True] * 50
    before = [FeedbackSample("a", FITTED.isoformat(), "en", "", "p1", 0.9, {"s": 2.0}, is_correct=False)]
    others = [*_stream(wrong, signal=-2.0), *_stream(wrong, pipeline="p0"), *before]
    assert drift_of(CALIBRATOR, others).n == 0


def test_without_any_certificate_the_largest_risk_known_is_watched() -> None:
    uncertified = Threshold(POOLED, 0.3, 0.1, 0.9)
    shipped = Calibrator(
        1, "s", CALIBRATOR.created_at, "p1", CALIBRATOR.stackers, CALIBRATOR.scales, (uncertified,), (), 9
    )
    found = drift_of(shipped, _stream([False]))
    assert (found.threshold, found.n) == (0.1, 1)


@pytest.mark.parametrize(
    ("language", "domain", "n", "threshold"),
    [("en", "", 1, 0.5), ("zh", "", 0, 0.5), ("zh", "legal", 1, 0.2)],
)
def test_an_answer_is_held_to_the_threshold_of_its_domain_and_language(
    language: str, domain: str, n: int, threshold: float
) -> None:
    parts = (
        Threshold(POOLED, 0.1, 0.5, 0.6, PROOF),
        Threshold("language:zh", 0.1, 0.95, 0.3, PROOF),
        Threshold("domain:legal", 0.1, 0.2, 0.3, PROOF),
    )
    [sample] = _stream([True], signal=2.0)  # a probability of .88
    given = replace(sample, language=language, domain=domain)
    found = drift_of(replace(CALIBRATOR, thresholds=parts), [given], max_risk=0.1)
    assert (found.n, found.threshold) == (n, threshold)
