"""The store: one class over one database, whose URL says SQLite or PostgreSQL."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

import numpy as np
from sqlalchemy import Connection, Engine, Row, Select, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from rag.domain import Chunk, ChunkIds, Collection, CollectionSize, Document, EmbeddingSpace, Span, Vectors
from rag.errors import ConflictError, InvalidRequestError, NotFoundError
from rag.filters import Filter
from rag.intake import Change, EmbeddedDocument
from rag.store import rows
from rag.store.answers import Answers
from rag.store.calibration import Calibration, policy_of
from rag.store.commit import (
    ChangeLog,
    Commit,
    chunk_ids_of,
    commit_document,
    forget_failure,
    now,
    resolve_space,
)
from rag.store.engine import open_engine, reading, writing
from rag.store.schema import (
    change,
    chunk,
    collection,
    document,
    embedding,
    embedding_space,
    failed_file,
)
from rag.store.where import condition_of

IDS_PER_STATEMENT = 500  # far below SQLite's 32,766 parameters a statement
NAME_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What the store remembers of a file of a source: enough to tell whether it changed."""

    document_id: int | None
    revision: str
    recipe: str
    failure: str = ""


class Store:
    """Documents and what indexes derive from them. Thread-safe; each method is one transaction.

    `answers` keeps what was answered and `calibration` how far a collection's answers are trusted.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.answers = Answers(engine)
        self.calibration = Calibration(engine)

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the database at `url`, creating or upgrading its tables."""
        return cls(open_engine(url))

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()

    def ping(self) -> None:
        """Raise StoreUnavailableError unless the database answers."""
        with reading(self.engine) as connection:
            connection.execute(select(1))

    # Collections

    def create_collection(self, name: str) -> Collection:
        """A new, empty collection; ConflictError if the name is taken."""
        is_plain = name.isprintable() and "/" not in name and name == name.strip() and name.strip(".")
        if not is_plain or not 1 <= len(name) <= NAME_CHARACTERS:
            raise InvalidRequestError(
                f"a collection's name has 1 to {NAME_CHARACTERS} printable characters, no slash, "
                "no blank at either end, and is not made of dots alone",
                "name",
            )
        with writing(self.engine) as connection:
            try:
                values = {"name": name, "created_at": now(), "last_change": 0, "domain": ""}
                connection.execute(insert(collection).values(values))
            except IntegrityError as error:
                raise ConflictError(f"there is already a collection named {name!r}") from error
        return self.collection(name)

    def collections(self) -> list[Collection]:
        """Every collection, by name."""
        with reading(self.engine) as connection:
            return [
                _collection_of(row) for row in connection.execute(_collections().order_by(collection.c.name))
            ]

    def collection(self, name: str) -> Collection:
        """The collection of this name; NotFoundError names those there are."""
        with reading(self.engine) as connection:
            row = connection.execute(_collections().where(collection.c.name == name)).one_or_none()
        if row is None:
            known = ", ".join(known.name for known in self.collections()) or "none yet"
            raise NotFoundError(f"there is no collection named {name!r}; known: {known}")
        return _collection_of(row)

    def size(self, collection_id: int) -> CollectionSize:
        """How much a collection holds now."""
        documents = select(func.count(), func.coalesce(func.sum(document.c.characters), 0)).where(
            document.c.collection_id == collection_id
        )
        chunks = select(func.count()).where(chunk.c.collection_id == collection_id)
        with reading(self.engine) as connection:
            count, characters = connection.execute(documents).one()
            return CollectionSize(count, connection.execute(chunks).scalar_one(), int(characters))

    def delete_collection(self, name: str) -> int:
        """Delete a collection with all it holds; gives the id it had."""
        collection_id = self.collection(name).id
        with writing(self.engine) as connection:
            connection.execute(delete(collection).where(collection.c.id == collection_id))
        return collection_id

    # Documents

    def documents(self, name: str, *, after: int = 0, limit: int = 100) -> list[Document]:
        """A page of a collection's documents, by id, those after the id `after`."""
        owner = self.collection(name)
        query = (
            _documents()
            .where(document.c.collection_id == owner.id, document.c.id > after)
            .order_by(document.c.id)
            .limit(limit)
        )
        with reading(self.engine) as connection:
            return [rows.document_of(row) for row in connection.execute(query)]

    def document(self, document_id: int) -> Document:
        """One document, without its text."""
        if not 0 < document_id < 2**63:
            raise NotFoundError(f"there is no document {document_id}; ids are smaller")
        with reading(self.engine) as connection:
            row = connection.execute(_documents().where(document.c.id == document_id)).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no document {document_id}; it may have been deleted")
        return rows.document_of(row)

    def text(self, document_id: int, span: Span | None = None) -> str:
        """The canonical text of a document, or the stretch of it that `span` covers."""
        column = document.c.text
        wanted = column if span is None else func.substr(column, span.start + 1, span.end - span.start)
        with reading(self.engine) as connection:
            text = connection.execute(select(wanted).where(document.c.id == document_id)).scalar_one_or_none()
        if text is None:
            raise NotFoundError(f"there is no document {document_id}; it may have been deleted")
        return str(text)

    def delete_document(self, document_id: int) -> None:
        """Delete one document; when this returns, no search gives any of it."""
        owner = self.document(document_id)
        collection_id = self.collection(owner.collection).id
        self.delete_documents(collection_id, [document_id])

    def delete_documents(self, collection_id: int, document_ids: Iterable[int]) -> None:
        """Delete these documents of a collection in one transaction."""
        with writing(self.engine) as connection:
            log = ChangeLog(connection, collection_id)
            for document_id in document_ids:
                removed = chunk_ids_of(connection, document_id)
                connection.execute(delete(document).where(document.c.id == document_id))
                log.append(removed=removed, added=[])

    def files(self, collection_id: int, source: str) -> dict[str, FileRecord]:
        """What is known of a source's files by uri: documents, and files that failed."""
        stored = select(document.c.uri, document.c.id, document.c.revision, document.c.recipe).where(
            document.c.collection_id == collection_id, document.c.source == source
        )
        failed = select(failed_file).where(
            failed_file.c.collection_id == collection_id, failed_file.c.source == source
        )
        with reading(self.engine) as connection:
            known = {
                row.uri: FileRecord(row.id, row.revision, row.recipe) for row in connection.execute(stored)
            }
            for row in connection.execute(failed):
                document_id = known[row.uri].document_id if row.uri in known else None
                known[row.uri] = FileRecord(document_id, row.revision, row.recipe, row.reason)
        return known

    def commit_documents(
        self, collection_id: int, space: EmbeddingSpace, documents: Sequence[EmbeddedDocument]
    ) -> list[Commit]:
        """Store documents, each replacing the one of the same source and uri: all of them or none."""
        with writing(self.engine) as connection:
            log = ChangeLog(connection, collection_id)  # first: its row lock orders the writers
            space_id = resolve_space(connection, collection_id, space)
            return [commit_document(connection, log, space_id, embedded) for embedded in documents]

    def record_failure(self, collection_id: int, source: str, uri: str, failure: FileRecord) -> None:
        """Remember why a file could not become a document; an earlier revision of it stays."""
        with writing(self.engine) as connection:
            forget_failure(connection, collection_id, source, uri)
            connection.execute(
                insert(failed_file).values(
                    collection_id=collection_id,
                    source=source,
                    uri=uri,
                    revision=failure.revision,
                    recipe=failure.recipe,
                    reason=failure.failure,
                    failed_at=now(),
                )
            )

    def forget_failures(self, collection_id: int, source: str, uris: Iterable[str]) -> None:
        """Drop the failures of files that are gone."""
        with writing(self.engine) as connection:
            for uri in uris:
                forget_failure(connection, collection_id, source, uri)

    # What indexes and searches read

    def changes(self, collection_id: int, *, first: int, limit: int) -> list[Change]:
        """Up to `limit` changes from sequence number `first` on, in order."""
        query = (
            select(change)
            .where(change.c.collection_id == collection_id, change.c.sequence >= first)
            .order_by(change.c.sequence)
            .limit(limit)
        )
        with reading(self.engine) as connection:
            return [
                Change(row.sequence, row.token, tuple(row.removed), tuple(row.added))
                for row in connection.execute(query)
            ]

    def chunk_ids(self, collection_id: int, matching: Filter | None = None) -> ChunkIds:
        """The ids of a collection's live chunks, ascending; of those documents only that match a filter."""
        query = select(chunk.c.id).where(chunk.c.collection_id == collection_id).order_by(chunk.c.id)
        if matching is not None:
            query = query.join(document, document.c.id == chunk.c.document_id).where(condition_of(matching))
        with reading(self.engine) as connection:
            return np.array(connection.execute(query).scalars().all(), dtype=np.int64)

    def embedded_ids(self, collection_id: int, space: EmbeddingSpace) -> ChunkIds:
        """The ids of a collection's live chunks that have a vector in a space, ascending."""
        query = (
            select(chunk.c.id)
            .join(embedding, embedding.c.chunk_id == chunk.c.id)
            .join(embedding_space, embedding_space.c.id == embedding.c.space_id)
            .where(chunk.c.collection_id == collection_id, embedding_space.c.fingerprint == space.fingerprint)
            .order_by(chunk.c.id)
        )
        with reading(self.engine) as connection:
            return np.array(connection.execute(query).scalars().all(), dtype=np.int64)

    def chunks(self, chunk_ids: Iterable[int]) -> dict[int, Chunk]:
        """Those of these chunks that are live, by ascending id, sliced from the text as it is stored now."""
        found: dict[int, Chunk] = {}
        with reading(self.engine) as connection:
            for part in _parts(chunk_ids):
                query = _chunks().where(chunk.c.id.in_(part)).order_by(chunk.c.id)
                found |= {item.id: item for item in _chunks_of(connection, query)}
        return found

    def neighbours(self, of: Chunk, distance: int) -> list[Chunk]:
        """The chunks of the same document at most `distance` away, itself included, in reading order."""
        query = (
            _chunks()
            .where(
                chunk.c.document_id == of.document.id,
                chunk.c.ordinal.between(of.ordinal - distance, of.ordinal + distance),
            )
            .order_by(chunk.c.ordinal)
        )
        with reading(self.engine) as connection:
            return list(_chunks_of(connection, query))

    def vectors(self, chunk_ids: Iterable[int], space: EmbeddingSpace) -> tuple[ChunkIds, Vectors]:
        """The vectors that these chunks have in a space, with their ids, row by row."""
        ids: list[int] = []
        stored: list[bytes] = []
        with reading(self.engine) as connection:
            for part in _parts(chunk_ids):
                query = (
                    select(embedding.c.chunk_id, embedding.c.vector)
                    .join(embedding_space, embedding_space.c.id == embedding.c.space_id)
                    .where(embedding.c.chunk_id.in_(part), embedding_space.c.fingerprint == space.fingerprint)
                    .order_by(embedding.c.chunk_id)
                )
                for row in connection.execute(query):
                    ids.append(row.chunk_id)
                    stored.append(row.vector)
        return np.array(ids, dtype=np.int64), rows.vectors_from_bytes(stored, space.dimension)


def _collections() -> Select[*tuple[Any, ...]]:
    return select(
        collection.c.id,
        collection.c.name,
        collection.c.created_at,
        collection.c.last_change,
        collection.c.max_risk,
        collection.c.domain,
        collection.c.unsupported_sentences,
        *rows.SPACE_COLUMNS,
    ).outerjoin(embedding_space, embedding_space.c.id == collection.c.space_id)


def _collection_of(row: Row[tuple[object, ...]]) -> Collection:
    fields = row._mapping
    return Collection(
        id=fields["id"],
        name=fields["name"],
        created_at=fields["created_at"],
        space=rows.space_of(row),
        last_change=fields["last_change"],
        max_risk=fields["max_risk"],
        domain=fields["domain"],
        unsupported_sentences=policy_of(fields["unsupported_sentences"]),
    )


def _documents() -> Select[*tuple[Any, ...]]:
    return select(*rows.DOCUMENT_COLUMNS).join(collection, collection.c.id == document.c.collection_id)


def _chunks() -> Select[*tuple[Any, ...]]:
    return select(*rows.CHUNK_COLUMNS, chunk.c.document_id)


def _chunks_of(connection: Connection, query: Select[*tuple[Any, ...]]) -> Iterator[Chunk]:
    """The chunks of a query on `_chunks`, in its order; each document is read once, in the same snapshot."""
    found = connection.execute(query).all()
    document_ids = sorted({row.document_id for row in found})
    owners: dict[int, tuple[Document, str]] = {}
    for part in _parts(document_ids):
        documents = _documents().add_columns(document.c.text).where(document.c.id.in_(part))
        for row in connection.execute(documents):
            owners[row.document_id] = (rows.document_of(row), row.text)
    for row in found:
        yield rows.chunk_of(row, *owners[row.document_id])


def _parts(chunk_ids: Iterable[int]) -> Iterator[list[int]]:
    remaining = iter(chunk_ids)
    while part := [int(chunk_id) for chunk_id in islice(remaining, IDS_PER_STATEMENT)]:
        yield part
