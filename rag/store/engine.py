"""How a database is opened, and how its errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from rag.errors import ConflictError, InvalidRequestError, StoreUnavailableError

LOCK_WAIT_SECONDS = 10  # then the caller is told to try again
CONNECTIONS = 40  # above the default number of requests that the server works on at a time


def open_engine(url: str) -> Engine:
    """An engine on a database whose schema is up to date; SQLite in WAL mode, synced at every commit."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InvalidRequestError(
            "the database URL cannot be read; write sqlite:///PATH or postgresql+pg8000://USER@HOST/NAME",
            "database_url",
        ) from error
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        _make_folder(Path(parsed.database).parent)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+pg8000")
    try:
        engine = create_engine(
            parsed,
            pool_pre_ping=parsed.get_backend_name() != "sqlite",
            pool_size=CONNECTIONS,
            pool_timeout=LOCK_WAIT_SECONDS,
        )
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise InvalidRequestError(
            f"no driver for the database {parsed.drivername}; use sqlite or postgresql+pg8000", "database_url"
        ) from error
    if engine.dialect.name == "sqlite":
        _configure_sqlite(engine)
    _migrate(engine)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidRequestError(
            f"{folder} cannot be made ({error.strerror}); name another with --home or ATTEST_HOME", "home"
        ) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection on one consistent snapshot; its errors are StoreUnavailableError."""
    with _translated(engine), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction: committed whole when the block ends, rolled back whole on any error."""
    with _translated(engine), engine.connect() as connection:
        connection.execution_options(attest_write=True)
        with connection.begin():
            yield connection


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as error:
        if _breaks_a_constraint(error):
            raise ConflictError(
                "what this belongs to was changed or deleted meanwhile; nothing was changed"
            ) from error
        cause = str(getattr(error, "orig", None) or error).splitlines()[0][:200]
        raise StoreUnavailableError(
            f"the {engine.dialect.name} database did not do its work ({cause}); nothing was changed. "
            "Check that it runs, is not locked by another program and has disk space, then try again"
        ) from error


def _breaks_a_constraint(error: DBAPIError | PoolTimeoutError) -> bool:
    """pg8000 calls only a doubled key an integrity error; the others are of the same class in SQL, 23."""
    if isinstance(error, IntegrityError):
        return True
    told: tuple[object, ...] = getattr(getattr(error, "orig", None), "args", ())
    return bool(told) and isinstance(told[0], dict) and str(told[0].get("C", "")).startswith("23")


def _configure_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: "_SqliteConnection", _entry: ConnectionPoolEntry) -> None:
        # We begin transactions ourselves: the driver's own way upgrades a read to a write and then
        # fails at once with "database is locked" instead of waiting.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {LOCK_WAIT_SECONDS * 1000}",
            "journal_mode = WAL",
            "synchronous = FULL",  # a document reported as stored survives a power cut
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        is_write = connection.get_execution_options().get("attest_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


class _SqliteConnection:
    """The part of a sqlite3 connection that is used here."""

    isolation_level: str | None

    def execute(self, statement: str) -> object: ...


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
