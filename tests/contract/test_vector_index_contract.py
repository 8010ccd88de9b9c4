"""What every vector index must do; the one in memory is the measure of the others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_memory import DIMENSION, SPACE, MemoryVectorIndex

from rag.adapters.faiss_index import SNAPSHOT, FaissIndex
from rag.domain import EmbeddingSpace, Vectors
from rag.intake import Position
from rag.ports import VectorIndex

OpenIndex = Callable[[Path, EmbeddingSpace], VectorIndex]
BOTH = pytest.mark.parametrize("open_index", [MemoryVectorIndex, FaissIndex])


def unit_vectors(count: int, seed: int = 0) -> Vectors:
    rows = (
        np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float16).astype(np.float32)
    )
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def ids(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


@BOTH
def test_the_nearest_come_first(open_index: OpenIndex, tmp_path: Path) -> None:
    index, rows = open_index(tmp_path, SPACE), unit_vectors(100)
    index.add(np.arange(100, dtype=np.int64), rows)
    expected = np.argsort(-(rows @ rows[7]))[:5]
    assert [hit.chunk_id for hit in index.search(rows[7:8], 5, None)] == list(expected)


@BOTH
def test_equal_scores_are_ordered_by_id(open_index: OpenIndex, tmp_path: Path) -> None:
    index, row = open_index(tmp_path, SPACE), unit_vectors(1)
    index.add(ids(9, 3, 5), np.repeat(row, 3, axis=0))
    assert [hit.chunk_id for hit in index.search(row, 3, None)] == [3, 5, 9]


@BOTH
def test_a_filter_is_exact_and_fails_closed(open_index: OpenIndex, tmp_path: Path) -> None:
    index, rows = open_index(tmp_path, SPACE), unit_vectors(50)
    index.add(np.arange(50, dtype=np.int64), rows)
    assert {hit.chunk_id for hit in index.search(rows[:1], 10, ids(3, 4, 999))} == {3, 4}
    assert index.search(rows[:1], 10, ids()) == []
    assert index.search(rows[:1], 10, ids(999)) == []


@BOTH
def test_a_removed_id_is_gone_and_a_second_add_replaces(open_index: OpenIndex, tmp_path: Path) -> None:
    index, rows = open_index(tmp_path, SPACE), unit_vectors(3)
    index.add(ids(1, 2), rows[:2])
    index.remove(ids(1, 77))
    index.add(ids(2), rows[2:])
    assert list(index.ids()) == [2]
    assert index.search(rows[2:], 9, None)[0].score == pytest.approx(1, abs=1e-3)


@BOTH
def test_an_empty_index_finds_nothing(open_index: OpenIndex, tmp_path: Path) -> None:
    index = open_index(tmp_path, SPACE)
    assert index.position() is None
    assert index.search(unit_vectors(1), 5, None) == []
    assert len(index.ids()) == 0


@settings(max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=40))
def test_faiss_does_what_the_index_in_memory_does(steps: list[tuple[bool, int]]) -> None:
    faiss_index, memory = FaissIndex(Path("unused"), SPACE), MemoryVectorIndex()
    for number, (is_add, chunk_id) in enumerate(steps):
        for index in (faiss_index, memory):
            if is_add:
                index.add(ids(chunk_id), unit_vectors(1, number))
            else:
                index.remove(ids(chunk_id))
    assert list(faiss_index.ids()) == list(memory.ids())
    question = unit_vectors(1, 999)
    found, expected = (index.search(question, 10, None) for index in (faiss_index, memory))
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], abs=2e-3)


def saved(folder: Path) -> FaissIndex:
    index = FaissIndex(folder, SPACE)
    index.add(ids(1, 2), unit_vectors(2))
    index.commit(Position(5, "token"))
    index.close()
    return index


def test_a_snapshot_brings_back_vectors_and_position(tmp_path: Path) -> None:
    saved(tmp_path)
    again = FaissIndex(tmp_path, SPACE)
    assert (again.position(), list(again.ids())) == (Position(5, "token"), [1, 2])
    assert [path.name for path in tmp_path.iterdir()] == [SNAPSHOT]


@pytest.mark.parametrize("keep", [0, 1, 40, 200, -1])
def test_a_torn_snapshot_counts_as_none(tmp_path: Path, keep: int) -> None:
    saved(tmp_path)
    path = tmp_path / SNAPSHOT
    path.write_bytes(path.read_bytes()[:keep])
    assert FaissIndex(tmp_path, SPACE).position() is None


def test_a_flipped_byte_in_a_snapshot_is_noticed(tmp_path: Path) -> None:
    saved(tmp_path)
    path = tmp_path / SNAPSHOT
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert FaissIndex(tmp_path, SPACE).position() is None


def test_a_snapshot_of_another_space_counts_as_none(tmp_path: Path) -> None:
    saved(tmp_path)
    other = EmbeddingSpace("words", "words-2", DIMENSION, 254)
    assert FaissIndex(tmp_path, other).position() is None
