"""An embedder that does not compute a passage's vector twice."""

from collections.abc import Sequence

import numpy as np

from ingest.embedding_cache import EmbeddingCache
from rag.domain import EmbeddingSpace, TokenCount, Vectors
from rag.ports import Embedder
from rag.store.rows import vector_to_bytes, vectors_from_bytes


class CachedEmbedder:
    """The `Embedder` that ingestion uses; questions keep the one beneath, so they never fill the cache.

    Vectors are rounded as the store rounds them, found or computed alike, so a cache changes no document.
    """

    def __init__(self, embedder: Embedder, cache: EmbeddingCache) -> None:
        self._embedder = embedder
        self._cache = cache

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the embedder beneath."""
        return self._embedder.space

    def count_tokens(self, texts: Sequence[str]) -> list[TokenCount]:
        """Counts of the embedder beneath; not cached, for they cost .34 s where vectors cost 6.7 s."""
        return self._embedder.count_tokens(texts)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, rounded to float16, in the given order; a text that occurs twice is computed once."""
        space = self.space
        known = {
            text: stored
            for text, stored in self._cache.find(space, list(dict.fromkeys(texts))).items()
            if len(stored) == space.dimension * np.dtype("<f2").itemsize
        }
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            vectors = self._embedder.embed(missing)
            computed = {text: vector_to_bytes(row) for text, row in zip(missing, vectors, strict=True)}
            self._cache.keep(space, computed)
            known |= computed
        return vectors_from_bytes([known[text] for text in texts], space.dimension)
