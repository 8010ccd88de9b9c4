from dataclasses import replace
from math import isfinite

import pytest
from hand_made import PROOF, hand_made, threshold
from hypothesis import given
from hypothesis import strategies as st
from stored import stored

from rag.calibrators import Assurance
from rag.cite import CitedText, cite
from rag.confidence import confidence_of
from rag.decide import CLOSEST_SOURCES, NO_RISK_NAMED, UNCALIBRATED, YES_OR_NO, decide
from rag.domain import (
    Abstention,
    AbstentionReason,
    Answer,
    Check,
    Chunk,
    Draft,
    DraftSentence,
    Hit,
    Question,
    Quotation,
    Record,
    SearchResult,
    Span,
    SupportLabel,
    UnsupportedPolicy,
    UnsupportedSentence,
)
from rag.feedback import logged_answer
from rag.signals import signals_of

DOCUMENT = stored(uri="lease.md")


def sentence_of(text: str, score: float = 0.9, start: int = 100) -> DraftSentence:
    chunk = Chunk(7, DOCUMENT, 0, start, start + len(text), (), text)
    return DraftSentence(text, (Quotation(chunk, Span(start, start + len(text))),), score)


def hits_of(*scores: float) -> tuple[Hit, ...]:
    return tuple(
        Hit(
            Chunk(i, replace(DOCUMENT, id=i), 0, 0, 500, (), "x" * 500),
            i,
            score,
            {"dense": score / 2, "lexical": 3.0} if i == 1 else {"lexical": 2.0},
        )
        for i, score in enumerate(scores, start=1)
    )


WHO = Question("Who insures the warehouse?", "c")
NOTHING_KNOWN = Assurance(None, is_own=False)


def decided(
    cited: CitedText, hits: tuple[Hit, ...], question: Question = WHO, assurance: Assurance = NOTHING_KNOWN
) -> Answer | Abstention:
    signals = signals_of(question.text, SearchResult(hits, {}, ()), Draft((), {}), cited.citations)
    record = Record(
        id="1",
        question=question,
        language="en",
        generator="extractive",
        evidence=hits,
        confidence=confidence_of(signals, "en", assurance.calibrator),
        timings_ms={},
        warnings=(),
    )
    return decide(record, cited, assurance, 0.25)


@given(st.lists(st.text(alphabet="ab 租金。.-1)\n", min_size=1, max_size=20), max_size=4))
def test_every_citation_is_its_stretch_of_the_answer_and_of_the_source(texts: list[str]) -> None:
    cited = cite([sentence_of(text) for text in texts])
    for citation, text in zip(cited.citations, texts, strict=True):
        [source] = citation.sources
        assert citation.span.of(cited.text) == citation.text == source.cited_text == text
        assert source.span == Span(100, 100 + len(text))


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("Rent is due.", "So is tax.", "Rent is due. So is tax."),
        ("租金到期。", "税也到期。", "租金到期。税也到期。"),
        ("参见 Annex A。", "税也到期。", "参见 Annex A。税也到期。"),
        ("参见 Annex A", "税也到期。", "参见 Annex A\n税也到期。"),
        ("Rent is due in May", "Tax is due.", "Rent is due in May\nTax is due."),
        ('He said "Rent is due."', "So is tax.", 'He said "Rent is due." So is tax.'),
        ("- rent", "- tax", "- rent\n- tax"),
        ("Due are:\n- rent", "Tax too.", "Due are:\n- rent\nTax too."),
    ],
)
def test_sentences_are_joined_as_their_script_and_their_lists_ask(
    first: str, second: str, joined: str
) -> None:
    assert cite([sentence_of(first), sentence_of(second)]).text == joined


def test_the_words_that_answer_go_with_their_quotation() -> None:
    sentence = sentence_of("Rent is due in May.")
    focused = replace(sentence.quotations[0], focus=Span(112, 118))
    [source] = cite([replace(sentence, quotations=(focused,))]).citations[0].sources
    assert source.focus == Span(112, 118)


def test_an_answer_names_the_parts_of_the_question_that_it_leaves_open() -> None:
    outcome = decided(cite([sentence_of("Rent is due.", 0.9)], ("who pays it",)), hits_of(1.0))
    assert isinstance(outcome, Answer)
    assert outcome.missing == ("who pays it",)
    assert logged_answer(outcome).is_answered


@pytest.mark.parametrize(
    ("question", "language", "notes"),
    [
        ("Is the rent due in May?", "en", (YES_OR_NO["en"],)),
        ("租金五月到期吗？", "zh", (YES_OR_NO["zh"],)),
        ("Is the rent due in May?", "ja", (YES_OR_NO["en"],)),
        ("When is the rent due?", "en", ()),
    ],
)
def test_the_conclusion_of_a_yes_or_no_question_is_left_to_the_reader(
    question: str, language: str, notes: tuple[str, ...]
) -> None:
    confidence = confidence_of({"support_maximum": 0.9}, language, None)
    record = Record("1", Question(question, "c"), language, "extractive", hits_of(1.0), confidence, {}, ())
    outcome = decide(record, cite([sentence_of("Rent is due.")]), NOTHING_KNOWN, 0.25)
    assert isinstance(outcome, Answer)
    assert outcome.record.warnings == notes
    refused = decide(record, cite([]), NOTHING_KNOWN, 0.25)
    assert refused.record.warnings == ()


def test_a_sentence_in_other_words_than_its_source_is_unsupported() -> None:
    altered = replace(sentence_of("Rent is due in May."), text="Rent is due in June.")
    cited = cite([altered])
    assert cited.citations[0].support.label is SupportLabel.UNSUPPORTED
    outcome = decided(cited, hits_of(1.0))
    assert isinstance(outcome, Abstention)
    assert outcome.reason is AbstentionReason.UNSUPPORTED


FREE = UnsupportedSentence("Rent is free.", Check.SUPPORT)


@pytest.mark.parametrize("policy", list(UnsupportedPolicy))
def test_what_is_unsupported_is_never_a_part_of_the_answer(policy: UnsupportedPolicy) -> None:
    record = decided(cite([]), hits_of(1.0)).record
    record = replace(record, confidence=replace(record.confidence, score=0.9))
    cited = cite([sentence_of("Rent is due.")], (), [FREE])
    outcome = decide(record, cited, NOTHING_KNOWN, 0.25, policy)
    assert "1 of 2 sentences" in outcome.record.warnings[-1]
    match outcome:
        case Answer():
            assert outcome.text == "Rent is due."
            assert [citation.text for citation in outcome.citations] == ["Rent is due."]
            assert outcome.unsupported == ((FREE,) if policy is UnsupportedPolicy.FLAG else ())
        case Abstention():
            assert (policy, outcome.reason) == (UnsupportedPolicy.ABSTAIN, AbstentionReason.UNSUPPORTED)
    alone = decide(record, cite([], (), [FREE]), NOTHING_KNOWN, 0.25, policy)
    assert isinstance(alone, Abstention)
    assert alone.reason is AbstentionReason.UNSUPPORTED


def test_an_answer_needs_its_best_sentence_to_reach_the_threshold() -> None:
    hits = hits_of(1.0)
    answered = cite([sentence_of("Rent is due.", 0.25), sentence_of("So is tax.", 0.1)])
    assert isinstance(decided(answered, hits), Answer)
    refused = decided(cite([sentence_of("Rent is due.", 0.24)]), hits)
    assert isinstance(refused, Abstention)
    assert refused.reason is AbstentionReason.LOW_CONFIDENCE


def test_a_score_that_is_no_number_reaches_no_threshold_and_can_be_logged() -> None:
    outcome = decided(cite([sentence_of("Rent is due.", float("nan"))]), hits_of(1.0))
    assert isinstance(outcome, Abstention)
    assert outcome.reason is AbstentionReason.LOW_CONFIDENCE
    logged = logged_answer(outcome)
    assert logged.score == 0.0
    assert all(type(value) is float and isfinite(value) for value in logged.signals.values())


def test_an_empty_collection_has_no_evidence() -> None:
    outcome = decided(cite([]), ())
    assert isinstance(outcome, Abstention)
    assert outcome.reason is AbstentionReason.NO_EVIDENCE
    assert outcome.closest_sources == ()


def test_an_abstention_shows_the_beginnings_of_different_documents() -> None:
    outcome = decided(cite([]), hits_of(1.0, 0.8, 0.6, 0.4))
    assert isinstance(outcome, Abstention)
    assert [source.document.id for source in outcome.closest_sources] == [1, 2, 3]
    assert len(outcome.closest_sources) == CLOSEST_SOURCES
    assert all(source.span == Span(0, 400) for source in outcome.closest_sources)


def test_without_a_calibrator_the_score_is_the_best_sentence_s_and_no_probability() -> None:
    confidence = confidence_of({"support_maximum": 0.75, "support_mean": 0.5}, "en", None)
    assert (confidence.score, confidence.is_calibrated, confidence.is_certified) == (0.75, False, False)
    assert confidence.signals == {"support_maximum": 0.75, "support_mean": 0.5}


RENT = cite([sentence_of("Rent is due.", 0.75)])
CERTIFIED = hand_made(
    thresholds=[threshold(0.05, 0.8), threshold(0.1, 0.6, is_certified=True), threshold(0.3, 0.4)]
)


def asked(max_risk: float | None, *, require_certificate: bool = False) -> Question:
    return replace(WHO, max_risk=max_risk, require_certificate=require_certificate)


def test_a_calibrated_score_is_the_probability_and_says_where_it_comes_from() -> None:
    confidence = decided(RENT, hits_of(1.0), WHO, Assurance(CERTIFIED, is_own=False)).record.confidence
    assert confidence.score == pytest.approx(0.75)
    assert confidence.is_calibrated
    assert (confidence.n_calibration, confidence.calibrator) == (200, "by-hand")
    assert (confidence.threshold, confidence.target_risk, confidence.is_certified) == (0.25, None, False)


def test_a_risk_that_is_certified_for_the_collection_is_promised() -> None:
    outcome = decided(RENT, hits_of(1.0), asked(0.1), Assurance(CERTIFIED, is_own=True))
    assert isinstance(outcome, Answer)
    confidence = outcome.record.confidence
    assert (confidence.threshold, confidence.target_risk) == (0.6, 0.1)
    assert (confidence.is_certified, confidence.confidence_level) == (True, PROOF.confidence_level)
    assert outcome.record.warnings == ()


def test_the_shipped_calibrator_promises_nothing_and_the_answer_says_so() -> None:
    outcome = decided(RENT, hits_of(1.0), asked(0.1), Assurance(CERTIFIED, is_own=False))
    assert isinstance(outcome, Answer)
    confidence = outcome.record.confidence
    assert (confidence.threshold, confidence.is_certified, confidence.confidence_level) == (0.6, False, None)
    [warning] = outcome.record.warnings
    assert "0.1 is not certified" in warning


@pytest.mark.parametrize(
    ("max_risk", "threshold_used", "is_answered"),
    [(0.05, 0.8, False), (0.1, 0.6, True), (0.2, 0.6, True), (0.3, 0.6, True), (0.01, 0.99, False)],
)
def test_a_smaller_risk_asks_for_more_confidence(
    max_risk: float, threshold_used: float, is_answered: bool
) -> None:
    outcome = decided(RENT, hits_of(1.0), asked(max_risk), Assurance(CERTIFIED, is_own=True))
    assert outcome.record.confidence.threshold == pytest.approx(threshold_used)
    assert isinstance(outcome, Answer) is is_answered


def test_a_risk_without_a_calibrator_is_not_applied_and_the_answer_says_so() -> None:
    outcome = decided(RENT, hits_of(1.0), asked(0.01))
    assert isinstance(outcome, Answer)
    assert outcome.record.warnings == (UNCALIBRATED,)
    assert outcome.record.confidence.threshold == 0.25


@pytest.mark.parametrize(
    ("question", "assurance"),
    [
        (asked(0.1, require_certificate=True), NOTHING_KNOWN),
        (asked(0.1, require_certificate=True), Assurance(CERTIFIED, is_own=False)),
        (asked(0.05, require_certificate=True), Assurance(CERTIFIED, is_own=True)),
        (asked(0.01, require_certificate=True), Assurance(CERTIFIED, is_own=True)),
        (asked(None, require_certificate=True), Assurance(CERTIFIED, is_own=True)),
    ],
)
def test_where_a_certificate_is_required_and_missing_nothing_is_answered(
    question: Question, assurance: Assurance
) -> None:
    outcome = decided(RENT, hits_of(1.0), question, assurance)
    assert isinstance(outcome, Abstention)
    assert outcome.reason is AbstentionReason.NOT_CERTIFIED
    assert (outcome.message == NO_RISK_NAMED) is (question.max_risk is None)
    assert outcome.closest_sources


def test_a_certificate_that_is_required_and_there_lets_the_answer_through() -> None:
    question = asked(0.1, require_certificate=True)
    assert isinstance(decided(RENT, hits_of(1.0), question, Assurance(CERTIFIED, is_own=True)), Answer)


def test_the_collections_risk_holds_for_questions_that_name_none() -> None:
    own = Assurance(CERTIFIED, is_own=True, max_risk=0.05)
    assert isinstance(decided(RENT, hits_of(1.0), WHO, own), Abstention)
    assert isinstance(decided(RENT, hits_of(1.0), asked(0.1), own), Answer)


def test_a_threshold_of_the_collections_domain_or_of_the_language_goes_before_that_of_all() -> None:
    parts = [threshold(0.1, 0.5), threshold(0.1, 0.6, group="domain:legal")]
    parts.append(threshold(0.1, 0.7, group="language:en"))
    for domain, expected in (("legal", 0.6), ("", 0.7), ("medical", 0.7)):
        own = Assurance(hand_made(thresholds=parts), is_own=True, domain=domain)
        outcome = decided(RENT, hits_of(1.0), asked(0.1), own)
        assert outcome.record.confidence.threshold == expected
