"""The questions of another suite, each asked of one to eight documents only: what a small collection is like.

How far scores spread, how much of a question the evidence covers, how many documents agree: all of it looks
different where there is little to find. Half of the questions are asked of documents that lack the answer.
"""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evals.questions import EvalQuestion, Gold, QuestionSet
from evals.sets.removed import is_chosen
from evals.sets.span_tasks import Loader

FEW = "_few"
"""How the names of such suites end, after the name of their set."""
LAYOUT = "few-1"
SIZES = (1, 2, 3, 5, 8)


def among_few(load: Loader) -> Loader:
    """The answerable questions of another suite, asked of few documents of their own split."""

    def load_few(root: Path) -> QuestionSet:
        return of_few_documents(load(root))

    return load_few


def of_few_documents(data: QuestionSet) -> QuestionSet:
    """Give each answerable question a scope: other documents by a hash of its id, and its own for half.

    A question whose document is left out is unanswerable, and of its gold only `documents` is left.
    """
    if data.corpus is None:
        raise ValueError("only questions that are asked of a corpus can be asked of a part of it")
    document_of = {text.uri: str(text.metadata.get("document", text.uri)) for text in data.corpus.texts}
    asked = [question for question in data.questions if question.is_answerable]
    documents = {
        is_test: sorted({document_of[u] for q in asked if q.is_test == is_test for u in q.gold.documents})
        for is_test in (True, False)
    }
    questions = tuple(_among(question, documents[question.is_test], document_of) for question in asked)
    data_hash = hashlib.sha256(f"{LAYOUT}:{data.data_hash}".encode()).hexdigest()
    return replace(data, questions=questions, data_hash=data_hash)


def _among(question: EvalQuestion, documents: Sequence[str], document_of: Mapping[str, str]) -> EvalQuestion:
    # S311: which documents are shown must be the same on every machine, not hard to guess.
    chance = random.Random(f"few:{question.id}")  # noqa: S311
    own = {document_of[uri] for uri in question.gold.documents}
    others = [name for name in documents if name not in own]
    size = min(chance.choice(SIZES), len(others))
    is_left_out = is_chosen(question.id)
    shown = chance.sample(others, size if is_left_out else max(0, size - 1))
    scope: dict[str, object] = {"document": {"$in": sorted({*shown, *(() if is_left_out else own)})}}
    if is_left_out:
        return replace(
            question, scope=scope, is_answerable=False, gold=Gold(documents=question.gold.documents)
        )
    return replace(question, scope=scope)
