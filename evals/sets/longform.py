"""Questions with a long answer in an expert's own words: BioASQ's ideal answers and MedQuAD.

Such an answer stands in no document as it is, so it is a `free_answer`: what was said is compared with it,
and a quotation is right when it comes from a gold document.

MedQuAD: each distinct answer of the NIH's pages is a document, its title what it is about. Its questions come
from templates ("What are the symptoms of X ?"); one that several pages answer is asked once. Split and
grouped by what they are about, as written; where that is written in two ways ("Asthma", "asthma") either's
documents are gold.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from evals.data import data_file, hash_of, is_held_out, read_rows
from evals.questions import Corpus, EvalQuestion, Gold, QuestionSet
from evals.sets import bioasq
from ingest.text_document import TextDocument

LAYOUT = "longform-1"
NO_IDEAL = "no ideal answer"


@dataclass(frozen=True, slots=True)
class _Golden:
    id: str
    ideal_answer: list[str]


@dataclass(frozen=True, slots=True)
class _Pair:
    file: str
    qid: str
    source: str
    focus: str
    question: str
    answer: str


def load_bioasq(root: Path) -> QuestionSet:
    """Every question with an ideal answer, asked of the collection of `bioasq.snippets`."""
    asked = bioasq.snippets(root)
    path = data_file(root, bioasq.GOLDEN)
    ideal = {row.id: _distinct(row.ideal_answer) for row in read_rows(path, _Golden)}
    questions = tuple(
        replace(question, gold=replace(question.gold, free_answers=ideal[question.id]))
        for question in asked.questions
        if ideal.get(question.id)
    )
    left_out = dict(asked.left_out)
    if missing := len(asked.questions) - len(questions):
        left_out[NO_IDEAL] = missing
    data_hash = hash_of([path], LAYOUT + asked.data_hash)
    return replace(asked, questions=questions, data_hash=data_hash, left_out=left_out)


def load_medquad(root: Path) -> QuestionSet:
    """Consumers' health questions asked of all answers."""
    path = data_file(root, "medquad/medquad_qa.jsonl")
    pairs = [pair for pair in read_rows(path, _Pair) if pair.answer.strip()]
    texts = _documents(pairs)
    places: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        places[text.text].append(text.uri)
    asked: dict[tuple[str, str], list[_Pair]] = defaultdict(list)
    answering: dict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        wording = _folded(pair.question)
        asked[pair.focus, wording].append(pair)
        answering[wording] += places[pair.answer]
    questions = tuple(_question(focus, same, answering[wording]) for (focus, wording), same in asked.items())
    data_hash = hash_of([path], LAYOUT)
    return QuestionSet(questions, Corpus("medquad", data_hash, texts), data_hash)


def _documents(pairs: list[_Pair]) -> tuple[TextDocument, ...]:
    """One for each distinct text under each title, named by the first pair that has it."""
    first: dict[tuple[str, str], TextDocument] = {}
    for pair in pairs:
        uri = f"{pair.file}/{pair.qid}"
        document = TextDocument(uri, pair.focus, pair.answer, {"document": pair.file, "source": pair.source})
        first.setdefault((pair.focus, pair.answer), document)
    return tuple(first.values())


def _question(focus: str, same: list[_Pair], documents: list[str]) -> EvalQuestion:
    answers = _distinct([pair.answer for pair in same])
    return EvalQuestion(
        id=f"{same[0].file}/{same[0].qid}",
        text=same[0].question,
        gold=Gold(
            free_answers=answers,
            documents=tuple(dict.fromkeys(documents)),
        ),
        language="en",
        domain="medical",
        group=focus,
        is_test=is_held_out(focus),
        metadata={"source": same[0].source},
    )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _distinct(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))
