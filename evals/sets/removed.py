"""Questions whose gold documents are hidden: what a collection no longer holds must not be answered.

The label is exact for the documents that the annotators named. Another document that happens to answer the
question too stays visible, so a "wrong" answer may now and then be right; this counts against the system. The
words of the answer stand in a document that stays for 138 of the 261 questions of bioasq that lose theirs
(gene names and the like), and 464 of the 7,575 of medquad keep a page about the same disease.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from evals.questions import Corpus, EvalQuestion, Gold, QuestionSet
from evals.sets.span_tasks import Loader

LAYOUT = "removed-1"


def removed(load: Loader) -> Loader:
    """The questions of another suite, half of them with their gold hidden."""

    def load_removed(root: Path) -> QuestionSet:
        return with_gold_removed(load(root))

    return load_removed


def with_gold_removed(data: QuestionSet) -> QuestionSet:
    """Hide the gold of half of the answerable questions, chosen by their ids; the others stay as they are.

    Hidden are the whole documents (article, paper, law, PubMed record) that the gold is part of. The question
    is then unanswerable, and of its gold only `documents` is left, which says what was hidden.
    """
    if data.corpus is None:
        raise ValueError("only questions that are asked of a corpus can have their gold removed")
    document_of = _documents(data.corpus)
    questions = tuple(
        _hidden(question, document_of) if is_chosen(question.id) else question
        for question in data.questions
        if question.is_answerable
    )
    data_hash = hashlib.sha256(f"{LAYOUT}:{data.data_hash}".encode()).hexdigest()
    return replace(data, questions=questions, data_hash=data_hash)


def is_chosen(question_id: str) -> bool:
    """Half of all ids, whatever their split."""
    return hashlib.sha256(f"removed:{question_id}".encode()).digest()[0] < 128


def _documents(corpus: Corpus) -> dict[str, str]:
    """The larger document that each text is part of."""
    return {text.uri: str(text.metadata.get("document", text.uri)) for text in corpus.texts}


def _hidden(question: EvalQuestion, document_of: dict[str, str]) -> EvalQuestion:
    gold = sorted({document_of[uri] for uri in question.gold.documents if uri in document_of})
    hiding: dict[str, object] = {"$not": {"document": {"$in": gold}}}
    scope = {"$and": [dict(question.scope), hiding]} if question.scope else hiding
    return replace(question, scope=scope, is_answerable=False, gold=Gold(documents=question.gold.documents))
