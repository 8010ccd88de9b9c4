"""Who is served: with a key its holders, without one only programs of this machine."""

from collections.abc import Callable

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from api.listen import is_loopback, require_safe_host
from rag.errors import ForbiddenError
from rag.settings import Settings

WRONG = [
    {},
    {"Authorization": "Bearer wrong"},
    {"Authorization": "Bearer s3cret2"},
    {"Authorization": "Bearer "},
    {"Authorization": "s3cret"},
    {"Authorization": "Basic s3cret"},
    {"Authorization": "Bearer s3créť".encode()},
    {"X-API-Key": "s3cret"},
]


@pytest.mark.parametrize("headers", WRONG)
def test_without_the_key_nothing_is_served(keyed: TestClient, headers: dict[str, str]) -> None:
    for path in ("/v1/collections", "/v1/documents/1", "/v1/nothing", "/openapi.json", "/"):
        response = keyed.get(path, headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["request_id"] == response.headers["X-Request-Id"]


def test_a_large_body_without_the_key_is_refused_as_unauthorized(keyed: TestClient) -> None:
    assert keyed.post("/v1/documents", content=b"x" * 10**6).status_code == 401


def test_with_the_key_everything_is_served(keyed: TestClient, client: TestClient) -> None:
    for scheme in ("Bearer", "bearer"):
        headers = {"Authorization": f"{scheme} s3cret"}
        assert keyed.get("/v1/collections/library", headers=headers).status_code == 200
        assert keyed.get("/v1/nothing", headers=headers).status_code == 404


def test_health_needs_no_key(keyed: TestClient) -> None:
    assert keyed.get("/health/live").json() == {"status": "live"}
    assert keyed.get("/health/ready").json() == {"status": "ready"}


def test_with_a_key_the_server_may_have_any_name(client_with: Callable[..., TestClient]) -> None:
    client = client_with(api_key=SecretStr("s3cret"), base_url="http://attest.example")
    assert client.get("/v1/collections", headers={"Authorization": "Bearer s3cret"}).status_code == 200


def test_an_empty_key_is_no_key(client_with: Callable[..., TestClient]) -> None:
    client = client_with(api_key=SecretStr(""), base_url="http://attest.example")
    assert client.get("/v1/collections", headers={"Authorization": "Bearer "}).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "192.168.0.7", "", "[", "0.0.0.0:8000"]
)
def test_without_a_key_a_foreign_host_name_is_refused(client: TestClient, host: str) -> None:
    response = client.get("/v1/collections", headers={"Host": host})
    assert response.status_code == 403
    assert "ATTEST_API_KEY" in response.json()["detail"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "127.3.2.1", "[::1]:8000"])
def test_without_a_key_this_machine_is_served(client: TestClient, host: str) -> None:
    assert client.get("/v1/collections", headers={"Host": host}).status_code == 200


def test_without_a_key_a_form_on_a_foreign_page_is_refused(client: TestClient) -> None:
    form = {"collection": "library"}
    for origin in ("http://evil.example", "null", "http://127.0.0.1.evil.example"):
        files = {"file": ("a.txt", b"planted")}
        response = client.post("/v1/documents", data=form, files=files, headers={"Origin": origin})
        assert response.status_code == 403
    assert client.get("/v1/collections", headers={"Origin": "http://localhost:3000"}).status_code == 200


def test_no_other_origin_is_let_in_by_cors(client: TestClient) -> None:
    response = client.options(
        "/v1/query",
        headers={"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"},
    )
    assert response.status_code == 405
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_a_network_address_without_a_key_is_refused_with_the_remedy() -> None:
    open_settings, keyed_settings = Settings(api_key=None), Settings(api_key=SecretStr("k"))
    for host in ("0.0.0.0", "::", "192.168.0.7", "attest.example"):
        with pytest.raises(ForbiddenError, match="ATTEST_API_KEY"):
            require_safe_host(host, open_settings)
        require_safe_host(host, keyed_settings)
    require_safe_host("127.0.0.1", open_settings)


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.", False),
        ("", False),
        ("127.0.0.1.x", False),
    ],
)
def test_only_names_that_can_mean_nothing_else_are_loopback(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local
