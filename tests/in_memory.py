"""Adapters that live in memory: small enough to be right by reading, fast enough for every test."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.domain import Chunk, ChunkIds, EmbeddingSpace, Metadata, ScoredId, TokenCount, Vectors
from rag.intake import DraftChunk, DraftDocument, EmbeddedDocument, Position

DIMENSION = 32
SPACE = EmbeddingSpace("words", "words-1", DIMENSION, 254)


class WordEmbedder:
    """Texts that share words are near each other; Han characters are unknown to it, as to MiniLM."""

    def __init__(self, space: EmbeddingSpace = SPACE) -> None:
        self.space = space

    def count_tokens(self, texts: Sequence[str]) -> list[TokenCount]:
        return [TokenCount(len(_words(text)), len(re.findall(r"[\u4e00-\u9fff]", text))) for text in texts]

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = [np.sum([_direction(word) for word in _words(text) or ["nothing"]], axis=0) for text in texts]
        if not rows:
            return np.empty((0, DIMENSION), np.float32)
        stacked = np.array(rows, np.float32)
        return np.asarray(stacked / np.linalg.norm(stacked, axis=1, keepdims=True), np.float32)


class _MemoryIndex:
    def __init__(self) -> None:
        self._at: Position | None = None

    def position(self) -> Position | None:
        return self._at

    def commit(self, position: Position) -> None:
        self._at = position

    def close(self) -> None:
        pass


class MemoryVectorIndex(_MemoryIndex):
    def __init__(self, _directory: Path | None = None, _space: EmbeddingSpace = SPACE) -> None:
        super().__init__()
        self._rows: dict[int, Vectors] = {}

    def clear(self) -> None:
        self._rows, self._at = {}, None

    def add(self, ids: ChunkIds, vectors: Vectors) -> None:
        self._rows |= dict(zip((int(i) for i in ids), vectors, strict=True))

    def remove(self, ids: ChunkIds) -> None:
        for chunk_id in ids:
            self._rows.pop(int(chunk_id), None)

    def search(self, vector: Vectors, k: int, allowed: ChunkIds | None) -> list[ScoredId]:
        scored = [
            ScoredId(chunk_id, float(row @ vector[0]))
            for chunk_id, row in self._rows.items()
            if allowed is None or chunk_id in allowed
        ]
        return sorted(scored, key=lambda item: (-item.score, item.chunk_id))[:k]

    def ids(self) -> ChunkIds:
        return np.array(sorted(self._rows), np.int64)


class MemoryLexicalIndex(_MemoryIndex):
    """Scores by the number of distinct words shared; a Han character is a word."""

    def __init__(self, _directory: Path | None = None) -> None:
        super().__init__()
        self._entries: dict[int, frozenset[str]] = {}

    def clear(self) -> None:
        self._entries, self._at = {}, None

    def add(self, chunks: Sequence[Chunk]) -> None:
        self._entries |= {chunk.id: frozenset(_words(chunk.text)) for chunk in chunks}

    def remove(self, ids: ChunkIds) -> None:
        for chunk_id in ids:
            self._entries.pop(int(chunk_id), None)

    def search(self, question: str, k: int, allowed: ChunkIds | None) -> list[ScoredId]:
        asked = frozenset(_words(question))
        scored = [
            ScoredId(chunk_id, float(len(asked & words)))
            for chunk_id, words in self._entries.items()
            if asked & words and (allowed is None or chunk_id in allowed)
        ]
        return sorted(scored, key=lambda item: (-item.score, item.chunk_id))[:k]

    def ids(self) -> ChunkIds:
        return np.array(sorted(self._entries), np.int64)


def embedded(
    uri: str, chunks: Sequence[str], *, source: str = "folder", metadata: Metadata | None = None
) -> EmbeddedDocument:
    """A document whose text is its chunks joined by a blank line, each embedded if it can be read."""
    text, spans = "", []
    for chunk in chunks:
        start = len(text) + 2 if text else 0
        text = f"{text}\n\n{chunk}" if text else chunk
        spans.append(DraftChunk(start, start + len(chunk)))
    draft = DraftDocument(
        source=source,
        uri=uri,
        revision=hashlib.sha256(text.encode()).hexdigest(),
        recipe="test",
        title=uri,
        language="en",
        media_type="text/plain",
        text=text,
        chunks=tuple(spans),
        metadata=metadata or {},
    )
    embedder = WordEmbedder()
    counts = embedder.count_tokens(chunks)
    readable = tuple(i for i, count in enumerate(counts) if count.unknown * 2 < count.tokens)
    return EmbeddedDocument(draft, readable, embedder.embed([chunks[i] for i in readable]))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+|[\u4e00-\u9fff]", text.casefold())


def _direction(word: str) -> Vectors:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
    return np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
