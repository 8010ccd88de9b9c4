import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored import stored

from rag.cite import CitedText, cite
from rag.domain import Chunk, Draft, DraftSentence, Hit, Quotation, SearchResult, Span
from rag.signals import share_of, signals_of

NOTHING_SAID = Draft((), {})


def hit_of(rank: int, text: str, score: float, scores: dict[str, float], document: int = 1) -> Hit:
    return Hit(Chunk(rank, stored(document), 0, 0, len(text), (), text), rank, score, scores)


def said(hit: Hit, text: str, score: float) -> DraftSentence:
    start = hit.chunk.text.index(text)
    return DraftSentence(text, (Quotation(hit.chunk, Span(start, start + len(text))),), score)


def found_of(hits: Sequence[Hit]) -> SearchResult:
    return SearchResult(tuple(hits), {}, ())


INSURANCE = hit_of(1, "The tenant insures it. Rent is due in May.", 1.0, {"dense": 0.5, "lexical": 3.0})
ROOF = hit_of(2, "The warehouse has a roof.", 0.75, {"dense": 0.25, "lexical": 2.0}, document=2)
YARD = hit_of(3, "A yard.", 0.25, {"lexical": 1.0}, document=3)
HITS = (INSURANCE, ROOF, YARD)
FOUND = found_of(HITS)
ANSWER = cite([said(INSURANCE, "The tenant insures it.", 0.75), said(INSURANCE, "Rent is due in May.", 0.25)])


def test_every_signal_is_what_it_says() -> None:
    draft = Draft((), {"best_lead": 0.5})
    assert signals_of("Who insures the warehouse?", FOUND, draft, ANSWER.citations) == {
        "support_maximum": 0.75,
        "support_mean": 0.5,
        "answer_characters": 41.0,  # 22 and 19
        "answer_has_several_documents": 0.0,
        "asks_number": 0.0,
        "asks_time": 0.0,
        "asks_place": 0.0,
        "asks_yes_no": 0.0,
        "kind_found": 1.0,  # a person: "May" could be one
        "kind_missing": 0.0,
        "retrieval_margin": 0.25,
        "retrieval_margin_last": 0.75,
        "searchers_agree": 1.0,
        "same_document": pytest.approx(1 / 3),
        "question_coverage": 0.5,  # "insur" of "insur" and "warehous"
        "first_hit_coverage": 0.5,
        "evidence_coverage": 1.0,
        "best_lead": 0.5,
    }


def test_chinese_words_are_covered_like_english_ones() -> None:
    hit = hit_of(1, "承租人负责为仓库投保。租金每月支付。", 1.0, {"lexical": 3.0})
    cited = cite([said(hit, "租金每月支付。", 0.5)])
    signals = signals_of("仓库投保", found_of([hit]), NOTHING_SAID, cited.citations)
    assert (signals["first_hit_coverage"], signals["evidence_coverage"]) == (1.0, 1.0)
    assert signals["question_coverage"] == 0.0
    assert signals["answer_characters"] == 7.0


def test_a_chinese_question_that_ends_in_ma_asks_for_yes_or_no() -> None:
    assert signals_of("仓库投保了吗？", FOUND, NOTHING_SAID, ANSWER.citations)["asks_yes_no"] == 1.0


def test_a_kind_that_the_answer_lacks_is_missing() -> None:
    signals = signals_of("How many tenants are there?", FOUND, NOTHING_SAID, ANSWER.citations)
    assert (signals["asks_number"], signals["kind_found"], signals["kind_missing"]) == (1.0, 0.0, 1.0)


def test_a_kind_without_a_form_of_its_own_is_neither_found_nor_missing() -> None:
    signals = signals_of("What about the rent?", FOUND, NOTHING_SAID, ANSWER.citations)
    assert (signals["kind_found"], signals["kind_missing"]) == (0.5, 0.0)


def test_an_answer_from_two_documents_says_so() -> None:
    both = cite(
        [said(INSURANCE, "The tenant insures it.", 0.5), said(ROOF, "The warehouse has a roof.", 0.5)]
    )
    signals = signals_of("Who insures the warehouse?", FOUND, NOTHING_SAID, both.citations)
    assert signals["answer_has_several_documents"] == 1.0


@pytest.mark.parametrize(
    ("first", "second", "agree"),
    [
        ({"dense": 0.5, "lexical": 3.0}, {"dense": 0.4, "lexical": 2.0}, 1.0),
        ({"dense": 0.5, "lexical": 1.0}, {"dense": 0.4, "lexical": 2.0}, 0.0),
        ({"lexical": 3.0}, {"dense": 0.4, "lexical": 2.0}, 0.0),
        ({"lexical": 3.0}, {"lexical": 2.0}, 1.0),  # a Chinese question: only words were searched
    ],
)
def test_searchers_agree_where_none_puts_another_hit_first(
    first: dict[str, float], second: dict[str, float], agree: float
) -> None:
    hits = [replace(INSURANCE, scores=first), replace(ROOF, scores=second)]
    assert signals_of("Who?", found_of(hits), NOTHING_SAID, ANSWER.citations)["searchers_agree"] == agree


def test_a_lone_hit_is_ahead_of_nothing_by_its_own_score() -> None:
    alone = found_of([replace(INSURANCE, score=0.625)])
    signals = signals_of("Who insures the warehouse?", alone, NOTHING_SAID, ANSWER.citations)
    assert (signals["retrieval_margin"], signals["retrieval_margin_last"]) == (0.625, 0.625)


def test_no_signal_grows_with_how_rare_a_word_is_in_the_collection() -> None:
    rarer = found_of([replace(hit, scores={"lexical": 9 * hit.scores["lexical"]}) for hit in HITS])
    common = found_of([replace(hit, scores={"lexical": hit.scores["lexical"]}) for hit in HITS])
    first, second = (signals_of("Who?", found, NOTHING_SAID, ANSWER.citations) for found in (rarer, common))
    assert first == second


def test_without_hits_and_without_an_answer_the_names_are_the_same() -> None:
    empty = signals_of("Who insures the warehouse?", found_of(()), NOTHING_SAID, ())
    assert empty.keys() == signals_of("Who?", FOUND, NOTHING_SAID, ANSWER.citations).keys()
    assert {name for name, value in empty.items() if value} == {"kind_missing"}


@given(st.text(alphabet="ab 租金吗多少?？ 12", max_size=20), st.lists(st.sampled_from(HITS), max_size=4))
def test_whatever_is_asked_every_signal_is_a_finite_number(question: str, hits: list[Hit]) -> None:
    cited: CitedText = cite([said(hit, hit.chunk.text, 0.5) for hit in hits[:2]])
    signals = signals_of(question, found_of(hits), NOTHING_SAID, cited.citations)
    assert all(math.isfinite(value) for value in signals.values())
    assert all(
        0 <= signals[name] <= 1 for name in signals if name.endswith(("coverage", "document", "found"))
    )


def test_the_share_of_nothing_asked_is_zero() -> None:
    assert share_of(frozenset(), [frozenset({"rent"})]) == 0.0
    assert share_of(frozenset({"rent", "roof"}), [frozenset({"rent", "due"}), frozenset({"rent"})]) == 0.5
