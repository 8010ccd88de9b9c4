"""What every database must do, run on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from in_memory import SPACE, embedded
from sqlalchemy import create_engine

from rag.domain import EmbeddingSpace, Span
from rag.errors import (
    ConflictError,
    EmbeddingSpaceMismatchError,
    InvalidRequestError,
    NotFoundError,
    StoreUnavailableError,
)
from rag.filters import parse_filter
from rag.store import Store
from rag.store.engine import writing
from rag.store.schema import METADATA, collection
from rag.store.store import FileRecord

MIXED = ["Grüße 😀 to all.", "第十二条 合同。", "cafe\u0301 e\u0301"]


def test_migrations_make_the_schema_that_the_code_describes(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_every_chunk_is_the_exact_slice_of_its_documents_text(store: Store) -> None:
    owner = store.create_collection("c")
    [commit] = store.commit_documents(owner.id, SPACE, [embedded("a.txt", MIXED)])
    text = store.text(commit.document_id)
    chunks = store.chunks(store.chunk_ids(owner.id))
    assert [chunk.text for chunk in chunks.values()] == MIXED
    assert all(chunk.text == text[chunk.start : chunk.end] for chunk in chunks.values())
    assert store.text(commit.document_id, Span(6, 7)) == "😀"


def test_a_new_revision_replaces_the_document_and_keeps_its_id(store: Store) -> None:
    owner = store.create_collection("c")
    [first] = store.commit_documents(owner.id, SPACE, [embedded("a.txt", ["old words", "more"])])
    old_ids = store.chunk_ids(owner.id)
    [second] = store.commit_documents(owner.id, SPACE, [embedded("a.txt", ["new words"])])
    assert (first.was_replaced, second.was_replaced) == (False, True)
    assert first.document_id == second.document_id
    assert store.chunks(old_ids) == {}
    assert store.size(owner.id).documents == 1
    [removal] = store.changes(owner.id, first=2, limit=10)
    assert sorted(removal.removed) == list(old_ids)
    assert list(removal.added) == list(store.chunk_ids(owner.id))


def test_equal_bytes_under_another_name_are_another_document(store: Store) -> None:
    owner = store.create_collection("c")
    store.commit_documents(owner.id, SPACE, [embedded("a.txt", ["same"]), embedded("b.txt", ["same"])])
    assert [document.uri for document in store.documents("c")] == ["a.txt", "b.txt"]


def test_a_failed_transaction_leaves_nothing_behind(store: Store) -> None:
    owner = store.create_collection("c")
    other = EmbeddingSpace("other", "other-1", SPACE.dimension, 254)
    store.commit_documents(owner.id, SPACE, [embedded("a.txt", ["one"])])
    with pytest.raises(EmbeddingSpaceMismatchError, match=r"words-1.*other-1"):
        store.commit_documents(owner.id, other, [embedded("b.txt", ["two"])])
    assert store.size(owner.id).documents == 1
    assert store.collection("c").last_change == 1


def test_a_deleted_document_is_gone_with_all_that_belongs_to_it(store: Store) -> None:
    owner = store.create_collection("c")
    [commit] = store.commit_documents(owner.id, SPACE, [embedded("a.txt", ["one"], metadata={"year": 2020})])
    ids = store.chunk_ids(owner.id)
    store.delete_document(commit.document_id)
    assert store.chunks(ids) == {}
    assert len(store.vectors(ids, SPACE)[0]) == 0
    assert len(store.chunk_ids(owner.id, parse_filter({"year": 2020}))) == 0
    with pytest.raises(NotFoundError):
        store.text(commit.document_id)


def test_ids_are_never_used_again(store: Store) -> None:
    owner = store.create_collection("c")
    [first] = store.commit_documents(owner.id, SPACE, [embedded("a.txt", ["one"])])
    before = store.chunk_ids(owner.id)
    store.delete_document(first.document_id)
    store.commit_documents(owner.id, SPACE, [embedded("b.txt", ["two"])])
    assert store.chunk_ids(owner.id)[0] > before[0]
    store.delete_collection("c")
    assert store.create_collection("c").id > owner.id


def test_vectors_come_back_as_they_went_in_to_three_digits(store: Store) -> None:
    owner = store.create_collection("c")
    document = embedded("a.txt", ["one two", "合同", "three"])
    store.commit_documents(owner.id, SPACE, [document])
    ids, vectors = store.vectors(store.chunk_ids(owner.id), SPACE)
    assert list(ids) == list(store.chunk_ids(owner.id)[[0, 2]])
    np.testing.assert_allclose(vectors, document.vectors, atol=1e-3)
    assert list(store.embedded_ids(owner.id, SPACE)) == list(ids)


def test_changes_of_concurrent_writers_have_no_gap_and_no_double(store: Store) -> None:
    owner = store.create_collection("c")

    def commit(number: int) -> None:
        store.commit_documents(owner.id, SPACE, [embedded(f"{number}.txt", ["text", "more"])])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(commit, range(40)))
    changes = store.changes(owner.id, first=1, limit=100)
    assert [change.sequence for change in changes] == list(range(1, 41))
    assert sorted(i for change in changes for i in change.added) == list(store.chunk_ids(owner.id))


@pytest.mark.parametrize(
    ("filters", "matching"),
    [
        ({}, "abc"),
        ({"year": 2020}, "a"),
        ({"year": {"$gte": 2020}}, "ab"),
        ({"year": {"$gt": 2020, "$lt": 2022}}, "b"),
        ({"tags": "rent"}, "ab"),
        ({"tags": {"$ne": "rent"}}, ""),
        ({"court": {"$ne": "HR"}}, "b"),
        ({"$not": {"court": "HR"}}, "bc"),
        ({"$or": [{"year": 2020}, {"court": "最高法院"}]}, "ab"),
        ({"$or": []}, ""),
        ({"$and": []}, "abc"),
        ({"year": {"$in": []}}, ""),
        ({"year": {"$in": [2020, "2021"]}}, "a"),
        ({"year": "2020"}, ""),
        ({"final": True}, "a"),
        ({"final": 1}, ""),
        ({"absent": {"$gt": 0}}, ""),
        ({"court'; DROP TABLE document; --": "x"}, ""),
    ],
)
def test_filters_match_exactly_and_fail_closed(
    store: Store, filters: dict[str, object], matching: str
) -> None:
    owner = store.create_collection("c")
    documents = {
        "a": embedded(
            "a", ["a text"], metadata={"year": 2020, "court": "HR", "tags": ["rent", "lease"], "final": True}
        ),
        "b": embedded("b", ["b text"], metadata={"year": 2021.5, "court": "最高法院", "tags": ["rent"]}),
        "c": embedded("c", ["c text"]),
    }
    store.commit_documents(owner.id, SPACE, list(documents.values()))
    found = store.chunks(store.chunk_ids(owner.id, parse_filter(filters)))
    assert "".join(sorted(chunk.document.uri for chunk in found.values())) == matching


def test_a_failure_is_remembered_until_the_file_is_stored(store: Store) -> None:
    owner = store.create_collection("c")
    store.record_failure(owner.id, "folder", "a.txt", FileRecord(None, "r" * 64, "test", "no text layer"))
    assert store.files(owner.id, "folder")["a.txt"].failure == "no text layer"
    store.commit_documents(owner.id, SPACE, [embedded("a.txt", ["text"])])
    assert store.files(owner.id, "folder")["a.txt"].failure == ""


def test_neighbours_stay_within_the_document(store: Store) -> None:
    owner = store.create_collection("c")
    store.commit_documents(owner.id, SPACE, [embedded("a", ["a0", "a1", "a2", "a3"]), embedded("b", ["b0"])])
    chunks = {chunk.text: chunk for chunk in store.chunks(store.chunk_ids(owner.id)).values()}
    assert [chunk.text for chunk in store.neighbours(chunks["a3"], 2)] == ["a1", "a2", "a3"]
    assert [chunk.text for chunk in store.neighbours(chunks["b0"], 1)] == ["b0"]


def test_collections_have_unique_sensible_names(store: Store) -> None:
    store.create_collection("合同 2024")
    with pytest.raises(ConflictError):
        store.create_collection("合同 2024")
    for name in ("", " a", "a/b", "a\x00b", "n" * 129):
        with pytest.raises(InvalidRequestError):
            store.create_collection(name)
    with pytest.raises(NotFoundError, match="合同 2024"):
        store.collection("absent")


def test_writing_to_a_deleted_collection_is_refused(store: Store) -> None:
    owner = store.create_collection("c")
    store.delete_collection("c")
    with pytest.raises(NotFoundError):
        store.commit_documents(owner.id, SPACE, [embedded("a", ["text"])])


def insert_collection(store: Store, *statements: str) -> None:
    with writing(store.engine) as connection:
        connection.execute(
            collection.insert().values(name="first", created_at="now", last_change=0, domain="")
        )
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_database_error_is_ours_and_rolls_back(store: Store) -> None:
    with pytest.raises(StoreUnavailableError, match="nothing was changed"):
        insert_collection(store, "SELECT * FROM no_such_table")
    assert store.collections() == []


def test_a_broken_constraint_is_a_conflict_and_rolls_back(store: Store) -> None:
    with pytest.raises(ConflictError, match="nothing was changed"):
        insert_collection(
            store,
            "INSERT INTO collection (name, created_at, last_change, domain) VALUES ('first', 'now', 0, '')",
        )
    assert store.collections() == []


def test_a_filter_may_list_a_thousand_values_of_every_kind(store: Store) -> None:
    owner = store.create_collection("c")
    store.commit_documents(owner.id, SPACE, [embedded("a", ["text"], metadata={"year": 2020, "tag": "七"})])
    years: list[object] = [*range(1500, 2400), "2020", True]
    assert len(store.chunk_ids(owner.id, parse_filter({"year": {"$in": years}}))) == 1
    assert len(store.chunk_ids(owner.id, parse_filter({"tag": {"$in": [str(i) for i in range(999)]}}))) == 0


def test_texts_are_ordered_by_code_points(store: Store) -> None:
    owner = store.create_collection("c")
    names = ["Z", "a", "é", "中"]
    store.commit_documents(owner.id, SPACE, [embedded(n, ["text"], metadata={"name": n}) for n in names])
    found = store.chunks(store.chunk_ids(owner.id, parse_filter({"name": {"$gt": "Z", "$lt": "中"}})))
    assert sorted(chunk.document.uri for chunk in found.values()) == ["a", "é"]


def test_an_id_beyond_64_bits_is_simply_not_found(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.document(10**20)


def test_a_full_disk_is_reported_and_nothing_is_half_written(sqlite_store: Store) -> None:
    store = sqlite_store
    owner = store.create_collection("c")
    store.commit_documents(owner.id, SPACE, [embedded("a", ["small"])])
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 60")  # of 4 KiB: a disk with little left
    with pytest.raises(StoreUnavailableError, match="disk"):
        store.commit_documents(owner.id, SPACE, [embedded(f"{i}", ["word " * 1000] * 9) for i in range(20)])
    assert [document.uri for document in store.documents("c")] == ["a"]
    assert store.collection("c").last_change == 1


def test_an_older_database_is_brought_up_to_date_when_it_is_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'attest.db'}"
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(files("rag.store") / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO collection (name, created_at, last_change, domain) VALUES ('old', '', 0, 'legal')"
        )
    engine.dispose()
    store = Store.open(url)
    assert (store.collection("old").domain, store.collection("old").unsupported_sentences) == ("legal", None)
    store.close()
