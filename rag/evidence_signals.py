"""What the extractive generator can tell of its own certainty; signals of the answer are in `rag.signals`."""

import math
from collections.abc import Mapping, Sequence

from rag.domain import Hit, Reading
from rag.evidence_reading import ReadHits
from rag.odds import log_odds
from rag.sentence_choice import Scored
from rag.tokens import index_tokens

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
READ_SIGNALS = (
    "read_relevance",
    "read_relevance_margin",
    "read_answerable",
    "read_answerable_maximum",
    "read_span",
    "read_mass",
    "read_agreement",
    "read_null_passages",
    "read_alone",
)
LOG_ODDS = frozenset(
    ("read_relevance", "read_answerable", "read_answerable_maximum", "read_span", "read_mass", "read_alone")
)
"""Signals that are probabilities: a regression weighs .99 against .999 only as log odds."""
OTHERS = 8  # candidates after the best one in which its words are looked for
RARE_HITS = 3  # a word in so few of the hits tells passages apart
EVEN = 0.5  # a passage that is less answerable is taken for one without an answer


def sentence_signals(
    asked: frozenset[str], hits: Sequence[Hit], scored: Sequence[Scored]
) -> Mapping[str, float]:
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


def reading_signals(
    read: ReadHits, scored: Sequence[Scored], alone: Sequence[Reading]
) -> Mapping[str, float]:
    """What the reader says of the passages; the answer's passage is that of the strongest candidate.

    `alone` is what it sees in each sentence of the answer by itself.

    Probabilities as log odds: `read_relevance`, the highest of a passage; `read_answerable`, `read_span`, how
    answerable the answer's passage is, and the best answer in it; `read_answerable_maximum`, the highest of
    any passage; `read_mass`, the reading of the strongest candidate; `read_alone`, how answerable the best
    sentence is by itself. Shares: `read_relevance_margin`, how far
    the highest relevance is ahead of the second, or of nothing; `read_agreement`, of the other passages
    whose best answer has the same words as that of the answer's; `read_null_passages`, of all that seem to
    hold no answer.
    """
    if not read.readings:
        return {name: log_odds(0.0) if name in LOG_ODDS else 0.0 for name in READ_SIGNALS}
    relevance = sorted((reading.relevance for reading in read.readings), reverse=True)
    answers = [_words_of_answer(read, place) for place in range(len(read.readings))]
    place = _place_of_answer(read, scored)
    own, others = answers[place], answers[:place] + answers[place + 1 :]
    values = (
        relevance[0],
        relevance[0] - (relevance[1] if len(relevance) > 1 else 0.0),
        read.readings[place].answerable,
        read.answerable,
        _probability(read.readings[place]),
        scored[0].reading if scored else 0.0,
        sum(bool(own) and other == own for other in others) / len(others) if others else 0.0,
        sum(reading.answerable < EVEN for reading in read.readings) / len(read.readings),
        max((reading.answerable for reading in alone), default=0.0),
    )
    return {
        name: log_odds(value) if name in LOG_ODDS else value
        for name, value in zip(READ_SIGNALS, values, strict=True)
    }


def _place_of_answer(read: ReadHits, scored: Sequence[Scored]) -> int:
    """Where the strongest candidate's chunk stands among those read, else the most relevant one."""
    ids = [chunk.id for chunk in read.chunks]
    if scored:
        return ids.index(scored[0].candidate.hit.chunk.id)
    return max(range(len(ids)), key=lambda place: read.readings[place].relevance)


def _words_of_answer(read: ReadHits, place: int) -> frozenset[str]:
    spans = read.readings[place].spans
    return frozenset(index_tokens(spans[0].span.of(read.chunks[place].text))) if spans else frozenset()


def _probability(reading: Reading) -> float:
    return reading.spans[0].probability if reading.spans else 0.0
