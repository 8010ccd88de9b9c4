"""Garbage in, abstention out: a random model is asked, and nothing that it writes is ever said.

Where quoted sentences may stand in for the model, they alone are said.
"""

import itertools
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from real_vllm.server import CONTEXT_TOKENS, KEY, VllmServer
from service.library import DOCUMENTS, upload
from starlette.testclient import TestClient

from api.app import create_app
from api.schemas import OutcomeOut
from ingest.wiring import open_ingestion
from rag.profiles import open_profiles
from rag.settings import Settings
from rag.wiring import open_system

pytestmark = pytest.mark.vllm

QUESTIONS = int(os.environ.get("ATTEST_GARBAGE_QUESTIONS", "200"))
ASKED = (
    "What is the monthly rent of the warehouse?",
    "Who insures the building, and against what?",
    "When must the filter of the pump be replaced?",
    "Why is the sky blue?",
    "When does the party begin?",
    "员工每年享有多少天带薪年假？",
    "试用期工资是多少？",
    "加班工资如何计算？",
    "火星上有水吗？",
)


@pytest.fixture(scope="module")
def client(vllm: VllmServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, llm_urls=(vllm.url,), llm_api_key=KEY)
    with open_system(settings) as system:
        ingestion = open_ingestion(system)
        app = create_app(system, ingestion)
        with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as opened:
            assert opened.post("/v1/collections", json={"name": "library"}).status_code == 201
            for uri, (text, metadata) in DOCUMENTS.items():
                assert upload(opened, "library", uri, text.encode(), metadata).status_code == 201
            yield opened
        ingestion.close()


def ways() -> Iterator[dict[str, object]]:
    """So many questions, in both modes, all profiles and both languages in turn."""
    known = itertools.product(("json", "marks"), open_profiles().names, ASKED)
    for mode, profile, question in itertools.islice(itertools.cycle(known), QUESTIONS):
        yield {"question": question, "collection": "library", "mode": mode, "profile": profile}


def outcomes(client: TestClient, bodies: Iterable[dict[str, object]]) -> list[OutcomeOut]:
    """What comes back, eight questions at once; nothing but outcomes may."""

    def outcome(body: dict[str, object]) -> OutcomeOut:
        response = client.post("/v1/query", json=body)
        assert response.status_code == 200, response.text
        return OutcomeOut.model_validate(response.json())

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(outcome, bodies))


# Without a seed: vLLM 0.32 on a CPU dies where a seeded request's prompt is read in several steps.
GARBAGE = {"max_tokens": 160, "temperature": 1.0}
NO_ROOM = {"max_tokens": CONTEXT_TOKENS - 8}  # for an answer so long no passage fits beside it


def test_nothing_that_a_random_model_writes_is_said(client: TestClient) -> None:
    bodies = ({**body, "generator": "vllm", "decoding": GARBAGE} for body in ways())
    found = outcomes(client, bodies)
    assert len(found) == QUESTIONS
    assert {item.status for item in found} == {"abstained"}


def test_with_fallback_allowed_every_answer_is_quoted_and_says_so(client: TestClient) -> None:
    decodings = itertools.cycle((GARBAGE, NO_ROOM))
    found = outcomes(client, ({**body, "decoding": next(decodings)} for body in ways()))
    assert len(found) == QUESTIONS
    answered = [item for item in found if item.status != "abstained"]
    assert answered
    assert {item.generator for item in answered} == {"extractive"}
    # Where it has room to write, a random model may say by chance that the evidence holds no answer.
    assert "extractive" in {item.generator for item in found[::2]}
    assert {item.generator for item in found[1::2]} == {"extractive"}
    for item in found:
        is_said = any("the language model did not answer" in warning for warning in item.warnings)
        assert is_said == (item.generator == "extractive")
    for item in answered:
        for citation in item.citations:
            assert all(source.cited_text for source in citation.sources)
            assert citation.support.label == "supported"
