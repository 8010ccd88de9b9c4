"""What the client sends and how it reads what comes back; no server is asked."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from api.client import AttestClient, AttestClientError
from api.langchain import AttestRetriever

HIT = {
    "chunk_id": 7,
    "text": "租金每月一日支付。",
    "section": ["Lease", "Rent"],
    "location": {"start_char_index": 10, "end_char_index": 19, "start_page": 2, "end_page": 3},
    "document_id": 5,
    "document_title": "Lease",
    "uri": "contracts/lease.pdf",
    "revision": "ab12",
    "rank": 1,
    "score": 0.5,
    "scores": {"dense": 0.7},
    "context": [],
}
FOUND = {"hits": [HIT], "timings_ms": {}, "warnings": []}
PROBLEM = {
    "type": "urn:attest:not-found",
    "title": "Not Found",
    "status": 404,
    "detail": "there is no collection named 'c'",
    "instance": "/v1/search",
    "request_id": "r1",
    "errors": [],
}


def client_answering(status: int, body: object, seen: list[httpx.Request] | None = None) -> AttestClient:
    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        if seen is not None:
            seen.append(request)
        return httpx.Response(status, json=body)

    return AttestClient("http://attest.test", "key", transport=httpx.MockTransport(answer))


def test_a_search_sends_the_key_and_exactly_the_fields_of_the_api() -> None:
    seen: list[httpx.Request] = []
    with client_answering(200, FOUND, seen) as client:
        found = client.search("租金?", "c", filters={"year": 2020}, top_k=3)
    assert seen[0].headers["Authorization"] == "Bearer key"
    assert json.loads(seen[0].content) == {
        "question": "租金?",
        "collection": "c",
        "filters": {"year": 2020},
        "top_k": 3,
        "neighbours": 0,
        "rerank": True,
    }
    assert found.hits[0].location.start_page == 2


def test_a_name_is_quoted_into_the_path() -> None:
    seen: list[httpx.Request] = []
    with client_answering(204, None, seen) as client:
        client.delete_collection("合同 & ?#%")
    assert seen[0].url.path == "/v1/collections/合同 & ?#%"
    assert seen[0].url.query == b""


def test_an_upload_sends_the_file_under_its_name_with_its_metadata(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"content")
    seen: list[httpx.Request] = []
    with client_answering(404, PROBLEM, seen) as client, pytest.raises(AttestClientError):
        client.upload(file, "c", name="x/b.txt", metadata={"tags": ["x"]})
    assert b'filename="x/b.txt"' in seen[0].content
    assert b'{"tags": ["x"]}' in seen[0].content
    assert b"content" in seen[0].content


def test_a_problem_becomes_an_error_with_its_detail() -> None:
    with client_answering(404, PROBLEM) as client, pytest.raises(AttestClientError) as caught:
        client.search("q", "c")
    assert "there is no collection named 'c'" in str(caught.value)
    assert caught.value.problem is not None
    assert caught.value.problem.request_id == "r1"


def test_an_answer_that_is_no_attest_answer_is_an_error() -> None:
    for status, body in ((200, {"hello": 1}), (502, {"message": "bad gateway"})):
        with client_answering(status, body) as client, pytest.raises(AttestClientError, match="Attest"):
            client.search("q", "c")


def test_a_server_that_is_not_there_is_an_error_that_says_so() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    with AttestClient("http://attest.test", transport=httpx.MockTransport(refuse)) as client:
        with pytest.raises(AttestClientError, match="attest serve"):
            client.collections()
        assert client.is_ready() is False


class _Search(BaseHTTPRequestHandler):
    """Answers every search with FOUND and keeps what was asked."""

    asked: list[tuple[str, object]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.headers["Authorization"], body))
        answer = json.dumps(FOUND).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def search_server() -> Iterator[tuple[str, list[tuple[str, object]]]]:
    asked: list[tuple[str, object]] = []
    handler = type("Search", (_Search,), {"asked": asked})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_the_retriever_gives_langchain_documents(
    search_server: tuple[str, list[tuple[str, object]]],
) -> None:
    url, asked = search_server
    retriever = AttestRetriever.model_validate(
        {"url": url, "api_key": "key", "collection": "c", "top_k": 4, "filters": {"year": 2020}}
    )
    for documents in (retriever.invoke("租金?"), asyncio.run(retriever.ainvoke("租金?"))):
        [document] = documents
        assert document.page_content == "租金每月一日支付。"
        assert document.metadata == {
            "document_id": 5,
            "chunk_id": 7,
            "title": "Lease",
            "uri": "contracts/lease.pdf",
            "revision": "ab12",
            "section": ["Lease", "Rent"],
            "start_char_index": 10,
            "end_char_index": 19,
            "start_page": 2,
            "end_page": 3,
            "score": 0.5,
        }
    sent = {
        "question": "租金?",
        "collection": "c",
        "filters": {"year": 2020},
        "top_k": 4,
        "neighbours": 0,
        "rerank": True,
    }
    assert asked == [("Bearer key", sent)] * 2


def test_the_key_of_a_retriever_is_not_shown() -> None:
    retriever = AttestRetriever.model_validate({"api_key": "s3cret", "collection": "c"})
    assert "s3cret" not in repr(retriever)


def test_a_calibrators_file_is_sent_as_it_is(tmp_path: Path) -> None:
    told = {"id": "a", "pipeline": "p", "installed_at": "t", "removed_at": None, "calibrated": True}
    seen: list[httpx.Request] = []
    file = tmp_path / "calibrator.json"
    file.write_bytes(b'{"version": 1,\n "intercept": 1.50}\n')
    with client_answering(200, told, seen) as client:
        assert client.install_calibrator("合同", file).id == "a"
    assert seen[0].content == file.read_bytes()
    assert seen[0].headers["content-type"] == "application/json"
