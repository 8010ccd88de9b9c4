"""Two rankings become one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.domain import ScoredId
from rag.fuse import DENSE_SHARE, UNREADABLE, dense_weight, fuse

RANKINGS = st.lists(
    st.builds(ScoredId, st.integers(0, 20), st.floats(-1, 50, width=32)),
    max_size=20,
    unique_by=lambda hit: hit.chunk_id,
)


def ranking(**scores: float) -> list[ScoredId]:
    return [ScoredId(int(name[1:]), score) for name, score in scores.items()]


def test_scores_are_stretched_and_weighed() -> None:
    fused = fuse({"dense": ranking(c1=0.9, c2=0.5), "lexical": ranking(c2=20, c3=15, c4=10)}, dense_share=0.4)
    assert [(hit.chunk_id, hit.scores) for hit in fused] == [
        (2, {"dense": 0.5, "lexical": 20}),
        (1, {"dense": 0.9}),
        (3, {"lexical": 15}),
        (4, {"lexical": 10}),
    ]
    assert [hit.score for hit in fused] == pytest.approx([0.6, 0.4, 0.3, 0.0])


def test_equal_scores_are_ordered_by_id() -> None:
    fused = fuse({"dense": ranking(c7=1, c3=1), "lexical": []}, dense_share=0.4)
    assert [(hit.chunk_id, hit.score) for hit in fused] == [(3, 1), (7, 1)]


def test_one_ranking_alone_weighs_everything() -> None:
    assert [hit.score for hit in fuse({"dense": [], "lexical": ranking(c1=9, c2=8)}, 0.4)] == [1, 0]
    assert [hit.score for hit in fuse({"lexical": ranking(c1=9)}, 0.4)] == [1]
    assert fuse({"dense": [], "lexical": []}, 0.4) == []


def test_a_ranking_without_weight_says_nothing() -> None:
    assert [h.chunk_id for h in fuse({"dense": ranking(c1=1), "lexical": ranking(c2=1)}, 0.0)] == [2]


def test_the_vectors_fall_silent_when_the_model_cannot_read_the_question() -> None:
    assert dense_weight(0) == DENSE_SHARE
    assert dense_weight(UNREADABLE / 2) == pytest.approx(DENSE_SHARE / 2)
    assert dense_weight(UNREADABLE) == dense_weight(1) == 0


@given(RANKINGS, RANKINGS, st.floats(0, 1))
def test_every_chunk_appears_once_best_first_within_bounds(
    dense: list[ScoredId], lexical: list[ScoredId], share: float
) -> None:
    fused = fuse({"dense": dense, "lexical": lexical}, share)
    keys = [(-hit.score, hit.chunk_id) for hit in fused]
    assert keys == sorted(keys)
    assert len({hit.chunk_id for hit in fused}) == len(fused)
    assert all(-1e-9 <= hit.score <= 1 + 1e-9 for hit in fused)
    if 0 < share < 1:
        assert {hit.chunk_id for hit in fused} == {hit.chunk_id for hit in [*dense, *lexical]}


@given(RANKINGS, RANKINGS)
def test_the_order_of_the_input_does_not_matter(dense: list[ScoredId], lexical: list[ScoredId]) -> None:
    backwards = fuse({"lexical": lexical[::-1], "dense": dense[::-1]}, 0.4)
    assert [h.chunk_id for h in fuse({"dense": dense, "lexical": lexical}, 0.4)] == [
        h.chunk_id for h in backwards
    ]
