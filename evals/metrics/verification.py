"""Verdicts on claims: how well scores and labels tell the supported from the rest."""

from collections.abc import Iterator, Sequence

import numpy as np

from evals.metrics.statistic import Metric, Share, Statistic, Values, Weights, auroc, divide, mean
from evals.records import Record
from rag.domain import SupportLabel


def verification(records: Sequence[Record]) -> Iterator[Metric]:
    """accuracy, balanced_accuracy (supported or not), the same over all labels, and support_AUROC.

    Balanced accuracy is the mean recall of the classes (scikit-learn's definition). A failed claim has no
    verdict, and the worst score.
    """
    counted = np.array([float(bool(record.gold.label)) for record in records])
    if not counted.any():
        return
    gold = np.array([record.gold.label for record in records])
    said = np.array(["" if record.error else record.predicted for record in records])
    yield mean("accuracy", np.asarray(gold == said, dtype=np.float64), list(counted > 0))
    is_supported = np.asarray(gold == SupportLabel.SUPPORTED, dtype=np.float64)
    # A claim without a verdict is on neither side: it is never right.
    says_so = np.where(said == "", "", np.where(said == SupportLabel.SUPPORTED, "1.0", "0.0"))
    agrees = np.asarray(says_so == is_supported.astype(str), dtype=np.float64)
    yield Metric("balanced_accuracy", counted, balanced([is_supported, counted - is_supported], agrees))
    labels = sorted(set(gold[counted > 0]))
    if len(labels) > 2:
        classes = [np.asarray(gold == label, dtype=np.float64) for label in labels]
        matches = np.asarray(gold == said, dtype=np.float64)
        yield Metric("balanced_accuracy_labels", counted, balanced(classes, matches))
    if counted.all():
        scores = np.array([support_score(record) for record in records])
        yield Metric("support_AUROC", counted, auroc(scores, is_supported))


def support_score(record: Record) -> float:
    """The support of the claim: that of its best sentence, or the confidence where it has none.

    A failed claim is at the wrong end.
    """
    if record.error:
        return 0.0 if record.gold.label == SupportLabel.SUPPORTED else 1.0
    return max((sentence.support for sentence in record.sentences), default=record.confidence)


def balanced(classes: Sequence[Values], is_right: Values) -> Statistic:
    """The mean over classes (1.0 for members) of the share that is right, without those that have none."""
    recalls = [Share(members * is_right, members) for members in classes]

    def statistic(weights: Weights) -> Values:
        shares = np.stack([recall(weights) for recall in recalls])
        present = np.isfinite(shares)
        totals: Values = np.where(present, shares, 0.0).sum(axis=0)
        return divide(totals, present.sum(axis=0).astype(np.float64))

    return statistic
