"""A running Attest: what the API, the command line and the evals call."""

from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rag.domain import Collection, Outcome, Passage, Question, SearchResult
from rag.errors import EmbeddingSpaceMismatchError, NotFoundError
from rag.fallback import answer
from rag.follow import differences
from rag.indexes import Indexes
from rag.listener import Listener
from rag.pipeline import Pipeline
from rag.ports import ChatModel, Connection, Embedder, Reader, SupportScorer
from rag.profiles import Profiles
from rag.retrieve import Retriever, require_space
from rag.rewrite import Rewriter
from rag.settings import Settings
from rag.store import Store
from rag.tokens import question_tokens


@dataclass(frozen=True, slots=True)
class IndexCheck:
    """Whether a collection's indexes hold exactly what the store does; the ids are of chunks that differ."""

    chunks: int
    vectors: int
    vectors_differing: tuple[int, ...]
    lexical_differing: tuple[int, ...]

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not self.vectors_differing and not self.lexical_differing


@dataclass(frozen=True, slots=True)
class System:
    """Everything that was wired together by `rag.wiring.open_system`. Thread-safe; close it when done.

    `pipeline` answers without a language model, `chat` with the `language_model` that is configured, if any,
    which gets the rules of one of the `profiles`, and whose `rewriter` words follow-ups; `connections` are
    those to other servers.
    """

    settings: Settings
    store: Store
    indexes: Indexes
    embedder: Embedder
    retriever: Retriever
    pipeline: Pipeline
    support: SupportScorer
    reader: Reader
    profiles: Profiles
    chat: Pipeline | None = None
    rewriter: Rewriter | None = None
    language_model: ChatModel | None = None
    connections: tuple[Connection, ...] = ()

    def ask(self, question: Question, listener: Listener | None = None) -> Outcome:
        """Answer a question, or abstain; AbandonedError where the listener leaves before.

        InvalidRequestError for a profile that there is not, whoever answers.
        """
        self.profiles.require(question.profile)
        return answer(question, self.pipeline, self.chat, self.rewriter, listener or Listener())

    def search(self, question: Question) -> SearchResult:
        """The passages that bear on a question, no answer."""
        return self.retriever.search(question)

    def warm(self) -> None:
        """Load the models, the dictionary of Chinese words and the indexes before a question needs them."""
        self.embedder.embed(["warm"])
        passage = Passage("", "warm")
        self.reader.read("warm", [passage])
        if self.retriever.reranking is not None:
            self.retriever.reranking.reranker.relevance("warm", [passage])
        question_tokens("预热")
        for collection in self.store.collections():
            with suppress(EmbeddingSpaceMismatchError, NotFoundError):  # a question there is told so
                self.refresh(collection.name)

    def refresh(self, name: str) -> Collection:
        """Wait until this process' indexes have applied every change the collection has now."""
        collection = self.store.collection(name)
        require_space(collection, self.embedder.space)
        self.indexes.of(collection, self.embedder.space, wait=True)
        return collection

    def delete_collection(self, name: str) -> None:
        """Delete a collection, its documents and its indexes."""
        self.indexes.drop(self.store.delete_collection(name))

    def check(self, name: str) -> IndexCheck:
        """Compare a collection's indexes with the store, id by id."""
        collection = self.refresh(name)
        indexes = self.indexes.of(collection, self.embedder.space, wait=True)
        chunk_ids = self.store.chunk_ids(collection.id)
        embedded = self.store.embedded_ids(collection.id, self.embedder.space)
        return IndexCheck(
            chunks=len(chunk_ids),
            vectors=len(embedded),
            vectors_differing=tuple(int(i) for i in differences(indexes.vectors, embedded)),
            lexical_differing=tuple(int(i) for i in differences(indexes.lexical, chunk_ids)),
        )

    def close(self) -> None:
        """Write index snapshots and give back the database and the connections."""
        for connection in self.connections:
            connection.close()
        self.indexes.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
