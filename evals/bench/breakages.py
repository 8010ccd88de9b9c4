"""Ways to break retrieval on purpose, each a system in place of the one that `open_system` gave."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.adapters.faiss_index import FaissIndex
from rag.adapters.tantivy_index import TantivyIndex
from rag.domain import ChunkIds, EmbeddingSpace, Hit, Question, ScoredId, SearchResult, TokenCount, Vectors
from rag.indexes import Indexes
from rag.intake import Position
from rag.ports import Embedder
from rag.retrieve import CANDIDATES, Retriever
from rag.system import System

DROPPED = 3


class FindsNothing:
    """An index of either kind that follows every change, keeps nothing and finds nothing."""

    def __init__(self, *_: object) -> None:
        self._position: Position | None = None

    def position(self) -> Position | None:
        return self._position

    def clear(self) -> None:
        self._position = None

    def remove(self, ids: ChunkIds) -> None:
        """There is nothing to remove."""

    def add(self, *_: object, **__: object) -> None:
        """Nothing is kept."""

    def commit(self, position: Position) -> None:
        self._position = position

    def ids(self) -> ChunkIds:
        return np.empty(0, dtype=np.int64)

    def search(self, *_: object, **__: object) -> list[ScoredId]:
        return []

    def close(self) -> None:
        """There is nothing to leave behind."""


class Shuffled:
    """An `Embedder` that gives each text of a batch the vector of the one half the batch away."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def space(self) -> EmbeddingSpace:
        return self._embedder.space

    def count_tokens(self, texts: Sequence[str]) -> list[TokenCount]:
        return self._embedder.count_tokens(texts)

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.roll(self._embedder.embed(texts), len(texts) // 2, axis=0)


@dataclass(frozen=True, slots=True)
class WorstFirst(Retriever):
    """Gives what it found in the opposite order."""

    def search(self, question: Question) -> SearchResult:
        deep = replace(question, top_k=max(CANDIDATES, question.top_k))
        # Not super(): a dataclass with slots is another class than the one its methods were written in.
        found = Retriever.search(self, deep)
        return _ranked(found, tuple(reversed(found.hits)), question.top_k)


@dataclass(frozen=True, slots=True)
class WithoutTheBest(Retriever):
    """Leaves the best hits out."""

    def search(self, question: Question) -> SearchResult:
        found = Retriever.search(self, replace(question, top_k=question.top_k + DROPPED))
        return _ranked(found, found.hits[DROPPED:], question.top_k)


def _ranked(found: SearchResult, hits: Sequence[Hit], top_k: int) -> SearchResult:
    ranked = tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits[:top_k], start=1))
    return replace(found, hits=ranked)


def as_it_is(system: System) -> System:
    return system


def without_lexical(system: System) -> System:
    """No word finds anything."""
    folder = system.settings.home / "indexes-without-words"
    return _with_indexes(system, Indexes(system.store, folder, FaissIndex, FindsNothing))


def without_dense(system: System) -> System:
    """No vector finds anything."""
    folder = system.settings.home / "indexes-without-vectors"
    return _with_indexes(system, Indexes(system.store, folder, FindsNothing, TantivyIndex))


def with_worst_first(system: System) -> System:
    return _with_retriever(system, WorstFirst(system.store, system.indexes, system.embedder))


def without_the_best(system: System) -> System:
    return _with_retriever(system, WithoutTheBest(system.store, system.indexes, system.embedder))


def _with_indexes(system: System, indexes: Indexes) -> System:
    changed = replace(system, indexes=indexes)
    return _with_retriever(changed, replace(system.retriever, indexes=indexes))


def _with_retriever(system: System, retriever: Retriever) -> System:
    return replace(system, retriever=retriever, pipeline=replace(system.pipeline, retriever=retriever))
