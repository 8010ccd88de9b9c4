from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.cite import CitedText, cite
from rag.confidence import confidence_of
from rag.decide import CLOSEST_SOURCES, decide
from rag.domain import (
    Abstention,
    AbstentionReason,
    Answer,
    Chunk,
    Document,
    DraftSentence,
    Hit,
    Question,
    Record,
    Span,
    SupportLabel,
)

DOCUMENT = Document(
    id=1,
    collection="c",
    source="folder",
    uri="lease.md",
    revision="r",
    title="Lease",
    language="en",
    media_type="text/plain",
    metadata={},
    characters=1000,
    pages=(),
    updated_at="",
)


def sentence_of(text: str, score: float = 0.9, start: int = 100) -> DraftSentence:
    chunk = Chunk(7, DOCUMENT, 0, start, start + len(text), (), text)
    return DraftSentence(text, chunk, Span(start, start + len(text)), score)


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


def decided(cited: CitedText, hits: tuple[Hit, ...], minimum: float = 0.25) -> Answer | Abstention:
    record = Record(
        id="1",
        question=Question("Who insures the warehouse?", "c"),
        language="en",
        generator="extractive",
        evidence=hits,
        confidence=confidence_of(cited.citations, hits, "Who?"),
        timings_ms={},
        warnings=(),
    )
    return decide(record, cited, minimum)


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
        ("参见 Annex A", "税也到期。", "参见 Annex A税也到期。"),
        ("- rent", "- tax", "- rent\n- tax"),
        ("Due are:\n- rent", "Tax too.", "Due are:\n- rent\nTax too."),
    ],
)
def test_sentences_are_joined_as_their_script_and_their_lists_ask(
    first: str, second: str, joined: str
) -> None:
    assert cite([sentence_of(first), sentence_of(second)]).text == joined


def test_a_sentence_in_other_words_than_its_source_is_unsupported() -> None:
    altered = replace(sentence_of("Rent is due in May."), text="Rent is due in June.")
    cited = cite([altered])
    assert cited.citations[0].support.label is SupportLabel.UNSUPPORTED
    outcome = decided(cited, hits_of(1.0))
    assert isinstance(outcome, Abstention)
    assert outcome.reason is AbstentionReason.UNSUPPORTED


def test_an_answer_needs_its_best_sentence_to_reach_the_threshold() -> None:
    hits = hits_of(1.0)
    answered = cite([sentence_of("Rent is due.", 0.25), sentence_of("So is tax.", 0.1)])
    assert isinstance(decided(answered, hits), Answer)
    refused = decided(cite([sentence_of("Rent is due.", 0.24)]), hits)
    assert isinstance(refused, Abstention)
    assert refused.reason is AbstentionReason.LOW_CONFIDENCE


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


def test_signals_are_what_they_say() -> None:
    cited = cite([sentence_of("The tenant insures it.", 0.75), sentence_of("Rent is due.", 0.25)])
    confidence = confidence_of(cited.citations, hits_of(1.0, 0.75), "Who insures the warehouse?")
    assert confidence.score == 0.75
    assert not confidence.is_calibrated
    assert confidence.signals == {
        "support_maximum": 0.75,
        "support_mean": 0.5,
        "answer_sentences": 2.0,
        "answer_characters": 34.0,
        "retrieval_margin": 0.25,
        "searchers_agreeing": 1.0,
        "passage_similarity": 0.5,
        "question_coverage": 0.5,  # "insur" of "insur" and "warehous"
    }


def test_without_an_answer_and_without_hits_every_signal_is_zero() -> None:
    assert set(confidence_of((), (), "Who?").signals.values()) == {0.0}
