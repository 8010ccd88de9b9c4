"""Rows become values of the domain, and back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ColumnElement, Row

from rag.domain import Chunk, Document, EmbeddingSpace, Metadata, MetadataValue, Page, Vectors
from rag.store.schema import chunk, collection, document, embedding_space

DOCUMENT_COLUMNS: tuple[ColumnElement[object], ...] = (
    document.c.id.label("document_id"),
    collection.c.name.label("collection_name"),
    *(
        document.c[name]
        for name in (
            "source",
            "uri",
            "revision",
            "title",
            "language",
            "media_type",
            "metadata",
            "pages",
            "characters",
            "updated_at",
        )
    ),
)

CHUNK_COLUMNS: tuple[ColumnElement[object], ...] = (
    chunk.c.id.label("chunk_id"),
    chunk.c.ordinal,
    chunk.c.start,
    chunk.c.end,
    chunk.c.section,
)

SPACE_COLUMNS = (
    embedding_space.c.model,
    embedding_space.c.fingerprint,
    embedding_space.c.dimension,
    embedding_space.c.max_tokens,
)


@dataclass(frozen=True, slots=True)
class MetadataRow:
    """One value of one metadata field, in the column of its kind."""

    key: str
    text: str | None = None
    number: float | None = None
    flag: bool | None = None


def document_of(row: Row[tuple[object, ...]]) -> Document:
    """A document from a row with DOCUMENT_COLUMNS."""
    fields = row._mapping
    return Document(
        id=fields["document_id"],
        collection=fields["collection_name"],
        source=fields["source"],
        uri=fields["uri"],
        revision=fields["revision"],
        title=fields["title"],
        language=fields["language"],
        media_type=fields["media_type"],
        metadata=fields["metadata"],
        characters=fields["characters"],
        pages=tuple(Page(*page) for page in fields["pages"]),
        updated_at=fields["updated_at"],
    )


def chunk_of(row: Row[tuple[object, ...]], owner: Document, text: str) -> Chunk:
    """A chunk from a row with CHUNK_COLUMNS, sliced from its document's canonical text."""
    fields = row._mapping
    return Chunk(
        id=fields["chunk_id"],
        document=owner,
        ordinal=fields["ordinal"],
        start=fields["start"],
        end=fields["end"],
        section=tuple(fields["section"]),
        text=text[fields["start"] : fields["end"]],
    )


def space_of(row: Row[tuple[object, ...]]) -> EmbeddingSpace | None:
    """The embedding space from a row with SPACE_COLUMNS, None where an outer join found none."""
    fields = row._mapping
    if fields["fingerprint"] is None:
        return None
    return EmbeddingSpace(fields["model"], fields["fingerprint"], fields["dimension"], fields["max_tokens"])


def pages_to_json(pages: Sequence[Page]) -> list[list[int]]:
    """Pages as compact rows of number, start, end."""
    return [[page.number, page.start, page.end] for page in pages]


def metadata_rows(metadata: Metadata) -> Iterator[MetadataRow]:
    """One row per value: a list gives one for each element."""
    for key, value in metadata.items():
        values: Sequence[MetadataValue] = value if isinstance(value, list) else [value]
        for item in values:
            match item:
                case bool():
                    yield MetadataRow(key, flag=item)
                case int() | float():
                    yield MetadataRow(key, number=float(item))
                case _:
                    yield MetadataRow(key, text=str(item))


def vector_to_bytes(vector: Vectors) -> bytes:
    """One vector as little-endian float16: half the space, 3 decimal digits, enough for a cosine."""
    return vector.astype("<f2").tobytes()


def vectors_from_bytes(stored: Sequence[bytes], dimension: int) -> Vectors:
    """Vectors of shape (n, dimension) from what `vector_to_bytes` made."""
    flat = np.frombuffer(b"".join(stored), dtype="<f2")
    return flat.reshape(len(stored), dimension).astype(np.float32)
