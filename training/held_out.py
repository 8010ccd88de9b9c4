"""What must train nothing: the documents that test questions and held-out claims rest on.

The same text may stand in two places, one of them test: a snippet under two questions, an answer under two
subjects, an article in two versions of a law. It is then test in both. Of 64,665 articles of laws 1,176 are
in a train law, and also word for word in one that is held out, or in another version of such a law.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from evals.data import data_file, is_held_out, read_rows
from evals.sets import bioasq, longform
from ingest.text_document import TextDocument

LAWS_FILE = "laws_zh/articles_national.jsonl"

_VERSION = re.compile(r"[（(](?:\d{4}年|试行)[）)]$")
_NO_WORD = re.compile(r"[\W_]+")


def folded(text: str) -> str:
    """The letters and digits of a text alone, so that copies of it compare equal."""
    return _NO_WORD.sub("", text.casefold())


def bioasq_record(metadata: Mapping[str, object]) -> str:
    """The PubMed record that a snippet of BioASQ's corpus is part of."""
    return str(metadata["document"])


@lru_cache(maxsize=1)
def bioasq_test_records(root: Path) -> frozenset[str]:
    """The PubMed records of which no snippet may train: all but those that train questions alone rest on.

    Of 13,449 a test question rests on 3,290. On 2,427 others no question does that is here: they were marked
    for questions that the set leaves out, which may well test us.
    """
    asked = bioasq.snippets(root)
    corpus = asked.corpus.texts if asked.corpus else ()
    record_of = {text.uri: bioasq_record(text.metadata) for text in corpus}
    sides = {
        is_test: {record_of[uri] for q in asked.questions if q.is_test is is_test for uri in q.gold.documents}
        for is_test in (False, True)
    }
    return frozenset(record_of.values()) - (sides[False] - sides[True])


@lru_cache(maxsize=1)
def _medquad_test_texts(root: Path) -> frozenset[str]:
    corpus = longform.load_medquad(root).corpus
    texts = corpus.texts if corpus else ()
    return frozenset(folded(text.text) for text in texts if is_held_out(text.title))


def is_test_answer(root: Path, text: TextDocument) -> bool:
    """Whether a text of MedQuAD is on a held-out subject, or stands under one too."""
    return is_held_out(text.title) or folded(text.text) in _medquad_test_texts(root)


@dataclass(frozen=True, slots=True)
class _Article:
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class _TestLaws:
    """Folded: the names of held-out laws without their versions, and the texts of their articles."""

    names: frozenset[str]
    texts: frozenset[str]


@lru_cache(maxsize=1)
def _test_laws(root: Path) -> _TestLaws:
    rows = [row for row in read_rows(data_file(root, LAWS_FILE), _Article) if is_held_out(row.title)]
    return _TestLaws(
        names=frozenset(_law_name(row.title) for row in rows),
        texts=frozenset(folded(row.text) for row in rows),
    )


def _law_name(title: str) -> str:
    """Folded, without the year or "（试行）" behind it; a number there, "（二）", tells laws apart."""
    return folded(_VERSION.sub("", title.strip()))


def is_test_article(root: Path, law: str, text: str) -> bool:
    """Whether an article's law is held out, in this or another version, or its text stands in such a law.

    `text` comes without the number before it ("第一条").
    """
    test = _test_laws(root)
    return is_held_out(law) or _law_name(law) in test.names or folded(text) in test.texts
