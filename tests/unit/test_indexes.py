"""Indexes are brought up to date by one process at a time, and nothing foreign comes out of them."""

from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from in_memory import SPACE, MemoryLexicalIndex, MemoryVectorIndex, WordEmbedder, embedded

from rag.adapters.tantivy_index import TantivyIndex
from rag.domain import Question
from rag.errors import CorruptIndexError
from rag.indexes import Indexes
from rag.retrieve import Retriever
from rag.store import Store


@pytest.fixture
def indexes(sqlite_store: Store, tmp_path: Path) -> Indexes:
    return Indexes(sqlite_store, tmp_path / "indexes", MemoryVectorIndex, MemoryLexicalIndex)


def texts(retriever: Retriever, question: str, collection: str = "c") -> set[str]:
    return {hit.chunk.text for hit in retriever.search(Question(question, collection)).hits}


def test_a_search_does_not_wait_for_another_process_that_follows(
    sqlite_store: Store, indexes: Indexes, tmp_path: Path
) -> None:
    retriever = Retriever(sqlite_store, indexes, WordEmbedder())
    owner = sqlite_store.create_collection("c")
    sqlite_store.commit_documents(owner.id, SPACE, [embedded("a", ["rent one"])])
    assert texts(retriever, "rent") == {"rent one"}
    sqlite_store.commit_documents(owner.id, SPACE, [embedded("b", ["rent two"])])
    with FileLock(tmp_path / "indexes" / str(owner.id) / "following.lock"):
        assert texts(retriever, "rent") == {"rent one"}
    assert texts(retriever, "rent") == {"rent one", "rent two"}


def test_a_chunk_of_another_collection_never_comes_out(sqlite_store: Store, indexes: Indexes) -> None:
    retriever = Retriever(sqlite_store, indexes, WordEmbedder())
    owner, other = sqlite_store.create_collection("c"), sqlite_store.create_collection("other")
    sqlite_store.commit_documents(other.id, SPACE, [embedded("secret", ["private rent"])])
    sqlite_store.commit_documents(owner.id, SPACE, [embedded("a", ["public rent"])])
    opened = indexes.of(sqlite_store.collection("c"), SPACE, wait=True)
    foreign = sqlite_store.chunk_ids(other.id)
    opened.vectors.add(foreign, WordEmbedder().embed(["private rent"]))
    opened.lexical.add(list(sqlite_store.chunks(foreign).values()))
    assert texts(retriever, "private rent") == {"public rent"}


def test_a_database_restored_to_an_older_past_is_followed(sqlite_store: Store, indexes: Indexes) -> None:
    owner = sqlite_store.create_collection("c")
    sqlite_store.commit_documents(owner.id, SPACE, [embedded("a", ["one"])])
    sqlite_store.commit_documents(owner.id, SPACE, [embedded("b", ["two"])])
    indexes.of(sqlite_store.collection("c"), SPACE, wait=True)
    with sqlite_store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM document WHERE uri = 'b'")
        connection.exec_driver_sql("DELETE FROM change WHERE sequence = 2")
        connection.exec_driver_sql("UPDATE collection SET last_change = 1")
    opened = indexes.of(sqlite_store.collection("c"), SPACE, wait=True)
    np.testing.assert_array_equal(opened.vectors.ids(), sqlite_store.chunk_ids(owner.id))


def test_an_index_damaged_while_it_is_open_is_rebuilt_by_the_next_search(
    sqlite_store: Store, tmp_path: Path
) -> None:
    indexes = Indexes(sqlite_store, tmp_path / "indexes", MemoryVectorIndex, TantivyIndex)
    retriever = Retriever(sqlite_store, indexes, WordEmbedder())
    owner = sqlite_store.create_collection("c")
    sqlite_store.commit_documents(owner.id, SPACE, [embedded("a", ["the rent of the house"])])
    assert texts(retriever, "rent") == {"the rent of the house"}
    opened = indexes.of(sqlite_store.collection("c"), SPACE, wait=True)

    def damaged() -> None:
        raise ValueError("Data corrupted")

    with pytest.raises(CorruptIndexError, match="ask again"):
        opened.lexical._read(damaged)  # type: ignore[attr-defined]  # as a search that meets torn files
    opened.followed = -1
    assert texts(retriever, "rent") == {"the rent of the house"}
    assert list(opened.lexical.ids()) == list(sqlite_store.chunk_ids(owner.id))
