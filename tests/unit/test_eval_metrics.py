import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.data import DataError
from evals.metrics import Measured, bootstrap_interval, measure, metrics_json
from evals.records import RankedDocument, Record


def record(name: str, gold: tuple[str, ...], ranked: tuple[str, ...], error: str = "") -> Record:
    documents = tuple(RankedDocument(item, 0.5) for item in ranked)  # equal scores: ranks must decide
    return Record(name, "what?", gold, documents, (), error=error)


def values(*records: Record) -> dict[str, float]:
    return {item.name: item.value for item in measure(records)}


def test_a_single_gold_document_at_rank_two_has_the_textbook_values() -> None:
    found = values(record("q", ("b",), ("a", "b", "c")))
    assert found["nDCG@10"] == pytest.approx(1 / math.log2(3), abs=1e-6)
    assert found["MRR@10"] == 0.5
    assert found["R@10"] == found["R@100"] == 1.0


def test_gold_documents_at_ranks_one_and_three_of_three_wanted() -> None:
    found = values(record("q", ("a", "c", "z"), ("a", "b", "c")))
    gained = 1 + 1 / math.log2(4)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert found["nDCG@10"] == pytest.approx(gained / ideal, abs=1e-6)
    assert found["R@10"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["MRR@10"] == 1.0


def test_a_document_past_rank_ten_counts_for_recall_at_100_only() -> None:
    ranked = tuple(f"d{i:02}" for i in range(20))
    found = values(record("q", ("d10",), ranked))
    assert (found["nDCG@10"], found["R@10"], found["MRR@10"], found["R@100"]) == (0, 0, 0, 1)


def test_questions_that_failed_or_found_nothing_stay_in_the_denominator() -> None:
    records = (
        record("found", ("a",), ("a",)),
        record("empty", ("a",), ()),
        record("failed", ("a",), (), error="StoreUnavailableError: the database is locked"),
        record("wrong", ("a",), ("b",)),
    )
    for item in measure(records):
        assert (item.value, item.n) == (0.25, 4)


def test_no_records_are_no_zero() -> None:
    with pytest.raises(DataError, match="no records"):
        measure(())


def test_a_question_counted_twice_is_refused() -> None:
    with pytest.raises(DataError, match="two records"):
        measure((record("q", ("a",), ("a",)), record("q", ("a",), ("a",))))


def test_the_file_has_value_interval_and_n_by_measure() -> None:
    text = metrics_json([Measured("R@10", 0.5, 0.25, 0.75, 8)])
    assert json.loads(text) == {"R@10": {"value": 0.5, "low": 0.25, "high": 0.75, "n": 8}}


def test_equal_values_have_no_interval() -> None:
    assert bootstrap_interval(np.full(7, 0.4)) == (0.4, 0.4)


def test_the_interval_of_a_coin_is_close_to_the_normal_one() -> None:
    low, high = bootstrap_interval(np.repeat([0.0, 1.0], 200))
    half = 1.96 * math.sqrt(0.25 / 400)
    assert low == pytest.approx(0.5 - half, abs=0.01)
    assert high == pytest.approx(0.5 + half, abs=0.01)


@given(st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=30))
def test_the_interval_lies_within_the_values_and_is_always_the_same(scores: list[float]) -> None:
    array = np.array(scores)
    low, high = bootstrap_interval(array)
    assert array.min() <= low <= high <= array.max()
    assert (low, high) == bootstrap_interval(array)
