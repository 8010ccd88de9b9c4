"""Folders ingested over HTTP, by a worker process beside the server."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from ingest.jobs import IngestOptions, JobStatus
from rag.system import System

SECONDS = 60  # far more than a job of three files takes: a bound for a broken worker


def start(client: TestClient, folder: Path | str, collection: str = "jobs", **options: object) -> Response:
    body = {"folder": str(folder), "collection": collection, **options}
    return client.post("/v1/ingest-jobs", json=body)


def finished(client: TestClient, accepted: Response) -> dict[str, Any]:
    """The job when it has ended, polled at its Location."""
    assert accepted.status_code == 202, accepted.text
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        job: dict[str, Any] = client.get(accepted.headers["Location"]).json()
        if job["status"] not in ("queued", "running"):
            return job
        time.sleep(0.1)
    raise AssertionError(f"the job did not end: {job}")


@pytest.fixture(scope="module")
def folder(roots: Path) -> Path:
    made = roots / "contracts"
    (made / "sub").mkdir(parents=True)
    (made / "lease.md").write_text("# Lease\n\nThe monthly rent is 77 euros.\n")
    (made / "sub" / "工资.txt").write_text("员工的月工资为八千元。\n")
    (made / "broken.pdf").write_bytes(b"%PDF-1.7\nno pdf")
    (made / "draft.txt").write_text("This draft is left out.\n")
    return made


@pytest.fixture(scope="module")
def job(client: TestClient, folder: Path) -> Iterator[dict[str, Any]]:
    yield finished(client, start(client, folder, exclude=["draft.txt"]))
    client.delete("/v1/collections/jobs")


def test_a_job_reports_its_progress_and_what_became_of_each_file(
    client: TestClient, job: dict[str, Any]
) -> None:
    assert (job["status"], job["error"]) == ("done", "")
    assert (job["files_done"], job["files_total"]) == (3, 3)
    assert job["counts"] == {"indexed": 2, "replaced": 0, "removed": 0, "failed": 1, "unchanged": 0}
    assert job["exclude"] == ["draft.txt"]
    path = f"/v1/ingest-jobs/{job['id']}/files"
    files = client.get(path).json()["files"]
    assert {item["uri"]: item["status"] for item in files} == {
        "broken.pdf": "failed",
        "lease.md": "indexed",
        "sub/工资.txt": "indexed",
    }
    [failed] = client.get(path, params={"status": "failed"}).json()["files"]
    assert failed["uri"] == "broken.pdf"
    assert failed["reason"]
    assert job in client.get("/v1/ingest-jobs", params={"collection": "jobs"}).json()["jobs"]


def test_the_report_is_read_page_by_page(client: TestClient, job: dict[str, Any]) -> None:
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        parameters: dict[str, str | int] = {"after": after, "limit": 1}
        page = client.get(f"/v1/ingest-jobs/{job['id']}/files", params=parameters).json()
        seen += [item["uri"] for item in page["files"]]
        after = page["next_after"]
    assert sorted(seen) == ["broken.pdf", "lease.md", "sub/工资.txt"]


def test_what_a_job_stored_is_found_by_this_process(client: TestClient, job: dict[str, Any]) -> None:
    body = {"question": "What is the monthly rent?", "collection": "jobs"}
    texts = [hit["text"] for hit in client.post("/v1/search", json=body).json()["hits"]]
    assert any("77 euros" in text for text in texts)
    assert not any("draft" in text for text in texts)


def test_a_retry_is_a_new_job_that_reads_only_the_failed_files_again(
    client: TestClient, job: dict[str, Any]
) -> None:
    again = finished(client, client.post(f"/v1/ingest-jobs/{job['id']}/retry"))
    assert again["id"] > job["id"]
    assert again["retry_failed"] is True
    assert again["counts"] == {"indexed": 0, "replaced": 0, "removed": 0, "failed": 1, "unchanged": 2}


def test_a_finished_job_cannot_be_cancelled(client: TestClient, job: dict[str, Any]) -> None:
    response = client.post(f"/v1/ingest-jobs/{job['id']}/cancel")
    assert response.status_code == 409
    assert response.json()["type"] == "urn:attest:conflict"


@pytest.mark.parametrize("folder_name", ["/etc", "contracts/../..", "/~nobody/x", "/" + "x" * 300, "/x\n"])
def test_a_folder_outside_the_allowed_roots_is_forbidden(
    client: TestClient, roots: Path, folder_name: str
) -> None:
    path = roots / folder_name if folder_name.startswith("contracts") else folder_name
    response = start(client, path, "forbidden")
    assert response.status_code == 403, response.text
    assert "ATTEST_INGEST_ROOTS" in response.json()["detail"]
    assert client.get("/v1/collections/forbidden").status_code == 404


def test_a_link_out_of_the_allowed_roots_is_forbidden(client: TestClient, roots: Path) -> None:
    (roots / "way-out").symlink_to("/etc")
    assert start(client, roots / "way-out", "forbidden").status_code == 403


@pytest.mark.parametrize("folder_name", ["contracts", "~/contracts", "~nobody/x", "./x", ""])
def test_a_folder_is_named_by_its_whole_path(client: TestClient, folder_name: str) -> None:
    response = start(client, folder_name, "forbidden")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "folder"


def test_a_waiting_job_is_cancelled_and_does_not_run(
    client: TestClient, system: System, folder: Path, collection: str, ingestion: Any
) -> None:
    waiting = ingestion.jobs.create(system.store.collection(collection).id, folder, IngestOptions())
    response = client.post(f"/v1/ingest-jobs/{waiting.id}/cancel")
    assert response.status_code == 200
    assert response.json()["status"] == "cancelled"
    assert ingestion.jobs.job(waiting.id).status is JobStatus.CANCELLED


def test_a_second_job_on_the_same_folder_is_a_conflict(
    client: TestClient, system: System, folder: Path, collection: str, ingestion: Any
) -> None:
    waiting = ingestion.jobs.create(system.store.collection(collection).id, folder, IngestOptions())
    assert start(client, folder, collection).status_code == 409
    client.post(f"/v1/ingest-jobs/{waiting.id}/cancel")
