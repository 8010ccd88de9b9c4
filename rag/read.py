"""The extractive generator: the sentences of the best chunks that answer the question, as they stand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.domain import DraftSentence, Hit
from rag.evidence_candidates import Candidate, candidates
from rag.evidence_features import Column, WordFeatures, similarities, word_features
from rag.fuse import DENSE_SHARE, dense_weight
from rag.ports import Embedder
from rag.tokens import index_tokens, question_tokens

CHUNKS_READ = 8  # docs/measurements-answers.md: the gold is in the first 8 for .76-.99 of questions
CANDIDATES_EMBEDDED = 16  # the best by their words; of the sentences with the gold .98-1.0 are among them
MAXIMUM_SENTENCES = 3
FOLLOWER_DISTANCE = 0.1  # a further sentence may be this much weaker than the best one
SAME_WORDING = 0.8  # share of the smaller one's tokens from which two sentences say the same


@dataclass(frozen=True, slots=True)
class SentenceWeights:
    """How features mix into a strength (the weights sum to 1), and how that becomes a score.

    A strength of `even` scores .5: as likely with questions that the collection answers as with those whose
    gold document was taken out of it. `slope` is how fast the score leaves .5 (a logistic function).
    """

    coverage: float
    around: float
    meaning: float
    retrieval: float
    even: float
    slope: float

    def strengths(self, words: WordFeatures, meaning: Column) -> Column:
        """One strength from 0 to 1 per candidate, comparable within one question."""
        return (
            self.coverage * words.coverage
            + self.around * words.around
            + self.meaning * meaning
            + self.retrieval * words.retrieval
        )

    def score(self, strength: float) -> float:
        """From 0 to 1, comparable between questions and languages."""
        return 1 / (1 + math.exp(-self.slope * (strength - self.even)))


# Fitted on train splits; docs/measurements-answers.md has the sets, the figures and what did not help.
WITH_MEANING = SentenceWeights(0.3, 0.15, 0.35, 0.2, even=0.62, slope=12.5)
WORDS_ALONE = SentenceWeights(0.45, 0.35, 0.0, 0.2, even=0.50, slope=18.0)


@dataclass(frozen=True, slots=True)
class _Scored:
    candidate: Candidate
    strength: float
    score: float


class ExtractiveGenerator:
    """Scores sentences by their words, their meaning and how well their chunk was found.

    Where the embedder cannot read the question, words alone decide, by weights of their own.
    """

    name = "extractive"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def draft(self, question: str, hits: Sequence[Hit]) -> tuple[DraftSentence, ...]:
        """At most three sentences in reading order, the document found best first; scores from 0 to 1."""
        asked = frozenset(index_tokens(question))
        found = [item for item in candidates(hits[:CHUNKS_READ]) if not item.tokens <= asked]
        chosen = _choose(self._scored(question, found))
        return tuple(
            DraftSentence(item.candidate.text, item.candidate.hit.chunk, item.candidate.span, item.score)
            for item in _in_reading_order(chosen)
        )

    def _scored(self, question: str, found: Sequence[Candidate]) -> list[_Scored]:
        """The candidates worth considering, strongest first."""
        words = word_features(question_tokens(question), found)
        by_words = WORDS_ALONE.strengths(words, np.zeros(len(found)))
        share = self._readable_share(question)
        if share == 0:
            scored = [
                _Scored(item, float(strength), WORDS_ALONE.score(strength))
                for item, strength in zip(found, by_words, strict=True)
            ]
        else:
            scored = self._with_meaning(question, found, words, by_words)
        return sorted(scored, key=lambda item: -item.strength)

    def _with_meaning(
        self, question: str, found: Sequence[Candidate], words: WordFeatures, by_words: Column
    ) -> list[_Scored]:
        """Only the best by their words are embedded, for that takes nearly all of the time."""
        kept = np.argsort(-by_words, kind="stable")[:CANDIDATES_EMBEDDED]
        vectors = self._embedder.embed([question, *(found[i].text for i in kept)])
        meaning = np.zeros(len(found))
        meaning[kept] = similarities(vectors)
        strengths = WITH_MEANING.strengths(words, meaning)
        return [_Scored(found[i], float(strengths[i]), WITH_MEANING.score(strengths[i])) for i in kept]

    def _readable_share(self, question: str) -> float:
        """From 1, every token known, to 0, where the search too leaves the vectors out."""
        count = self._embedder.count_tokens([question])[0]
        return dense_weight(count.unknown / max(count.tokens, 1)) / DENSE_SHARE


def _choose(scored: Sequence[_Scored]) -> list[_Scored]:
    """The strongest and those near it that say something else; none where no word or meaning is shared."""
    chosen: list[_Scored] = []
    for item in scored:
        is_near = item.strength >= scored[0].strength - FOLLOWER_DISTANCE
        if len(chosen) == MAXIMUM_SENTENCES or not is_near or item.strength <= 0:
            break
        if all(_overlap(item.candidate, other.candidate) < SAME_WORDING for other in chosen):
            chosen.append(item)
    return chosen


def _overlap(one: Candidate, other: Candidate) -> float:
    smaller = min(len(one.tokens), len(other.tokens))
    return len(one.tokens & other.tokens) / smaller if smaller else 1.0


def _in_reading_order(chosen: Sequence[_Scored]) -> list[_Scored]:
    """Sentences of one document together and in its order, the document found best first."""
    best: dict[int, int] = {}
    for item in chosen:
        hit = item.candidate.hit
        document = hit.chunk.document.id
        best[document] = min(hit.rank, best.get(document, hit.rank))
    return sorted(
        chosen,
        key=lambda item: (best[item.candidate.hit.chunk.document.id], item.candidate.span.start),
    )
