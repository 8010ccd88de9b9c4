"""What ranking examples must know of a corpus' texts: which side of the split each is on, and its subject.

Sides are those of documents, as everywhere in training: the law of an article, the subject of an answer of
MedQuAD, the page, paper or contract. A snippet of BioASQ has the side of all questions that rest on its
record. A text that stands on two sides word for word, or is test anywhere, may be shown on neither.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from evals.data import is_development, is_held_out
from evals.questions import EvalQuestion, QuestionSet
from evals.sets.bioasq import snippets
from ingest.text_document import TextDocument
from training.held_out import bioasq_record, bioasq_test_records, folded, is_test_answer, is_test_article

DOCUMENT = "document"  # the metadata field that suites mark every text with
SPLIT_BY_NAME = frozenset({"covid_qa", "cuad", "drcd", "fastapi", "policyqa"})
"""The corpora whose documents are test by the hash of their name, also those that no question asks about."""


class Side(StrEnum):
    """Of train and development, where a text may be shown; one of both is of NONE."""

    TRAIN = "train"
    DEVELOPMENT = "development"
    TEST = "test"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class KnownText:
    """A text's side, the larger document it is part of, and what else answers as it does ("": nothing)."""

    side: Side
    document: str
    subject: str


Sided: TypeAlias = Callable[[TextDocument], Iterable[Side]]


def side_of(group: str) -> Side:
    """The side of a train document or question."""
    return Side.DEVELOPMENT if is_development(group) else Side.TRAIN


def known_texts(root: Path, data: QuestionSet) -> dict[str, KnownText]:
    """What is known of every text of a suite's corpus, by uri; nothing where it has no corpus."""
    if data.corpus is None:
        return {}
    name, texts = data.corpus.name, data.corpus.texts
    sided = _SIDED.get(name, _by_document)(root, data)
    tested = {uri for question in data.questions if question.is_test for uri in question.gold.documents}
    sides: dict[str, set[Side]] = defaultdict(set)
    for text in texts:
        sides[folded(text.text)] |= {Side.TEST} if text.uri in tested else set(sided(text))
    return {
        text.uri: KnownText(_one(sides[folded(text.text)]), _document(text), _subject(name, text))
        for text in texts
    }


def grouped_by_document(data: QuestionSet, known: Mapping[str, KnownText]) -> tuple[EvalQuestion, ...]:
    """The questions, those on laws grouped by the first law that they rest on and that may be shown.

    Evals ask development questions by the question. Of these none is learnt, whatever its law.
    """
    if data.corpus is None or data.corpus.name != "stard":
        return data.questions
    grouped = (replace(question, group=_law_of(question, known)) for question in data.questions)
    return tuple(
        by_law
        for question, by_law in zip(data.questions, grouped, strict=True)
        if is_development(by_law.group) or not is_development(question.group)
    )


def _law_of(question: EvalQuestion, known: Mapping[str, KnownText]) -> str:
    golds = [known[uri] for uri in question.gold.documents]
    return next((gold.document for gold in golds if gold.side in _SHOWN), question.group)


def _document(text: TextDocument) -> str:
    return str(text.metadata[DOCUMENT])


def _subject(name: str, text: TextDocument) -> str:
    """Other answers on a subject, and the rest of an abstract, may answer as well as what was marked."""
    match name:
        case "medquad":
            return folded(text.title)
        case "bioasq":
            return bioasq_record(text.metadata)
        case _:
            return ""


def _one(sides: set[Side]) -> Side:
    if Side.TEST in sides:
        return Side.TEST
    return next(iter(sides)) if len(sides) == 1 else Side.NONE


def _by_document(_root: Path, data: QuestionSet) -> Sided:
    """In some sets a document is named by the title, and it is test as a whole."""
    test_groups = {question.group for question in data.questions if question.is_test}
    by_name = data.corpus is not None and data.corpus.name in SPLIT_BY_NAME

    def sided(text: TextDocument) -> Iterable[Side]:
        document = _document(text)
        is_test = document in test_groups or text.title in test_groups or (by_name and is_held_out(document))
        return {Side.TEST if is_test else side_of(document)}

    return sided


def _by_law(root: Path, _data: QuestionSet) -> Sided:
    def sided(text: TextDocument) -> Iterable[Side]:
        law = _document(text)
        return {Side.TEST if is_test_article(root, law, text.text) else side_of(law)}

    return sided


def _by_subject(root: Path, _data: QuestionSet) -> Sided:
    return lambda text: {Side.TEST if is_test_answer(root, text) else side_of(text.title)}


def _by_question(root: Path, _data: QuestionSet) -> Sided:
    """Of all questions that rest on the text's record, also those that are no factoids."""
    test_records = bioasq_test_records(root)
    asked = snippets(root)
    texts = {text.uri: text for text in asked.corpus.texts} if asked.corpus else {}
    sides: dict[str, set[Side]] = defaultdict(set)
    for question in asked.questions:
        for uri in question.gold.documents:
            sides[bioasq_record(texts[uri].metadata)].add(side_of(question.group))

    def sided(text: TextDocument) -> Iterable[Side]:
        record = bioasq_record(text.metadata)
        return {Side.TEST} if record in test_records else sides.get(record, {Side.NONE})

    return sided


_SHOWN = (Side.TRAIN, Side.DEVELOPMENT)
_SIDED: Mapping[str, Callable[[Path, QuestionSet], Sided]] = {
    "bioasq": _by_question,
    "medquad": _by_subject,
    "stard": _by_law,
}
