"""Questions whose evidence an annotator named: ExpMRC (three sets) and HotpotQA with its distractors.

ExpMRC has up to three annotators' evidences, stretches of the passage; its scorer takes the best match over
them. So `Gold.evidence` holds one text for each distinct one, alternatives, and `Gold.marks` each of their
sentences, any one of which will do: a quotation is one sentence, an evidence is often two.

HotpotQA as it lies here says which two of ten paragraphs support the answer, not which sentences: `documents`
are those two. An answer that is a span is looked for in them; "yes" and "no" are no spans, so there a
quotation from a supporting paragraph counts.

Every question is test: the data may only be evaluated on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.data import DataError, data_file, hash_of, read_json, read_rows
from evals.questions import EvalQuestion, GivenPassage, Gold, Mark, QuestionSet
from evals.sets.span_sets import SLICE_ARTICLES
from rag.sentences import sentences

DOMAIN = "general"
LAYOUT = "1"  # raised whenever the same files become other questions


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str


@dataclass(frozen=True, slots=True)
class _Asked:
    id: str
    question: str
    answers: list[_Answer]
    evidences: list[str]


@dataclass(frozen=True, slots=True)
class _Paragraph:
    context: str
    qas: list[_Asked]


@dataclass(frozen=True, slots=True)
class _Article:
    title: str
    paragraphs: list[_Paragraph]


@dataclass(frozen=True, slots=True)
class _SpanFile:
    data: list[_Article]


@dataclass(frozen=True, slots=True)
class _Reading:
    id: str
    article: str
    questions: list[str]
    options: list[list[str]]
    answers: list[str]
    evidences: list[list[str]]


@dataclass(frozen=True, slots=True)
class _ChoiceFile:
    data: list[_Reading]


@dataclass(frozen=True, slots=True)
class _HotpotAnswer:
    spans: list[str]


@dataclass(frozen=True, slots=True)
class _Context:
    id: str
    title: str
    paragraph_text: str
    is_supporting: bool


@dataclass(frozen=True, slots=True)
class _MultiHop:
    question_id: str
    question_text: str
    answers_objects: list[_HotpotAnswer]
    contexts: list[_Context]


def load_expmrc_squad(root: Path) -> QuestionSet:
    """ExpMRC over SQuAD v1.1 dev, English; grouped by article."""
    return _spans(data_file(root, "expmrc/squad-dev.json"), "en")


def load_expmrc_cmrc(root: Path) -> QuestionSet:
    """ExpMRC over CMRC 2018 dev, Chinese; grouped by article."""
    return _spans(data_file(root, "expmrc/cmrc2018-dev.json"), "zh")


def load_expmrc_c3(root: Path) -> QuestionSet:
    """ExpMRC over C3 dev, Chinese: the answer is the text of the right option; grouped by article."""
    path = data_file(root, "expmrc/c3-dev.json")
    asked = tuple(
        question for reading in read_json(path, _ChoiceFile).data for question in _of_reading(reading)
    )
    return QuestionSet(asked, None, hash_of([path], LAYOUT))


def load_hotpotqa(root: Path) -> QuestionSet:
    """500 questions that need two of the ten paragraphs given; each question is a group of its own."""
    path = data_file(root, "hotpotqa_500/dev_subsampled.jsonl")
    return QuestionSet(tuple(map(_of_multi_hop, read_rows(path, _MultiHop))), None, hash_of([path], LAYOUT))


def _spans(path: Path, language: str) -> QuestionSet:
    asked = []
    for article in read_json(path, _SpanFile).data:
        for number, paragraph in enumerate(article.paragraphs):
            passage = GivenPassage(f"{article.title}#{number}", article.title, paragraph.context)
            for item in paragraph.qas:
                answers = _distinct(answer.text for answer in item.answers)
                gold = _gold(passage, answers, item.evidences, language)
                question = _question(
                    item.id, item.question, gold, passage, language=language, group=article.title
                )
                asked.append(question)
    return QuestionSet(tuple(asked), None, hash_of([path], LAYOUT))


def _of_reading(reading: _Reading) -> Iterator[EvalQuestion]:
    passage = GivenPassage(reading.id, "", reading.article)
    for number, (text, options, letter, evidences) in enumerate(
        zip(reading.questions, reading.options, reading.answers, reading.evidences, strict=True)
    ):
        gold = _gold(passage, (_right(options, letter),), evidences, "zh")
        yield _question(f"{reading.id}-{number}", text, gold, passage, language="zh", group=reading.id)


def _right(options: Sequence[str], letter: str) -> str:
    """The option that a letter names; DataError for a letter that names none."""
    place = "ABCDEFGH".find(letter)
    if not letter or not 0 <= place < len(options):
        raise DataError(f"expmrc/c3-dev.json: the answer {letter!r} names none of {len(options)} options")
    return options[place]


def _of_multi_hop(row: _MultiHop) -> EvalQuestion:
    answers = _distinct(span for answer in row.answers_objects for span in answer.spans)
    is_span = not {"yes", "no"}.issuperset(answers)
    return EvalQuestion(
        id=row.question_id,
        text=row.question_text,
        gold=Gold(
            answers=answers if is_span else (),
            free_answers=() if is_span else answers,
            documents=tuple(context.id for context in row.contexts if context.is_supporting),
        ),
        language="en",
        domain=DOMAIN,
        group=row.question_id,
        is_test=True,
        passages=tuple(GivenPassage(c.id, c.title, c.paragraph_text) for c in row.contexts),
    )


def _question(
    name: str, text: str, gold: Gold, passage: GivenPassage, *, language: str, group: str
) -> EvalQuestion:
    is_test = group not in SLICE_ARTICLES
    return EvalQuestion(name, text, gold, language, DOMAIN, group, is_test, passages=(passage,))


def _gold(passage: GivenPassage, answers: tuple[str, ...], evidences: Sequence[str], language: str) -> Gold:
    distinct = _distinct(evidences)
    return Gold(
        answers=answers,
        documents=(passage.id,),
        marks=tuple(mark for evidence in distinct for mark in _marks(passage, evidence, language)),
        evidence=distinct,
    )


def _marks(passage: GivenPassage, evidence: str, language: str) -> Iterator[Mark]:
    """The sentences of an evidence where they stand; none where it is no stretch of the passage."""
    start = passage.text.find(evidence)
    if start >= 0:
        for span in sentences(evidence, language):
            yield Mark(passage.id, start + span.start, span.of(evidence))


def _distinct(texts: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    """Without repeats and blanks, in order of first appearance."""
    return tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))
