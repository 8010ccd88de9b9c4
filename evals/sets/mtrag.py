"""MTRAG: the last question of a conversation, asked of passages from four collections; all are test.

The question is the last turn as typed; the user's turns before it are its history.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from evals.questions import Corpus, EvalQuestion, Gold, QuestionSet
from evals.sets.beir import UNJUDGED, Query, RetrievalSet, corpus_of, load_retrieval_set
from rag.follow_up import standalone

FOLDER = "mtrag/mini_beir"
ANSWERABLE = "ANSWERABLE"
REFUSED = ("UNANSWERABLE", "UNDERSPECIFIED")
"""What should not be answered: nothing in the passages does, or the question does not say what it means."""


def last_turns(root: Path) -> QuestionSet:
    """The questions that have a relevant passage."""
    data = load_retrieval_set(root / FOLDER)
    questions = tuple(_question(query, Gold(documents=query.gold)) for query in data.judged)
    left_out = {UNJUDGED: len(data.queries) - len(questions)}
    return QuestionSet(questions, _corpus(data), data.data_hash, left_out)


def follow_ups(root: Path) -> QuestionSet:
    """The same questions, each with the earlier one that it points back to, as a follow-up is asked."""
    data = last_turns(root)
    asked = tuple(replace(item, text=standalone(item.text, item.history)) for item in data.questions)
    return replace(data, questions=asked)


def answerable_or_not(root: Path) -> QuestionSet:
    """The questions that are answerable, or are not; those answerable in part belong to neither."""
    data = load_retrieval_set(root / FOLDER)
    questions = []
    left_out: Counter[str] = Counter()
    for query in data.queries:
        if query.answerability == ANSWERABLE and query.gold:
            questions.append(_question(query, Gold(documents=query.gold)))
        elif query.answerability in REFUSED:
            questions.append(_question(query, Gold(), is_answerable=False))
        else:
            left_out[f"answerability is {query.answerability or 'not told'}"] += 1
    return QuestionSet(tuple(questions), _corpus(data), data.data_hash, left_out)


def _corpus(data: RetrievalSet) -> Corpus:
    return corpus_of("mtrag", data, lambda passage: passage.id)


def _question(query: Query, gold: Gold, *, is_answerable: bool = True) -> EvalQuestion:
    return EvalQuestion(
        id=query.id,
        text=query.text,
        gold=gold,
        language="en",
        domain="technical" if query.collection == "ibmcloud" else "general",
        group=query.id.split("<::>")[0],
        is_test=True,
        is_answerable=is_answerable,
        history=tuple(text for speaker, text in query.history if speaker == "user"),
        metadata={"collection": query.collection, "answerability": query.answerability},
    )
