"""Fixtures for every test: a store on each database that is there, and the evaluation data."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

from rag.store import Store

# A busy machine is no failure: the default deadline of 200 ms would be a timed assertion.
settings.register_profile("attest", deadline=None)
settings.load_profile("attest")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, on SQLite and, where a server is given, on PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'attest.db'}"
    else:
        url = os.environ.get("ATTEST_TEST_POSTGRES", "")
        if not url:
            pytest.skip("no PostgreSQL: set ATTEST_TEST_POSTGRES, or run `make test-postgres`")
        server = create_engine(url)
        with server.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        server.dispose()
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """An empty store on SQLite, for what does not depend on the database."""
    opened = Store.open(f"sqlite:///{tmp_path / 'attest.db'}")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def evaluation_data() -> Path:
    """The folder of evaluation data, or a skip with one line."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ATTEST_DATA", default))
    if not folder.is_dir():
        pytest.skip("no evaluation data: set ATTEST_DATA")
    return folder
