"""What the pipeline needs from models and indexes; the adapters in `rag.adapters` provide it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rag.completion import Completion, Message
from rag.decoding import Decoding
from rag.domain import (
    Chunk,
    ChunkIds,
    Claim,
    Draft,
    EmbeddingSpace,
    Hit,
    Passage,
    Question,
    Reading,
    ScoredId,
    Support,
    TokenCount,
    Vectors,
)
from rag.intake import Position
from rag.listener import Listener


class Embedder(Protocol):
    """Texts become vectors of one space. Nothing heavy is loaded before the first call that needs it."""

    @property
    def space(self) -> EmbeddingSpace:
        """The space its vectors live in; cheap to read, loads no weights."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[TokenCount]:
        """Token counts as the model would see each text uncut, its special tokens not counted."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, one row per text in the given order, whatever order they are computed in."""
        ...


class DerivedIndex(Protocol):
    """An index of a collection that follows the store's changes and can always be rebuilt from it."""

    def position(self) -> Position | None:
        """How far it has followed; None when there is nothing to stand on: new, torn, or of another space."""
        ...

    def clear(self) -> None:
        """Start again from nothing."""
        ...

    def remove(self, ids: ChunkIds) -> None:
        """Forget these ids; an unknown id is no error."""
        ...

    def commit(self, position: Position) -> None:
        """Make what was added and removed visible to searches; it now stands at `position`."""
        ...

    def ids(self) -> ChunkIds:
        """Every id it holds, ascending."""
        ...

    def close(self) -> None:
        """Leave on disk what a later start can use."""
        ...


class VectorIndex(DerivedIndex, Protocol):
    """Nearest chunks by inner product. Adding an id again replaces its vector."""

    def add(self, ids: ChunkIds, vectors: Vectors) -> None:
        """Put vectors under ids; row i belongs to ids[i]."""
        ...

    def search(self, vector: Vectors, k: int, allowed: ChunkIds | None) -> list[ScoredId]:
        """The k best for one vector of shape (1, dimension), best first, ties by id.

        `allowed` None means every id; an empty array means nothing is allowed and nothing is returned.
        """
        ...


class LexicalIndex(DerivedIndex, Protocol):
    """BM25 over the tokens of `rag.tokens`. Adding an id again replaces its entry."""

    def add(self, chunks: Sequence[Chunk]) -> None:
        """Index chunks under their ids."""
        ...

    def search(self, question: str, k: int, allowed: ChunkIds | None) -> list[ScoredId]:
        """The k best for a question as typed, best first; `allowed` as in `VectorIndex.search`."""
        ...


class Generator(Protocol):
    """Evidence becomes the sentences of an answer."""

    @property
    def name(self) -> str:
        """The name shown as `generator` in an outcome."""
        ...

    def version_for(self, asked: Question) -> str:
        """Changes whenever the same evidence may give another answer: a part of the fingerprint."""
        ...

    def draft(self, asked: Question, hits: Sequence[Hit], listener: Listener | None = None) -> Draft:
        """Sentences in the order they should be read; none where nothing bears on the question.

        Its signals go to the calibrator; a generator of one version always gives the same names.
        """
        ...


class ChatModel(Protocol):
    """A language model that answers messages; ModelUnavailableError where it cannot."""

    @property
    def name(self) -> str:
        """The model's name, as its server knows it."""
        ...

    def context_tokens(self) -> int:
        """How many tokens of prompt and answer it takes together."""
        ...

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """How many tokens messages take as a prompt, by the model's own tokenizer."""
        ...

    def complete(
        self,
        messages: Sequence[Message],
        decoding: Decoding,
        schema: Mapping[str, object] | None,
        listener: Listener,
    ) -> Completion:
        """Its answers, one for each sample of `decoding`; with a `schema` they are JSON that fits it.

        AbandonedError as soon as the listener leaves: then the model stops.
        """
        ...

    def brief(self, messages: Sequence[Message], tokens: int, listener: Listener) -> Completion:
        """One greedy answer of so many tokens at most, without thinking aloud, soon or ModelTimeoutError.

        Its sample has the likeliest first tokens. AbandonedError as in `complete`.
        """
        ...


class Connection(Protocol):
    """To a server of models."""

    def close(self) -> None:
        """Give it back."""
        ...


class Reranker(Protocol):
    """Says which passages answer a question, more slowly and more exactly than a search."""

    @property
    def version(self) -> str:
        """Changes whenever the same passages may get another order."""
        ...

    def relevance(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """How likely each passage answers the question, from 0 to 1, in the given order."""
        ...


class Reader(Protocol):
    """Finds where passages answer a question."""

    @property
    def version(self) -> str:
        """Changes whenever the same passage may be read otherwise."""
        ...

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """One reading per passage, in the given order; one too long for the model is read in parts."""
        ...


class SupportScorer(Protocol):
    """Says how far passages bear claims out."""

    @property
    def version(self) -> str:
        """Changes whenever the same claim may get another verdict."""
        ...

    def support(self, claims: Sequence[Claim]) -> list[Support]:
        """One verdict per claim, in order; a claim without passages is unsupported and scores 0."""
        ...
