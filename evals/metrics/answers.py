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
    shown or not. `EM_span` and its like are the same of the few words that a reader took for the answer,
    where any record has such words; `best_F1_span` refuses by how answerable a question seemed.
    """
    counted = [bool(expected_answers(record)) or not record.is_answerable for record in records]
    if not any(counted):
        return
    sentences = [_best(record, _shown_sentences(record), f1) for record in records]
    confidence = [record.confidence for record in records]
    answers = [shown(record) for record in records]
    yield mean("EM", compared(records, answers, exact_match), counted)
    yield mean("F1", compared(records, answers, f1), counted)
    yield mean("F1_sentence", sentences, counted)
    yield from proposals("F1", records, [record.answer for record in records], confidence)
    if any(_focus(record) for record in records):
        words = [short_answer(record) if record.is_answered else "" for record in records]
        yield mean("EM_span", compared(records, words, exact_match), counted)
        yield mean("F1_span", compared(records, words, f1), counted)
        spans = [short_answer(record) for record in records]
        yield from proposals("F1_span", records, spans, [how_answerable(record) for record in records])


def proposals(
    name: str, records: Sequence[Record], proposed: Sequence[str], scores: Sequence[float]
) -> Iterator[Metric]:
    """`NAME@full`: the F1 of what is proposed to answerable questions, shown or not; and `best_NAME`.

    The latter is SQuAD 2.0's best F1, the mean F1 over all questions at the best threshold on their scores;
    it is left out where every question is answerable.
    """
    counted = np.array([bool(expected_answers(record)) or not record.is_answerable for record in records])
    is_due = np.array([record.is_answerable for record in records])
    values = np.array(compared(records, proposed, f1))
    yield mean(f"{name}@full", values, list(counted & is_due))
    if not is_due.all():
        yield _best_f1(f"best_{name}", records, values, np.array(scores), counted.astype(np.float64))


def long_answers(records: Sequence[Record]) -> Iterator[Metric]:
    """F1, ROUGE-L (0 to 1) and corpus BLEU (0 to 100) of what was shown, where answers are expected."""
    counted = [bool(expected_answers(record)) for record in records]
    if not any(counted):
        return
    yield mean("F1", compared(records, [shown(record) for record in records], f1), counted)
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


def short_answer(record: Record) -> str:
    """The words that the first citation takes for the answer; the whole proposal where none tells any."""
    return _focus(record) or record.answer


def how_answerable(record: Record) -> float:
    """How answerable a question seemed; where nothing told that, how sure its answer was."""
    return record.confidence if record.answerable is None else record.answerable


def compared(
    records: Sequence[Record], texts: Sequence[str], compare: Callable[[str, tuple[str, ...], str], float]
) -> list[float]:
    """A text for each question against its expected answers; 0 for a failed question."""
    return [_best(record, [text], compare) for record, text in zip(records, texts, strict=True)]


def _focus(record: Record) -> str:
    """The first words that a citation marks as the answer, "" where none does."""
    sources = (source for sentence in record.sentences for source in sentence.sources)
    return next((source.focus for source in sources if source.focus), "")


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


def _best_f1(
    name: str, records: Sequence[Record], proposed: Values, scores: Values, counted: Values
) -> Metric:
    """Nothing shown gives every unanswerable question 1; each proposal shown then adds its F1, or takes it
    away where nothing was to be said. A failed question never counts.
    """
    ordering = Ordering(scores)
    silent = np.array([float(not record.is_answerable and not record.error) for record in records]) * counted
    gain = proposed * counted - silent

    def statistic(weights: Weights) -> Values:
        totals = np.cumsum(ordering.block_sums(weights, gain), axis=1)
        best = total(weights, silent) + np.maximum(totals.max(axis=1), 0.0)
        return divide(best, total(weights, counted))

    return Metric(name, counted, statistic)


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
