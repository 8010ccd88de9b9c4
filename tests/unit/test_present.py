"""What a score is said to mean in a terminal and in JSON."""

from dataclasses import replace

import pytest
from stored import stored

from api.schemas import OutcomeOut, ShortAnswer
from rag.cite import cite
from rag.domain import (
    Answer,
    Check,
    Chunk,
    Confidence,
    DraftSentence,
    Question,
    Quotation,
    Record,
    Span,
    UnsupportedSentence,
)
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


LEASE = stored(uri="lease.md")


def answer_of(focus: Span | None, missing: tuple[str, ...] = ()) -> Answer:
    text = "Rent is due in May."
    chunk = Chunk(7, LEASE, 0, 100, 100 + len(text), (), text)
    cited = cite([DraftSentence(text, (Quotation(chunk, Span(100, 119), focus),), 0.9)], missing)
    return replace(answer(CALIBRATED), text=cited.text, citations=cited.citations, missing=missing)


def test_the_words_that_answer_are_bold_in_the_quotation_and_named_in_the_json() -> None:
    outcome = answer_of(Span(112, 118))
    assert "“Rent is due \x1b[1min May\x1b[0m.”" in outcome_to_text(outcome)
    source = OutcomeOut.model_validate(outcome_to_json(outcome)).citations[0].sources[0]
    assert source.answer == ShortAnswer(start_char_index=112, end_char_index=118, text="in May")


def test_without_a_reader_no_words_are_marked() -> None:
    outcome = answer_of(None)
    assert "“Rent is due in May.”" in outcome_to_text(outcome)
    assert OutcomeOut.model_validate(outcome_to_json(outcome)).citations[0].sources[0].answer is None


def test_what_is_flagged_is_shown_as_unsupported_and_below_the_answer() -> None:
    flagged = replace(answer_of(None), unsupported=(UnsupportedSentence("Rent is free.", Check.SUPPORT),))
    assert outcome_to_json(flagged)["unsupported"] == [{"text": "Rent is free.", "failed": "support"}]
    lines = outcome_to_text(flagged).splitlines()
    assert lines[0] == "Rent is due in May. [1]"
    assert "not supported (support): Rent is free." in lines[1:]


def test_a_partial_answer_says_what_is_missing() -> None:
    whole, part = answer_of(None), answer_of(None, ("who pays it",))
    assert (outcome_to_json(whole)["status"], outcome_to_json(whole)["missing"]) == ("answered", [])
    assert (outcome_to_json(part)["status"], outcome_to_json(part)["missing"]) == ("partial", ["who pays it"])
    assert "not answered: who pays it" in outcome_to_text(part)
    assert "not answered" not in outcome_to_text(whole)
