"""Questions and searches over HTTP."""

import pytest
from service.library import DOCUMENTS
from starlette.testclient import TestClient

from rag.calibrators import shipped_calibrator
from rag.settings import Settings
from rag.system import System

QUESTIONS = {
    "contracts/lease.md": "What is the monthly rent of the warehouse?",
    "manual.txt": "When must the filter of the pump be replaced?",
    "劳动合同.txt": "员工每年享有多少天带薪年假？",
    "notes-😀.txt": "When does the party begin?",
}


def ask(
    client: TestClient, question: str, collection: str = "library", **fields: object
) -> dict[str, object]:
    response = client.post("/v1/query", json={"question": question, "collection": collection, **fields})
    assert response.status_code == 200, response.text
    return dict(response.json())


@pytest.mark.parametrize("uri", list(QUESTIONS))
def test_a_citation_quotes_the_stored_text_character_by_character(client: TestClient, uri: str) -> None:
    outcome = ask(client, QUESTIONS[uri])
    assert outcome["status"] == "answered", outcome
    for citation in outcome["citations"]:  # type: ignore[attr-defined]
        assert outcome["answer"][citation["start"] : citation["end"]] == citation["text"]  # type: ignore[index]
        for source in citation["sources"]:
            location = source["location"]
            read = client.get(
                f"/v1/documents/{source['document_id']}/text",
                params={"start": location["start_char_index"], "end": location["end_char_index"]},
            ).json()
            assert read["text"] == source["cited_text"]
            assert read["revision"] == source["revision"]
    assert outcome["citations"][0]["sources"][0]["uri"] == uri  # type: ignore[index]


@pytest.mark.parametrize(
    ("before", "question", "answer"),
    [
        ("What is the monthly rent?", "And the deposit?", "The tenant pays a deposit of three monthly rents"),
        ("员工每年享有多少天带薪年假？", "那病假呢？", "病假须提供医院证明。"),
        ("员工每年享有多少天带薪年假？", "它可以顺延吗？", "当年未休完的年假可以顺延至次年三月底。"),
    ],
)
def test_a_follow_up_is_answered_and_not_the_question_before_it(
    client: TestClient, before: str, question: str, answer: str
) -> None:
    outcome = ask(client, question, conversation=[{"role": "user", "content": before}])
    assert outcome["question"] == f"{before}\n{question}"
    assert answer in str(outcome["answer"])
    assert outcome["missing"] == []


@pytest.mark.parametrize("uri", ["manual.txt", "劳动合同.txt"])
def test_an_answer_is_calibrated_by_the_shipped_calibrator_and_not_certified(
    client: TestClient, system: System, uri: str
) -> None:
    shipped = shipped_calibrator()
    assert shipped is not None
    assert shipped.pipeline == system.pipeline.fingerprint
    confidence = ask(client, QUESTIONS[uri])["confidence"]
    assert isinstance(confidence, dict)
    assert (confidence["calibrated"], confidence["certified"]) == (True, False)
    assert (confidence["calibrator"], confidence["n_calibration"]) == (shipped.id, shipped.n_calibration)
    assert 0 < confidence["answerable"] < 1
    threshold = Settings.model_fields["minimum_answer_score"].default
    assert threshold <= confidence["score"] < 1
    assert (confidence["threshold"], confidence["target_risk"]) == (threshold, None)


@pytest.mark.parametrize("uri", ["manual.txt", "劳动合同.txt"])
def test_an_answer_without_any_calibrator_is_not_calibrated_and_says_so(
    uncalibrated: TestClient, uri: str
) -> None:
    outcome = ask(uncalibrated, QUESTIONS[uri])
    assert outcome["status"] == "answered"
    confidence = outcome["confidence"]
    assert isinstance(confidence, dict)
    assert (confidence["calibrated"], confidence["certified"]) == (False, False)
    assert (confidence["calibrator"], confidence["n_calibration"]) == (None, None)
    assert (confidence["answerable"], confidence["target_risk"]) == (None, None)
    assert confidence["score"] == confidence["signals"]["support_maximum"]
    assert confidence["threshold"] == Settings.model_fields["minimum_answer_score"].default


def test_a_question_outside_the_documents_gets_an_abstention_with_the_closest_sources(
    client: TestClient,
) -> None:
    outcome = ask(client, "Which enzyme does aspirin inhibit in platelets?")
    assert outcome["status"] == "abstained"
    assert outcome["answer"] is None
    assert outcome["citations"] == []
    assert outcome["abstention"]["closest_sources"]  # type: ignore[index]


def test_an_empty_collection_gets_an_abstention_and_no_error(client: TestClient) -> None:
    outcome = ask(client, "What is the rent?", "empty")
    assert outcome["status"] == "abstained"
    assert outcome["abstention"]["reason"] == "no_evidence"  # type: ignore[index]


def test_the_texts_of_the_evidence_are_sent_only_when_asked_for(client: TestClient) -> None:
    without = ask(client, QUESTIONS["manual.txt"])["evidence"]
    having = ask(client, QUESTIONS["manual.txt"], include=["evidence"])["evidence"]
    assert isinstance(without, list)
    assert isinstance(having, list)
    assert {item["text"] for item in without} == {None}
    assert all(item["text"] for item in having)


def test_an_unknown_collection_is_not_found(client: TestClient) -> None:
    for path in ("/v1/query", "/v1/search"):
        response = client.post(path, json={"question": "rent?", "collection": "nowhere"})
        assert response.status_code == 404
        assert "nowhere" in response.json()["detail"]


@pytest.mark.parametrize(
    "field",
    [
        "profile",
        "language",
        "generator",
        "decoding",
        "conversation",
        "stream",
    ],
)
def test_a_field_that_is_not_built_is_refused_and_not_ignored(client: TestClient, field: str) -> None:
    body = {"question": "rent?", "collection": "library", field: None}
    response = client.post("/v1/query", json=body)
    assert response.status_code == 422
    assert [item["field"] for item in response.json()["errors"]] == [field]


def found(client: TestClient, filters: dict[str, object]) -> set[str]:
    body = {"question": "rent pump party 试用期", "collection": "library", "filters": filters, "top_k": 100}
    response = client.post("/v1/search", json=body)
    assert response.status_code == 200, response.text
    return {hit["uri"] for hit in response.json()["hits"]}


def test_a_filter_finds_exactly_the_documents_it_describes(client: TestClient) -> None:
    assert found(client, {"year": {"$gte": 2021}}) == {"manual.txt", "劳动合同.txt"}
    assert found(client, {"tags": {"$in": ["rent"]}}) == {"contracts/lease.md"}
    assert found(client, {"$not": {"year": 2019}}) == set(DOCUMENTS) - {"contracts/lease.md"}
    assert found(client, {}) == set(DOCUMENTS)


def test_a_filter_that_matches_nothing_finds_nothing(client: TestClient) -> None:
    assert found(client, {"year": 1900}) == set()
    assert found(client, {"no_such_field": "x"}) == set()
    outcome = ask(client, QUESTIONS["manual.txt"], filters={"year": 1900})
    assert (outcome["status"], outcome["evidence"]) == ("abstained", [])


def nested(levels: int) -> dict[str, object]:
    return {"$not": nested(levels - 1)} if levels else {"year": 1}


@pytest.mark.parametrize(
    "filters",
    [
        {"$near": 1},
        {"year": {"$regex": "2.*"}},
        {"year": None},
        {"year": {}},
        {"$or": {"year": 1}},
        {"year": {"$in": 3}},
        {"year": 10**400},
        nested(9),
    ],
)
def test_a_malformed_filter_is_refused_naming_its_place(
    client: TestClient, filters: dict[str, object]
) -> None:
    response = client.post("/v1/search", json={"question": "q", "collection": "library", "filters": filters})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith("filters")


def test_neighbours_are_given_in_reading_order_around_the_hit(client: TestClient) -> None:
    body = {"question": QUESTIONS["contracts/lease.md"], "collection": "library", "neighbours": 5, "top_k": 1}
    [hit] = client.post("/v1/search", json=body).json()["hits"]
    starts = [passage["location"]["start_char_index"] for passage in hit["context"]]
    assert starts == sorted(starts)
    assert hit["chunk_id"] in [passage["chunk_id"] for passage in hit["context"]]


@pytest.mark.parametrize("bounds", [{"top_k": 0}, {"top_k": 101}, {"neighbours": 6}, {"top_k": "many"}])
def test_numbers_out_of_bounds_are_refused_naming_the_field(
    client: TestClient, bounds: dict[str, object]
) -> None:
    response = client.post("/v1/query", json={"question": "q", "collection": "library", **bounds})
    assert response.status_code == 422
    assert [item["field"] for item in response.json()["errors"]] == list(bounds)


@pytest.mark.parametrize("question", ["", "   \n", "x" * 4001])
def test_an_empty_or_endless_question_is_refused(client: TestClient, question: str) -> None:
    response = client.post("/v1/query", json={"question": question, "collection": "library"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "question"
