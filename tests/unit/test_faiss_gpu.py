"""Which searches go to the GPU: against a faiss that says it has one, and keeps its copies in memory."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faiss
import numpy as np
import pytest
from in_memory import DIMENSION, SPACE
from structlog.testing import capture_logs

from rag.adapters import faiss_gpu
from rag.adapters.faiss_gpu import SEARCHES_BEFORE_COPY, GpuCopy, gpu_is_there
from rag.adapters.faiss_index import FaissIndex, new_index
from rag.domain import Vectors
from rag.intake import Position


class FakeGpu:
    """What faiss-gpu adds to faiss; a copy on it is one more index in memory, which counts its searches."""

    def __init__(self, gpus: int = 1) -> None:
        self.gpus = gpus
        self.copies = 0
        self.searches = 0
        self.full = False

    def get_num_gpus(self) -> int:
        return self.gpus

    def StandardGpuResources(self) -> SimpleNamespace:  # noqa: N802 - faiss's name
        return SimpleNamespace(setTempMemory=lambda _size: None)

    def index_cpu_to_gpu(self, _resources: object, _device: int, index: Any) -> SimpleNamespace:
        if self.full:
            raise RuntimeError("out of memory")
        self.copies += 1
        copy = faiss.clone_index(index)

        def search(vector: Vectors, k: int) -> Any:
            self.searches += 1
            return copy.search(vector, k)

        return SimpleNamespace(search=search)


@pytest.fixture(autouse=True)
def forget_what_was_seen() -> Iterator[None]:
    gpu_is_there.cache_clear()
    yield
    gpu_is_there.cache_clear()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeGpu:
    fake = FakeGpu()
    monkeypatch.setattr(faiss_gpu, "faiss", fake)
    return fake


def unit_vectors(count: int) -> Vectors:
    rows = np.random.default_rng(0).standard_normal((count, DIMENSION))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def ids(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def filled(folder: Path) -> FaissIndex:
    index = FaissIndex(folder, SPACE)
    index.add(ids(1, 2, 3), unit_vectors(3))
    return index


def search_until_copied(index: FaissIndex) -> None:
    for _ in range(SEARCHES_BEFORE_COPY + 1):
        index.search(unit_vectors(1), 2, None)


def test_an_index_that_stands_still_is_copied_once_and_the_copy_answers_alike(
    gpu: FakeGpu, tmp_path: Path
) -> None:
    index = filled(tmp_path)
    first = index.search(unit_vectors(1), 2, None)
    search_until_copied(index)
    assert index.search(unit_vectors(1), 2, None) == first
    assert (gpu.copies, gpu.searches) == (1, 3)


def test_after_a_change_searches_see_it_and_the_index_is_copied_anew(gpu: FakeGpu, tmp_path: Path) -> None:
    index = filled(tmp_path)
    search_until_copied(index)
    index.remove(ids(1))
    assert {hit.chunk_id for hit in index.search(unit_vectors(1), 9, None)} == {2, 3}
    search_until_copied(index)
    assert {hit.chunk_id for hit in index.search(unit_vectors(1), 9, None)} == {2, 3}
    assert gpu.copies == 2
    index.clear()
    assert index.search(unit_vectors(1), 9, None) == []


def test_a_filter_is_searched_on_the_cpu(gpu: FakeGpu, tmp_path: Path) -> None:
    index = filled(tmp_path)
    search_until_copied(index)
    searches = gpu.searches
    assert {hit.chunk_id for hit in index.search(unit_vectors(1), 9, ids(2, 3, 4))} == {2, 3}
    assert gpu.searches == searches


def test_more_hits_than_a_gpu_selects_come_from_the_cpu(gpu: FakeGpu) -> None:
    index = new_index(DIMENSION)
    index.add_with_ids(np.repeat(unit_vectors(1), 3000, axis=0), np.arange(3000))
    copy = GpuCopy()
    for _ in range(SEARCHES_BEFORE_COPY + 1):
        copy.search(index, unit_vectors(1), 2)
    _, found = copy.search(index, unit_vectors(1), 3000)
    assert len(set(found[0])) == 3000
    assert gpu.searches == 1


def test_a_gpu_without_memory_leaves_the_search_to_the_cpu_and_says_so_once(
    gpu: FakeGpu, tmp_path: Path
) -> None:
    index = filled(tmp_path)
    gpu.full = True
    with capture_logs() as logs:
        search_until_copied(index)
        index.remove(ids(3))
        search_until_copied(index)
    assert [entry["error"] for entry in logs] == ["out of memory"]
    assert len(index.search(unit_vectors(1), 9, None)) == 2


def test_what_is_saved_is_the_index_in_memory(gpu: FakeGpu, tmp_path: Path) -> None:
    index = filled(tmp_path / "copied")
    search_until_copied(index)
    never_copied = filled(tmp_path / "plain")
    for each in (index, never_copied):
        each.commit(Position(5, "token"))
        each.close()
    copied, plain = (next((tmp_path / name).iterdir()).read_bytes() for name in ("copied", "plain"))
    assert copied == plain


def test_a_faiss_for_gpus_that_sees_none_says_so_once_and_stays_on_the_cpu(
    gpu: FakeGpu, tmp_path: Path
) -> None:
    gpu.gpus = 0
    with capture_logs() as logs:
        search_until_copied(filled(tmp_path / "one"))
        search_until_copied(filled(tmp_path / "two"))
    assert [entry["event"] for entry in logs] == ["faiss sees no GPU: vectors are searched on the CPU"]
    assert gpu.copies == 0


def test_a_faiss_for_cpus_says_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(faiss_gpu, "faiss", SimpleNamespace())
    with capture_logs() as logs:
        search_until_copied(filled(tmp_path))
    assert logs == []
