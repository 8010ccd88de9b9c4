"""What can be told of a candidate without a language model: numbers from 0 to 1."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.domain import Vectors
from rag.evidence_candidates import Candidate

Column: TypeAlias = NDArray[np.float64]
"""Shape (n,), one number for each candidate, in their order."""


@dataclass(frozen=True, slots=True)
class WordFeatures:
    """What the words say, and the search.

    `coverage` is the share of the question's words, rare ones weighing more, that a candidate contains;
    `around` is that share with the sentences beside it and the headings above it; `retrieval` is the fused
    score of its chunk.
    """

    coverage: Column
    around: Column
    retrieval: Column


@dataclass(frozen=True, slots=True)
class SentenceFeatures:
    """All that is told of candidates, a column each; what nothing tells is 0.

    `meaning` is the cosine with the question. A reader tells two more: `reading` is the probability that it
    gives to answers which lie in the candidate, `relevance` is that of the candidate's passage.
    """

    words: WordFeatures
    meaning: Column
    reading: Column
    relevance: Column

    def rows(self, kept: NDArray[np.int64], meaning: Column) -> "SentenceFeatures":
        """Those of some candidates, by their rows, with a `meaning` for each of them."""
        words = WordFeatures(self.words.coverage[kept], self.words.around[kept], self.words.retrieval[kept])
        return SentenceFeatures(words, meaning, self.reading[kept], self.relevance[kept])


def word_features(asked: Sequence[str], candidates: Sequence[Candidate]) -> WordFeatures:
    """Features by the tokens `asked`; how rare each is, the candidates alone tell."""
    seen = Counter(token for candidate in candidates for token in candidate.tokens)
    weights = {token: math.log(1 + len(candidates) / (1 + seen[token])) for token in set(asked)}
    return WordFeatures(
        coverage=np.array([_share(weights, item.tokens) for item in candidates], np.float64),
        around=np.array([_share(weights, item.around) for item in candidates], np.float64),
        retrieval=np.array([item.hit.score for item in candidates], np.float64),
    )


def similarities(vectors: Vectors) -> Column:
    """The cosine of the first vector, the question's, with each other one; what is below 0 counts as 0."""
    return np.clip(np.asarray(vectors[1:] @ vectors[0], np.float64), 0.0, 1.0)


def _share(weights: dict[str, float], tokens: frozenset[str]) -> float:
    # Exact sums: the order of a set, another one in each process, would show in the last digit.
    total = math.fsum(weights.values())
    return math.fsum(weight for token, weight in weights.items() if token in tokens) / total if total else 0.0
