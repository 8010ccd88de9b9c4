"""Folders become collections: what is new, changed, gone, failing, continued, refused."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_memory import WordEmbedder

from ingest.discover import discover
from ingest.ingestion import UPLOADS_AT_ONCE, Ingestion
from ingest.jobs import FileStatus, IngestOptions, Job, JobStatus
from ingest.pipeline import Progress
from ingest.text_document import TextDocument
from ingest.wiring import open_ingestion
from rag.domain import Question
from rag.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    UnreadableDocumentError,
)
from rag.settings import Settings
from rag.system import System
from rag.wiring import open_system


class CountingEmbedder(WordEmbedder):
    """Counts the texts it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.embedded = 0

    def embed(self, texts):  # type: ignore[no-untyped-def]  # as its parent
        self.embedded += len(texts)
        return super().embed(texts)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    settings = Settings(home=tmp_path / "home", ingest_roots=(tmp_path / "allowed",))
    with open_system(settings, embedder=CountingEmbedder()) as opened:
        yield opened


@pytest.fixture
def ingestion(system: System) -> Iterator[Ingestion]:
    opened = open_ingestion(system)
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "documents"
    (root / "legal").mkdir(parents=True)
    (root / "legal" / "lease.md").write_text("# Lease\n\nThe rent is due on the first day of each month.\n")
    (root / "合同.txt").write_text("第一条 租金每月一日支付。😀\n")
    (root / "dose.txt").write_text("The dose is 5 mg cafe\u0301 daily.\n")
    return root


def ingest(ingestion: Ingestion, folder: Path, **options: object) -> Job:
    return ingestion.ingest_folder(folder, "c", IngestOptions(**options), lambda _: None)  # type: ignore[arg-type]


def counts(job: Job) -> dict[str, int]:
    return {str(status): number for status, number in job.counts.items()} | {"unchanged": job.unchanged}


def uris(system: System) -> list[str]:
    return sorted(document.uri for document in system.store.documents("c"))


def test_a_folder_is_indexed_and_can_be_searched(system: System, ingestion: Ingestion, folder: Path) -> None:
    seen: list[Progress] = []
    job = ingestion.ingest_folder(folder, "c", IngestOptions(), seen.append)
    assert job.status is JobStatus.DONE
    assert counts(job) == {"indexed": 3, "unchanged": 0}
    assert (seen[-1].files_done, seen[-1].files_total) == (3, 3)
    best = system.search(Question("when is the rent due", "c")).hits[0].chunk
    assert best.document.uri == "legal/lease.md"
    assert best.text == system.store.text(best.document.id)[best.start : best.end]
    assert system.check("c").is_equal


def test_a_second_run_changes_nothing_and_embeds_nothing(
    system: System, ingestion: Ingestion, folder: Path
) -> None:
    ingest(ingestion, folder)
    before = system.embedder.embedded  # type: ignore[attr-defined]
    change = system.store.collection("c").last_change
    assert counts(ingest(ingestion, folder)) == {"unchanged": 3}
    assert system.embedder.embedded == before  # type: ignore[attr-defined]
    assert system.store.collection("c").last_change == change


def test_a_changed_file_is_replaced_and_a_vanished_one_removed(
    system: System, ingestion: Ingestion, folder: Path
) -> None:
    ingest(ingestion, folder)
    (folder / "dose.txt").write_text("The dose is 7 mg daily.\n")
    (folder / "合同.txt").unlink()
    assert counts(ingest(ingestion, folder)) == {"replaced": 1, "removed": 1, "unchanged": 1}
    assert uris(system) == ["dose.txt", "legal/lease.md"]
    found = system.search(Question("dose mg", "c", top_k=50)).hits
    assert all("5 mg" not in hit.chunk.text for hit in found)
    assert system.check("c").is_equal


def test_the_same_bytes_under_two_names_are_two_documents(
    system: System, ingestion: Ingestion, folder: Path
) -> None:
    (folder / "copy.txt").write_bytes((folder / "dose.txt").read_bytes())
    ingest(ingestion, folder)
    assert uris(system) == ["copy.txt", "dose.txt", "legal/lease.md", "合同.txt"]


def test_a_failed_file_stops_no_other_and_is_not_read_again_until_asked(
    system: System, ingestion: Ingestion, folder: Path
) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nonsense")
    (folder / "empty.txt").write_bytes(b"")
    first = ingest(ingestion, folder)
    assert counts(first) == {"indexed": 3, "failed": 2, "unchanged": 0}
    failures = ingestion.jobs.files(first.id, status=FileStatus.FAILED)
    assert [file.uri for file in failures] == ["broken.pdf", "empty.txt"]
    assert failures[1].reason == "the file is empty"
    second = ingest(ingestion, folder)
    assert counts(second) == {"failed": 2, "unchanged": 3}
    assert ingestion.jobs.files(second.id, status=FileStatus.FAILED) == failures
    (folder / "empty.txt").write_text("no longer empty")
    assert counts(ingest(ingestion, folder)) == {"indexed": 1, "failed": 1, "unchanged": 3}
    assert counts(ingest(ingestion, folder, retry_failed=True)) == {"failed": 1, "unchanged": 4}


def test_a_file_that_turns_bad_keeps_its_earlier_revision(
    system: System, ingestion: Ingestion, folder: Path
) -> None:
    ingest(ingestion, folder)
    (folder / "dose.txt").write_bytes(b"")
    assert counts(ingest(ingestion, folder)) == {"failed": 1, "unchanged": 2}
    assert "dose.txt" in uris(system)
    (folder / "dose.txt").unlink()
    assert counts(ingest(ingestion, folder)) == {"removed": 1, "unchanged": 2}
    assert uris(system) == ["legal/lease.md", "合同.txt"]


def test_an_empty_folder_does_not_delete_everything(
    system: System, ingestion: Ingestion, folder: Path, tmp_path: Path
) -> None:
    ingest(ingestion, folder)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(NotFoundError):
        ingest(ingestion, folder)
    folder.mkdir()
    with pytest.raises(InvalidRequestError, match="--allow-empty"):
        ingest(ingestion, folder)
    assert len(uris(system)) == 3
    assert counts(ingest(ingestion, folder, allow_empty=True)) == {"removed": 3, "unchanged": 0}


def test_excluded_files_stay_out_and_go_when_excluded_later(
    system: System, ingestion: Ingestion, folder: Path
) -> None:
    ingest(ingestion, folder, exclude=("legal/",))
    assert uris(system) == ["dose.txt", "合同.txt"]
    assert counts(ingest(ingestion, folder, exclude=("legal/", "*.txt"), allow_empty=True))["removed"] == 2


def test_an_interrupted_job_is_continued_where_it_stopped(
    system: System, ingestion: Ingestion, folder: Path
) -> None:
    with pytest.raises(StoppedError):
        ingestion.ingest_folder(folder, "c", IngestOptions(), stop)
    [unfinished] = ingestion.jobs.unfinished()
    job = ingest(ingestion, folder)
    assert job.id == unfinished.id
    assert job.status is JobStatus.DONE
    assert len(uris(system)) == 3
    assert system.check("c").is_equal


class StoppedError(Exception):
    pass


def stop(_progress: Progress) -> None:
    raise StoppedError


def test_an_interrupted_job_never_undoes_a_later_one_with_other_options(
    system: System, ingestion: Ingestion, folder: Path
) -> None:
    with pytest.raises(StoppedError):
        ingestion.ingest_folder(folder, "c", IngestOptions(), stop)
    [interrupted] = ingestion.jobs.unfinished()
    ingest(ingestion, folder, exclude=("dose*",))
    ingestion.run_job(interrupted.id)
    assert ingestion.jobs.job(interrupted.id).status is JobStatus.CANCELLED
    assert uris(system) == ["legal/lease.md", "合同.txt"]


def test_a_failed_file_that_vanished_is_removed_by_a_retry_too(
    system: System, ingestion: Ingestion, folder: Path
) -> None:
    ingest(ingestion, folder)
    (folder / "dose.txt").write_bytes(b"")
    ingest(ingestion, folder)
    (folder / "dose.txt").unlink()
    assert counts(ingest(ingestion, folder, retry_failed=True)) == {"removed": 1, "unchanged": 2}
    assert uris(system) == ["legal/lease.md", "合同.txt"]


def test_a_cancelled_job_is_not_started_again(system: System, ingestion: Ingestion, folder: Path) -> None:
    owner = system.store.create_collection("c")
    job = ingestion.jobs.create(owner.id, folder, IngestOptions())
    ingestion.jobs.finish(job.id, JobStatus.CANCELLED)
    assert not ingestion.jobs.start(job.id)
    ingestion.run_job(job.id)
    assert system.store.documents("c") == []


def test_the_revision_is_that_of_the_bytes_that_were_read(
    system: System, ingestion: Ingestion, folder: Path
) -> None:
    found = next(file for file in discover(folder, 10**6).found if file.uri == "dose.txt")
    found.path.write_text("Another text by now.")
    draft = ingestion.preparation.prepare_file(found, "source")
    assert draft.revision == hashlib.sha256(b"Another text by now.").hexdigest()


@pytest.mark.parametrize("signal", ["TERM", "INT"])
def test_a_worker_stopped_with_its_server_leaves_its_job_to_the_next_start(
    system: System,
    ingestion: Ingestion,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    signal: str,
) -> None:
    worker = tmp_path / "worker"
    worker.write_text(f"#!/bin/sh\nkill -{signal} $$\n")
    worker.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(worker))
    owner = system.store.create_collection("c")
    job = ingestion.jobs.create(owner.id, folder, IngestOptions())
    ingestion.resume_jobs()
    ingestion.runner.close()
    assert ingestion.jobs.job(job.id).status is JobStatus.QUEUED


def test_a_worker_that_dies_by_itself_fails_its_job(
    system: System, ingestion: Ingestion, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = tmp_path / "worker"
    worker.write_text("#!/bin/sh\nkill -KILL $$\n")
    worker.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(worker))
    owner = system.store.create_collection("c")
    job = ingestion.jobs.create(owner.id, folder, IngestOptions())
    ingestion.resume_jobs()
    thread = ingestion.runner._thread
    if thread is not None:
        thread.join()
    assert ingestion.jobs.job(job.id).status is JobStatus.FAILED
    assert "start the job again" in ingestion.jobs.job(job.id).error


def test_uploads_are_not_touched_by_a_folders_ingestion(
    system: System, ingestion: Ingestion, folder: Path
) -> None:
    system.store.create_collection("c")
    stored = ingestion.upload("上传的文件。\n".encode(), "dose.txt", "c", {"year": 2024})
    assert not stored.was_replaced
    ingest(ingestion, folder)
    assert uris(system) == ["dose.txt", "dose.txt", "legal/lease.md", "合同.txt"]
    assert ingestion.upload(b"A new text of the upload.\n", "dose.txt", "c", {}).was_replaced
    with pytest.raises(UnreadableDocumentError, match="empty"):
        ingestion.upload(b"", "dose.txt", "c", {})
    assert system.store.text(stored.document.id).strip() == "A new text of the upload."


def test_uploads_leave_room_for_questions(system: System, ingestion: Ingestion) -> None:
    system.store.create_collection("c")
    for _ in range(UPLOADS_AT_ONCE):
        assert ingestion.uploading.acquire(blocking=False)
    with pytest.raises(OverloadedError, match="try again"):
        ingestion.upload(b"One more.", "one.txt", "c", {})
    ingestion.uploading.release()
    assert ingestion.upload(b"One more.", "one.txt", "c", {}).document.uri == "one.txt"


def test_plain_texts_are_stored_skipped_and_replaced(system: System, ingestion: Ingestion) -> None:
    texts = [TextDocument(f"{i}", f"Title {i}", f"Body of number {i}.") for i in range(3)]
    assert ingestion.add_texts(texts, "c", "set", lambda _: None) == 3
    assert ingestion.add_texts(texts, "c", "set", lambda _: None) == 0
    texts[1] = TextDocument("1", "Title 1", "Another body.")
    assert ingestion.add_texts(texts, "c", "set", lambda _: None) == 1
    assert system.store.size(system.store.collection("c").id).documents == 3
    assert system.check("c").is_equal


def test_a_text_in_which_nothing_can_be_seen_is_named(ingestion: Ingestion) -> None:
    with pytest.raises(UnreadableDocumentError, match=r"^page-7: "):
        ingestion.add_texts([TextDocument("page-7", "Title", " \u200b ")], "c", "set", lambda _: None)


def test_a_folder_outside_the_configured_roots_is_refused(
    ingestion: Ingestion, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ForbiddenError, match="ATTEST_INGEST_ROOTS"):
        ingestion.start_job(folder, "c", IngestOptions())
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "out").symlink_to(folder)
    with pytest.raises(ForbiddenError):
        ingestion.start_job(allowed / "out", "c", IngestOptions())
    with pytest.raises(ForbiddenError):
        ingestion.start_job(allowed / ".." / "documents", "c", IngestOptions())


def test_a_finished_job_cannot_be_cancelled(ingestion: Ingestion, folder: Path) -> None:
    job = ingest(ingestion, folder)
    with pytest.raises(ConflictError, match="done already"):
        ingestion.cancel_job(job.id)
