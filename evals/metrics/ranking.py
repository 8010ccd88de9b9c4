"""How high what holds the answer is ranked: documents, by ir_measures with binary gains, and passages."""

from collections.abc import Iterator, Sequence

import ir_measures
import numpy as np
from ir_measures import RR, R, nDCG
from numpy.typing import NDArray

from evals.metrics.statistic import Metric, Statistic, Values, Weights, auroc, mean
from evals.records import ChunkScore, Record
from rag.rerank import RELEVANCE

PASSAGES_LOOKED_AT = 10  # as many as an answer is read from
_PAIRS_AT_ONCE = 2_000_000  # weights in memory: 16 MB for each array in use
MEASURES = {"nDCG@10": nDCG @ 10, "R@10": R @ 10, "R@100": R @ 100, "MRR@10": RR @ 10}


def ranking(records: Sequence[Record]) -> Iterator[Metric]:
    """Each measure over the questions with a gold document; one that failed or found nothing counts 0."""
    counted = [bool(record.gold.documents) for record in records]
    if not any(counted):
        return
    qrels = [ir_measures.Qrel(record.id, uri, 1) for record in records for uri in record.gold.documents]
    # Scores may tie; ranks do not, so a provider's own rule for ties never decides.
    run = [
        ir_measures.ScoredDoc(record.id, item.id, -float(rank))
        for record in records
        for rank, item in enumerate(record.ranked)
    ]
    scores = {(m.query_id, m.measure): m.value for m in ir_measures.iter_calc(MEASURES.values(), qrels, run)}
    for name, measure in MEASURES.items():
        yield mean(name, [scores.get((record.id, measure), 0.0) for record in records], counted)


def passage_recall(records: Sequence[Record]) -> Iterator[Metric]:
    """`passage_R@10`: the share of answerable questions whose gold span lies whole in one of ten chunks.

    Looked at are the first ten chunks retrieved, over the questions with a gold span, as for evidence_hit,
    whose upper bound it is: what is not retrieved cannot be quoted. A failed question counts 0.
    """
    counted = [_has_gold_span(record) for record in records]
    if any(counted):
        found = [
            float(any(holds_gold(chunk, record) for chunk in record.chunks[:PASSAGES_LOOKED_AT]))
            for record in records
        ]
        yield mean(f"passage_R@{PASSAGES_LOOKED_AT}", found, counted)


def relevance(records: Sequence[Record]) -> Iterator[Metric]:
    """`relevance_AUROC`: how well the reranker's score tells the chunks that hold a gold span from the rest.

    Over the pairs of a question and a chunk that was reranked for it, all pooled, of the questions with a
    gold span; n counts the questions. Nothing where no such pair was reranked.
    """
    pairs = [
        (question, chunk.scores[RELEVANCE], float(holds_gold(chunk, record)))
        for question, record in enumerate(records)
        if _has_gold_span(record)
        for chunk in record.chunks
        if RELEVANCE in chunk.scores
    ]
    if pairs:
        questions, scores, is_gold = (np.array(column) for column in zip(*pairs, strict=True))
        counted = np.zeros(len(records))
        counted[questions] = 1.0
        yield Metric("relevance_AUROC", counted, _over_pairs(questions, auroc(scores, is_gold)))


def _over_pairs(questions: NDArray[np.int64], statistic: Statistic) -> Statistic:
    """A statistic of pairs as one of questions: a pair counts as often as its question was drawn."""

    def of_questions(weights: Weights) -> Values:
        parts = -(-len(weights) * len(questions) // _PAIRS_AT_ONCE)
        drawn = np.array_split(weights, min(parts, len(weights)))
        return np.concatenate([statistic(rows[:, questions]) for rows in drawn])

    return of_questions


def _has_gold_span(record: Record) -> bool:
    return record.is_answerable and bool(record.gold.marks or record.gold.answers)


def holds_gold(chunk: ChunkScore, record: Record) -> bool:
    """Whether one of the record's gold places lies whole in the chunk."""
    return any(
        chunk.document == place.document and chunk.start <= place.start and place.end <= chunk.end
        for place in record.gold_places
    )
