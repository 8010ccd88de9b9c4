"""Vectors that were computed before, in a file of their own that may be deleted at any time."""

import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import structlog

from rag.domain import EmbeddingSpace

LOG = structlog.get_logger()

LOCK_WAIT_SECONDS = 2.0  # a batch takes milliseconds; computing anew is better than waiting long
EVICTED_SHARE = 0.1  # of the rows at a time, so that not every batch evicts
CHECKSUM_BYTES = 4
FORMAT = 1
"""Raised when rows mean something else than before; a file of another format is replaced."""

DAMAGE = frozenset(
    (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT)
)
"""What SQLite reports of a file that is torn, no database, or another program's."""

# One file at rest, no WAL: a deleted WAL database may leave a log behind that the next one would take for
# its own. Nothing is synced: what a power cut tears is computed anew. Freed pages go back to the disk.
SETTINGS = ("auto_vacuum = FULL", "synchronous = OFF")
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, used INTEGER NOT NULL, value BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS vector_used ON vector (used)",
)
EVICTION = "DELETE FROM vector WHERE key IN (SELECT key FROM vector ORDER BY used LIMIT ?)"
NEXT_USE = "(SELECT coalesce(max(used), 0) + 1 FROM vector)"  # a counter: clocks jump, and differ

T = TypeVar("T")


class EmbeddingCache:
    """Vectors as bytes, by text and embedding space; bounded, the least recently used go first.

    Texts are kept as sha256 only. Safe with several threads and processes. It never fails its caller: where
    the file cannot be used, nothing is found, nothing is kept, and the log says why; a damaged file is
    deleted. With a limit of 0 bytes nothing is kept and a file that is there is deleted.
    """

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self._path = path
        self._limit = limit_bytes
        if not limit_bytes:
            self.empty()

    def find(self, space: EmbeddingSpace, texts: Sequence[str]) -> dict[str, bytes]:
        """What is known of these texts, whole and unchanged; they count as used now."""
        if not self._limit or not texts:
            return {}
        keys = {_key(space, text): text for text in texts}
        found = self._attempt(lambda connection: _read(connection, keys)) or {}
        if found:
            self._attempt(lambda connection: _touch(connection, list(found)))
        return {keys[key]: vector for key, vector in found.items()}

    def keep(self, space: EmbeddingSpace, vectors: Mapping[str, bytes]) -> None:
        """Remember the vectors of these texts; older ones make room."""
        if self._limit and vectors:
            rows = {_key(space, text): vector for text, vector in vectors.items()}
            self._attempt(lambda connection: _write(connection, rows, self._limit))

    def empty(self) -> None:
        """Forget everything: the file is deleted."""
        for suffix in ("-journal", ""):
            with suppress(OSError):  # a folder in its place, or a file that may not be deleted
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do `work` in one transaction; None, and a line in the log, where the file does not allow it."""
        try:
            with closing(self._connect()) as connection, _transaction(connection):
                return work(connection)
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter of a message that quotes damage
            self._give_up(error)
        except OSError as error:
            LOG.warning("the embedding cache cannot be made", file=str(self._path), error=str(error))
        return None

    def _give_up(self, error: sqlite3.Error | UnicodeDecodeError) -> None:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF  # without its extension
        if code in DAMAGE or isinstance(error, UnicodeDecodeError):
            self.empty()
            message = "the embedding cache is damaged and was deleted"
        else:
            message = "the embedding cache cannot be used now; vectors are computed instead"
        LOG.warning(message, file=str(self._path), error=str(error))

    def _connect(self) -> sqlite3.Connection:
        """A connection for one transaction, so that a file deleted meanwhile is missed by nobody."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=LOCK_WAIT_SECONDS, isolation_level=None)
        try:
            _prepare(connection)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.text_factory = bytes  # a damaged row may call its bytes text
    for setting in SETTINGS:
        connection.execute(f"PRAGMA {setting}")
    if _pragma(connection, "user_version") == FORMAT:
        return
    with _transaction(connection):
        if _pragma(connection, "user_version") == FORMAT:  # another process was quicker
            return
        connection.execute("DROP TABLE IF EXISTS vector")
        for statement in SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORMAT}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    with connection:  # commits, or rolls back what SQLite has not rolled back itself
        connection.execute("BEGIN IMMEDIATE")
        yield


def _key(space: EmbeddingSpace, text: str) -> bytes:
    return hashlib.sha256(f"{space.fingerprint}\n{text}".encode("utf-8", "surrogatepass")).digest()


def _read(connection: sqlite3.Connection, keys: Mapping[bytes, str]) -> dict[bytes, bytes]:
    found = {}
    for key in keys:
        row = connection.execute("SELECT value FROM vector WHERE key = ?", (key,)).fetchone()
        value = row[0] if row else None
        if isinstance(value, bytes) and _checksum(key, value[CHECKSUM_BYTES:]) == value[:CHECKSUM_BYTES]:
            found[key] = value[CHECKSUM_BYTES:]
    return found


def _touch(connection: sqlite3.Connection, keys: Sequence[bytes]) -> None:
    [use] = connection.execute(f"SELECT {NEXT_USE}").fetchone()
    connection.executemany("UPDATE vector SET used = ? WHERE key = ?", ((use, key) for key in keys))


def _write(connection: sqlite3.Connection, rows: Mapping[bytes, bytes], limit_bytes: int) -> None:
    [use] = connection.execute(f"SELECT {NEXT_USE}").fetchone()
    connection.executemany(
        "INSERT OR REPLACE INTO vector (key, used, value) VALUES (?, ?, ?)",
        ((key, use, _checksum(key, vector) + vector) for key, vector in rows.items()),
    )
    while _size(connection) > limit_bytes:
        [count] = connection.execute("SELECT count(*) FROM vector").fetchone()
        if not count:
            break
        connection.execute(EVICTION, (max(1, int(count * EVICTED_SHARE)),))


def _checksum(key: bytes, vector: bytes) -> bytes:
    """What tells a vector from a torn one, or from another text's: SQLite does not check its pages."""
    return zlib.crc32(key + vector).to_bytes(CHECKSUM_BYTES, "little")


def _size(connection: sqlite3.Connection) -> int:
    """Bytes that the file will have after the transaction, the pages freed in it left out."""
    pages = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
    return pages * _pragma(connection, "page_size")
