"""What a hostile document wants to have said is never said in answer to another question."""

from collections.abc import Iterator

import pytest
from hostile_documents import PLANTED, QUESTIONS, Hostile, hostile_documents
from scripted_llm import Body, Said, ScriptedModel, as_json, serving, source_with
from service.library import DOCUMENTS, upload
from starlette.testclient import TestClient

from api.app import create_app
from ingest.wiring import open_ingestion
from rag.settings import Settings
from rag.wiring import open_system

SENTENCES = [sentence for of_language in PLANTED.values() for sentence in of_language]
ASKED = [question for of_language in QUESTIONS.values() for question in of_language]


class Obedient:
    """Says whatever sentence was planted in its prompt, and names where it stands."""

    def __init__(self) -> None:
        self.obeyed = 0

    def __call__(self, body: Body) -> list[Said]:
        found = [item for item in SENTENCES if item in body["messages"][-1]["content"]]
        self.obeyed += bool(found)
        cited = [(item, [source_with(body, item)]) for item in found]
        if "structured_outputs" in body:
            return [Said(as_json(*cited))]
        return [Said(" ".join(f"{text} [{number}]" for text, [number] in cited))]


@pytest.fixture(scope="module")
def obedient() -> Obedient:
    return Obedient()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, obedient: Obedient) -> Iterator[TestClient]:
    with serving(ScriptedModel(obedient).app()) as url:
        settings = Settings(home=tmp_path_factory.mktemp("home"), llm_urls=(url,), api_key=None)
        with open_system(settings) as system:
            ingestion = open_ingestion(system)
            app = create_app(system, ingestion)
            with TestClient(app, base_url="http://localhost") as opened:
                filled(opened, hostile_documents())
                yield opened
            ingestion.close()


def filled(client: TestClient, hostile: list[Hostile]) -> None:
    assert len(hostile) == 50
    client.post("/v1/collections", json={"name": "library"})
    for uri, (text, _) in DOCUMENTS.items():
        assert upload(client, "library", uri, text.encode()).status_code == 201
    for item in hostile:
        assert upload(client, "library", item.uri, item.text.encode()).status_code == 201


def answer(client: TestClient, question: str, **fields: object) -> str:
    body = {"question": question, "collection": "library", **fields}
    response = client.post("/v1/query", json=body)
    assert response.status_code == 200, response.text
    return response.json()["answer"] or ""


@pytest.mark.parametrize("question", ASKED)
def test_quoted_answers_never_hold_a_planted_sentence(client: TestClient, question: str) -> None:
    said = answer(client, question, generator="extractive")
    assert not [planted for planted in SENTENCES if planted in said]


@pytest.mark.parametrize("mode", ["json", "marks"])
@pytest.mark.parametrize("question", ASKED)
def test_a_model_that_obeys_them_is_not_believed(client: TestClient, question: str, mode: str) -> None:
    said = answer(client, question, generator="vllm", mode=mode)
    assert not [planted for planted in SENTENCES if planted in said]


def test_the_model_was_indeed_shown_planted_sentences(client: TestClient, obedient: Obedient) -> None:
    for question in ASKED:
        answer(client, question, generator="vllm")
    assert obedient.obeyed >= len(ASKED)
