"""Whatever is sent, the answer is a problem that names its cause: never a 500, never a bare text."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from httpx2 import Response
from in_memory import WordEmbedder
from starlette.testclient import TestClient

from api.app import create_app
from api.errors import KINDS
from ingest.ingestion import UPLOADS_AT_ONCE, Ingestion
from ingest.wiring import open_ingestion
from rag.domain import EmbeddingSpace, Question, SearchResult
from rag.errors import AttestError
from rag.settings import Settings
from rag.system import System
from rag.wiring import open_system

HALF_A_PAIR = "\\ud800"
NUL = "\\u0000"
BEYOND_64_BITS = 2**63


def assert_problem(response: Response, status: int) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, object] = response.json()
    assert problem["status"] == status
    assert str(problem["type"]).startswith("urn:attest:")
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == response.headers["X-Request-Id"]
    return problem


def test_every_error_that_attest_raises_has_its_status() -> None:
    raised = {cls for cls in AttestError.__subclasses__() if cls.__module__ == AttestError.__module__}
    assert set(KINDS) == raised


def test_an_unknown_route_is_a_problem(client: TestClient) -> None:
    for path in ("/", "/v1", "/v1/nothing", "/docs", "/v1/collections/", "/%00"):
        problem = assert_problem(client.get(path), 404)
        assert "/openapi.json" in str(problem["detail"])


def test_a_wrong_method_is_a_problem_that_lists_the_right_ones(client: TestClient) -> None:
    response = client.get("/v1/query")
    assert_problem(response, 405)
    assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"3",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"question": ' + b"9" * 5000 + b"}",
        b'{"question": NaN, "collection": "library"}',
    ],
    ids=range(11),
)
def test_a_body_that_is_no_json_object_is_refused(client: TestClient, body: bytes) -> None:
    for path in ("/v1/query", "/v1/search", "/v1/collections", "/v1/ingest-jobs"):
        assert_problem(client.post(path, content=body, headers={"content-type": "application/json"}), 422)


def test_json_under_another_content_type_is_refused(client: TestClient) -> None:
    body = b'{"name": "by a form of a foreign page"}'
    assert_problem(client.post("/v1/collections", content=body, headers={"content-type": "text/plain"}), 422)
    assert_problem(client.post("/v1/collections", content=body), 422)


@pytest.mark.parametrize("bad", [NUL, HALF_A_PAIR])
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/query", '{"question": "aBAD", "collection": "library"}', "question"),
        ("/v1/query", '{"question": "a", "collection": "BAD"}', "collection"),
        ("/v1/search", '{"question": "a", "collection": "library", "filters": {"aBAD": 1}}', "filters"),
        ("/v1/search", '{"question": "a", "collection": "library", "filters": {"a": "BAD"}}', "filters"),
        (
            "/v1/search",
            '{"question": "a", "collection": "library", "filters": {"a": {"$in": ["BAD"]}}}',
            "filters",
        ),
        ("/v1/collections", '{"name": "aBAD"}', "name"),
        ("/v1/feedback", '{"answer_id": "BAD", "verdict": "wrong"}', "answer_id"),
        ("/v1/feedback", '{"answer_id": "a", "verdict": "wrong", "comment": "BAD"}', "comment"),
        ("/v1/ingest-jobs", '{"folder": "/aBAD", "collection": "library"}', "folder"),
        ("/v1/ingest-jobs", '{"folder": "/a", "collection": "library", "exclude": ["BAD"]}', "exclude.0"),
    ],
)
def test_characters_that_no_database_stores_are_refused_naming_the_field(
    client: TestClient, path: str, body: str, field: str, bad: str
) -> None:
    headers = {"content-type": "application/json"}
    problem = assert_problem(client.post(path, content=body.replace("BAD", bad), headers=headers), 422)
    assert [item["field"] for item in problem["errors"]] == [field]  # type: ignore[attr-defined]


def test_an_unknown_field_with_a_broken_name_is_refused(client: TestClient) -> None:
    body = '{"question": "a", "collection": "library", "\\ud800\\u0000": 1}'
    assert_problem(client.post("/v1/query", content=body, headers={"content-type": "application/json"}), 422)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/documents?collection=a%00b",
        "/v1/collections/a%00b",
        "/v1/ingest-jobs?collection=%00",
        "/v1/ingest-jobs/1/files?after=%00",
        "/v1/documents?collection=library&limit=0",
        "/v1/documents?collection=library&limit=100000",
        "/v1/documents?collection=library&after=-1",
        "/v1/documents",
        "/v1/calibration",
        "/v1/calibration?collection=%00",
        "/v1/feedback",
        f"/v1/feedback?collection=library&after={BEYOND_64_BITS}",
        "/v1/feedback?collection=library&limit=0",
        "/v1/documents/x",
        "/v1/documents/0",
        "/v1/documents/1.5",
        "/v1/ingest-jobs/1/files?status=lost",
        f"/v1/documents/{BEYOND_64_BITS}",
        f"/v1/documents/{'9' * 5000}",
        f"/v1/documents/1/text?start={BEYOND_64_BITS}",
        f"/v1/documents/1/text?end={2**31}",
        f"/v1/documents?collection=library&after={BEYOND_64_BITS}",
        f"/v1/ingest-jobs/{BEYOND_64_BITS}",
        f"/v1/ingest-jobs?limit={BEYOND_64_BITS}",
    ],
)
def test_malformed_parameters_are_refused_and_never_reach_the_database(client: TestClient, path: str) -> None:
    problem = assert_problem(client.get(path), 422)
    assert problem["errors"]


def test_the_largest_id_is_not_found_and_does_not_overflow(client: TestClient) -> None:
    last = BEYOND_64_BITS - 1
    for path in (f"/v1/documents/{last}", f"/v1/documents/{last}/text", f"/v1/ingest-jobs/{last}"):
        assert_problem(client.get(path), 404)
    assert_problem(client.delete(f"/v1/documents/{last}"), 404)
    assert_problem(client.post(f"/v1/ingest-jobs/{last}/retry"), 404)
    assert_problem(client.post(f"/v1/ingest-jobs/{last}/cancel"), 404)
    after = client.get("/v1/documents", params={"collection": "library", "after": last})
    assert after.json() == {"documents": [], "next_after": None}


def test_bytes_that_are_no_utf_8_in_a_path_or_query_are_no_fault_of_the_server(client: TestClient) -> None:
    assert client.get("/v1/collections/%ff%fe").status_code == 404
    assert client.get("/v1/documents?collection=%ff").status_code == 404


@pytest.fixture
def own_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """A system of this test alone, on a database that gives up on a lock at once."""
    monkeypatch.setattr("rag.store.engine.LOCK_WAIT_SECONDS", 0)
    with open_system(Settings(home=tmp_path, api_key=None), embedder=WordEmbedder()) as opened:
        yield opened


@pytest.fixture
def own_client(own_system: System) -> Iterator[TestClient]:
    ingestion = open_ingestion(own_system)
    app = create_app(own_system, ingestion)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as opened:
        opened.post("/v1/collections", json={"name": "c"})
        yield opened
    ingestion.close()


def test_a_locked_database_is_503_with_retry_after_and_nothing_is_changed(
    own_client: TestClient, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "attest.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = own_client.post("/v1/collections", json={"name": "late"})
        other.execute("ROLLBACK")
    problem = assert_problem(refused, 503)
    assert problem["type"] == "urn:attest:store-unavailable"
    assert int(refused.headers["Retry-After"]) > 0
    assert [item["name"] for item in own_client.get("/v1/collections").json()["collections"]] == ["c"]
    assert own_client.post("/v1/collections", json={"name": "late"}).status_code == 201


def test_more_uploads_than_can_be_read_at_once_are_asked_to_come_again(
    client: TestClient, ingestion: Ingestion, collection: str
) -> None:
    def upload() -> Response:
        return client.post(
            "/v1/documents", data={"collection": collection}, files={"file": ("one.txt", b"One sentence.")}
        )

    for _ in range(UPLOADS_AT_ONCE):
        ingestion.uploading.acquire()
    refused = upload()
    for _ in range(UPLOADS_AT_ONCE):
        ingestion.uploading.release()
    assert assert_problem(refused, 503)["type"] == "urn:attest:overloaded"
    assert int(refused.headers["Retry-After"]) > 0
    assert upload().status_code == 201


def test_a_database_that_is_gone_is_503_and_turns_readiness_red_but_not_liveness(
    own_client: TestClient, own_system: System, tmp_path: Path
) -> None:
    assert own_client.get("/health/ready").json() == {"status": "ready"}
    own_system.store.engine.dispose()
    for path in tmp_path.glob("attest.db*"):
        path.unlink()
    (tmp_path / "attest.db").write_bytes(b"this is no database" * 500)
    for response in (
        own_client.get("/health/ready"),
        own_client.get("/v1/collections"),
        own_client.post("/v1/query", json={"question": "q", "collection": "c"}),
    ):
        assert_problem(response, 503)
        assert int(response.headers["Retry-After"]) > 0
    assert own_client.get("/health/live").json() == {"status": "live"}


def test_a_collection_of_another_embedding_model_is_a_conflict_that_names_both(own_system: System) -> None:
    other = WordEmbedder(EmbeddingSpace("words", "words-2", 32, 254))
    own_system.store.create_collection("c")
    ingestion = open_ingestion(own_system)
    ingestion.upload(b"The fee is 12 euros.", "a.txt", "c", {})
    changed = replace(own_system, embedder=other, retriever=replace(own_system.retriever, embedder=other))
    client = TestClient(create_app(changed, ingestion), base_url="http://localhost")
    problem = assert_problem(client.post("/v1/search", json={"question": "q", "collection": "c"}), 409)
    assert "words-1" in str(problem["detail"])
    assert "words-2" in str(problem["detail"])
    ingestion.close()


class DamagedError(AttestError):
    """An error that the table of kinds does not know."""


class DamagedRetriever:
    def search(self, _question: Question) -> SearchResult:
        raise DamagedError("the index in /secret is damaged")


def test_an_error_without_a_status_is_a_fault_whose_cause_is_in_the_log_alone(own_system: System) -> None:
    broken = replace(own_system, retriever=DamagedRetriever())  # type: ignore[arg-type]  # the fault
    client = TestClient(create_app(broken, open_ingestion(own_system)), base_url="http://localhost")
    with structlog.testing.capture_logs() as lines:
        response = client.post("/v1/search", json={"question": "q", "collection": "c"})
    assert "/secret" not in response.text
    problem = assert_problem(response, 500)
    [fault] = [line for line in lines if line["event"] == "fault"]
    assert (fault["request_id"], fault["error"]) == (problem["request_id"], "DamagedError")


def test_a_fault_of_the_server_shows_none_of_its_insides(own_system: System) -> None:
    broken = replace(own_system, retriever=None)  # type: ignore[arg-type]  # the fault
    client = TestClient(
        create_app(broken, open_ingestion(own_system)),
        base_url="http://localhost",
        raise_server_exceptions=False,
    )
    response = client.post("/v1/search", json={"question": "q", "collection": "c"})
    problem = assert_problem(response, 500)
    assert "NoneType" not in response.text
    assert "request id" in str(problem["detail"])
