"""Retrieval metrics from records alone: the same records always give the same bytes."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import ir_measures
import numpy as np
from ir_measures import RR, R, nDCG
from numpy.typing import NDArray

from evals.data import DataError
from evals.records import Record

MEASURES = {"nDCG@10": nDCG @ 10, "R@10": R @ 10, "R@100": R @ 100, "MRR@10": RR @ 10}
RESAMPLES = 1000
CONFIDENCE_LEVEL = 0.95
SEED = 0
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Measured:
    """The mean of a measure over n questions and its 95 % bootstrap interval."""

    name: str
    value: float
    low: float
    high: float
    n: int


def measure(records: Sequence[Record]) -> tuple[Measured, ...]:
    """Every measure with binary gains; a question that failed or found nothing counts as 0."""
    if not records:
        raise DataError("there are no records to measure; run the suite first")
    ids = [record.id for record in records]
    if len(set(ids)) != len(ids):
        raise DataError("a question has two records; run the suite again into another folder")
    qrels = [ir_measures.Qrel(record.id, name, 1) for record in records for name in record.gold]
    # Scores may tie; ranks do not, so a provider's own rule for ties never decides.
    run = [
        ir_measures.ScoredDoc(record.id, item.id, -float(rank))
        for record in records
        for rank, item in enumerate(record.ranked)
    ]
    scores = {(m.query_id, m.measure): m.value for m in ir_measures.iter_calc(MEASURES.values(), qrels, run)}
    return tuple(
        _measured(name, np.array([scores.get((query_id, wanted), 0.0) for query_id in ids]))
        for name, wanted in MEASURES.items()
    )


def _measured(name: str, values: NDArray[np.float64]) -> Measured:
    low, high = bootstrap_interval(values)
    return Measured(name, round(float(values.mean()), DECIMALS), low, high, len(values))


def bootstrap_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The percentile interval of the mean, resampling questions with a fixed seed; low, then high."""
    random = np.random.default_rng(SEED)
    means = values[random.integers(0, len(values), size=(RESAMPLES, len(values)))].mean(axis=1)
    tail = (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return round(float(low), DECIMALS), round(float(high), DECIMALS)


def metrics_json(measured: Sequence[Measured]) -> str:
    """The text of metrics.json: value, low, high and n by measure."""
    return json.dumps({item.name: _without_name(item) for item in measured}, indent=2) + "\n"


def _without_name(item: Measured) -> dict[str, float]:
    return {key: value for key, value in asdict(item).items() if key != "name"}
