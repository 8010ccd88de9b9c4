"""`attest serve` as a process: its URL, its refusals, its orderly end; and the client that talks to it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hand_made import hand_made

from api.client import AttestClient, AttestClientError
from api.langchain import AttestRetriever
from api.listen import listen
from rag.calibrator import calibrator_to_json

SECONDS = 60  # a bound for a broken server

ATTEST = [sys.executable, "-c", "from rag.cli import main; main()"]


def environment(**extra: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATTEST_")}
    return kept | extra


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    home = tmp_path_factory.mktemp("served")
    process = subprocess.Popen(
        [*ATTEST, "serve", "--port", "0", "--home", str(home)],
        env=environment(ATTEST_API_KEY="s3cret"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    found = re.fullmatch(r"Attest is ready at (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
    if found is None:
        process.kill()
        raise AssertionError(process.communicate()[1])
    yield process, found[1]
    process.kill()
    process.communicate()


@pytest.fixture
def served(server: tuple[subprocess.Popen[str], str]) -> Iterator[AttestClient]:
    with AttestClient(server[1], "s3cret") as client:
        yield client


def test_the_client_does_everything_that_the_api_can(served: AttestClient, tmp_path: Path) -> None:
    assert served.is_ready()
    served.create_collection("合同 a")
    file = tmp_path / "lease.txt"
    file.write_text("😀 The monthly rent is 77 euros.\n")
    stored = served.upload(file, "合同 a", metadata={"year": 2020})
    assert stored.metadata == {"year": 2020}
    assert [collection.name for collection in served.collections()] == ["合同 a"]
    assert served.collection("合同 a").documents == 1
    assert [document.id for document in served.documents("合同 a").documents] == [stored.id]
    assert served.document(stored.id).uri == "lease.txt"
    assert served.text(stored.id, 2, 5).text == "The"
    [hit] = served.search("rent", "合同 a", filters={"year": 2020}).hits
    assert hit.text == served.text(stored.id, hit.location.start_char_index, hit.location.end_char_index).text
    calibration = served.calibration("合同 a")
    assert (calibration.calibrated, calibration.certified) == (True, False)
    file.write_text(calibrator_to_json(hand_made(calibration.pipeline)))
    assert served.install_calibrator("合同 a", file).id == "by-hand"
    outcome = served.query("What is the monthly rent?", "合同 a", max_risk=0.5, include=["evidence"])
    assert (outcome.status, outcome.confidence.calibrator) == ("answered", "by-hand")
    assert outcome.evidence[0].text
    assert served.set_max_risk("合同 a", 0.2).max_risk == 0.2
    assert served.set_domain("合同 a", "legal").domain == "legal"
    given = served.give_feedback(outcome.id, "wrong", sentence=1, comment="其实是 78")
    assert served.feedback("合同 a").feedback == [given]
    calibration = served.calibration("合同 a")
    assert (calibration.max_risk, calibration.domain, calibration.feedback.wrong) == (0.2, "legal", 1)
    served.remove_calibrator("合同 a")
    served.delete_document(stored.id)
    assert served.search("rent", "合同 a").hits == []
    served.delete_collection("合同 a")
    assert served.collections() == []


def test_an_error_of_the_client_tells_what_the_server_said(served: AttestClient) -> None:
    with pytest.raises(AttestClientError, match="no collection named 'nowhere'") as caught:
        served.query("q", "nowhere")
    assert caught.value.problem is not None
    assert caught.value.problem.status == 404
    with pytest.raises(AttestClientError, match="ATTEST_INGEST_ROOTS"):
        served.ingest("/etc", "c")


def test_the_client_without_the_key_is_told_to_send_it(server: tuple[subprocess.Popen[str], str]) -> None:
    with AttestClient(server[1]) as client, pytest.raises(AttestClientError, match="Bearer KEY"):
        client.collections()


def test_a_langchain_retriever_gives_passages_with_their_place(
    server: tuple[subprocess.Popen[str], str], served: AttestClient, tmp_path: Path
) -> None:
    served.create_collection("chain")
    file = tmp_path / "lease.txt"
    file.write_text("The monthly rent is 77 euros.\n")
    stored = served.upload(file, "chain")
    retriever = AttestRetriever.model_validate(
        {"url": server[1], "api_key": "s3cret", "collection": "chain", "top_k": 1}
    )
    [document] = retriever.invoke("rent")
    assert "77 euros" in document.page_content
    assert document.metadata["document_id"] == stored.id
    assert document.metadata["revision"] == stored.revision
    served.delete_collection("chain")


def test_sigterm_lets_a_request_in_flight_finish_and_ends_in_order(
    server: tuple[subprocess.Popen[str], str],
) -> None:
    process, url = server
    body = b'{"question": "What is the secret rent?", "collection": "nowhere"}'
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=SECONDS) as connection:
        connection.sendall(
            b"POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer s3cret\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        connection.sendall(body[:10])
        assert served_now(url)  # by now the server has read what was sent before
        process.send_signal(signal.SIGTERM)
        while served_now(url):
            pass
        connection.sendall(body[10:])
        assert connection.recv(1000).startswith(b"HTTP/1.1 404 Not Found")
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert out == ""
    lines = [json.loads(line) for line in err.splitlines()]
    assert (lines[-1]["event"], lines[-1]["route"], lines[-1]["status"]) == ("request", "/v1/query", 404)
    assert "rent" not in err


def served_now(url: str) -> bool:
    with AttestClient(url, "s3cret") as client:
        return client.is_ready()


def test_a_network_address_without_a_key_is_refused_before_anything_starts(tmp_path: Path) -> None:
    refused = subprocess.run(
        [*ATTEST, "serve", "--host", "0.0.0.0", "--port", "0", "--home", str(tmp_path / "home")],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert refused.returncode == 1
    assert "ATTEST_API_KEY" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "home").exists()


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = subprocess.run(
            [*ATTEST, "serve", "--port", port, "--home", str(tmp_path / "home")],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert refused.returncode == 1
    assert port in refused.stderr
    assert "Traceback" not in refused.stderr


def test_answers_are_sent_without_nagles_delay() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # what asyncio asks before it turns the delay off
