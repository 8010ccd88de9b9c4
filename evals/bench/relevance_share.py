"""How much relevance should count beside the fused score: recorded hits, ranked anew with other shares.

    attest eval run reading/bioasq --split development --out runs/development/bioasq
    python -m evals.bench.relevance_share runs/development/*

Nothing is asked again: a run's records have the score and the relevance of every passage that was reranked,
from which the fused score follows by the share that was in force (`rag.rerank.RELEVANCE_SHARE`). For each
share, `nDCG@10` of the documents by their best passage, and `MRR@10` of the passages that hold a gold span;
a dash where a suite has no such gold.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from evals.bench.answer_speed import with_documents
from evals.metrics.bootstrap import measure
from evals.metrics.catalogue import groups_of
from evals.metrics.ranking import PASSAGES_LOOKED_AT, holds_gold, ranking
from evals.records import ChunkScore, Record, RunFolder
from rag.rerank import RELEVANCE, RELEVANCE_SHARE

SHARES = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def with_share(record: Record, share: float) -> Record:
    """The record's reranked passages in the order that this share gives; the others are left out."""
    reranked = [chunk for chunk in record.chunks if RELEVANCE in chunk.scores]
    chunks = [replace(chunk, score=mixed(chunk, share)) for chunk in reranked]
    return replace(record, chunks=tuple(sorted(chunks, key=lambda chunk: -chunk.score)))


def mixed(chunk: ChunkScore, share: float) -> float:
    relevance = chunk.scores[RELEVANCE]
    fused = (chunk.score - RELEVANCE_SHARE * relevance) / (1 - RELEVANCE_SHARE)
    return (1 - share) * fused + share * relevance


def documents_ndcg(records: Sequence[Record]) -> str:
    found = measure(list(ranking([with_documents(record) for record in records])), groups_of(records))
    return next((f"{item.value:.3f}" for item in found if item.name == "nDCG@10"), "-")


def passages_mrr(records: Sequence[Record]) -> str:
    """The mean over the questions whose gold document was found; 0 where no passage has the gold."""
    counted = [record for record in records if record.is_answerable and record.gold_places]
    return f"{np.mean([reciprocal_rank(record) for record in counted]):.3f}" if counted else "-"


def reciprocal_rank(record: Record) -> float:
    first = record.chunks[:PASSAGES_LOOKED_AT]
    return next((1 / rank for rank, chunk in enumerate(first, start=1) if holds_gold(chunk, record)), 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    table = Table("run", "n", *(f"{share:g}" for share in SHARES), title="nDCG@10 / MRR@10 by share")
    for path in parser.parse_args().runs:
        records = [record for record in RunFolder(path).records() if record.is_answerable]
        by_share = [[with_share(record, share) for record in records] for share in SHARES]
        cells = [f"{documents_ndcg(given)} / {passages_mrr(given)}" for given in by_share]
        table.add_row(path.name, str(len(records)), *cells)
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
