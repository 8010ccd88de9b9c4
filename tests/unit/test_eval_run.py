import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evals.commands import eval_
from evals.data import DataError, Query
from evals.records import Header, Record, RunFolder
from evals.run import CHUNKS_ASKED, DOCUMENTS_RANKED, ask_all, record_of, score
from rag.domain import Chunk, Document, Hit, Question, SearchResult
from rag.errors import ConflictError, StoreUnavailableError

QUERIES = tuple(Query(str(i), f"question {i}", (f"d{i}",)) for i in range(6))
HEADER = Header(
    suite="retrieval/mtrag",
    split="all",
    limit=None,
    seed=0,
    questions=6,
    data_hash="abc",
    embedding_model="model",
    embedding_fingerprint="f",
    commit="c",
    versions={"python": "3"},
    started_at="2026-01-01T00:00:00+00:00",
)


def hit(uri: str, rank: int, part: int = 0) -> Hit:
    document = Document(
        id=rank,
        collection="c",
        source="s",
        uri=uri,
        revision="r",
        title="",
        language="en",
        media_type="text/plain",
        metadata={},
        characters=100,
        pages=(),
        updated_at="",
    )
    chunk = Chunk(rank, document, part, part * 10, part * 10 + 10, (), "ten chars.")
    return Hit(chunk, rank, 1 / rank, {"dense": 0.5})


@dataclass
class Shelf:
    """Finds `documents` documents of `parts` chunks each, one after the other; counts its searches."""

    documents: int
    parts: int = 1
    failing: frozenset[str] = frozenset()
    asked: list[int] = field(default_factory=list)

    def search(self, question: Question) -> SearchResult:
        self.asked.append(question.top_k)
        if question.text in self.failing:
            raise StoreUnavailableError("the database is locked; try again")
        hits = (hit(f"d{n // self.parts}", n + 1, n % self.parts) for n in range(self.documents * self.parts))
        return SearchResult(tuple(hits)[: question.top_k], {"dense": 1.0}, ())


def run(folder: RunFolder, shelf: Shelf, stop_after: int | None = None) -> None:
    folder.begin(HEADER)
    for number, _ in enumerate(ask_all(shelf.search, "c", QUERIES, folder), start=1):
        if number == stop_after:
            break


def contents(folder: RunFolder) -> tuple[bytes, bytes, bytes]:
    score(folder)
    names = ("header.json", "records.jsonl", "metrics.json")
    header, records, metrics = ((folder.path / name).read_bytes() for name in names)
    return header, records, metrics


def test_a_document_ranks_where_its_best_chunk_does() -> None:
    record = record_of(Shelf(documents=3, parts=2).search, "c", QUERIES[0])
    assert [item.id for item in record.ranked] == ["d0", "d1", "d2"]
    assert [item.score for item in record.ranked] == [1, 1 / 3, 1 / 5]
    assert [(c.document, c.start) for c in record.chunks][:3] == [("d0", 0), ("d0", 10), ("d1", 0)]


def test_more_chunks_are_asked_for_until_enough_documents_are_ranked() -> None:
    shelf = Shelf(documents=300, parts=5)
    record = record_of(shelf.search, "c", QUERIES[0])
    assert shelf.asked == [CHUNKS_ASKED, 2 * CHUNKS_ASKED, 4 * CHUNKS_ASKED]
    assert [item.id for item in record.ranked] == [f"d{n}" for n in range(DOCUMENTS_RANKED)]


def test_a_small_collection_is_asked_once() -> None:
    shelf = Shelf(documents=3)
    record_of(shelf.search, "c", QUERIES[0])
    assert shelf.asked == [CHUNKS_ASKED]


def test_a_question_that_fails_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    run(folder, Shelf(documents=10, failing=frozenset({"question 2"})))
    errors = {record.id: record.error for record in folder.records() if record.error}
    assert errors == {"2": "StoreUnavailableError: the database is locked; try again"}
    assert {item.n for item in score(folder)} == {6}


@pytest.mark.parametrize("torn", [b"", b'{"id": "3", "question": "que'])
def test_a_run_that_was_interrupted_ends_with_the_same_files(tmp_path: Path, torn: bytes) -> None:
    whole = RunFolder(tmp_path / "whole")
    run(whole, Shelf(documents=10))
    parts = RunFolder(tmp_path / "parts")
    run(parts, Shelf(documents=10), stop_after=2)
    assert len(list(parts.records())) == 2
    with (parts.path / "records.jsonl").open("ab") as records:
        records.write(torn)
    shelf = Shelf(documents=10)
    run(parts, shelf)
    assert len(shelf.asked) == 4
    assert contents(parts) == contents(whole)


def test_a_finished_run_asks_nothing_again(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    run(folder, Shelf(documents=10))
    shelf = Shelf(documents=10)
    run(folder, shelf)
    assert shelf.asked == []


def test_another_run_is_refused_and_the_difference_named(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(HEADER)
    later = replace(HEADER, started_at="2026-02-02T00:00:00+00:00")
    assert folder.begin(later) == HEADER
    with pytest.raises(ConflictError, match="data_hash was 'abc' and is 'def'"):
        folder.begin(replace(HEADER, data_hash="def"))


def test_records_without_a_header_are_refused(tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").write_text("{}\n")
    with pytest.raises(ConflictError, match="no header"):
        RunFolder(tmp_path).begin(HEADER)


def test_a_damaged_record_is_named_by_its_line(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    run(folder, Shelf(documents=2), stop_after=1)
    with (tmp_path / "records.jsonl").open("a") as records:
        records.write('{"id": 7}\n')
    with pytest.raises(DataError, match="line 2"):
        list(folder.records())


def test_a_record_survives_its_line(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    record = record_of(Shelf(documents=2).search, "c", Query("一", "民法典是什么？", ("d1",)))

    def one() -> Iterator[Record]:
        yield record

    list(folder.append(one()))
    assert list(folder.records()) == [record]
    assert "民法典是什么？" in (tmp_path / "records.jsonl").read_text(encoding="utf-8")


def test_the_metrics_of_a_run_can_be_computed_again_from_the_command_line(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    run(folder, Shelf(documents=10))
    result = CliRunner().invoke(eval_, ["score", str(tmp_path)])
    assert result.exit_code == 0
    assert "MRR@10" in result.output
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    # The gold document of question i stands at rank i + 1.
    assert metrics["MRR@10"]["value"] == pytest.approx(sum(1 / n for n in range(1, 7)) / 6, abs=1e-6)


def test_missing_data_is_one_line_and_status_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTEST_DATA", str(tmp_path / "none"))
    result = CliRunner().invoke(eval_, ["run", "retrieval/mtrag", "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert "ATTEST_DATA" in result.output


def test_the_list_names_every_suite() -> None:
    result = CliRunner().invoke(eval_, ["list"])
    assert [line.split()[0] for line in result.output.splitlines()] == [
        "retrieval/bioasq",
        "retrieval/mtrag",
        "retrieval/ir_cranfield",
        "retrieval/stard",
    ]
