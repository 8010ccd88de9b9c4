"""Two runs over the same questions: what changed, and whether that is more than noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evals.data import DataError
from evals.metrics import bootstrap
from evals.metrics.bootstrap import Difference
from evals.metrics.catalogue import groups_of, metrics_of
from evals.metrics.statistic import Metric
from evals.records import Record, RunFolder
from evals.score import scorable


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences by metric, second run minus first, over the questions that both have, and notes."""

    suite: str
    shared: int
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


def compare(first: RunFolder, second: RunFolder) -> Comparison:
    """Compare two runs of one suite, question by question.

    DataError for runs of different suites or tasks, or without a common question. Where only some questions
    are common these are compared, and a note says how many.
    """
    one, other = first.header(), second.header()
    if (one.suite, one.task) != (other.suite, other.task):
        raise DataError(
            f"{first.path} is a run of {one.suite} and {second.path} of {other.suite}; "
            "only runs of one suite can be compared"
        )
    records, others = scorable(first), scorable(second)
    common = {record.id for record in records} & {record.id for record in others}
    if not common:
        raise DataError(
            f"{first.path} and {second.path} share 0 questions of {one.suite} "
            f"({len(records)} and {len(others)}); run both with the same --split, --limit and --seed"
        )
    notes = [*_note_on_ids(len(common), len(records), len(others))]
    if one.data_hash != other.data_hash:
        notes.append("the data differ: questions of one id may not be the same question")
    if one.worded_by != other.worded_by:
        notes.append(f"the first run is worded by {one.worded_by}, the second by {other.worded_by}")
    kept = [r for r in records if r.id in common]
    aligned = _with_gold_of(kept, [r for r in others if r.id in common])
    metrics, other_metrics = metrics_of(one.task, kept), metrics_of(one.task, aligned)
    notes += _notes_on_metrics(_defined(metrics), _defined(other_metrics))
    differences = bootstrap.compare(metrics, other_metrics, groups_of(kept))
    return Comparison(one.suite, len(common), differences, tuple(notes))


def _with_gold_of(first: Sequence[Record], second: Sequence[Record]) -> Sequence[Record]:
    """One rule for both: the gold and the groups of the second run are those of the first."""
    return [
        replace(
            record,
            gold=known.gold,
            group=known.group,
            is_answerable=known.is_answerable,
            language=known.language,
        )
        for known, record in zip(first, second, strict=True)
    ]


def _defined(metrics: Sequence[Metric]) -> Sequence[str]:
    return [
        metric.name
        for metric in metrics
        if np.isfinite(metric.statistic(np.ones((1, len(metric.counted))))[0])
    ]


def _notes_on_metrics(first: Sequence[str], second: Sequence[str]) -> Iterator[str]:
    """Which metrics cannot be compared, because one run has nothing to compute them from."""
    for run, own, other in (("first", first, second), ("second", second, first)):
        if alone := [name for name in own if name not in other]:
            yield f"only the {run} run has {', '.join(alone)}"


def _note_on_ids(common: int, first: int, second: int) -> Sequence[str]:
    if common == first == second:
        return ()
    return (
        f"{common} questions are shared and compared, of {first} in the first run and {second} in the second",
    )
