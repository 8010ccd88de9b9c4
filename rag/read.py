"""The extractive generator: the sentences of the best chunks that answer the question, as they stand."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.domain import Draft, DraftSentence, Hit
from rag.evidence_candidates import Candidate, candidates
from rag.evidence_features import Column, WordFeatures, similarities, word_features
from rag.fuse import DENSE_SHARE, dense_weight
from rag.ports import Embedder
from rag.tokens import index_tokens, question_tokens

CHUNKS_READ = 8  # docs/measurements-answers.md: the gold is in the first 8 for .76-.99 of questions
CANDIDATES_EMBEDDED = 16  # the best by their words; of the sentences with the gold .98-1.0 are among them
MAXIMUM_SENTENCES = 3
FOLLOWER_DISTANCE = 0.1  # a further sentence may be this much weaker than the best one
SIGNALS = (
    "best_coverage",
    "best_meaning",
    "best_rank",
    "best_lead",
    "best_asked",
    "best_new",
    "best_rare",
    "best_echo",
)
OTHERS = 8  # candidates after the best one in which its words are looked for
RARE_HITS = 3  # a word in so few of the hits tells passages apart
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
    coverage: float
    meaning: float


class ExtractiveGenerator:
    """Scores sentences by their words, their meaning and how well their chunk was found.

    Where the embedder cannot read the question, words alone decide, by weights of their own.
    """

    name = "extractive"
    version = "1"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def draft(self, question: str, hits: Sequence[Hit]) -> Draft:
        """At most three sentences in reading order, the document found best first; scores from 0 to 1."""
        own = frozenset(index_tokens(question))
        found = [item for item in candidates(hits[:CHUNKS_READ]) if not item.tokens <= own]
        scored = self._scored(question, found)
        sentences = tuple(
            DraftSentence(item.candidate.text, item.candidate.hit.chunk, item.candidate.span, item.score)
            for item in _in_reading_order(_choose(scored))
        )
        return Draft(sentences, _signals(frozenset(question_tokens(question)), hits, scored))

    def _scored(self, question: str, found: Sequence[Candidate]) -> list[_Scored]:
        """The candidates worth considering, strongest first."""
        words = word_features(question_tokens(question), found)
        by_words = WORDS_ALONE.strengths(words, np.zeros(len(found)))
        share = self._readable_share(question)
        if share == 0:
            scored = [
                _Scored(item, float(strength), WORDS_ALONE.score(strength), float(coverage), meaning=0.0)
                for item, strength, coverage in zip(found, by_words, words.coverage, strict=True)
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
        return [
            _Scored(
                candidate=found[i],
                strength=float(strengths[i]),
                score=WITH_MEANING.score(strengths[i]),
                coverage=float(words.coverage[i]),
                meaning=float(meaning[i]),
            )
            for i in kept
        ]

    def _readable_share(self, question: str) -> float:
        """From 1, every token known, to 0, where the search too leaves the vectors out."""
        count = self._embedder.count_tokens([question])[0]
        return dense_weight(count.unknown / max(count.tokens, 1)) / DENSE_SHARE


def _signals(asked: frozenset[str], hits: Sequence[Hit], scored: Sequence[_Scored]) -> Mapping[str, float]:
    """What the strongest candidate is worth beside the others.

    `best_coverage`, `best_meaning`: its features; `best_rank`: log of its chunk's rank; `best_lead`: how far
    it is ahead of the third; `best_asked`: the share of its words that were asked; `best_new`: log(1 + its
    words that were not); `best_rare`: the share of the asked words in at most three hits that it has, .5
    where none is so rare; `best_echo`: in what share of the next eight its most repeated new word stands.
    """
    if not scored:
        return dict.fromkeys(SIGNALS, 0.0)
    best, others = scored[0], [item.candidate.tokens for item in scored[1 : 1 + OTHERS]]
    tokens = best.candidate.tokens
    hit_tokens = [frozenset(index_tokens(hit.chunk.text)) for hit in hits]
    rare = {token for token in asked if sum(token in found for found in hit_tokens) <= RARE_HITS}
    values = (
        best.coverage,
        best.meaning,
        math.log(best.candidate.hit.rank),
        best.strength - scored[2].strength if len(scored) > 2 else best.strength,
        len(tokens & asked) / len(tokens) if tokens else 0.0,
        math.log1p(len(tokens - asked)),
        len(rare & tokens) / len(rare) if rare else 0.5,
        max((sum(token in other for other in others) for token in tokens - asked), default=0) / OTHERS,
    )
    return dict(zip(SIGNALS, values, strict=True))


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
