"""Chunks of many documents become vectors together, so that batches are full and of even length."""

from collections.abc import Sequence

from rag.domain import DraftDocument, EmbeddedDocument, TokenCount
from rag.ports import Embedder

READABLE_UNKNOWN_SHARE = 0.3
"""A chunk with a larger share of unknown tokens gets no vector: what is left would be noise.

all-MiniLM-L6-v2 knows 27 % of the characters of Chinese statutes and nearly all English word pieces, so
any value between the two tells them apart.
"""


def embed_documents(documents: Sequence[DraftDocument], embedder: Embedder) -> list[EmbeddedDocument]:
    """Vectors for every chunk that the model can read, in the order given."""
    texts = [document.text_of(chunk) for document in documents for chunk in document.chunks]
    counts = embedder.count_tokens(texts)
    readable = [i for i, count in enumerate(counts) if is_readable(count)]
    vectors = embedder.embed([texts[i] for i in readable])
    embedded = []
    first_chunk = first_row = 0
    for document in documents:
        after = first_chunk + len(document.chunks)
        ordinals = tuple(i - first_chunk for i in readable if first_chunk <= i < after)
        rows = vectors[first_row : first_row + len(ordinals)]
        embedded.append(EmbeddedDocument(document, ordinals, rows))
        first_chunk, first_row = after, first_row + len(ordinals)
    return embedded


def is_readable(count: TokenCount) -> bool:
    """Whether a model knows enough of a text's tokens to embed it."""
    return count.tokens > 0 and count.unknown <= READABLE_UNKNOWN_SHARE * count.tokens
