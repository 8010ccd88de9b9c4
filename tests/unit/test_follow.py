from in_memory import SPACE, MemoryLexicalIndex, MemoryVectorIndex, embedded

from rag import follow
from rag.intake import Position
from rag.store import Store


def both_followed(store: Store, vectors: MemoryVectorIndex, lexical: MemoryLexicalIndex) -> None:
    collection = store.collection("c")
    follow.follow_vectors(vectors, SPACE, store, collection)
    follow.follow_text(lexical, store, collection)


def assert_equal_to_store(store: Store, vectors: MemoryVectorIndex, lexical: MemoryLexicalIndex) -> None:
    owner = store.collection("c")
    assert len(follow.differences(vectors, store.embedded_ids(owner.id, SPACE))) == 0
    assert len(follow.differences(lexical, store.chunk_ids(owner.id))) == 0


def test_an_index_applies_additions_replacements_and_deletions(sqlite_store: Store) -> None:
    store, vectors, lexical = sqlite_store, MemoryVectorIndex(), MemoryLexicalIndex()
    owner = store.create_collection("c")
    [first, _] = store.commit_documents(
        owner.id, SPACE, [embedded("a", ["one", "合同法"]), embedded("b", ["two"])]
    )
    both_followed(store, vectors, lexical)
    assert_equal_to_store(store, vectors, lexical)
    store.commit_documents(owner.id, SPACE, [embedded("b", ["three", "four"])])
    store.delete_document(first.document_id)
    both_followed(store, vectors, lexical)
    assert_equal_to_store(store, vectors, lexical)
    assert len(lexical.ids()) == 2


def test_following_in_small_steps_ends_where_one_step_does(sqlite_store: Store, monkeypatch) -> None:  # type: ignore[no-untyped-def]  # pytest's own type
    monkeypatch.setattr(follow, "CHANGES_AT_ONCE", 1)
    monkeypatch.setattr(follow, "CHUNKS_AT_ONCE", 1)
    store, vectors, lexical = sqlite_store, MemoryVectorIndex(), MemoryLexicalIndex()
    owner = store.create_collection("c")
    for number in range(5):
        store.commit_documents(owner.id, SPACE, [embedded(f"{number % 3}", [f"text {number}", "same"])])
    both_followed(store, vectors, lexical)
    assert_equal_to_store(store, vectors, lexical)
    assert vectors.position() == lexical.position()


def test_an_index_of_another_past_is_rebuilt(sqlite_store: Store) -> None:
    store, vectors, lexical = sqlite_store, MemoryVectorIndex(), MemoryLexicalIndex()
    owner = store.create_collection("c")
    store.commit_documents(owner.id, SPACE, [embedded("a", ["one"])])
    ghost = embedded("ghost", ["ghost"])
    vectors.add(store.chunk_ids(owner.id) + 1000, ghost.vectors)
    vectors.commit(Position(1, "a token that this database never gave"))
    both_followed(store, vectors, lexical)
    assert_equal_to_store(store, vectors, lexical)


def test_an_index_ahead_of_a_restored_database_is_rebuilt(sqlite_store: Store) -> None:
    store, vectors, lexical = sqlite_store, MemoryVectorIndex(), MemoryLexicalIndex()
    store.create_collection("c")
    vectors.commit(Position(99, "future"))
    both_followed(store, vectors, lexical)
    assert vectors.position() == Position(0, "")
