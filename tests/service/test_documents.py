"""Documents over HTTP: upload, read, list, replace, delete."""

import io
import zipfile

import pytest
from service.library import DOCUMENTS, upload
from starlette.testclient import TestClient


def uris(client: TestClient, collection: str) -> list[str]:
    response = client.get("/v1/documents", params={"collection": collection})
    return [document["uri"] for document in response.json()["documents"]]


def found(client: TestClient, collection: str, question: str) -> list[str]:
    response = client.post("/v1/search", json={"question": question, "collection": collection})
    return [hit["text"] for hit in response.json()["hits"]]


def test_an_uploaded_document_is_found_when_the_response_is_there(
    client: TestClient, collection: str
) -> None:
    stored = upload(client, collection, "a/fee.txt", b"The fee is 12 euros.", {"year": 2020, "tags": ["x"]})
    assert stored.status_code == 201
    document = stored.json()
    assert stored.headers["Location"] == f"/v1/documents/{document['id']}"
    assert document["was_replaced"] is False
    assert (document["uri"], document["source"]) == ("a/fee.txt", "upload")
    assert document["metadata"] == {"year": 2020, "tags": ["x"]}
    assert any("12 euros" in text for text in found(client, collection, "How much is the fee?"))
    shown = client.get(stored.headers["Location"]).json()
    assert shown == {key: value for key, value in document.items() if key != "was_replaced"}


def test_uploading_again_replaces_the_document_of_that_name(client: TestClient, collection: str) -> None:
    first = upload(client, collection, "fee.txt", b"The fee is 12 euros.").json()
    second = upload(client, collection, "fee.txt", b"The fee is 30 euros.")
    assert second.status_code == 200
    assert second.json()["was_replaced"] is True
    assert second.json()["id"] == first["id"]
    assert second.json()["revision"] != first["revision"]
    assert uris(client, collection) == ["fee.txt"]
    texts = " ".join(found(client, collection, "How much is the fee?"))
    assert "30 euros" in texts
    assert "12 euros" not in texts


def test_a_deleted_document_is_gone_at_once(client: TestClient, collection: str) -> None:
    document = upload(client, collection, "fee.txt", b"The fee is 12 euros.").json()
    path = f"/v1/documents/{document['id']}"
    assert found(client, collection, "How much is the fee?")
    assert client.delete(path).status_code == 204
    assert found(client, collection, "How much is the fee?") == []
    for gone in (client.get(path), client.get(f"{path}/text"), client.delete(path)):
        assert gone.status_code == 404


def test_a_deleted_name_can_be_uploaded_again_under_a_new_id(client: TestClient, collection: str) -> None:
    first = upload(client, collection, "fee.txt", b"The fee is 12 euros.").json()
    client.delete(f"/v1/documents/{first['id']}")
    second = upload(client, collection, "fee.txt", b"The fee is 12 euros.")
    assert second.status_code == 201
    assert second.json()["id"] > first["id"]


def test_documents_are_listed_page_by_page(client: TestClient, collection: str) -> None:
    names = [f"{number}.txt" for number in range(5)]
    for name in names:
        upload(client, collection, name, f"The number is {name}.".encode())
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        page = client.get(
            "/v1/documents", params={"collection": collection, "after": after, "limit": 2}
        ).json()
        seen += [document["uri"] for document in page["documents"]]
        after = page["next_after"]
    assert seen == names


def test_a_range_of_text_counts_code_points_beside_emoji(client: TestClient) -> None:
    documents = client.get("/v1/documents", params={"collection": "library"}).json()["documents"]
    document = next(item for item in documents if item["uri"] == "notes-😀.txt")
    path = f"/v1/documents/{document['id']}/text"
    whole = client.get(path).json()
    assert (whole["start"], whole["end"]) == (0, document["characters"])
    assert len(whole["text"]) == document["characters"]
    assert whole["text"].startswith("😀😀 Notes of the 🎉 party.")
    assert client.get(path, params={"start": 2, "end": 8}).json()["text"] == " Notes"
    assert client.get(path, params={"start": 10**6}).json()["text"] == ""
    cut = client.get(path, params={"start": document["characters"] - 1, "end": 10**6}).json()
    assert (cut["end"], cut["text"]) == (document["characters"], whole["text"][-1])
    assert client.get(path, params={"start": 5, "end": 4}).status_code == 422


def corrupt_docx() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("word/nothing.xml", "<a/>")
    return held.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.txt", b""),
        ("blank.txt", b"  \n\n "),
        ("corrupt.pdf", b"%PDF-1.7\nthis is no PDF"),
        ("corrupt.docx", corrupt_docx()),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(64)),
        ("program.exe", b"MZ" + bytes(300)),
    ],
)
def test_an_unreadable_file_is_refused_with_its_reason_and_nothing_is_stored(
    client: TestClient, collection: str, name: str, data: bytes
) -> None:
    response = upload(client, collection, name, data)
    assert response.status_code == 422, response.text
    assert response.json()["type"] == "urn:attest:unreadable-document"
    assert response.json()["detail"]
    assert uris(client, collection) == []


def test_markup_in_a_document_comes_back_as_inert_text_of_json(client: TestClient, collection: str) -> None:
    data = b"The script <script>alert(1)</script> of the fee is harmless."
    document = upload(client, collection, "x.txt", data).json()
    response = client.get(f"/v1/documents/{document['id']}/text")
    assert response.headers["content-type"] == "application/json"
    assert "<script>alert(1)</script>" in response.json()["text"]


def test_an_upload_needs_an_existing_collection(client: TestClient) -> None:
    assert upload(client, "nowhere", "a.txt", b"text").status_code == 404
    assert client.get("/v1/documents", params={"collection": "nowhere"}).status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "/etc/passwd.txt",
        "a/../../b.txt",
        "a//b.txt",
        "./a.txt",
        "C:a.txt",
        "a\\b.txt",
        "x" * 300 + ".txt",
        "a\u202etxt.exe",
    ],
)
def test_a_file_name_with_path_tricks_is_refused(client: TestClient, collection: str, name: str) -> None:
    response = upload(client, collection, name, b"text")
    assert response.status_code == 422, response.text
    assert uris(client, collection) == []


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ("nonsense", "metadata"),
        ("[1]", "metadata"),
        ('{"a": null}', "metadata.a"),
        ('{"a": {"b": 1}}', "metadata.a"),
        ('{"a": [1]}', "metadata.a"),
        ('{"a": NaN}', "metadata"),
        ('{"a": 1e999}', "metadata.a"),
        ('{"a": 9007199254740994}', "metadata.a"),
        ('{"a": "\\u0000"}', "metadata.a"),
        ('{"\\u0000": 1}', "metadata"),
        ('{"$a": 1}', "metadata"),
        ('{"": 1}', "metadata"),
        ('{"a": "\\ud800"}', "metadata"),
        ("[" * 5000, "metadata"),
        ('{"a": "' + "x" * 5000 + '"}', "metadata.a"),
        ("{" + ",".join(f'"k{i}": 1' for i in range(65)) + "}", "metadata"),
    ],
)
def test_metadata_that_filters_could_not_use_is_refused_naming_the_field(
    client: TestClient, collection: str, metadata: str, field: str
) -> None:
    response = client.post(
        "/v1/documents",
        data={"collection": collection, "metadata": metadata},
        files={"file": ("a.txt", b"The fee is 12 euros.")},
    )
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["field"] == field
    assert uris(client, collection) == []


def test_an_upload_without_its_parts_is_refused_naming_them(client: TestClient) -> None:
    response = client.post("/v1/documents", data={"metadata": "{}"})
    assert response.status_code == 422
    assert {item["field"] for item in response.json()["errors"]} == {"collection", "file"}


def test_a_broken_multipart_body_is_refused(client: TestClient) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    for body in (
        b"--x\r\nnonsense",
        b"",
        b'--x\r\nContent-Disposition: form-data; name="collection"\r\n\r\nlib',
    ):
        assert client.post("/v1/documents", content=body, headers=headers).status_code == 422


def test_every_document_of_the_library_has_its_language_and_size(client: TestClient) -> None:
    documents = client.get("/v1/documents", params={"collection": "library"}).json()["documents"]
    assert {document["uri"]: document["language"] for document in documents} == {
        uri: "zh" if uri == "劳动合同.txt" else "en" for uri in DOCUMENTS
    }
    shown = client.get("/v1/collections/library").json()
    assert shown["documents"] == len(DOCUMENTS)
    assert shown["characters"] == sum(document["characters"] for document in documents)
