"""Answers as server-sent events."""

import json
import time
from collections.abc import Callable

import httpx
import pytest
from scripted_llm import Said, ScriptedModel, as_json, serving, source_with
from starlette.testclient import TestClient

from api.app import create_app
from api.schemas import OutcomeOut
from ingest.ingestion import Ingestion
from rag.settings import Settings
from rag.system import System
from rag.wiring import with_language_model

WHEN = "When must the filter of the pump be replaced?"
FILTER = "The filter of the pump must be replaced every 500 operating hours."
MAINS = "Before opening the housing, disconnect the pump from the mains."


def events(text: str) -> list[tuple[str, dict[str, object]]]:
    found = []
    for block in text.replace("\r\n", "\n").strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def soon(is_so: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.02)
    return is_so()


def streamed(client: TestClient, question: str, **fields: object) -> list[tuple[str, dict[str, object]]]:
    body = {"question": question, "collection": "library", "stream": True, **fields}
    response = client.post("/v1/query", json=body)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return events(response.text)


def test_an_answer_comes_after_its_stages_sentence_by_sentence_and_then_whole(client: TestClient) -> None:
    found = streamed(client, WHEN)
    names = [name for name, _ in found]
    assert [data["stage"] for name, data in found if name == "progress"][:2] == ["retrieve", "generate"]
    assert names.index("answer.delta") > max(i for i, name in enumerate(names) if name == "progress")
    outcome = OutcomeOut.model_validate(found[-1][1])
    assert (found[-1][0], outcome.status) == ("outcome", "answered")
    assert "".join(str(data["text"]) for name, data in found if name == "answer.delta") == outcome.answer
    cited = [data for name, data in found if name == "citation"]
    assert cited == [item.model_dump() for item in outcome.citations]


def test_an_abstention_shows_no_text(client: TestClient) -> None:
    found = streamed(client, "Why is the sky blue?")
    assert {name for name, _ in found} == {"progress", "outcome"}
    assert found[-1][1]["status"] == "abstained"


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"collection": "nowhere"}, 404), ({"question": ""}, 422), ({"generator": "vllm"}, 422)],
)
def test_a_request_that_cannot_be_answered_is_a_problem_and_no_stream(
    client: TestClient, fields: dict[str, object], status: int
) -> None:
    body = {"question": WHEN, "collection": "library", "stream": True, **fields}
    response = client.post("/v1/query", json=body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_a_language_model_s_stages_are_told_too_and_its_failure_ends_the_stream(
    client: TestClient, system: System, ingestion: Ingestion
) -> None:
    del client
    both = ScriptedModel(
        lambda body: [
            Said(as_json((FILTER, [source_with(body, FILTER)]), (MAINS, [source_with(body, MAINS)])))
        ]
    )
    slow = ScriptedModel(lambda _: [Said("")], seconds=20)
    with serving(both.app()) as answering, serving(slow.app()) as hanging:
        for url, last in ((answering, "outcome"), (hanging, "error")):
            talking = with_language_model(system, Settings(llm_urls=(url,), llm_seconds=1.5))
            app = create_app(talking, ingestion)
            opened = TestClient(app, base_url="http://localhost")
            found = streamed(opened, WHEN, generator="vllm")
            stages = [data["stage"] for name, data in found if name == "progress"]
            assert stages[:5] == ["retrieve", "generate", "extract", "prompt", "model"]
            assert found[-1][0] == last
            for connection in talking.connections:
                connection.close()
    assert found[-1][1]["status"] == 504


def test_while_nothing_happens_there_are_signs_of_life(
    client: TestClient, system: System, ingestion: Ingestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    del client
    monkeypatch.setattr("api.stream.SECONDS_BETWEEN_SIGNS", 0.05)
    slow = ScriptedModel(lambda _: [Said("")], seconds=0.5)
    with serving(slow.app()) as url:
        talking = with_language_model(system, Settings(llm_urls=(url,)))
        opened = TestClient(create_app(talking, ingestion), base_url="http://localhost")
        body = {"question": WHEN, "collection": "library", "stream": True, "generator": "vllm"}
        text = opened.post("/v1/query", json=body).text.replace("\r\n", "\n")
        for connection in talking.connections:
            connection.close()
    waiting = text[text.index('"model"') : text.index('"verify"')]
    assert 3 <= waiting.count(": working") <= 12
    assert events(text)[-1][0] == "outcome"


def test_a_client_that_leaves_the_stream_ends_the_generation(
    client: TestClient, system: System, ingestion: Ingestion
) -> None:
    del client
    slow = ScriptedModel(lambda _: [Said("")], seconds=30)
    with serving(slow.app()) as url:
        talking = with_language_model(system, Settings(llm_urls=(url,)))
        with serving(create_app(talking, ingestion)) as served:
            body = {"question": WHEN, "collection": "library", "stream": True, "generator": "vllm"}
            with httpx.stream("POST", f"{served}/v1/query", json=body, timeout=20) as response:
                lines = response.iter_lines()  # kept: without it the connection is closed
                while '"model"' not in next(lines):
                    pass
                assert soon(lambda: len(slow.bodies) == 1)
            assert soon(lambda: slow.given_up == 1)
        for connection in talking.connections:
            connection.close()
