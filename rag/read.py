"""The extractive generator: the sentences of the best chunks that answer the question, as they stand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.domain import Draft, DraftSentence, Hit, Passage, Question, Quotation, Span
from rag.evidence_candidates import Candidate, candidates
from rag.evidence_features import Column, SentenceFeatures, similarities, word_features
from rag.evidence_reading import ReadHits, read_hits
from rag.evidence_signals import reading_signals, sentence_signals
from rag.evidence_weights import (
    READ_WITH_MEANING,
    READ_WORDS_ALONE,
    WITH_MEANING,
    WORDS_ALONE,
    SentenceWeights,
)
from rag.fuse import DENSE_SHARE, dense_weight
from rag.language import language_of
from rag.listener import Listener
from rag.ports import Embedder, Reader
from rag.question_kind import asks_for_several
from rag.question_parts import parts_of
from rag.sentence_choice import (
    Scored,
    by_answering_document,
    by_found_document,
    choose_by_reading,
    choose_by_words,
)
from rag.shorten import shorten
from rag.tokens import index_tokens, question_tokens

CHUNKS_READ = 8  # docs/measurements-answers.md: the gold is in the first 8 for .76-.99 of questions
CANDIDATES_EMBEDDED = 16  # the best by their words; of the sentences with the gold .98-1.0 are among them

# A part of a question is covered where a passage is so answerable for it, and a sentence of so much mass can
# be cited for it. Set by hand: no set at hand has questions of several parts.
PART_ANSWERABLE = 0.5
PART_MASS = 0.1


@dataclass(frozen=True, slots=True)
class Considered:
    """The candidates that were weighed, their features (row i belongs to candidates[i]), and the weights.

    `read` is what a reader sees for the question, None without a reader; `parts` what it sees for each part
    of a question that asks several things, else ().
    """

    candidates: tuple[Candidate, ...]
    features: SentenceFeatures
    weights: SentenceWeights
    read: ReadHits | None = None
    parts: tuple[ReadHits, ...] = ()

    @property
    def covered(self) -> tuple[int, ...]:
        """The parts of the question that some candidate answers, by their places in `parts`."""
        return tuple(i for i, part in enumerate(self.parts) if self._is_covered(part))

    @property
    def missing(self) -> tuple[str, ...]:
        """The other parts in the question's words; () where no part is covered: then nothing is partial."""
        if not self.covered:
            return ()
        return tuple(part.question for i, part in enumerate(self.parts) if i not in self.covered)

    def _is_covered(self, part: ReadHits) -> bool:
        mass = max((part.mass(item) for item in self.candidates), default=0.0)
        return part.answerable >= PART_ANSWERABLE and mass >= PART_MASS

    def scored(self) -> list[Scored]:
        """The candidates, strongest first."""
        features, strengths = self.features, self.weights.strengths(self.features)
        scored = [
            Scored(
                candidate=item,
                strength=float(strengths[i]),
                score=self.weights.score(strengths[i]),
                coverage=float(features.words.coverage[i]),
                meaning=float(features.meaning[i]),
                reading=float(features.reading[i]),
                focus=self._focus(item),
                parts=tuple(part.mass(item) for part in self.parts),
            )
            for i, item in enumerate(self.candidates)
        ]
        return sorted(scored, key=lambda item: -item.strength)

    def _focus(self, candidate: Candidate) -> Span | None:
        """The words that answer the whole question, or the part of it that the candidate is likeliest for."""
        if self.read is None:
            return None
        return max((self.read, *self.parts), key=lambda read: read.mass(candidate)).focus(candidate)


class ExtractiveGenerator:
    """Scores sentences by their words, their meaning, how well their chunk was found, and by a reader if any.

    Where the embedder cannot read the question, it does not count, by weights made for that.
    """

    name = "extractive"

    def __init__(self, embedder: Embedder, reader: Reader | None = None) -> None:
        self._embedder = embedder
        self._reader = reader

    def version_for(self, asked: Question) -> str:  # noqa: ARG002  # a question sets nothing here
        """Version 1 knows words and meaning alone; with a reader, the reader's version is a part of this."""
        return "1" if self._reader is None else f"2+{self._reader.version}"

    def draft(self, asked: Question, hits: Sequence[Hit], listener: Listener | None = None) -> Draft:  # noqa: ARG002
        """At most three sentences, document by document; with a reader one, or as many as are asked for."""
        question = asked.text
        considered = self.consider(question, hits)
        scored = considered.scored()
        signals = sentence_signals(frozenset(question_tokens(question)), hits, scored)
        if self._reader is None or considered.read is None:
            chosen = by_found_document(choose_by_words(scored))
            return Draft(tuple(_sentence(item) for item in chosen), signals)
        several = asks_for_several(question)
        chosen = choose_by_reading(scored, asks_for_several=several, parts=considered.covered)
        sentences = tuple(_shortened(item) for item in by_answering_document(chosen))
        alone = self._reader.read(question, [Passage("", item.text) for item in sentences])
        read = reading_signals(considered.read, scored, alone)
        return Draft(sentences, {**signals, **read}, considered.missing)

    def consider(self, question: str, hits: Sequence[Hit]) -> Considered:
        """The candidates of the first hits, those that only repeat the question left out, with features."""
        own = frozenset(index_tokens(question))
        found = [item for item in candidates(hits[:CHUNKS_READ]) if not item.tokens <= own]
        read, parts = self._read(question, hits[:CHUNKS_READ])
        reads = () if read is None else (read, *parts)
        features = SentenceFeatures(
            words=word_features(question_tokens(question), found),
            meaning=np.zeros(len(found)),
            reading=_highest([[item.mass(candidate) for candidate in found] for item in reads], len(found)),
            relevance=_highest(
                [[item.reading_of(candidate.hit.chunk).relevance for candidate in found] for item in reads],
                len(found),
            ),
        )
        with_meaning, alone = (
            (WITH_MEANING, WORDS_ALONE) if read is None else (READ_WITH_MEANING, READ_WORDS_ALONE)
        )
        if self._readable_share(question) == 0:
            return Considered(tuple(found), features, alone, read, parts)
        # Only the best without their meaning are embedded, for that takes nearly all of the time.
        kept = np.argsort(-alone.strengths(features), kind="stable")[:CANDIDATES_EMBEDDED]
        vectors = self._embedder.embed([question, *(found[i].text for i in kept)])
        features = features.rows(kept, similarities(vectors))
        return Considered(tuple(found[i] for i in kept), features, with_meaning, read, parts)

    def _read(self, question: str, hits: Sequence[Hit]) -> tuple[ReadHits | None, tuple[ReadHits, ...]]:
        """What the reader sees for the question, and for each of its parts where it has several."""
        if self._reader is None:
            return None, ()
        whole = read_hits(self._reader, question, hits)
        parts = parts_of(question)
        return whole, tuple(read_hits(self._reader, part, hits) for part in parts) if len(parts) > 1 else ()

    def _readable_share(self, question: str) -> float:
        """From 1, every token known, to 0, where the search too leaves the vectors out."""
        count = self._embedder.count_tokens([question])[0]
        return dense_weight(count.unknown / max(count.tokens, 1)) / DENSE_SHARE


def _highest(rows: Sequence[Sequence[float]], length: int) -> Column:
    """The highest of each column, 0 without rows: what answers a part of the question counts in full."""
    return np.asarray(np.max(np.array([[0.0] * length, *rows]), axis=0), np.float64)


def _sentence(item: Scored) -> DraftSentence:
    candidate = item.candidate
    return DraftSentence(
        candidate.text, (Quotation(candidate.hit.chunk, candidate.span, item.focus),), item.score
    )


def _shortened(item: Scored) -> DraftSentence:
    """The sentence, or the clauses of it around the words that answer."""
    candidate = item.candidate
    if item.focus is None:
        return _sentence(item)
    start = candidate.span.start
    kept = shorten(candidate.text, item.focus.moved(-start), language_of(candidate.text))
    quotation = Quotation(candidate.hit.chunk, kept.moved(start), item.focus)
    return DraftSentence(kept.of(candidate.text), (quotation,), item.score)
