"""The wording of answers: EM, F1, ROUGE-L and BLEU of what the user was shown."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from evals.metrics.statistic import Metric, Ordering, Statistic, Values, Weights, divide, mean, total
from evals.metrics.text import bleu_counts, corpus_bleu, exact_match, f1, rouge_l
from evals.records import Record


def short_answers(records: Sequence[Record]) -> Iterator[Metric]:
    """EM and F1 of the whole answer shown, over questions with an expected answer or none to be had.

    What was not shown is compared as "", so that an abstention is right where no answer is to be had; a
    failed question counts 0.
    `F1_sentence` is the best single cited sentence's: an extractive answer quotes whole sentences, often
    several, where annotators marked a few words. `F1@full` is the F1 of proposals to answerable questions,
    shown or not.
    """
    counted = [bool(expected_answers(record)) or not record.is_answerable for record in records]
    if not any(counted):
        return
    yield mean("EM", [_best(record, [shown(record)], exact_match) for record in records], counted)
    yield mean("F1", [_best(record, [shown(record)], f1) for record in records], counted)
    sentences = [_best(record, _shown_sentences(record), f1) for record in records]
    yield mean("F1_sentence", sentences, counted)
    proposed = np.array([_best(record, [record.answer], f1) for record in records])
    is_due = np.array([record.is_answerable for record in records])
    yield mean("F1@full", proposed, list(np.logical_and(counted, is_due)))
    if not is_due.all():
        yield _best_f1(records, proposed, np.array(counted, dtype=np.float64))


def long_answers(records: Sequence[Record]) -> Iterator[Metric]:
    """F1, ROUGE-L (0 to 1) and corpus BLEU (0 to 100) of what was shown, where answers are expected."""
    counted = [bool(expected_answers(record)) for record in records]
    if not any(counted):
        return
    yield mean("F1", [_best(record, [shown(record)], f1) for record in records], counted)
    rouge = [
        rouge_l(shown(record), expected_answers(record), record.language) if is_counted else 0.0
        for record, is_counted in zip(records, counted, strict=True)
    ]
    yield mean("ROUGE-L", rouge, counted)
    yield Metric("BLEU", np.array(counted, dtype=np.float64), _bleu(records))


def shown(record: Record) -> str:
    """The answer the user saw, "" where none was shown."""
    return record.answer if record.is_answered else ""


def expected_answers(record: Record) -> tuple[str, ...]:
    """The answers of the gold, or where it has only marks, the words marked; none where none is to be had."""
    if not record.is_answerable:
        return ()
    gold = record.gold
    return gold.answers or gold.free_answers or tuple(mark.text for mark in gold.marks)


def _shown_sentences(record: Record) -> Sequence[str]:
    return [sentence.text for sentence in record.sentences] if record.is_answered else []


def _best(
    record: Record, texts: Sequence[str], compare: Callable[[str, tuple[str, ...], str], float]
) -> float:
    """The best of several texts against the expected answers; 0 for a failed question."""
    expected = expected_answers(record)
    if record.error or (record.is_answerable and not expected):
        return 0.0
    return max(compare(text, expected, record.language) for text in texts or [""])


def _best_f1(records: Sequence[Record], proposed: Values, counted: Values) -> Metric:
    """SQuAD 2.0's best F1: the mean F1 over all questions at the best threshold on confidence.

    Nothing shown gives every unanswerable question 1; each proposal shown then adds its F1, or takes it
    away where nothing was to be said. A failed question never counts.
    """
    ordering = Ordering(np.array([record.confidence for record in records]))
    silent = np.array([float(not record.is_answerable and not record.error) for record in records]) * counted
    gain = proposed * counted - silent

    def statistic(weights: Weights) -> Values:
        totals = np.cumsum(ordering.block_sums(weights, gain), axis=1)
        best = total(weights, silent) + np.maximum(totals.max(axis=1), 0.0)
        return divide(best, total(weights, counted))

    return Metric("best_F1", counted, statistic)


def _bleu(records: Sequence[Record]) -> Statistic:
    """Corpus BLEU is no mean: counts are summed over the questions and compared once."""
    rows = np.zeros((len(records), 10))
    for row, record in zip(rows, records, strict=True):
        if expected := expected_answers(record):
            counts = bleu_counts(shown(record), expected, record.language)
            row[:] = (*counts.matching, *counts.total, counts.answer_length, counts.reference_length)

    def statistic(weights: Weights) -> Values:
        sums = weights @ rows
        return np.array(
            [corpus_bleu(row[:4], row[4:8], row[8], row[9]) if row[9] else np.nan for row in sums]
        )

    return statistic
