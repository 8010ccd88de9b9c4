"""What was answered and what was refused, at the run's own thresholds."""

from collections.abc import Iterator, Sequence

import numpy as np

from evals.judge import is_correct
from evals.metrics.statistic import Metric, Share, mean
from evals.records import Record


def decisions(records: Sequence[Record]) -> Iterator[Metric]:
    """accuracy, coverage and risk over questions whose right answer is known, or that have none.

    `accuracy`: handled rightly, which is answered rightly, or refused where nothing is to be had; `coverage`:
    the share answered; `risk`: the share of wrong among the answered, whose number is its n.
    """
    judged = np.array([float(is_judged(record)) for record in records])
    if not judged.any():
        return
    answered = judged * np.array([float(record.is_answered) for record in records])
    correct = np.array([float(is_correct(record)) for record in records])
    yield mean("accuracy", [float(is_handled_rightly(record)) for record in records], list(judged > 0))
    yield Metric("coverage", judged, Share(answered, judged))
    yield Metric("risk", answered, Share(answered * (1 - correct), answered))


def is_judged(record: Record) -> bool:
    """Whether the gold can tell a right answer from a wrong one."""
    gold = record.gold
    return not record.is_answerable or bool(gold.label or gold.marks or gold.answers or gold.documents)


def is_handled_rightly(record: Record) -> bool:
    """Answered rightly, or abstained where no answer is to be had; never a failed question."""
    if record.error:
        return False
    if record.is_answerable:
        return record.is_answered and is_correct(record)
    return record.status == "abstained"
