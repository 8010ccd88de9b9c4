"""Which metrics belong to which task; each is left out where nothing of it can be computed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from evals.data import DataError
from evals.metrics.answerability import answerability
from evals.metrics.answers import long_answers, short_answers
from evals.metrics.citation import citations, evidence
from evals.metrics.confidence import confidences
from evals.metrics.decision import decisions
from evals.metrics.ranking import passage_recall, ranking, relevance
from evals.metrics.statistic import Metric, mean
from evals.metrics.verification import verification
from evals.records import Record
from evals.suites import Task

Measure: TypeAlias = Callable[[Sequence[Record]], Iterator[Metric]]

_ANSWERING: tuple[Measure, ...] = (short_answers, citations, decisions, answerability, confidences)
_SEARCHED: tuple[Measure, ...] = (passage_recall, relevance, *_ANSWERING)

CATALOGUE: Mapping[Task, tuple[Measure, ...]] = {
    Task.RETRIEVAL: (ranking,),
    Task.READING: _SEARCHED,
    Task.DOCUMENT: _SEARCHED,
    Task.PARAGRAPH: _ANSWERING,
    Task.ABSTENTION: _SEARCHED,
    Task.REMOVED: _SEARCHED,
    Task.OWN: _SEARCHED,
    Task.EVIDENCE: (short_answers, evidence, citations, decisions, answerability, confidences),
    Task.VERIFICATION: (verification,),
    Task.LONGFORM: (long_answers, citations, decisions, answerability, confidences),
    Task.CHOICE: (decisions, confidences),
}


def metrics_of(task: str, records: Sequence[Record]) -> tuple[Metric, ...]:
    """A task's metrics over records, whose order the metrics keep; DataError for a task that is not known."""
    if task not in CATALOGUE:
        raise DataError(
            f"the run's task {task!r} is none of {', '.join(CATALOGUE)}; its header is of another version"
        )
    return tuple(metric for measure in (*CATALOGUE[Task(task)], failures) for metric in measure(records))


def failures(records: Sequence[Record]) -> Iterator[Metric]:
    """`failed`: the share of questions whose asking raised an error; nothing without records."""
    if records:
        yield mean("failed", [float(bool(record.error)) for record in records])


def groups_of(records: Sequence[Record]) -> tuple[str, ...]:
    """What the bootstrap draws: the document of each question, or the question where it has none."""
    return tuple(f"group {record.group}" if record.group else f"question {record.id}" for record in records)


def strata_of(records: Sequence[Record]) -> tuple[str, ...]:
    """What every draw of a gate holds in its share: languages, questions with and without an answer."""
    return tuple(f"{record.language} {record.is_answerable}" for record in records)
