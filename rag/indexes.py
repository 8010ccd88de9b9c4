"""The open indexes of every collection, brought up to date before they are searched."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from rag.domain import Collection, EmbeddingSpace
from rag.follow import follow_text, follow_vectors
from rag.ports import LexicalIndex, VectorIndex
from rag.store import Store

NEVER = -1
"""What `followed` is before the first change was followed, and after an index was found damaged."""

OpenVectorIndex = Callable[[Path, EmbeddingSpace], VectorIndex]
OpenLexicalIndex = Callable[[Path], LexicalIndex]


@dataclass(slots=True)
class CollectionIndexes:
    """The two indexes of one collection, and how one thread of one process at a time updates them.

    `updating` is for the threads of this process, `following` for the processes that share the files: two
    that rebuilt the lexical index together could each take the other's half for the whole.
    """

    vectors: VectorIndex
    lexical: LexicalIndex
    following: FileLock
    updating: threading.Lock = field(default_factory=threading.Lock)
    followed: int = NEVER


class Indexes:
    """Opens a collection's indexes when they are first needed and keeps them in step with the store."""

    def __init__(
        self,
        store: Store,
        directory: Path,
        open_vectors: OpenVectorIndex,
        open_lexical: OpenLexicalIndex,
    ) -> None:
        self._store = store
        self._directory = directory
        self._open_vectors = open_vectors
        self._open_lexical = open_lexical
        self._lock = threading.Lock()
        self._open: dict[int, CollectionIndexes] = {}

    def of(self, collection: Collection, space: EmbeddingSpace, *, wait: bool) -> CollectionIndexes:
        """A collection's indexes, following its changes.

        With `wait` they have applied every change that `collection` knows of. Without, a search that finds
        another thread or process at this work goes on with what is there; only the first always waits.
        """
        with self._lock:
            indexes = self._open.get(collection.id)
            if indexes is None:
                folder = self._directory / str(collection.id)
                folder.mkdir(parents=True, exist_ok=True)
                indexes = CollectionIndexes(
                    self._open_vectors(folder, space),
                    self._open_lexical(folder / "lexical"),
                    FileLock(folder / "following.lock", thread_local=False),
                )
                self._open[collection.id] = indexes
        # Not "at least": a database that was restored to an older past has fewer changes.
        if indexes.followed != collection.last_change:
            self._follow(indexes, collection, space, wait=wait or indexes.followed == NEVER)
        return indexes

    def _follow(
        self, indexes: CollectionIndexes, collection: Collection, space: EmbeddingSpace, *, wait: bool
    ) -> None:
        if not indexes.updating.acquire(blocking=wait):
            return
        try:
            with indexes.following.acquire(timeout=-1 if wait else 0):
                follow_vectors(indexes.vectors, space, self._store, collection)
                follow_text(indexes.lexical, self._store, collection)
                indexes.followed = collection.last_change
        except Timeout:
            return  # another process is at it; the next search looks again
        finally:
            indexes.updating.release()

    def drop(self, collection_id: int) -> None:
        """Forget the indexes of a deleted collection and remove their files."""
        with self._lock:
            indexes = self._open.pop(collection_id, None)
        if indexes is not None:
            with indexes.updating:
                indexes.lexical.close()
        shutil.rmtree(self._directory / str(collection_id), ignore_errors=True)

    def sweep(self) -> None:
        """Remove the files of collections that are no more."""
        if not self._directory.is_dir():
            return
        folders = list(self._directory.iterdir())  # before asking: a new collection must not be swept
        live = {str(collection.id) for collection in self._store.collections()}
        for folder in folders:
            if folder.name not in live:
                shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Leave snapshots for the next start."""
        with self._lock:
            opened, self._open = self._open, {}
        for indexes in opened.values():
            with indexes.updating:
                indexes.vectors.close()
                indexes.lexical.close()
