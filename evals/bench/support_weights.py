"""What the reader adds to words and meaning about a claim, by where it is asked and how much it weighs.

    python -m evals.bench.support_weights [--split development] [--limit 400] [--seed 0]

Asked are development claims, whose documents the reader was not trained on; the words' own weights were
fitted on some of them (WiCE and ExpertQA), which flatters the first row. For each share of a claim's words
in one sentence from which on the reader is asked, and each share of its log odds there: AUROC of supported or
not for each suite, and the least score for "supported" with the best balanced accuracy, as the mean over
suites, with what it is for each.
"""

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from evals.commands import DEFAULT_HOME
from evals.data import data_root
from evals.questions import EvalQuestion, Split
from evals.suites import select, suite_named
from rag.adapters.packaged_reader import PackagedReader
from rag.domain import Claim, SupportLabel
from rag.read_support import WEIGHTS
from rag.settings import load_settings
from rag.support import WordSupport, share_in_one_sentence
from rag.wiring import open_system

SUITES = tuple(f"verification/{name}" for name in ("wice", "wice_chunks", "expertqa", "altered"))
TRIED = ((1.0, 0.0), *itertools.product((0.0, 0.5, 0.6, 0.66, 0.7, 0.8), (0.3, 0.5, 0.7, 1.0)))
"""`close` and `reading` of `rag.read_support.ReadSupportWeights`; the first asks the reader of nothing."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim's suite and document, its gold label, its words in one sentence, what words and reader say."""

    suite: str
    group: str
    label: str
    shared: float
    by_words: float
    by_reading: float


def judged(name: str, questions: Sequence[EvalQuestion], words: WordSupport) -> list[Judged]:
    claims = [Claim(asked.text, tuple(passage.text for passage in asked.passages)) for asked in questions]
    supported = PackagedReader().support_probabilities(claims)[:, 0]
    scores = [verdict.score for verdict in words.support(claims)]
    return [
        Judged(name, asked.group, asked.gold.label, share_in_one_sentence(claim), score, float(read))
        for asked, claim, score, read in zip(questions, claims, scores, supported, strict=True)
    ]


def threshold(labels: NDArray[np.bool_], scores: Numbers, names: NDArray[np.str_]) -> float:
    """The least score with the best balanced accuracy, as the mean over suites."""
    grid = np.linspace(0.2, 0.8, 61)
    means = [
        np.mean([balanced_accuracy_score(labels[names == s], scores[names == s] >= t) for s in set(names)])
        for t in grid
    ]
    return float(grid[int(np.argmax(means))])


def scores_of(claims: Sequence[Judged], close: float, reading: float) -> Numbers:
    weights = replace(WEIGHTS, reading=reading)
    return np.array(
        [
            weights.verdict(c.by_words, c.by_reading).score
            if close <= c.shared and c.by_words < 1
            else c.by_words
            for c in claims
        ]
    )


def show(claims: Sequence[Judged]) -> None:
    suites = np.array([c.suite for c in claims])
    is_supported = np.array([c.label == SupportLabel.SUPPORTED for c in claims])
    table = Table("close", "reading", *SUITES, "supported", title="AUROC, balanced accuracy")
    for close, reading in TRIED:
        scores = scores_of(claims, close, reading)
        least = threshold(is_supported, scores, suites)
        cells = [
            f"{roc_auc_score(is_supported[own], scores[own]):.3f}, "
            f"{balanced_accuracy_score(is_supported[own], scores[own] >= least):.3f}"
            for own in (suites == suite for suite in SUITES)
        ]
        table.add_row(f"{close:g}", f"{reading:g}", *cells, f"{least:.2f}")
    Console(width=160).print(table)


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
    show(claims)


if __name__ == "__main__":
    main()
