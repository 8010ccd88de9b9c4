"""The comparison of a GPU with the CPU, on machines that have none."""

import faiss
import pytest

from evals.bench import gpu_check
from evals.bench.gpu_check import Row, SkippedError, check_search, handbook_passages, main, per_second
from rag.adapters import faiss_gpu
from rag.adapters.faiss_index import new_index


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_check, "SECONDS", 0.0)


def test_a_copy_that_answers_alike_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_gpu, "gpu_is_there", lambda: True)
    monkeypatch.setattr(faiss_gpu, "copied_to_gpu", faiss.clone_index)
    rows = check_search(500)
    assert [(row.agreement, row.agrees) for row in rows] == [("recall@10 1.0000", True)] * 2


def test_a_copy_that_finds_nothing_does_not_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_gpu, "gpu_is_there", lambda: True)
    monkeypatch.setattr(faiss_gpu, "copied_to_gpu", lambda _index: new_index(gpu_check.DIMENSION))
    assert not any(row.agrees for row in check_search(500))


@pytest.mark.parametrize(("agrees", "status"), [(True, None), (False, "the GPU does not agree with the CPU")])
def test_the_exit_status_tells_whether_they_agree(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], agrees: bool, status: str | None
) -> None:
    def skipped(_passages: list[str]) -> list[Row]:
        raise SkippedError("torch sees no GPU")

    monkeypatch.setattr("sys.argv", ["gpu_check"])
    monkeypatch.setattr(gpu_check, "check_search", lambda _count: [Row("queries", 2, 8, "recall", agrees)])
    monkeypatch.setattr(gpu_check, "check_encoder", skipped)
    monkeypatch.setattr(gpu_check, "check_reader", skipped)
    found = None
    try:
        main()
    except SystemExit as end:
        found = end.code
    assert found == status
    printed = capsys.readouterr().out
    assert "encoder: skipped, torch sees no GPU" in printed
    assert "| queries | 2.0 | 8.0 | 4.0 |" in printed


def test_passages_are_as_many_as_asked_for_and_differ() -> None:
    passages = handbook_passages(64)
    assert len(set(passages)) == 64
    assert {len(passage.split()) for passage in passages} == {gpu_check.WORDS}


def test_a_rate_counts_what_each_call_does() -> None:
    assert per_second(10, lambda: None) > 10
