"""A calibrator whose every probability can be told by looking: it is the best sentence's score."""

from collections.abc import Sequence

from rag.calibrator import (
    POOLED,
    Calibrator,
    Certificate,
    CurvePoint,
    FittedOn,
    Isotonic,
    Stacker,
    Threshold,
    Weight,
)

PIPELINE = "0123456789abcdef"
PROOF = Certificate(confidence_level=0.9, n=300, accepted=100, wrong=4)


def hand_made(
    pipeline: str = PIPELINE, thresholds: Sequence[Threshold] = (), name: str = "by-hand"
) -> Calibrator:
    """Its probability is `support_maximum`, kept between 0.01 and 0.99."""
    weight = Weight("support_maximum", lowest=0, highest=1, mean=0, deviation=1, coefficient=1)
    return Calibrator(
        version=1,
        id=name,
        created_at="2026-01-01T00:00:00+00:00",
        pipeline=pipeline,
        stackers={POOLED: Stacker((weight,), intercept=0)},
        scales={POOLED: Isotonic("isotonic", x=(0.01, 0.99), y=(0.01, 0.99))},
        thresholds=tuple(thresholds),
        sets=(FittedOn("own/questions", "an expert said so", fit=100, calibrate=200, tune=50, certify=300),),
        n_calibration=200,
        reliability=(CurvePoint(predicted=0.25, observed=0.5, n=20),),
    )


def threshold(risk: float, value: float, *, group: str = POOLED, is_certified: bool = False) -> Threshold:
    """Answer from `value` on for a risk; half of the questions reach it."""
    return Threshold(group, risk, value, 0.5, PROOF if is_certified else None)
