"""What a reader is worth when it is given the paragraph, as SQuAD defines it; nothing is searched."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evals.ask import blank
from evals.data import DataError
from evals.metrics.answers import compared, proposals
from evals.metrics.bootstrap import measure
from evals.metrics.catalogue import groups_of
from evals.metrics.statistic import Measured, Metric, auroc, mean
from evals.metrics.text import exact_match
from evals.questions import EvalQuestion
from rag.domain import Passage
from rag.ports import Reader


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """The words taken for the answer, "" where none were found, and how answerable the question seemed."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class ReadingFigures:
    """How well short answers agree with the annotators', each figure with its 95 % interval by document.

    `exact_match` and `f1` are over the answerable questions, whatever the scores. `best_f1` is SQuAD 2.0's,
    over all questions at the best threshold on the scores, and `answerability` the AUROC of the scores: both
    None where every question is answerable.
    """

    questions: int
    documents: int
    exact_match: Measured
    f1: Measured
    best_f1: Measured | None
    answerability: Measured | None


def measure_reader(reader: Reader, questions: Sequence[EvalQuestion]) -> ReadingFigures:
    """Read each question beside all of its passages, and compare; DataError where none is answerable."""
    return figures_of(questions, [read_answer(reader, asked) for asked in questions])


def read_answer(reader: Reader, asked: EvalQuestion) -> ShortAnswer:
    """The best span of the passage that seems most answerable; of equal ones, the first."""
    passages = [Passage(given.title, given.text) for given in asked.passages]
    readings = reader.read(asked.text, passages)
    found = [
        ShortAnswer(reading.spans[0].span.of(passage.text) if reading.spans else "", reading.answerable)
        for passage, reading in zip(passages, readings, strict=True)
    ]
    return max(found, key=lambda answer: answer.score, default=ShortAnswer("", 0.0))


def figures_of(questions: Sequence[EvalQuestion], answers: Sequence[ShortAnswer]) -> ReadingFigures:
    """Compare one answer for each question; DataError where no question is answerable."""
    records = [
        replace(blank(asked), answer=answer.text, confidence=answer.score)
        for asked, answer in zip(questions, answers, strict=True)
    ]
    if not any(record.is_answerable for record in records):
        raise DataError("no question is answerable, so no answer can be compared; choose another split")
    texts, scores = [answer.text for answer in answers], [answer.score for answer in answers]
    is_due = [record.is_answerable for record in records]
    metrics = [
        mean("EM", compared(records, texts, exact_match), is_due),
        *proposals("F1", records, texts, scores),
        Metric("AUROC", np.ones(len(records)), auroc(np.array(scores), np.array(is_due, dtype=np.float64))),
    ]
    groups = groups_of(records)
    measured = {item.name: item for item in measure(metrics, groups)}
    return ReadingFigures(
        questions=len(records),
        documents=len(set(groups)),
        exact_match=measured["EM"],
        f1=measured["F1@full"],
        best_f1=measured.get("best_F1"),
        answerability=measured.get("AUROC"),
    )
