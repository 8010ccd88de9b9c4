"""The extractive generator: the sentences of the best chunks that answer the question, as they stand."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.domain import Chunk, DraftSentence, Hit, Span, Vectors
from rag.fuse import dense_weight
from rag.ports import Embedder
from rag.sentences import sentences
from rag.tokens import index_tokens, question_tokens

CHUNKS_READ = 8
MAXIMUM_SENTENCES = 3
MINIMUM_CHARACTERS = 12  # shorter ones are headings, list marks and page numbers
FOLLOWER_SHARE = 0.85  # a further sentence must score at least this share of the best one's score
SAME_WORDING = 0.8  # Jaccard overlap of tokens from which two sentences say the same


Scores: TypeAlias = NDArray[np.float64]
"""Shape (n,), from 0 to 1, one for each candidate sentence."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence of a retrieved chunk with its tokens."""

    chunk: Chunk
    span: Span
    text: str
    tokens: frozenset[str]
    rank: int


class ExtractiveGenerator:
    """Scores each sentence by its meaning (cosine with the question) and its words (coverage of them)."""

    name = "extractive"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def draft(self, question: str, hits: Sequence[Hit]) -> tuple[DraftSentence, ...]:
        """At most three sentences in reading order of their evidence, best evidence first."""
        candidates = _candidates(hits[:CHUNKS_READ])
        if not candidates:
            return ()
        scores = self._scores(question, candidates)
        chosen = _choose(candidates, scores)
        return tuple(
            DraftSentence(candidates[i].text, candidates[i].chunk, candidates[i].span, float(scores[i]))
            for i in chosen
        )

    def _scores(self, question: str, candidates: Sequence[_Candidate]) -> Scores:
        """One score from 0 to 1 per candidate."""
        words = _coverage(question_tokens(question), candidates)
        count = self._embedder.count_tokens([question])[0]
        share = dense_weight(count.unknown / max(count.tokens, 1))
        if share == 0:
            return words
        vectors = self._embedder.embed([question, *(_in_context(item) for item in candidates)])
        return 0.5 * _cosines(vectors) + 0.5 * words


def _candidates(hits: Sequence[Hit]) -> list[_Candidate]:
    found = []
    for hit in hits:
        chunk = hit.chunk
        for span in sentences(chunk.text, chunk.document.language):
            text = span.of(chunk.text)
            minimum = MINIMUM_CHARACTERS // 2 if chunk.document.language == "zh" else MINIMUM_CHARACTERS
            if len(text) >= minimum:
                moved = Span(chunk.start + span.start, chunk.start + span.end)
                found.append(_Candidate(chunk, moved, text, frozenset(index_tokens(text)), hit.rank))
    return found


def _in_context(candidate: _Candidate) -> str:
    """A sentence under its nearest heading, which often holds the subject that it leaves out."""
    heading = candidate.chunk.section[-1] if candidate.chunk.section else candidate.chunk.document.title
    return f"{heading}: {candidate.text}"


def _cosines(vectors: Vectors) -> Scores:
    """The cosine of the first vector, the question's, with each other one, from 0 to 1."""
    return np.clip(np.asarray(vectors[1:] @ vectors[0], np.float64), 0.0, 1.0)


def _coverage(asked: Sequence[str], candidates: Sequence[_Candidate]) -> Scores:
    """The share of the question's words in each candidate, rare words among the candidates weighing more."""
    seen = Counter(token for candidate in candidates for token in candidate.tokens)
    weights = {token: math.log(1 + len(candidates) / (1 + seen[token])) for token in set(asked)}
    total = sum(weights.values())
    if total == 0:
        return np.zeros(len(candidates))
    return np.array([sum(weights[t] for t in weights if t in item.tokens) / total for item in candidates])


def _choose(candidates: Sequence[_Candidate], scores: Scores) -> list[int]:
    """The best candidate and those near it that say something else, in reading order."""
    order = np.argsort(-scores, kind="stable")
    floor = FOLLOWER_SHARE * scores[order[0]]
    chosen: list[int] = []
    for i in order:
        if len(chosen) == MAXIMUM_SENTENCES or scores[i] < floor or scores[i] <= 0:
            break
        if all(_overlap(candidates[i], candidates[j]) < SAME_WORDING for j in chosen):
            chosen.append(int(i))
    return sorted(chosen, key=lambda i: (candidates[i].rank, candidates[i].span.start))


def _overlap(one: _Candidate, other: _Candidate) -> float:
    union = one.tokens | other.tokens
    return len(one.tokens & other.tokens) / len(union) if union else 1.0
