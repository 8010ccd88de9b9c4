"""Indexes follow the store: they apply its changes in order, or start again from what is live."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np

from rag.domain import ChunkIds, Collection, EmbeddingSpace
from rag.intake import Change, Position
from rag.ports import DerivedIndex, LexicalIndex, VectorIndex
from rag.store import Store

CHANGES_AT_ONCE = 1000
CHUNKS_AT_ONCE = 2000  # bounds memory: about 2 MB of text and 3 MB of vectors

AddChunks = Callable[[Sequence[int]], None]
"""Loads those of these chunks that are live and adds them to an index."""


def follow_vectors(index: VectorIndex, space: EmbeddingSpace, store: Store, collection: Collection) -> None:
    """Bring a vector index up to the collection's last change."""

    def add(ids: Sequence[int]) -> None:
        index.add(*store.vectors(ids, space))

    _follow(index, add, store, collection)


def follow_text(index: LexicalIndex, store: Store, collection: Collection) -> None:
    """Bring a lexical index up to the collection's last change."""

    def add(ids: Sequence[int]) -> None:
        index.add(list(store.chunks(ids).values()))

    _follow(index, add, store, collection)


def _follow(index: DerivedIndex, add: AddChunks, store: Store, collection: Collection) -> None:
    position = index.position()
    if position is None or not _is_of_this_past(position, store, collection):
        position = _rebuild(index, add, store, collection)
    while changes := store.changes(collection.id, first=position.sequence + 1, limit=CHANGES_AT_ONCE):
        # Ids are never used twice, so the order within these changes does not matter.
        index.remove(np.array([i for change in changes for i in change.removed], dtype=np.int64))
        _add_in_parts(add, (i for change in changes for i in change.added))
        position = _position_after(changes[-1])
        index.commit(position)


def _rebuild(index: DerivedIndex, add: AddChunks, store: Store, collection: Collection) -> Position:
    """Index everything that is live; what changes meanwhile comes again through the changes."""
    index.clear()
    last = store.changes(collection.id, first=collection.last_change, limit=1)
    position = _position_after(last[0]) if last else Position(0, "")
    _add_in_parts(add, (int(chunk_id) for chunk_id in store.chunk_ids(collection.id)))
    index.commit(position)
    return position


def _is_of_this_past(position: Position, store: Store, collection: Collection) -> bool:
    """Whether the change it stands at is in the store: not so after a restore of an older database."""
    if position.sequence == 0:
        return True
    known = store.changes(collection.id, first=position.sequence, limit=1)
    return bool(known) and _position_after(known[0]) == position


def _position_after(change: Change) -> Position:
    return Position(change.sequence, change.token)


def _add_in_parts(add: AddChunks, ids: Iterable[int]) -> None:
    remaining = iter(ids)
    while part := list(islice(remaining, CHUNKS_AT_ONCE)):
        add(part)


def differences(index: DerivedIndex, expected: ChunkIds) -> ChunkIds:
    """The ids that an index has and should not, or should have and has not."""
    return np.setxor1d(index.ids(), expected)
