"""BioASQ: experts' biomedical questions, asked of the snippets that experts marked in PubMed abstracts.

A document is a PubMed record, a group is a question; batches 10B are test.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from evals.ask import occurrences
from evals.data import data_file, hash_of, read_rows
from evals.questions import Corpus, EvalQuestion, GivenPassage, Gold, QuestionSet
from evals.sets.beir import Query, RetrievalSet, corpus_of, load_retrieval_set

LAYOUT = "bioasq-1"
GOLDEN = "bioasq/bioasq_golden.jsonl"
NO_FACTOID = "no factoid"
UNSTATED = "no gold snippet states the exact answer"


@dataclass(frozen=True, slots=True)
class _Golden:
    """A factoid's exact answer comes as a text, as synonyms, or as a list of synonyms."""

    id: str
    type: str
    exact_answer: str | tuple[tuple[str, ...] | str, ...] = ()


def snippets(root: Path) -> QuestionSet:
    """Every question, with its gold snippets as what should be found."""
    data = load_retrieval_set(root / "bioasq/snippets_beir")
    questions = tuple(_question(query, Gold(documents=query.gold)) for query in data.judged)
    return QuestionSet(questions, _corpus(data), data.data_hash)


def factoids(root: Path) -> QuestionSet:
    """Factoids whose exact answer stands in a gold snippet, asked of all snippets."""
    data = load_retrieval_set(root / "bioasq/snippets_beir")
    golden_path = data_file(root, GOLDEN)
    exact = {row.id: _strings(row) for row in read_rows(golden_path, _Golden) if row.type == "factoid"}
    texts = {passage.id: passage.text for passage in data.passages}
    questions = []
    for query in data.judged:
        stated = tuple(answer for answer in exact.get(query.id, ()) if _is_stated(answer, query, texts))
        if stated:
            questions.append(_question(query, Gold(answers=stated, documents=query.gold)))
    asked = sum(query.id in exact for query in data.judged)
    left_out = {NO_FACTOID: len(data.judged) - asked, UNSTATED: asked - len(questions)}
    data_hash = hash_of([golden_path], LAYOUT + data.data_hash)
    return QuestionSet(tuple(questions), _corpus(data), data_hash, left_out)


def factoids_with_snippets(root: Path) -> QuestionSet:
    """The same factoids, each given all its gold snippets."""
    asked = factoids(root)
    texts = {text.uri: text for text in asked.corpus.texts} if asked.corpus else {}
    questions = tuple(
        replace(
            question,
            passages=tuple(GivenPassage(uri, "", texts[uri].text) for uri in question.gold.documents),
        )
        for question in asked.questions
    )
    return replace(asked, questions=questions, corpus=None)


def _corpus(data: RetrievalSet) -> Corpus:
    return corpus_of("bioasq", data, lambda passage: passage.document or passage.id)


def _question(query: Query, gold: Gold) -> EvalQuestion:
    return EvalQuestion(
        id=query.id,
        text=query.text,
        gold=gold,
        language="en",
        domain="medical",
        group=query.id,
        is_test=query.batch.startswith("10B"),
        metadata={"batch": query.batch},
    )


def _is_stated(answer: str, query: Query, texts: dict[str, str]) -> bool:
    return any(occurrences(answer, texts[name], as_words=True) for name in query.gold)


def _strings(row: _Golden) -> tuple[str, ...]:
    """Every synonym once, in order."""
    exact = (row.exact_answer,) if isinstance(row.exact_answer, str) else row.exact_answer
    nested = [(answer,) if isinstance(answer, str) else answer for answer in exact]
    return tuple(dict.fromkeys(text.strip() for part in nested for text in part if text.strip()))
