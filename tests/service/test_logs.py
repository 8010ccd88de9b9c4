"""One line per request, without what was asked."""

import io
import json

import pytest
import structlog
from starlette.testclient import TestClient

from api.logs import configure_log


def lines_of(client: TestClient, method: str, path: str, **sent: object) -> list[dict[str, object]]:
    """The lines about this very request: threads of other tests may log in the meantime."""
    with structlog.testing.capture_logs() as lines:
        response = client.request(method, path, **sent)  # type: ignore[arg-type]
    return [dict(line) for line in lines if line.get("request_id") == response.headers["X-Request-Id"]]


def test_a_request_is_one_line_with_its_route_and_not_what_it_asked(client: TestClient) -> None:
    body = {"question": "What is the secret rent?", "collection": "library"}
    [line] = lines_of(client, "POST", "/v1/search", json=body)
    assert (line["event"], line["method"], line["route"], line["status"]) == (
        "request",
        "POST",
        "/v1/search",
        200,
    )
    assert isinstance(line["milliseconds"], float)
    assert "rent" not in str(line)
    [line] = lines_of(client, "GET", "/v1/collections/secret")
    assert (line["route"], line["status"]) == ("/v1/collections/{name}", 404)
    [line] = lines_of(client, "GET", "/secret")
    assert (line["route"], line["status"]) == ("", 404)


def test_an_id_that_was_sent_is_echoed_and_logged(client: TestClient) -> None:
    [line] = lines_of(client, "GET", "/health/live", headers={"X-Request-Id": "abc-1.2_3"})
    assert line["request_id"] == "abc-1.2_3"
    assert client.get("/health/live", headers={"X-Request-Id": "abc"}).headers["X-Request-Id"] == "abc"


@pytest.mark.parametrize("sent", ["", "two words", "x" * 65, 'a"b', "é".encode()])
def test_an_id_that_could_forge_a_log_is_replaced(client: TestClient, sent: str) -> None:
    response = client.get("/health/live", headers={"X-Request-Id": sent})
    assert len(response.headers["X-Request-Id"]) == 32


def test_the_log_is_one_json_object_per_line() -> None:
    stream = io.StringIO()
    configure_log(stream)
    try:
        structlog.get_logger().info("request", route="/v1/查询")
    finally:
        structlog.reset_defaults()
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["route"]) == ("request", "info", "/v1/查询")
