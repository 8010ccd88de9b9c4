"""Feedback over HTTP, and the log of answers it stands on, which has no word of a question."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from httpx2 import Response
from in_memory import WordEmbedder
from service.library import upload
from starlette.testclient import TestClient

from api.app import create_app
from ingest.wiring import open_ingestion
from rag.settings import Settings
from rag.system import System
from rag.wiring import open_system

RENT = "How much is the monthly rent?"
TEXT = "The monthly rent is 4,200 euros.\n"


def system_at(home: Path, **settings: object) -> System:
    values = {"home": home, "api_key": None, **settings}
    return open_system(Settings.model_validate(values), embedder=WordEmbedder())


def opened(system: System) -> Iterator[TestClient]:
    ingestion = open_ingestion(system)
    app = create_app(system, ingestion)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        client.post("/v1/collections", json={"name": "c"})
        upload(client, "c", "lease.txt", TEXT.encode())
        yield client
    ingestion.close()


@pytest.fixture
def own_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """A system of this test alone, on a database that gives up on a lock at once."""
    monkeypatch.setattr("rag.store.engine.LOCK_WAIT_SECONDS", 0)
    with system_at(tmp_path) as system:
        yield system


@pytest.fixture
def own_client(own_system: System) -> Iterator[TestClient]:
    yield from opened(own_system)


def ask(client: TestClient, question: str = RENT, collection: str = "c") -> dict[str, object]:
    response = client.post("/v1/query", json={"question": question, "collection": collection})
    assert response.status_code == 200, response.text
    return dict(response.json())


def judge(client: TestClient, answer_id: object, verdict: str = "correct", **fields: object) -> Response:
    return client.post("/v1/feedback", json={"answer_id": answer_id, "verdict": verdict, **fields})


def test_an_answer_can_be_judged_the_moment_it_is_given(own_client: TestClient) -> None:
    outcome = ask(own_client)
    assert outcome["status"] == "answered"
    given = judge(own_client, outcome["id"], "wrong", sentence=1, comment="应为 4,300 😀")
    assert given.status_code == 201
    again = judge(own_client, outcome["id"])
    page = own_client.get("/v1/feedback", params={"collection": "c"}).json()
    assert page == {"feedback": [given.json(), again.json()], "next_after": None}
    first = own_client.get("/v1/feedback", params={"collection": "c", "limit": 1}).json()
    assert (first["feedback"], first["next_after"]) == ([given.json()], given.json()["id"])
    counts = own_client.get("/v1/calibration", params={"collection": "c"}).json()["feedback"]
    assert counts == {"answered": 1, "abstained": 0, "correct": 1, "wrong": 0}


def test_an_abstention_can_be_judged_as_a_whole_only(own_client: TestClient) -> None:
    outcome = ask(own_client, "Which enzyme does aspirin inhibit?")
    assert outcome["status"] == "abstained"
    assert judge(own_client, outcome["id"], "wrong").status_code == 201
    refused = judge(own_client, outcome["id"], "wrong", sentence=1)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "sentence"


def test_an_unknown_answer_is_not_found_with_the_reasons_why(own_client: TestClient) -> None:
    response = judge(own_client, "0" * 32)
    assert response.status_code == 404
    assert "ATTEST_ANSWER_LOG" in response.json()["detail"]
    assert "try again in a second" in response.json()["detail"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"verdict": "maybe"}, "verdict"),
        ({"sentence": 0}, "sentence"),
        ({"sentence": 1.5}, "sentence"),
        ({"sentence": 99}, "sentence"),
        ({"comment": "x" * 2001}, "comment"),
        ({"comment": "a\x00b"}, "comment"),
        ({"answer_id": "a\x00b"}, "answer_id"),
        ({"answer_id": ""}, "answer_id"),
        ({"question": "What was asked?"}, "question"),
    ],
)
def test_malformed_feedback_is_refused_naming_the_field(
    own_client: TestClient, fields: dict[str, object], named: str
) -> None:
    body = {"answer_id": ask(own_client)["id"], "verdict": "correct"} | fields
    response = own_client.post("/v1/feedback", json=body)
    assert response.status_code == 422
    assert [item["field"] for item in response.json()["errors"]] == [named]


def test_no_word_of_a_question_or_of_an_answer_is_logged(tmp_path: Path) -> None:
    secrets = ("zyzzyva", "青霉素过敏", "Whitechapel")
    with system_at(tmp_path) as system:
        for client in opened(system):
            for secret in secrets:
                question = f"Does {secret} pay the monthly rent? {secret}为什么？"
                assert judge(client, ask(client, question)["id"], "wrong").status_code == 201
            refused = {
                "question": secrets[0],
                "collection": "c",
                "max_risk": 0.1,
                "require_certificate": True,
            }
            client.post("/v1/query", json=refused)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    with closing(sqlite3.connect(tmp_path / "attest.db")) as database:
        assert database.execute("SELECT count(*) FROM answer_log").fetchone() == (4,)
        rows = str(database.execute("SELECT * FROM answer_log").fetchall())
    for secret in secrets:
        escaped = secret.encode("unicode_escape")  # as JSON writes it
        assert not any(form in kept for form in (secret.encode(), secret.encode("utf-16-le"), escaped))
    assert "rent" not in rows
    assert "4,200" not in rows


def test_a_question_is_answered_while_another_program_holds_the_databases_write_lock(
    own_client: TestClient, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "attest.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcome = ask(own_client)
        refused = judge(own_client, outcome["id"])
        other.execute("ROLLBACK")
    assert outcome["status"] == "answered"
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert judge(own_client, outcome["id"]).status_code == 201


def test_answers_of_many_callers_are_logged_once_each(own_client: TestClient, own_system: System) -> None:
    def ask_and_judge(_: int) -> int:
        return judge(own_client, ask(own_client)["id"]).status_code

    with ThreadPoolExecutor(8) as callers:
        # Another's write may hold the lock, on which this database gives up at once.
        assert set(callers.map(ask_and_judge, range(40))) <= {201, 503}
    own_client.get("/health/live")
    assert judge(own_client, ask(own_client)["id"]).status_code == 201
    owner = own_system.store.collection("c")
    assert own_system.store.answers.counts(owner.id).answered == 41


def test_a_log_that_is_switched_off_keeps_nothing(tmp_path: Path) -> None:
    with system_at(tmp_path, answer_log=False) as system:
        for client in opened(system):
            response = judge(client, ask(client)["id"])
            assert response.status_code == 404
        assert system.store.answers.counts(system.store.collection("c").id).answered == 0


def test_what_was_answered_last_is_in_the_log_after_the_server_has_closed(tmp_path: Path) -> None:
    with system_at(tmp_path) as system:
        for client in opened(system):
            ask(client)
        assert system.store.answers.counts(system.store.collection("c").id).answered == 1


def test_deleting_a_collection_deletes_what_was_answered_from_it(own_client: TestClient) -> None:
    outcome = ask(own_client)
    assert judge(own_client, outcome["id"]).status_code == 201
    assert own_client.delete("/v1/collections/c").status_code == 204
    assert judge(own_client, outcome["id"]).status_code == 404
