"""How a document gets into the database: everything it consists of, in the caller's transaction."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select, update

from rag.domain import EmbeddingSpace
from rag.errors import EmbeddingSpaceMismatchError, NotFoundError
from rag.intake import EmbeddedDocument
from rag.store import rows
from rag.store.schema import (
    change,
    chunk,
    collection,
    document,
    document_metadata,
    embedding,
    embedding_space,
    failed_file,
)


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit did with one document."""

    document_id: int
    was_replaced: bool


class ChangeLog:
    """Appends to a collection's change sequence within one transaction."""

    def __init__(self, connection: Connection, collection_id: int) -> None:
        """Take the collection's row lock, held until the transaction ends."""
        self.connection = connection
        self.collection_id = collection_id
        locked = connection.execute(
            update(collection)
            .where(collection.c.id == collection_id)
            .values(last_change=collection.c.last_change)
            .returning(collection.c.last_change)
        ).scalar_one_or_none()
        if locked is None:
            raise NotFoundError("the collection was deleted meanwhile; nothing was changed")
        self.last = int(locked)

    def append(self, *, removed: Sequence[int], added: Sequence[int]) -> None:
        """Add the next change."""
        self.last += 1
        self.connection.execute(
            insert(change).values(
                collection_id=self.collection_id,
                sequence=self.last,
                token=uuid.uuid4().hex,
                removed=list(removed),
                added=list(added),
            )
        )
        self.connection.execute(
            update(collection).where(collection.c.id == self.collection_id).values(last_change=self.last)
        )


def commit_document(
    connection: Connection, log: ChangeLog, space_id: int, embedded: EmbeddedDocument
) -> Commit:
    """Store one document in place of the one of the same source and uri, and log the change."""
    draft = embedded.draft
    values: Mapping[str, object] = {
        "revision": draft.revision,
        "recipe": draft.recipe,
        "title": draft.title,
        "language": draft.language,
        "media_type": draft.media_type,
        "metadata": dict(draft.metadata),
        "pages": rows.pages_to_json(draft.pages),
        "characters": len(draft.text),
        "updated_at": now(),
        "text": draft.text,
    }
    key = {"collection_id": log.collection_id, "source": draft.source, "uri": draft.uri}
    document_id = connection.execute(select(document.c.id).filter_by(**key)).scalar_one_or_none()
    was_replaced = document_id is not None
    if document_id is None:
        inserted = connection.execute(insert(document).values(**key, **values).returning(document.c.id))
        document_id = inserted.scalar_one()
        removed: list[int] = []
    else:
        removed = chunk_ids_of(connection, document_id)
        connection.execute(delete(chunk).where(chunk.c.document_id == document_id))
        connection.execute(delete(document_metadata).where(document_metadata.c.document_id == document_id))
        connection.execute(update(document).where(document.c.id == document_id).values(**values))
    added = _insert_parts(connection, log.collection_id, document_id, space_id, embedded)
    forget_failure(connection, log.collection_id, draft.source, draft.uri)
    log.append(removed=removed, added=added)
    return Commit(document_id, was_replaced)


def _insert_parts(
    connection: Connection, collection_id: int, document_id: int, space_id: int, embedded: EmbeddedDocument
) -> list[int]:
    """Insert a document's metadata, chunks and vectors; gives the new chunks' ids by ordinal."""
    draft = embedded.draft
    if metadata := [asdict(row) | {"document_id": document_id} for row in rows.metadata_rows(draft.metadata)]:
        connection.execute(insert(document_metadata), metadata)
    if not draft.chunks:
        return []
    new = [
        {
            "document_id": document_id,
            "collection_id": collection_id,
            "ordinal": ordinal,
            "start": item.start,
            "end": item.end,
            "section": list(item.section),
        }
        for ordinal, item in enumerate(draft.chunks)
    ]
    statement = insert(chunk).returning(chunk.c.id, sort_by_parameter_order=True)
    chunk_ids = list(connection.execute(statement, new).scalars())
    vectors = [
        {"chunk_id": chunk_ids[ordinal], "space_id": space_id, "vector": rows.vector_to_bytes(vector)}
        for ordinal, vector in zip(embedded.ordinals, embedded.vectors, strict=True)
    ]
    if vectors:
        connection.execute(insert(embedding), vectors)
    return chunk_ids


def resolve_space(connection: Connection, collection_id: int, space: EmbeddingSpace) -> int:
    """The row of `space`, made if new, and made the collection's own if it has none."""
    found = connection.execute(
        select(embedding_space.c.id).where(embedding_space.c.fingerprint == space.fingerprint)
    ).scalar_one_or_none()
    if found is None:
        statement = insert(embedding_space).values(**asdict(space)).returning(embedding_space.c.id)
        found = connection.execute(statement).scalar_one()
    present = connection.execute(
        select(collection.c.space_id, embedding_space.c.model, embedding_space.c.fingerprint)
        .outerjoin(embedding_space, embedding_space.c.id == collection.c.space_id)
        .where(collection.c.id == collection_id)
    ).one()
    if present.space_id is None:
        connection.execute(update(collection).where(collection.c.id == collection_id).values(space_id=found))
    elif present.space_id != found:
        raise space_mismatch(present.model, present.fingerprint, space)
    return int(found)


def space_mismatch(model: str, fingerprint: str, configured: EmbeddingSpace) -> EmbeddingSpaceMismatchError:
    """The error for a collection of one space met with the model of another; it names both."""
    return EmbeddingSpaceMismatchError(
        f"this collection was embedded by {model} ({fingerprint}), but the configured model is "
        f"{configured.model} ({configured.fingerprint}); set ATTEST_EMBEDDING_MODEL={model}, or "
        "ingest the folder into a new collection"
    )


def chunk_ids_of(connection: Connection, document_id: int) -> list[int]:
    """The ids of a document's chunks."""
    return list(connection.execute(select(chunk.c.id).where(chunk.c.document_id == document_id)).scalars())


def forget_failure(connection: Connection, collection_id: int, source: str, uri: str) -> None:
    """Drop the record of a file's failure, if there is one."""
    connection.execute(
        delete(failed_file).where(
            failed_file.c.collection_id == collection_id,
            failed_file.c.source == source,
            failed_file.c.uri == uri,
        )
    )


def now() -> str:
    """The present moment in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
