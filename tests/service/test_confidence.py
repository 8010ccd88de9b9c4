"""Calibrated confidence over HTTP: risks, certificates, a collection's own calibrator, its settings."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hand_made import hand_made, threshold
from service.library import upload
from starlette.testclient import TestClient

from rag.calibrator import POOLED, Answerability, Calibrator, calibrator_to_json, logistic
from rag.calibrators import shipped_calibrator
from rag.system import System

QUESTIONS = {"en": "When must the filter of the pump be replaced?", "zh": "员工每年享有多少天带薪年假？"}
TEXTS = {
    "manual.txt": "The filter of the pump must be replaced every 500 operating hours.\n",
    "合同.txt": "劳动合同\n\n第一条 试用期为三个月。\n\n第二条 员工每年享有十五天带薪年假。\n",
}
ALWAYS, NEVER = 0.0, 1.0  # the hand-made calibrator stays between


def install(client: TestClient, collection: str, calibrator: Calibrator) -> dict[str, object]:
    path = f"/v1/collections/{collection}/calibrator"
    response = client.put(path, json=json.loads(calibrator_to_json(calibrator)))
    assert response.status_code == 200, response.text
    return dict(response.json())


def ask(client: TestClient, collection: str, language: str = "en", **fields: object) -> dict[str, object]:
    body = {"question": QUESTIONS[language], "collection": collection, **fields}
    response = client.post("/v1/query", json=body)
    assert response.status_code == 200, response.text
    return dict(response.json())


def confidence_of(outcome: dict[str, object]) -> dict[str, object]:
    confidence = outcome["confidence"]
    assert isinstance(confidence, dict)
    return confidence


def shipped_id() -> str:
    shipped = shipped_calibrator()
    assert shipped is not None
    return shipped.id


@pytest.fixture
def name(client: TestClient, request: pytest.FixtureRequest) -> Iterator[str]:
    """A collection of this test alone, with a document in each language."""
    name = request.node.originalname
    assert client.post("/v1/collections", json={"name": name}).status_code == 201
    for uri, text in TEXTS.items():
        assert upload(client, name, uri, text.encode()).status_code == 201
    yield name
    client.delete(f"/v1/collections/{name}")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_risk_without_a_calibrator_is_told_not_to_be_applied(
    uncalibrated: TestClient, name: str, language: str
) -> None:
    outcome = ask(uncalibrated, name, language, max_risk=0.1)
    assert outcome["status"] == "answered"
    assert confidence_of(outcome)["calibrated"] is False
    assert any("max_risk was not applied" in warning for warning in outcome["warnings"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_installed_calibrator_makes_scores_probabilities_from_the_next_question_on(
    uncalibrated: TestClient, system: System, name: str, language: str
) -> None:
    before = confidence_of(ask(uncalibrated, name, language))
    score = before["score"]
    assert isinstance(score, float)
    told = install(uncalibrated, name, hand_made(system.pipeline.fingerprint, name="own"))
    assert (told["id"], told["calibrated"], told["removed_at"]) == ("own", True, None)
    after = confidence_of(ask(uncalibrated, name, language))
    assert (before["calibrated"], after["calibrated"], after["certified"]) == (False, True, False)
    assert (after["calibrator"], after["n_calibration"], after["target_risk"]) == ("own", 200, None)
    assert after["score"] == pytest.approx(min(0.99, max(0.01, score)))


def test_a_certified_risk_is_promised_and_a_smaller_one_is_not(
    client: TestClient, system: System, name: str
) -> None:
    parts = [threshold(0.1, ALWAYS, is_certified=True), threshold(0.05, ALWAYS)]
    install(client, name, hand_made(system.pipeline.fingerprint, parts))
    promised = ask(client, name, max_risk=0.1, require_certificate=True)
    assert promised["status"] == "answered"
    confidence = confidence_of(promised)
    assert (confidence["certified"], confidence["target_risk"], confidence["confidence_level"]) == (
        True,
        0.1,
        0.9,
    )
    unproven = ask(client, name, max_risk=0.05)
    assert (unproven["status"], confidence_of(unproven)["certified"]) == ("answered", False)
    assert any("not certified" in warning for warning in unproven["warnings"])  # type: ignore[attr-defined]
    refused = ask(client, name, max_risk=0.05, require_certificate=True)
    assert refused["status"] == "abstained"
    assert refused["abstention"]["reason"] == "not_certified"  # type: ignore[index]


def test_a_threshold_that_is_not_reached_is_an_abstention(
    client: TestClient, system: System, name: str
) -> None:
    install(client, name, hand_made(system.pipeline.fingerprint, [threshold(0.1, NEVER)]))
    outcome = ask(client, name, max_risk=0.1)
    assert outcome["status"] == "abstained"
    assert outcome["abstention"]["reason"] == "low_confidence"  # type: ignore[index]
    assert confidence_of(outcome)["threshold"] == NEVER


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_question_that_the_documents_do_not_seem_to_answer_is_out_of_scope(
    client: TestClient, system: System, name: str, language: str
) -> None:
    calibrator = hand_made(system.pipeline.fingerprint)
    for minimum, reason in ((NEVER, "out_of_scope"), (ALWAYS, None)):
        answerability = Answerability(calibrator.stackers, {POOLED: minimum})
        install(client, name, replace(calibrator, answerability=answerability))
        outcome = ask(client, name, language)
        abstention = outcome["abstention"]
        assert (abstention["reason"] if isinstance(abstention, dict) else None) == reason
        confidence = confidence_of(outcome)
        signals = confidence["signals"]
        assert isinstance(signals, dict)
        assert confidence["answerable"] == pytest.approx(logistic(signals["support_maximum"]))
        assert confidence["minimum_answerable"] == minimum


def test_a_collections_settings_hold_for_questions_that_name_no_risk(
    client: TestClient, system: System, name: str
) -> None:
    parts = [threshold(0.1, NEVER), threshold(0.1, ALWAYS, group="domain:legal"), threshold(0.2, ALWAYS)]
    install(client, name, hand_made(system.pipeline.fingerprint, parts))
    path = f"/v1/collections/{name}"
    assert client.get(path).json()["max_risk"] is None
    assert client.patch(path, json={"max_risk": 0.1}).json()["max_risk"] == 0.1
    assert ask(client, name)["status"] == "abstained"
    assert ask(client, name, max_risk=0.2)["status"] == "answered"
    changed = client.patch(path, json={"domain": "legal"}).json()
    assert (changed["max_risk"], changed["domain"]) == (0.1, "legal")
    assert ask(client, name)["status"] == "answered"
    shown = client.patch(path, json={"max_risk": None}).json()
    assert (shown["max_risk"], shown["domain"]) == (None, "legal")
    assert client.patch(path, json={}).json() == shown
    assert client.get(path).json() | shown == client.get(path).json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"max_risk": 0}, "max_risk"),
        ({"max_risk": 1}, "max_risk"),
        ({"max_risk": "0.1"}, "max_risk"),
        ({"domain": "cooking"}, "domain"),
        ({"domain": None}, "domain"),
        ({"name": "other"}, "name"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_naming_the_field(
    client: TestClient, body: dict[str, object], field: str
) -> None:
    response = client.patch("/v1/collections/library", json=body)
    assert response.status_code == 422
    assert [item["field"] for item in response.json()["errors"]] == [field]


@pytest.mark.parametrize("risk", [0, 1, -0.1, 1.5, "0.1", True])
def test_a_risk_that_is_no_share_is_refused(client: TestClient, risk: object) -> None:
    body = {"question": "q", "collection": "library", "max_risk": risk}
    response = client.post("/v1/query", json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "max_risk"


def test_a_calibrator_of_another_pipeline_is_kept_and_not_used(
    client: TestClient, uncalibrated: TestClient, name: str
) -> None:
    told = install(client, name, hand_made("another-pipeline", name="own"))
    assert told["calibrated"] is False
    assert confidence_of(ask(client, name))["calibrator"] == shipped_id()
    assert confidence_of(ask(uncalibrated, name))["calibrated"] is False
    shown = uncalibrated.get("/v1/calibration", params={"collection": name}).json()
    assert (shown["calibrated"], shown["certified"], shown["calibrator"]) == (False, False, None)
    assert shown["installed"][0]["pipeline"] == "another-pipeline" != shown["pipeline"]


def test_removing_a_calibrator_goes_back_and_keeps_the_history(
    client: TestClient, uncalibrated: TestClient, system: System, name: str
) -> None:
    path = f"/v1/collections/{name}/calibrator"
    for version in ("first", "second"):
        install(client, name, hand_made(system.pipeline.fingerprint, name=version))
    assert confidence_of(ask(client, name))["calibrator"] == "second"
    assert client.delete(path).status_code == 204
    assert confidence_of(ask(client, name))["calibrator"] == shipped_id()
    assert confidence_of(ask(uncalibrated, name))["calibrated"] is False
    gone = client.delete(path)
    assert gone.status_code == 404
    assert "PUT" in gone.json()["detail"]
    installed = client.get("/v1/calibration", params={"collection": name}).json()["installed"]
    assert [item["id"] for item in installed] == ["second", "first"]
    assert all(item["removed_at"] for item in installed)


def test_the_calibration_shows_the_curve_the_certificates_and_what_people_said(
    client: TestClient, system: System, name: str
) -> None:
    parts = [threshold(0.1, ALWAYS, is_certified=True), threshold(0.3, ALWAYS)]
    install(client, name, hand_made(system.pipeline.fingerprint, parts))
    for verdict in ("correct", "wrong", "wrong"):
        answer_id = ask(client, name)["id"]
        assert (
            client.post("/v1/feedback", json={"answer_id": answer_id, "verdict": verdict}).status_code == 201
        )
    shown = client.get("/v1/calibration", params={"collection": name}).json()
    assert (shown["calibrated"], shown["certified"]) == (True, True)
    assert shown["feedback"] == {"answered": 3, "abstained": 0, "correct": 1, "wrong": 2}
    calibrator = shown["calibrator"]
    assert (calibrator["origin"], calibrator["pipeline"]) == ("collection", shown["pipeline"])
    assert calibrator["sets"][0]["certify"] == 300
    assert calibrator["reliability"] == [{"predicted": 0.25, "observed": 0.5, "n": 20}]
    assert [item["target_risk"] for item in calibrator["thresholds"] if item["certificate"]] == [0.1]
    assert (shown["drift"]["n"], shown["drift"]["wrong"], shown["drift"]["target_risk"]) == (3, 2, 0.1)


def test_the_calibration_of_any_collection_is_the_shipped_one_which_certifies_nothing(
    client: TestClient,
) -> None:
    shown = client.get("/v1/calibration", params={"collection": "empty"}).json()
    assert (shown["calibrated"], shown["certified"]) == (True, False)
    calibrator = shown["calibrator"]
    assert (calibrator["id"], calibrator["origin"]) == (shipped_id(), "shipped")
    assert calibrator["pipeline"] == shown["pipeline"]
    assert shown["installed"] == []


def test_without_any_calibrator_the_calibration_says_so(uncalibrated: TestClient) -> None:
    shown = uncalibrated.get("/v1/calibration", params={"collection": "empty"}).json()
    assert (shown["calibrated"], shown["certified"], shown["calibrator"]) == (False, False, None)
    assert (shown["installed"], shown["drift"]) == ([], None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "version"),
        (b"[]", ""),
        (b"{", ""),
        (b'{"version": 2}', "version"),
        (calibrator_to_json(hand_made()).replace('"all"', '"none"').encode(), ""),
        (calibrator_to_json(hand_made(thresholds=[threshold(2, 0.5)])).encode(), "thresholds.0.target_risk"),
        (calibrator_to_json(hand_made()).replace('"sets"', '"set": 1, "sets"').encode(), "set"),
        (calibrator_to_json(hand_made()).replace('"by-hand"', '"\\u0000"').encode(), ""),
        (calibrator_to_json(hand_made()).replace('"by-hand"', '"\\ud800"').encode(), ""),
        (
            calibrator_to_json(hand_made()).replace('"intercept": 0.0', '"intercept": 1e13').encode(),
            "stackers.all.intercept",
        ),
    ],
    ids=range(10),
)
def test_what_is_no_calibrator_is_refused_and_changes_nothing(
    client: TestClient, body: bytes, field: str
) -> None:
    path, headers = "/v1/collections/empty/calibrator", {"content-type": "application/json"}
    response = client.put(path, content=body, headers=headers)
    assert response.status_code == 422
    assert field in [item["field"] for item in response.json()["errors"]]
    assert client.get("/v1/calibration", params={"collection": "empty"}).json()["installed"] == []


def test_the_calibration_of_an_unknown_collection_is_not_found(client: TestClient) -> None:
    body = json.loads(calibrator_to_json(hand_made()))
    for response in (
        client.get("/v1/calibration", params={"collection": "nowhere"}),
        client.put("/v1/collections/nowhere/calibrator", json=body),
        client.delete("/v1/collections/nowhere/calibrator"),
        client.patch("/v1/collections/nowhere", json={"max_risk": 0.1}),
        client.get("/v1/feedback", params={"collection": "nowhere"}),
    ):
        assert response.status_code == 404
        assert "nowhere" in response.json()["detail"]
