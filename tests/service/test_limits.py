"""What one request may cost, and that health checks wait for none."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from service.library import upload
from starlette.testclient import TestClient

from api.app import create_app
from api.limits import JSON_BODY_BYTES
from ingest.ingestion import Ingestion
from rag.domain import Question, SearchResult
from rag.system import System


def test_an_announced_body_over_the_limit_is_refused(client_with: Callable[..., TestClient]) -> None:
    client = client_with(max_body_bytes=2000)
    response = upload(client, "library", "big.txt", b"x" * 3000)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert "2000 bytes" in response.json()["detail"]


def test_a_streamed_body_over_the_limit_is_refused_while_it_comes(
    client_with: Callable[..., TestClient],
) -> None:
    client = client_with(max_body_bytes=2000)
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(1000):
            sent += 1000
            yield b"x" * 1000

    headers = {"content-type": "multipart/form-data; boundary=x"}
    response = client.post("/v1/documents", content=body(), headers=headers)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    json_body = client.post("/v1/query", content=body(), headers={"content-type": "application/json"})
    assert json_body.status_code == 413


def test_a_question_may_not_be_as_large_as_an_upload(client: TestClient) -> None:
    body = b" " * (JSON_BODY_BYTES + 1)
    response = client.post("/v1/query", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 413


def test_an_absurd_content_length_is_refused(client: TestClient) -> None:
    for length in ("9" * 19, "9" * 5000):
        response = client.post("/v1/query", content=b"{}", headers={"content-length": length})
        assert response.status_code == 413


class Waiting:
    """A retriever that holds its callers until they are let go, and counts how many it holds."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = self.most = 0
        self.let_go = threading.Event()
        self.is_full = threading.Semaphore(0)

    def search(self, _question: Question) -> SearchResult:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.is_full.release()
        self.let_go.wait(30)
        with self.lock:
            self.inside -= 1
        return SearchResult((), {}, ())


def test_requests_over_the_limit_wait_and_health_checks_do_not(system: System, ingestion: Ingestion) -> None:
    waiting = Waiting()
    settings = system.settings.model_copy(update={"max_concurrent_requests": 2})
    crowded = replace(system, settings=settings, retriever=waiting)  # type: ignore[arg-type]
    with (
        TestClient(create_app(crowded, ingestion), base_url="http://localhost") as client,
        ThreadPoolExecutor(5) as callers,
    ):
        body = {"question": "q", "collection": "library"}
        asked = [callers.submit(client.post, "/v1/search", json=body) for _ in range(5)]
        assert waiting.is_full.acquire(timeout=30)
        assert waiting.is_full.acquire(timeout=30)
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 200
        assert not any(call.done() for call in asked)
        waiting.let_go.set()
        assert [call.result().status_code for call in asked] == [200] * 5
    assert waiting.most == 2
