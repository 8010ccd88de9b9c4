"""How high what holds the answer is ranked: documents, by ir_measures with binary gains, and passages."""

from collections.abc import Iterator, Sequence

import ir_measures
from ir_measures import RR, R, nDCG

from evals.metrics.statistic import Metric, mean
from evals.records import Place, Record

PASSAGES_LOOKED_AT = 10  # as many as an answer is read from
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
    counted = [record.is_answerable and bool(record.gold.marks or record.gold.answers) for record in records]
    if any(counted):
        found = [
            float(any(_is_retrieved(place, record) for place in record.gold_places)) for record in records
        ]
        yield mean(f"passage_R@{PASSAGES_LOOKED_AT}", found, counted)


def _is_retrieved(place: Place, record: Record) -> bool:
    return any(
        chunk.document == place.document and chunk.start <= place.start and place.end <= chunk.end
        for chunk in record.chunks[:PASSAGES_LOOKED_AT]
    )
