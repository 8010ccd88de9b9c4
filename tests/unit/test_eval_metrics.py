import math
from dataclasses import replace

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, R, nDCG
from made_records import made

from evals.metrics.bootstrap import measure
from evals.metrics.ranking import passage_recall, ranking, relevance
from evals.questions import Gold
from evals.records import ChunkScore, Place, RankedDocument, Record


def ranked(name: str, gold: tuple[str, ...], found: tuple[str, ...], error: str = "") -> Record:
    documents = tuple(RankedDocument(item, 0.5) for item in found)  # equal scores: ranks must decide
    return replace(made(name), gold=Gold(documents=gold), ranked=documents, error=error)


def values(*records: Record) -> dict[str, float]:
    return {item.name: item.value for item in measure(list(ranking(records)), [r.id for r in records])}


def test_a_single_gold_document_at_rank_two_has_the_textbook_values() -> None:
    found = values(ranked("q", ("b",), ("a", "b", "c")))
    assert found["nDCG@10"] == pytest.approx(1 / math.log2(3), abs=1e-6)
    assert found["MRR@10"] == 0.5
    assert found["R@10"] == found["R@100"] == 1.0


def test_gold_documents_at_ranks_one_and_three_of_three_wanted() -> None:
    found = values(ranked("q", ("a", "c", "z"), ("a", "b", "c")))
    gained = 1 + 1 / math.log2(4)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert found["nDCG@10"] == pytest.approx(gained / ideal, abs=1e-6)
    assert found["R@10"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["MRR@10"] == 1.0


def test_a_document_past_rank_ten_counts_for_recall_at_100_only() -> None:
    found = values(ranked("q", ("d10",), tuple(f"d{i:02}" for i in range(20))))
    assert (found["nDCG@10"], found["R@10"], found["MRR@10"], found["R@100"]) == (0, 0, 0, 1)


def test_questions_that_failed_or_found_nothing_stay_in_the_denominator() -> None:
    records = (
        ranked("found", ("a",), ("a",)),
        ranked("empty", ("a",), ()),
        ranked("failed", ("a",), (), error="StoreUnavailableError: the database is locked"),
        ranked("wrong", ("a",), ("b",)),
    )
    for item in measure(list(ranking(records)), [r.id for r in records]):
        assert (item.value, item.n) == (0.25, 4)


def test_a_question_that_no_document_answers_is_not_ranked() -> None:
    records = (ranked("found", ("a",), ("a",)), ranked("none", (), ("a",)))
    assert {(m.value, m.n) for m in measure(list(ranking(records)), ["1", "2"])} == {(1.0, 1)}


documents = st.sampled_from("abcdefghijklmnopqrst")


@given(st.lists(st.tuples(st.sets(documents, min_size=1), st.lists(documents, unique=True)), min_size=1))
def test_the_means_are_those_of_ir_measures(questions: list[tuple[set[str], list[str]]]) -> None:
    records = [ranked(str(i), tuple(sorted(g)), tuple(f)) for i, (g, f) in enumerate(questions)]
    qrels = {str(i): dict.fromkeys(gold, 1) for i, (gold, _) in enumerate(questions)}
    run = {str(i): {d: 100.0 - r for r, d in enumerate(found)} for i, (_, found) in enumerate(questions)}
    wanted = ir_measures.calc_aggregate([nDCG @ 10, R @ 10, R @ 100, RR @ 10], qrels, run)
    found = {m.name: float(m.statistic(np.ones((1, len(records))))[0]) for m in ranking(records)}
    assert found["nDCG@10"] == pytest.approx(wanted[nDCG @ 10])
    assert found["R@10"] == pytest.approx(wanted[R @ 10])
    assert found["R@100"] == pytest.approx(wanted[R @ 100])
    assert found["MRR@10"] == pytest.approx(wanted[RR @ 10])


def retrieved(name: str, *chunks: tuple[str, int, int]) -> Record:
    """A question whose answer stands at 100 to 120 of the handbook."""
    return replace(
        made(name, expected=("ninety days",)),
        gold_places=(Place("handbook", 100, 120),),
        chunks=tuple(ChunkScore(document, start, end, 0.5, {}) for document, start, end in chunks),
    )


def test_a_passage_is_retrieved_when_one_of_ten_chunks_holds_it_whole() -> None:
    others = [("annex", 0, 900)] * 9
    records = (
        retrieved("first", ("handbook", 100, 120)),
        retrieved("tenth", *others, ("handbook", 0, 900)),
        retrieved("eleventh", *others, ("annex", 0, 900), ("handbook", 0, 900)),
        retrieved("cut", ("handbook", 0, 119), ("handbook", 119, 900)),
        replace(retrieved("failed"), error="StoreUnavailableError: the database is locked"),
        replace(retrieved("unanswerable", ("annex", 0, 900)), is_answerable=False),
    )
    (found,) = measure(list(passage_recall(records)), [record.id for record in records])
    assert (found.name, found.value, found.n) == ("passage_R@10", 0.4, 5)


def test_without_gold_spans_there_is_no_passage_to_retrieve() -> None:
    assert list(passage_recall([replace(made("q"), gold=Gold(documents=("handbook",)))])) == []


def reranked(name: str, *chunks: tuple[int, float | None]) -> Record:
    """A question whose answer stands at 100 to 120; chunks of 50 characters by their start and relevance."""
    scored = tuple(
        ChunkScore("handbook", start, start + 50, 0.5, {} if score is None else {"relevance": score})
        for start, score in chunks
    )
    return replace(
        made(name, expected=("ninety days",)), gold_places=(Place("handbook", 100, 120),), chunks=scored
    )


def test_relevance_tells_chunks_with_the_gold_from_others_over_all_pairs() -> None:
    records = (
        reranked("right", (100, 0.9), (0, 0.2)),
        reranked("wrong", (0, 0.5), (100, 0.4)),
        reranked("tied", (50, 0.4)),
        reranked("not reranked", (100, None), (0, None)),
        replace(reranked("unanswerable", (0, 1.0)), is_answerable=False),
        replace(made("failed", expected=("ninety days",)), error="StoreUnavailableError: it is locked"),
    )
    (found,) = measure(list(relevance(records)), [record.id for record in records])
    # .9 is above .2, .5 and .4; .4 is above .2, below .5 and even with .4
    assert (found.name, found.value, found.n) == ("relevance_AUROC", 0.75, 3)


def test_a_question_drawn_twice_counts_its_pairs_twice() -> None:
    records = (reranked("right", (100, 0.9), (0, 0.2)), reranked("wrong", (0, 0.5), (100, 0.4)))
    (metric,) = relevance(records)
    # (.9 and twice .4) against (.2 and twice .5): 1 + 2 right of 9 by .9, 2 x 1 right by .4
    assert metric.statistic(np.array([[1.0, 2.0], [1.0, 0.0]])) == pytest.approx([5 / 9, 1.0])


def test_without_a_reranker_relevance_is_not_measured() -> None:
    assert list(relevance([reranked("q", (100, None))])) == []
    assert list(relevance([replace(reranked("q", (100, 1.0)), gold=Gold(documents=("handbook",)))])) == []


@given(
    st.lists(st.lists(st.tuples(st.sampled_from([0, 100]), st.sampled_from([0.1, 0.5, 0.9])), max_size=4)),
    st.data(),
)
def test_pairs_of_drawn_questions_are_those_of_a_longer_list(
    chunks: list[list[tuple[int, float]]], data: st.DataObject
) -> None:
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(chunks), max_size=len(chunks)))
    records = [reranked(str(i), *found) for i, found in enumerate(chunks)]
    drawn = [r for record, count in zip(records, times, strict=True) for r in [record] * count]
    wanted = [m.statistic(np.ones((1, len(drawn))))[0] for m in relevance(drawn)]
    found = [m.statistic(np.array([times], dtype=np.float64))[0] for m in relevance(records)]
    assert wanted == pytest.approx(found[: len(wanted)], nan_ok=True)
