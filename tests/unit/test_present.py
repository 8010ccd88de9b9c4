"""What a score is said to mean in a terminal and in JSON."""

from dataclasses import replace

import pytest

from rag.domain import Answer, Confidence, Question, Record
from rag.present import outcome_to_json, outcome_to_text

UNCALIBRATED = Confidence(0.75, is_calibrated=False, is_certified=False, signals={}, threshold=0.25)
CALIBRATED = replace(UNCALIBRATED, is_calibrated=True, n_calibration=5000, calibrator="abc")
CERTIFIED = replace(CALIBRATED, is_certified=True, threshold=0.6, target_risk=0.1, confidence_level=0.9)


def answer(confidence: Confidence) -> Answer:
    record = Record("1", Question("押金？", "c"), "zh", "extractive", (), confidence, {}, ())
    return Answer(record, "押金为三个月租金。", ())


@pytest.mark.parametrize(
    ("confidence", "said"),
    [
        (UNCALIBRATED, "confidence 0.75, not calibrated: it orders answers, it is no probability"),
        (CALIBRATED, "confidence 0.75: the probability of being right, calibrated on n = 5,000 answers"),
        (CERTIFIED, "certified: at most 10 % of such answers are wrong (90 % confidence)"),
    ],
)
def test_a_score_is_called_what_it_is(confidence: Confidence, said: str) -> None:
    text = outcome_to_text(answer(confidence))
    assert text.endswith(said)
    assert ("not calibrated" in text) is not confidence.is_calibrated
    assert ("certified:" in text) is confidence.is_certified


def test_the_json_has_everything_that_is_known_of_the_confidence() -> None:
    assert outcome_to_json(answer(CERTIFIED))["confidence"] == {
        "score": 0.75,
        "calibrated": True,
        "certified": True,
        "threshold": 0.6,
        "target_risk": 0.1,
        "confidence_level": 0.9,
        "n_calibration": 5000,
        "calibrator": "abc",
        "answerable": None,
        "minimum_answerable": None,
        "signals": {},
    }
