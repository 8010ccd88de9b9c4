"""Fit how much the reader's verdict on a claim weighs beside words and meaning, on development claims.

    python -m evals.bench.support_weights [--split development] [--limit 400] [--seed 0]

Claims whose documents the reader was not trained on. A logistic regression of both log odds, every suite and
each of its sides weighing the same, gives the weights of `rag.read_support`; the least scores for "supported"
and "partial" are those of the best balanced accuracy on scores of held-out folds. Printed beside it, for each
suite: balanced accuracy and AUROC of the mixture (out of fold), of the reader and of the words alone.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from evals.commands import DEFAULT_HOME
from evals.data import data_root
from evals.questions import EvalQuestion, Split
from evals.suites import select, suite_named
from rag.adapters.packaged_reader import PackagedReader
from rag.domain import Claim, SupportLabel
from rag.read_support import log_odds
from rag.settings import load_settings
from rag.support import WordSupport
from rag.wiring import open_system

SUITES = tuple(f"verification/{name}" for name in ("wice", "wice_chunks", "expertqa", "altered"))
FOLDS = 5
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim's suite and document, its gold label, and what words and reader say of it."""

    suite: str
    group: str
    label: str
    by_words: float
    by_reading: float


def judged(name: str, questions: Sequence[EvalQuestion], words: WordSupport) -> list[Judged]:
    claims = [Claim(asked.text, tuple(passage.text for passage in asked.passages)) for asked in questions]
    supported = PackagedReader().support_probabilities(claims)[:, 0]
    scores = [verdict.score for verdict in words.support(claims)]
    return [
        Judged(name, asked.group, asked.gold.label, score, float(read))
        for asked, score, read in zip(questions, scores, supported, strict=True)
    ]


def fit(claims: Sequence[Judged]) -> tuple[LogisticRegression, Numbers]:
    """The regression over all, and each claim's probability by one that has not seen its document."""
    features = np.array([[log_odds(c.by_words), log_odds(c.by_reading)] for c in claims])
    is_supported = np.array([c.label == SupportLabel.SUPPORTED for c in claims])
    cells = [(c.suite, c.label == SupportLabel.SUPPORTED) for c in claims]
    weights = np.array([len(cells) / len(set(cells)) / cells.count(cell) for cell in cells])
    model = LogisticRegression(C=1.0)
    scores = cross_val_predict(
        model,
        features,
        is_supported,
        groups=[c.group for c in claims],
        cv=GroupKFold(FOLDS),
        params={"sample_weight": weights},
        method="predict_proba",
    )[:, 1]
    return model.fit(features, is_supported, sample_weight=weights), scores


def threshold(labels: NDArray[np.bool_], scores: Numbers, suites: Sequence[str]) -> float:
    """The least score with the best balanced accuracy, as the mean over suites."""
    names = np.array(suites)
    grid = np.linspace(0.2, 0.8, 61)
    means = [
        np.mean([balanced_accuracy_score(labels[names == s], scores[names == s] >= t) for s in set(suites)])
        for t in grid
    ]
    return float(grid[int(np.argmax(means))])


def show(claims: Sequence[Judged], scores: Numbers, least: float) -> None:
    table = Table("suite", "n", *(f"{way}: accuracy, AUROC" for way in ("mixture", "reader", "words")))
    for suite in dict.fromkeys(c.suite for c in claims):
        own = np.array([c.suite == suite for c in claims])
        labels = np.array([c.label == SupportLabel.SUPPORTED for c in claims])[own]
        ways = (
            (scores[own], least),
            (np.array([c.by_reading for c in claims])[own], 0.5),
            (np.array([c.by_words for c in claims])[own], 0.55),
        )
        cells = [
            f"{balanced_accuracy_score(labels, found >= at):.3f}, {roc_auc_score(labels, found):.3f}"
            for found, at in ways
        ]
        table.add_row(suite, str(int(own.sum())), *cells)
    Console(width=140).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--split", type=Split, choices=list(Split), default=Split.DEVELOPMENT)
    parser.add_argument("--limit", type=int, default=400, help="at most so many claims of each suite")
    parser.add_argument("--seed", type=int, default=0, help="chooses which")
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME)
    given = parser.parse_args()
    claims: list[Judged] = []
    with open_system(load_settings(given.home)) as system:
        words = WordSupport(system.embedder)
        for name in SUITES:
            loaded = suite_named(name).load(data_root()).questions
            asked = select(name, loaded, given.split, limit=given.limit, seed=given.seed)
            claims += judged(name, asked, words)
    model, scores = fit(claims)
    suites = [c.suite for c in claims]
    is_supported = np.array([c.label == SupportLabel.SUPPORTED for c in claims])
    has_any = np.array([c.label != SupportLabel.UNSUPPORTED for c in claims])
    three = np.array([s in {"verification/wice", "verification/wice_chunks"} for s in suites])
    least = threshold(is_supported, scores, suites)
    partial = threshold(
        has_any[three], scores[three], [s for s, kept in zip(suites, three, strict=True) if kept]
    )
    (words_weight, reading_weight), constant = model.coef_[0], model.intercept_[0]
    show(claims, scores, least)
    Console().print(
        f"ReadSupportWeights({constant:.3f}, {words_weight:.3f}, {reading_weight:.3f}, "
        f"supported={least:.3f}, partial={min(partial, least):.3f})"
    )


if __name__ == "__main__":
    main()
