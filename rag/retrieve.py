"""A question becomes ranked, live chunks: both indexes are searched, fused, joined to the store, reranked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rag.domain import ChunkIds, Collection, EmbeddingSpace, Hit, Question, ScoredId, SearchResult
from rag.errors import CorruptIndexError, InvalidRequestError
from rag.filters import parse_filter
from rag.fuse import FusedId, dense_weight, fuse
from rag.indexes import NEVER, CollectionIndexes, Indexes
from rag.ports import Embedder
from rag.rerank import Reranking
from rag.stopwatch import Stopwatch
from rag.store import Store
from rag.store.commit import space_mismatch

CANDIDATES = 200  # depth of each ranking before fusion
MAXIMUM_QUESTION_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Retriever:
    """Searches one store through its two indexes; without `reranking` the fused order is the last one."""

    store: Store
    indexes: Indexes
    embedder: Embedder
    reranking: Reranking | None = None

    def search(self, question: Question) -> SearchResult:
        """The `top_k` best chunks, best first; none where the filter matches nothing."""
        check_question(question.text)
        watch = Stopwatch()
        warnings: list[str] = []
        collection = self.store.collection(question.collection)
        require_space(collection, self.embedder.space)
        with watch.stage("filter"):
            allowed = self._allowed(collection, question.filters)
        with watch.stage("follow"):
            indexes = self.indexes.of(collection, self.embedder.space, wait=False)
        reranking = self.reranking if question.rerank else None
        wanted = max(question.top_k, reranking.depth if reranking else 0)
        depth = max(CANDIDATES, wanted)
        with watch.stage("dense"):
            weight = self._dense_weight(question.text)
            dense = self._dense(indexes, question.text, depth, allowed) if weight > 0 else []
            if weight == 0:
                warnings.append("the embedding model cannot read this question; only words were searched")
        with watch.stage("lexical"):
            lexical = self._lexical(indexes, question.text, depth, allowed)
        with watch.stage("fuse"):
            fused = fuse({"dense": dense, "lexical": lexical}, dense_share=weight)
        with watch.stage("load"):
            hits = self._live(fused, collection.name, wanted)
        if reranking:
            with watch.stage("rerank"):
                hits = reranking.of(question.text, hits)
        shown = hits[: question.top_k]
        if question.neighbours:
            with watch.stage("neighbours"):
                shown = tuple(self._with_context(hit, question.neighbours) for hit in shown)
        return SearchResult(shown, watch.milliseconds(), tuple(warnings))

    def _allowed(self, collection: Collection, filters: Mapping[str, object]) -> ChunkIds | None:
        return self.store.chunk_ids(collection.id, parse_filter(filters)) if filters else None

    def _dense_weight(self, text: str) -> float:
        count = self.embedder.count_tokens([text])[0]
        return dense_weight(count.unknown / max(count.tokens, 1))

    def _dense(
        self, indexes: CollectionIndexes, text: str, depth: int, allowed: ChunkIds | None
    ) -> Sequence[ScoredId]:
        return indexes.vectors.search(self.embedder.embed([text]), depth, allowed)

    def _lexical(
        self, indexes: CollectionIndexes, text: str, depth: int, allowed: ChunkIds | None
    ) -> Sequence[ScoredId]:
        try:
            return indexes.lexical.search(text, depth, allowed)
        except CorruptIndexError:
            indexes.followed = NEVER  # the next search rebuilds it
            raise

    def _live(self, fused: Sequence[FusedId], name: str, count: int) -> tuple[Hit, ...]:
        """The first `count` that the store has in this collection: no index can bring back a ghost."""
        hits: list[Hit] = []
        for first in range(0, len(fused), count):
            part = fused[first : first + count]
            live = self.store.chunks(item.chunk_id for item in part)
            for item in part:
                is_here = item.chunk_id in live and live[item.chunk_id].document.collection == name
                if is_here and len(hits) < count:
                    hits.append(Hit(live[item.chunk_id], len(hits) + 1, item.score, item.scores))
            if len(hits) == count:
                break
        return tuple(hits)

    def _with_context(self, hit: Hit, distance: int) -> Hit:
        return replace(hit, context=tuple(self.store.neighbours(hit.chunk, distance)))


def check_question(text: str) -> None:
    """Raise InvalidRequestError unless the text is something one can ask."""
    if not text.strip():
        raise InvalidRequestError("the question is empty; write what you want to know", "question")
    if len(text) > MAXIMUM_QUESTION_CHARACTERS:
        raise InvalidRequestError(
            f"the question has {len(text)} characters; at most {MAXIMUM_QUESTION_CHARACTERS} are read",
            "question",
        )


def require_space(collection: Collection, configured: EmbeddingSpace) -> None:
    """Raise EmbeddingSpaceMismatchError where a collection was embedded by another model."""
    space = collection.space
    if space is not None and space.fingerprint != configured.fingerprint:
        raise space_mismatch(space.model, space.fingerprint, configured)
