"""One populated system behind the API, as `attest serve` would run it, called in this process."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from service.library import DOCUMENTS, upload
from starlette.testclient import TestClient

from api.app import create_app
from ingest.ingestion import Ingestion
from ingest.wiring import open_ingestion
from rag.calibrators import Calibrators
from rag.settings import Settings
from rag.system import System
from rag.wiring import open_system

LOCAL = "http://localhost"


@pytest.fixture(scope="session")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that may be ingested over HTTP."""
    return tmp_path_factory.mktemp("roots")


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory, roots: Path) -> Iterator[System]:
    """A real system in a home of its own."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), ingest_roots=(roots,), api_key=None)
    with open_system(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def ingestion(system: System) -> Iterator[Ingestion]:
    opened = open_ingestion(system)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def client(system: System, ingestion: Ingestion) -> Iterator[TestClient]:
    """A client of the API in which the collection "library" holds DOCUMENTS and "empty" nothing."""
    with TestClient(create_app(system, ingestion), base_url=LOCAL, raise_server_exceptions=False) as opened:
        for name in ("library", "empty"):
            assert opened.post("/v1/collections", json={"name": name}).status_code == 201
        for uri, (text, metadata) in DOCUMENTS.items():
            assert upload(opened, "library", uri, text.encode(), metadata).status_code == 201
        yield opened


@pytest.fixture
def uncalibrated(client: TestClient, system: System, ingestion: Ingestion) -> TestClient:
    """A client of the same collections in a build without the calibrator that comes with Attest."""
    calibrators = Calibrators(system.store, system.pipeline.fingerprint, shipped=None)
    changed = replace(system, pipeline=replace(system.pipeline, calibrators=calibrators))
    return TestClient(create_app(changed, ingestion), base_url=LOCAL, raise_server_exceptions=False)


@pytest.fixture
def client_with(system: System, ingestion: Ingestion) -> Callable[..., TestClient]:
    """Makes a client of the same system under other settings."""

    def make(*, base_url: str = LOCAL, **settings: object) -> TestClient:
        changed = replace(system, settings=system.settings.model_copy(update=settings))
        app = create_app(changed, ingestion)
        return TestClient(app, base_url=base_url, raise_server_exceptions=False)

    return make


@pytest.fixture
def keyed(client_with: Callable[..., TestClient]) -> TestClient:
    """A client that sends no key to an API that asks for "s3cret"."""
    return client_with(api_key=SecretStr("s3cret"))


@pytest.fixture
def collection(client: TestClient, request: pytest.FixtureRequest) -> Iterator[str]:
    """A new, empty collection."""
    name = request.node.name[:100].replace("/", "-").strip()
    assert client.post("/v1/collections", json={"name": name}).status_code == 201
    yield name
    client.delete(f"/v1/collections/{name}")
