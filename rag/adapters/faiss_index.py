"""Exact inner-product search with FAISS, in memory or on a GPU, with a snapshot on disk."""

import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import structlog

from rag.adapters.faiss_gpu import GpuCopy
from rag.domain import ChunkIds, EmbeddingSpace, ScoredId, Vectors
from rag.intake import Position

SNAPSHOT = "vectors.snapshot"
LOG = structlog.get_logger()
FORMAT = 2
MINIMUM_UNSAVED = 20_000  # rows; loading as many from the store takes about a second


class FaissIndex:
    """Vectors of one collection in one space, kept as float16, which is all that the store has of them.

    The snapshot is one file: a line of JSON (format, space, position, checksum), then the FAISS index. It
    is written beside the old one and renamed over it, so a reader finds the old or the new one, whole.
    """

    def __init__(self, directory: Path, space: EmbeddingSpace) -> None:
        self._path = directory / SNAPSHOT
        self._space = space
        self._lock = threading.Lock()
        self._index = new_index(space.dimension)
        self._gpu_copy = GpuCopy()
        self._position: Position | None = None
        self._unsaved = 0
        self._load()

    def position(self) -> Position | None:
        """How far it has followed."""
        return self._position

    def clear(self) -> None:
        """Forget every vector."""
        with self._lock:
            self._index = new_index(self._space.dimension)
            self._gpu_copy.drop()
            self._position = None
            self._unsaved = 1

    def add(self, ids: ChunkIds, vectors: Vectors) -> None:
        """Put vectors under ids."""
        if not len(ids):
            return
        with self._lock:
            self._index.remove_ids(faiss.IDSelectorBatch(ids))
            self._index.add_with_ids(np.ascontiguousarray(vectors), ids)
            self._gpu_copy.drop()
            self._unsaved += len(ids)

    def remove(self, ids: ChunkIds) -> None:
        """Forget these ids."""
        if not len(ids):
            return
        with self._lock:
            self._index.remove_ids(faiss.IDSelectorBatch(ids))
            self._gpu_copy.drop()
            self._unsaved += len(ids)

    def commit(self, position: Position) -> None:
        """Stand at `position`; a snapshot is written once enough would have to be followed again."""
        self._position = position
        if self._unsaved > max(MINIMUM_UNSAVED, self._index.ntotal // 4):
            self._save()

    def search(self, vector: Vectors, k: int, allowed: ChunkIds | None) -> list[ScoredId]:
        """The k best, best first, ties by id."""
        with self._lock:
            k = min(k, self._index.ntotal if allowed is None else len(allowed))
            if k <= 0:
                return []
            if allowed is None:
                scores, ids = self._gpu_copy.search(self._index, vector, k)
            else:
                selector = faiss.IDSelectorBatch(allowed)
                scores, ids = self._index.search(vector, k, params=faiss.SearchParameters(sel=selector))  # type: ignore[call-arg]  # its stubs lack it
        found = [(float(s), int(i)) for s, i in zip(scores[0], ids[0], strict=True) if i >= 0]
        return [ScoredId(chunk_id, score) for score, chunk_id in sorted(found, key=lambda x: (-x[0], x[1]))]

    def ids(self) -> ChunkIds:
        """Every id it holds, ascending."""
        with self._lock:
            return np.sort(faiss.vector_to_array(self._index.id_map))

    def close(self) -> None:
        """Write the snapshot if it is behind."""
        self._save()

    def _save(self) -> None:
        """A snapshot only saves time: where it cannot be written, the log says so and work goes on."""
        if self._position is None or not self._unsaved:
            return
        try:
            self._write_snapshot(self._position)
        except OSError as error:
            LOG.warning(
                "the vector index could not be saved; the next start reads the store", error=str(error)
            )

    def _write_snapshot(self, position: Position) -> None:
        with self._lock:
            payload = faiss.serialize_index(self._index).tobytes()
        header = _header(self._space, position, payload)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for abandoned in self._path.parent.glob(f"{self._path.stem}.[0-9]*"):
            abandoned.unlink(missing_ok=True)  # left by a process that died; one that lives tries again
        temporary = self._path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        with temporary.open("wb") as file:
            file.write(json.dumps(header).encode() + b"\n")
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        self._unsaved = 0

    def _load(self) -> None:
        """Take over a snapshot that is whole and of this space; any other is as good as none."""
        try:
            line, _, payload = self._path.read_bytes().partition(b"\n")
            header = json.loads(line)
            position = Position(*header["position"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if header != _header(self._space, position, payload):
            return
        self._index = faiss.deserialize_index(np.frombuffer(payload, dtype=np.uint8))
        self._position = position
        self._unsaved = 0


def _header(space: EmbeddingSpace, position: Position, payload: bytes) -> dict[str, object]:
    return {
        "format": FORMAT,
        "space": space.fingerprint,
        "position": [position.sequence, position.token],
        "sha256": hashlib.sha256(payload).hexdigest(),
    }


def new_index(dimension: int) -> Any:
    """An empty index of ids and float16 vectors, searched by inner product."""
    codes = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return faiss.IndexIDMap(codes)
