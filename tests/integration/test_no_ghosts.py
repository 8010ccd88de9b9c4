"""Deletes, replacements and filters against a model in plain Python: no ghost, nothing missing.

The number of operations is ATTEST_GHOST_OPERATIONS (default 600, so that the tests stay quick).
"""

import os
import random
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st
from in_memory import WordEmbedder, embedded

from rag.adapters.faiss_index import FaissIndex
from rag.adapters.tantivy_index import TantivyIndex
from rag.domain import Question
from rag.follow import differences
from rag.indexes import Indexes
from rag.retrieve import Retriever
from rag.store import Store

OPERATIONS = int(os.environ.get("ATTEST_GHOST_OPERATIONS", "600"))
OPERATIONS_A_RUN = 100
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # nothing here is about surviving
WORDS = ("lease", "rent", "fever", "dose", "valve", "合同", "租金", "诊断", "café")
NO_WORD = "😀"  # stored and cut like any character, but nothing that one can search for


@dataclass
class Model:
    """What a collection should hold: the chunks and the year of each document, by name."""

    documents: dict[str, tuple[list[str], int]] = field(default_factory=dict)

    def matching(self, word: str, year: int | None) -> set[str]:
        return {
            chunk
            for chunks, written in self.documents.values()
            for chunk in chunks
            if word in chunk.split() and (year is None or written >= year)
        }


class Run:
    """One store with real indexes, driven beside its model."""

    def __init__(self, home: Path, random_source: random.Random) -> None:
        self.random = random_source
        self.home = home
        self.model = Model()
        self.serial = 0
        self.store = Store.open(f"sqlite:///{home / 'attest.db'}")
        self.owner = self.store.create_collection("c")
        self.open_indexes()

    def open_indexes(self) -> None:
        self.indexes = Indexes(self.store, self.home / "indexes", FaissIndex, TantivyIndex)
        self.retriever = Retriever(self.store, self.indexes, WordEmbedder())

    def put(self) -> None:
        name, year = f"d{self.random.randrange(12)}", self.random.randrange(2000, 2010)
        chunks = []
        for _ in range(self.random.randrange(1, 4)):
            self.serial += 1
            chunks.append(" ".join([f"s{self.serial}", *self.random.sample(WORDS, 3), NO_WORD]))
        document = embedded(name, chunks, metadata={"year": year})
        self.store.commit_documents(self.owner.id, WordEmbedder().space, [document])
        self.model.documents[name] = (chunks, year)

    def delete(self) -> None:
        if not self.model.documents:
            return
        name = self.random.choice(sorted(self.model.documents))
        [document] = [item for item in self.store.documents("c") if item.uri == name]
        self.store.delete_document(document.id)
        del self.model.documents[name]

    def search(self) -> None:
        word = self.random.choice(WORDS)
        year = self.random.choice([None, self.random.randrange(2000, 2012)])
        filters = {} if year is None else {"year": {"$gte": year}}
        result = self.retriever.search(Question(word, "c", top_k=100, filters=filters))
        found = {hit.chunk.text for hit in result.hits}
        lexical = {hit.chunk.text for hit in result.hits if "lexical" in hit.scores}
        everything = {
            chunk
            for chunks, written in self.model.documents.values()
            for chunk in chunks
            if year is None or written >= year
        }
        assert found <= everything, "a ghost, or a filter that failed open"
        assert self.model.matching(word, year) <= lexical, "a live chunk with the word was not found"

    def reopen(self) -> None:
        self.indexes.close()
        if self.random.random() < 0.3:
            shutil.rmtree(self.home / "indexes", ignore_errors=True)
        self.open_indexes()

    def check(self) -> None:
        owner = self.store.collection("c")
        indexes = self.indexes.of(owner, WordEmbedder().space, wait=True)
        assert len(differences(indexes.vectors, self.store.embedded_ids(owner.id, WordEmbedder().space))) == 0
        assert len(differences(indexes.lexical, self.store.chunk_ids(owner.id))) == 0

    def close(self) -> None:
        self.indexes.close()
        self.store.close()


@seed(20261122)
@settings(max_examples=max(1, OPERATIONS // OPERATIONS_A_RUN), deadline=None, phases=[Phase.generate])
@given(
    st.randoms(use_true_random=False),
    st.lists(
        st.sampled_from(["put", "delete", "search", "search", "reopen"]),
        min_size=OPERATIONS_A_RUN,
        max_size=OPERATIONS_A_RUN,
    ),
)
def test_a_search_never_gives_what_was_deleted_replaced_or_filtered_out(
    random_source: random.Random, operations: list[str]
) -> None:
    # tantivy reads a newly opened index once more in a thread of its own, which puts a lock file there.
    with tempfile.TemporaryDirectory(dir=IN_MEMORY, ignore_cleanup_errors=True) as home:
        run = Run(Path(home), random_source)
        for operation in operations:
            getattr(run, operation)()
        run.check()
        run.close()
