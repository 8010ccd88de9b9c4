"""The OpenAPI document is complete, and requests made from it find nothing undocumented."""

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
import structlog
from in_memory import WordEmbedder
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from api.app import create_app
from ingest.wiring import open_ingestion
from rag.settings import Settings
from rag.wiring import open_system

LOCAL = {"Host": "localhost"}
UNTIMED: dict[str, Any] = {"deadline": None, "suppress_health_check": list(hypothesis.HealthCheck)}
# Operations without input, or with a name that may be any text.
CANNOT_BE_WRONG = (
    "GET /health/live",
    "GET /health/ready",
    "GET /v1/collections",
    "GET /v1/models",
    "GET /v1/collections/{name}",
    "DELETE /v1/collections/{name}",
    "DELETE /v1/collections/{name}/calibrator",
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def test_every_operation_is_described_and_every_error_is_a_problem(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == 27
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert {"403", "413", "422", "500", "503"} <= set(operation["responses"])
        for status, response in operation["responses"].items():
            assert response["description"]
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[APIOperation[Any, Any, Any, Any]]]:
    """The operations of an API of this module alone, in which one collection holds one document."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), api_key=None)
    with open_system(settings, embedder=WordEmbedder()) as system:
        system.store.create_collection("contracts")
        ingestion = open_ingestion(system)
        ingestion.upload(b"The rent is 12 euros.", "lease.txt", "contracts", {"year": 2020})
        app = create_app(system, ingestion)
        schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=LOCAL)
        schema.validate()
        yield [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
        ingestion.close()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_requests_made_from_the_document_get_documented_answers(
    operations: list[APIOperation[Any, Any, Any, Any]], mode: GenerationMode
) -> None:
    assert len(operations) == 27
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and operation.label in CANNOT_BE_WRONG:
            continue

        @hypothesis.settings(max_examples=20, derandomize=True, database=None, **UNTIMED)
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(headers=LOCAL, checks=CHECKS)

        with structlog.testing.capture_logs():
            check()
