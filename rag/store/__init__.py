"""SQL is the truth: documents, chunks, embeddings and the sequence of changes that indexes follow."""

from rag.store.store import Store

__all__ = ["Store"]
