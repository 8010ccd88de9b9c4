from collections.abc import Sequence

import numpy as np
from in_memory import WordEmbedder, embedded

from ingest.embed import embed_documents
from rag.domain import EmbeddingSpace, Vectors
from rag.intake import DraftDocument


class RecordingEmbedder(WordEmbedder):
    def __init__(self, max_tokens: int = 254) -> None:
        super().__init__(EmbeddingSpace("words", "words-1", 32, max_tokens))
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return super().embed(texts)


def draft(title: str, *chunks: str) -> DraftDocument:
    return embedded(title, chunks).draft


def test_rows_belong_to_the_chunks_that_the_model_can_read() -> None:
    documents = [draft("", "one", "合同法条", "two"), draft("", "第二条"), draft("", "three")]
    first, second, third = embed_documents(documents, WordEmbedder())
    assert (first.ordinals, second.ordinals, third.ordinals) == ((0, 2), (), (0,))
    np.testing.assert_allclose(first.vectors, WordEmbedder().embed(["one", "two"]))
    assert second.vectors.shape == (0, 32)
    np.testing.assert_allclose(third.vectors, WordEmbedder().embed(["three"]))


def test_a_chunk_is_embedded_under_its_documents_title_once() -> None:
    embedder = RecordingEmbedder()
    embed_documents([draft("Lease", "# Lease\n\nThe parties.", "The rent.")], embedder)
    assert embedder.texts == ["# Lease\n\nThe parties.", "Lease\nThe rent."]


def test_a_title_never_pushes_text_out_of_the_models_window() -> None:
    embedder = RecordingEmbedder(max_tokens=6)
    embed_documents([draft("A long title", "one two three four", "one")], embedder)
    assert embedder.texts == ["one two three four", "A long title\none"]


def test_no_document_gives_no_vector() -> None:
    assert embed_documents([], WordEmbedder()) == []
