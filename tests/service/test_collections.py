"""Collections over HTTP."""

from urllib.parse import quote

import pytest
from service.library import upload
from starlette.testclient import TestClient


def test_a_collection_is_made_listed_shown_and_deleted(client: TestClient) -> None:
    name = "合同 & leases?"
    made = client.post("/v1/collections", json={"name": name})
    assert made.status_code == 201
    assert made.headers["Location"] == f"/v1/collections/{quote(name)}"
    assert name in [item["name"] for item in client.get("/v1/collections").json()["collections"]]
    shown = client.get(made.headers["Location"]).json()
    assert (shown["name"], shown["documents"], shown["chunks"], shown["characters"]) == (name, 0, 0, 0)
    assert shown["embedding_space"] is None
    assert client.delete(made.headers["Location"]).status_code == 204
    assert client.get(made.headers["Location"]).status_code == 404
    assert client.delete(made.headers["Location"]).status_code == 404


def test_a_name_can_be_taken_only_once(client: TestClient, collection: str) -> None:
    response = client.post("/v1/collections", json={"name": collection})
    assert response.status_code == 409
    assert response.json()["type"] == "urn:attest:conflict"


@pytest.mark.parametrize("name", ["", " a", "a ", "a/b", "a\nb", "a\x00", "x" * 129, ".", "..", None, 5])
def test_a_name_that_cannot_stand_in_a_url_is_refused(client: TestClient, name: object) -> None:
    response = client.post("/v1/collections", json={"name": name})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "name"


def test_deleting_a_collection_deletes_its_documents(client: TestClient) -> None:
    client.post("/v1/collections", json={"name": "short-lived"})
    document = upload(client, "short-lived", "a.txt", b"The fee is 12 euros.").json()
    assert client.delete("/v1/collections/short-lived").status_code == 204
    assert client.get(f"/v1/documents/{document['id']}").status_code == 404
    client.post("/v1/collections", json={"name": "short-lived"})
    body = {"question": "fee", "collection": "short-lived"}
    assert client.post("/v1/search", json=body).json()["hits"] == []
    client.delete("/v1/collections/short-lived")
