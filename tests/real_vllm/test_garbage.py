"""Garbage in, abstention out: a random model is asked, and nothing that it writes is ever said."""

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from real_vllm.server import KEY, VllmServer
from service.library import DOCUMENTS, upload
from starlette.testclient import TestClient

from api.app import create_app
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


def test_nothing_that_a_random_model_writes_is_said(client: TestClient) -> None:
    ways = itertools.product(("json", "marks"), open_profiles().names, ASKED)
    asked = itertools.islice(itertools.cycle(ways), QUESTIONS)

    def outcome(way: tuple[str, str, str]) -> tuple[int, str]:
        mode, profile, question = way
        # Without a seed: vLLM 0.32 on a CPU dies where a seeded request's prompt is read in several steps.
        decoding = {"max_tokens": 160, "temperature": 1.0}
        body = {"question": question, "collection": "library", "mode": mode, "profile": profile}
        response = client.post("/v1/query", json={**body, "generator": "vllm", "decoding": decoding})
        return response.status_code, response.json().get("status", response.text)

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(outcome, asked))
    assert set(outcomes) == {(200, "abstained")}
    assert len(outcomes) == QUESTIONS
