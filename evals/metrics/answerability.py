"""Telling questions that the documents answer from those that they do not."""

from collections.abc import Iterator, Sequence

import numpy as np

from evals.metrics.statistic import Metric, Ordering, Statistic, Values, Weights, auroc, divide, mean
from evals.records import Record

FALSE_ABSTENTION_ALLOWED = 0.1
_ROUNDING = 1e-12


def answerability(records: Sequence[Record]) -> Iterator[Metric]:
    """AUROC and recall by how answerable each seemed, and what was decided; nothing without both kinds.

    `abstention_recall` is the share of the unanswerable that were refused, `false_abstention` the share of
    the answerable that were not answered, for whatever reason. A failed question is taken as the wrong kind.
    """
    answerable = np.array([float(record.is_answerable) for record in records])
    if answerable.all() or not answerable.any():
        return
    scores = np.array([_score(record) for record in records])
    everyone = np.ones(len(records))
    yield Metric("answerability_AUROC", everyone, auroc(scores, answerable))
    recall = abstention_recall_at(FALSE_ABSTENTION_ALLOWED, scores, answerable)
    yield Metric(f"abstention_recall@{FALSE_ABSTENTION_ALLOWED:g}", 1 - answerable, recall)
    refused = [float(record.status == "abstained" and not record.error) for record in records]
    yield mean("abstention_recall", refused, list(answerable == 0))
    unanswered = [float(not record.is_answered) for record in records]
    yield mean("false_abstention", unanswered, list(answerable == 1))


def _score(record: Record) -> float:
    """How answerable a question seemed; where nothing told that, how sure its answer was."""
    if record.error:
        return 0.0 if record.is_answerable else 1.0
    return record.confidence if record.answerable is None else record.answerable


def abstention_recall_at(allowed: float, confidence: Values, answerable: Values) -> Statistic:
    """The share of the unanswerable below the threshold that refuses at most `allowed` of the answerable.

    Refused is what lies below the threshold; questions of equal confidence are refused together or not.
    """
    least_confident_first = Ordering(-confidence)

    def statistic(weights: Weights) -> Values:
        wrongly = np.cumsum(least_confident_first.block_sums(weights, answerable), axis=1)
        rightly = np.cumsum(least_confident_first.block_sums(weights, 1 - answerable), axis=1)
        is_allowed = wrongly <= allowed * wrongly[:, -1:] + _ROUNDING
        refused = np.where(is_allowed, rightly, 0.0).max(axis=1)
        recall = divide(refused, rightly[:, -1])
        recall[wrongly[:, -1] == 0] = np.nan  # without answerable questions no threshold is too high
        return recall

    return statistic
