"""The first hits in a new order: how well the search found them, mixed with how likely they answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.domain import Hit
from rag.passages import passage_of
from rag.ports import Reranker

RERANK_DEPTH = 30
RELEVANCE = "relevance"
"""The name of the reranker's score in `Hit.scores`; hits that were not reranked have none."""

RELEVANCE_SHARE = 0.6
"""How much relevance counts beside the fused score: the best, or within .01 of it, on all but one of ten
sets of development questions in both languages (docs/measurements-retrieval.md)."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """Which model reranks how many of the first hits."""

    reranker: Reranker
    depth: int

    @property
    def version(self) -> str:
        """Changes whenever the same hits may get another order."""
        return f"{self.reranker.version} {self.depth} {RELEVANCE_SHARE:g}"

    def of(self, question: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """All hits: the first `depth` in their new order, the rest behind them as they were.

        The rest scores as if it were not relevant at all. As hits come best first, it outranks nothing.
        """
        first = rerank(question, hits[: self.depth], self.reranker, RELEVANCE_SHARE)
        rest = (replace(hit, score=(1 - RELEVANCE_SHARE) * hit.score) for hit in hits[self.depth :])
        return (*first, *rest)


def rerank(question: str, hits: Sequence[Hit], reranker: Reranker, share: float) -> tuple[Hit, ...]:
    """The hits by `(1 - share)` of their score plus `share` of their relevance, which becomes their score.

    Ranks count from 1; ties keep their order. Relevance is kept in `scores`.
    """
    relevances = reranker.relevance(question, [passage_of(hit.chunk) for hit in hits])
    scored = [
        replace(
            hit,
            score=(1 - share) * hit.score + share * relevance,
            scores={**hit.scores, RELEVANCE: relevance},
        )
        for hit, relevance in zip(hits, relevances, strict=True)
    ]
    ordered = sorted(scored, key=lambda hit: (-hit.score, hit.rank))
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(ordered, start=1))
