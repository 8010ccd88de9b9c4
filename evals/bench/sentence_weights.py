"""Fit the weights by which the extractive generator chooses sentences, on development questions.

    python -m evals.bench.sentence_weights reading/covid_qa reading/bioasq [...] [--home HOME] [--limit 300]

The collections must be in the home already, as `attest eval run` puts them there. Half of the questions,
chosen by their ids, have their gold documents hidden, as in the suites removed/. The others give the weights:
a logistic regression, its coefficients not below 0, of the candidates that hold a gold place against those of
the same question that do not; suites weigh equally. Then `even` and `slope` are fitted on the best strengths
of both halves: .5 means as likely with the one as with the other.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from evals.ask import gold_places
from evals.commands import DEFAULT_HOME
from evals.data import data_root
from evals.questions import EvalQuestion, Split
from evals.sets.removed import with_gold_removed
from evals.suites import select, suite_named
from rag.domain import Question
from rag.pipeline import HITS_WEIGHED
from rag.read import Considered, ExtractiveGenerator
from rag.settings import Settings
from rag.system import System
from rag.wiring import open_system

FEATURES = ("coverage", "around", "meaning", "retrieval", "reading", "relevance")
CONSOLE = Console(width=140)
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """A question's candidates: features of shape (n, 6) in the order of FEATURES; which hold its gold."""

    suite: str
    has_meaning: bool
    is_hidden: bool
    features: Numbers
    holds_gold: NDArray[np.bool_]


def rows_of(name: str, system: System, limit: int | None) -> Iterator[Row]:
    """The development questions of a suite that have candidates, each asked as the pipeline asks it."""
    suite, generator = suite_named(name), system.pipeline.generator
    data = with_gold_removed(suite.load(data_root()))
    if data.corpus is None or not isinstance(generator, ExtractiveGenerator):
        raise SystemExit(f"{name} has no collection, or the generator is not the extractive one")
    questions = select(name, data.questions, Split.DEVELOPMENT, limit=limit, seed=0)
    for asked in track(questions, name, console=CONSOLE):
        question = Question(asked.text, data.corpus.collection, HITS_WEIGHED, asked.scope)
        considered = generator.consider(asked.text, system.retriever.search(question).hits)
        if considered.candidates:
            yield _row(name, asked, considered, system)


def _row(name: str, asked: EvalQuestion, considered: Considered, system: System) -> Row:
    features, words = considered.features, considered.features.words
    uris = {item.hit.chunk.document.id: item.hit.chunk.document.uri for item in considered.candidates}
    places = {n: list(gold_places(asked, uri, partial(system.store.text, n))) for n, uri in uris.items()}
    spans = [(item.span, places[item.hit.chunk.document.id]) for item in considered.candidates]
    gold = [any(span.start <= p.start and p.end <= span.end for p in known) for span, known in spans]
    first = (words.coverage, words.around, features.meaning, words.retrieval)
    return Row(
        suite=name,
        has_meaning=bool(features.meaning.any()),
        is_hidden=not asked.is_answerable,
        features=np.column_stack((*first, features.reading, features.relevance)),
        holds_gold=np.array(gold) & asked.is_answerable,
    )


def fit(rows: Sequence[Row]) -> tuple[Numbers, float, float]:
    """Weights from the rows with gold among the candidates; `even` and `slope` by the hidden rows too."""
    found = [row for row in rows if row.holds_gold.any()]
    told = [row for row in found if not row.holds_gold.all()]
    features = np.concatenate([row.features for row in told])
    signs = np.where(np.concatenate([row.holds_gold for row in told]), 1.0, -1.0)
    sizes = np.concatenate([_balanced(row) * share for row, share in zip(told, _shares(told), strict=True)])

    def loss(parameters: Numbers) -> float:
        margins = signs * (features @ parameters[:-1] + parameters[-1])
        return float(np.sum(sizes * np.logaddexp(0, -margins)))

    unused = features.max(axis=0) == 0  # without a reader, or without meaning
    bounds = [(0.0, 0.0) if is_unused else (0.0, None) for is_unused in unused]
    best = minimize(loss, np.append(np.where(unused, 0.0, 1.0), -1.0), bounds=[*bounds, (None, None)])
    weights = np.asarray(best.x[:-1] / best.x[:-1].sum(), np.float64)
    both = [*found, *(row for row in rows if row.is_hidden)]
    strengths = np.array([[float(np.max(row.features @ weights))] for row in both])
    scale = LogisticRegression(C=1e6, class_weight="balanced")
    scale.fit(strengths, [not row.is_hidden for row in both], sample_weight=_shares(both))
    slope = float(scale.coef_[0, 0])
    return weights, -float(scale.intercept_[0]) / slope, slope


def _balanced(row: Row) -> Numbers:
    """Weights of a question's candidates: those with gold together as much as those without."""
    gold = row.holds_gold
    return np.asarray(np.where(gold, 0.5 / gold.sum(), 0.5 / (~gold).sum()), np.float64)


def _shares(rows: Sequence[Row]) -> Numbers:
    """Weights of questions with which every suite weighs the same, 1 on average."""
    suites = [row.suite for row in rows]
    return np.array([len(rows) / len(set(suites)) / suites.count(suite) for suite in suites])


def describe(label: str, rows: Sequence[Row]) -> None:
    """Print the fit and, for each suite, how often the strongest candidate holds the gold."""
    weights, even, slope = fit(rows)
    shown = ", ".join(f"{name}={value:.3f}" for name, value in zip(FEATURES, weights, strict=True))
    CONSOLE.print(f"{label}: SentenceWeights({shown}, even={even:.3f}, slope={slope:.2f})")
    for suite in dict.fromkeys(row.suite for row in rows):
        asked = [row for row in rows if row.suite == suite and not row.is_hidden]
        first = [bool(row.holds_gold[int(np.argmax(row.features @ weights))]) for row in asked]
        among = [bool(row.holds_gold.any()) for row in asked]
        CONSOLE.print(f"  {suite}: first {np.mean(first):.3f}, among {np.mean(among):.3f}, n = {len(asked)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("suites", nargs="+", metavar="SUITE")
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME)
    parser.add_argument("--limit", type=int, default=None, help="questions of each suite")
    given = parser.parse_args()
    with open_system(Settings(home=given.home)) as system:
        rows = [row for name in given.suites for row in rows_of(name, system, given.limit)]
    for label, is_kept in (("with meaning", True), ("words alone", False)):
        if kept := [row for row in rows if row.has_meaning is is_kept]:
            describe(label, kept)


if __name__ == "__main__":
    main()
