"""Retrieval sets in BEIR's layout: corpus.jsonl, queries.jsonl and qrels.tsv, each plain or gzipped."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from evals.data import DataError, data_file, hash_of, is_held_out, read_lines, read_rows
from evals.questions import Corpus, EvalQuestion, Gold, QuestionSet
from ingest.text_document import TextDocument

LAYOUT = "beir-2"
UNJUDGED = "no document is judged relevant"

_ARTICLE = re.compile(r"^(?P<law>.+?)第[〇零一二三四五六七八九十百千\d]+条(?:之[一二三四五六七八九十]+)?$")


@dataclass(frozen=True, slots=True)
class Passage:
    """A document of a retrieval set; the title may be empty, `document` is the larger text it is part of."""

    id: str
    title: str
    text: str
    document: str


@dataclass(frozen=True, slots=True)
class Query:
    """A question and the sorted ids of the documents that answer it; the rest is "" where a set has none.

    `history` is the conversation so far as (speaker, text), oldest first.
    """

    id: str
    text: str
    gold: tuple[str, ...]
    batch: str = ""
    history: tuple[tuple[str, str], ...] = ()
    collection: str = ""
    answerability: str = ""


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """A corpus and its questions in file order, also those without a relevant document."""

    passages: tuple[Passage, ...]
    queries: tuple[Query, ...]
    corpus_hash: str
    data_hash: str

    @property
    def judged(self) -> tuple[Query, ...]:
        """The questions that have a relevant document."""
        return tuple(query for query in self.queries if query.gold)


@dataclass(frozen=True, slots=True)
class _CorpusRow:
    _id: str
    text: str
    title: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class _QueryRow:
    _id: str
    text: str
    batch: str = ""
    history: tuple[tuple[str, str], ...] = ()
    collection: str = ""
    answerability: str = ""


def load_retrieval_set(folder: Path) -> RetrievalSet:
    """Read a folder; DataError names file and line of what is malformed or contradicts itself."""
    paths = [data_file(folder, name) for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv")]
    corpus_path, queries_path, qrels_path = paths
    passages = tuple(
        Passage(row._id, row.title, row.text, row.document) for row in read_rows(corpus_path, _CorpusRow)
    )
    known = {passage.id for passage in passages}
    if len(known) != len(passages):
        raise DataError(f"{corpus_path} has {len(passages) - len(known)} ids twice; ids must be unique")
    gold = _read_qrels(qrels_path)
    for query_id, ids in gold.items():
        if not known.issuperset(ids):
            strange = sorted(set(ids) - known)[0]
            raise DataError(f"{qrels_path}: query {query_id} names {strange}, which the corpus has not")
    queries = tuple(
        Query(
            row._id,
            row.text,
            gold.get(row._id, ()),
            batch=row.batch,
            history=row.history,
            collection=row.collection,
            answerability=row.answerability,
        )
        for row in read_rows(queries_path, _QueryRow)
    )
    if not any(query.gold for query in queries):
        raise DataError(f"no query of {queries_path} has a relevant document in {qrels_path}")
    return RetrievalSet(passages, queries, hash_of([corpus_path], LAYOUT), hash_of(paths, LAYOUT))


def _read_qrels(path: Path) -> Mapping[str, tuple[str, ...]]:
    """The documents with a gain above 0 by query; a query judged without any keeps an empty entry."""
    gold: dict[str, set[str]] = defaultdict(set)
    for number, line in read_lines(path):
        fields = line.rstrip("\r\n").split("\t")
        if number == 1 and fields[-1] == "score":
            continue
        if len(fields) != 3 or not fields[2].lstrip("-").isdigit():
            raise DataError(
                f"{path}, line {number}: not query-id, corpus-id and a whole score, tab-separated"
            )
        relevant = gold[fields[0]]
        if int(fields[2]) > 0:
            relevant.add(fields[1])
    return {query_id: tuple(sorted(ids)) for query_id, ids in gold.items()}


def corpus_of(name: str, data: RetrievalSet, document_of: Callable[[Passage], str]) -> Corpus:
    """The passages that have a text (two of Cranfield have none), each marked with its larger document."""
    texts = tuple(
        TextDocument(passage.id, passage.title, passage.text, {"document": document_of(passage)})
        for passage in data.passages
        if passage.text.strip()
    )
    return Corpus(name, data.corpus_hash, texts)


def ir_cranfield(root: Path) -> QuestionSet:
    """Questions on aeronautics asked of abstracts; all are test."""
    data = load_retrieval_set(root / "ir_cranfield")
    corpus = corpus_of("ir_cranfield", data, lambda passage: passage.id)
    return _asked_of(corpus, data, language="en", domain="technical", is_test=lambda _: True)


def stard(root: Path) -> QuestionSet:
    """Laypeople's legal questions asked of statute articles; a document is a law, a group is a question."""
    data = load_retrieval_set(root / "stard/beir")
    corpus = corpus_of("stard", data, law_of)
    return _asked_of(corpus, data, language="zh", domain="legal", is_test=is_held_out)


def _asked_of(
    corpus: Corpus, data: RetrievalSet, *, language: str, domain: str, is_test: Callable[[str], bool]
) -> QuestionSet:
    """The judged questions; each is a group of its own, and its id decides whether it is test."""
    questions = tuple(
        EvalQuestion(
            id=query.id,
            text=query.text,
            gold=Gold(documents=query.gold),
            language=language,
            domain=domain,
            group=query.id,
            is_test=is_test(query.id),
        )
        for query in data.judged
    )
    return QuestionSet(questions, corpus, data.data_hash, _unjudged(data))


def law_of(article: Passage) -> str:
    """The law an article belongs to: its title up to 第…条; every dated version of it has the same."""
    found = _ARTICLE.match(article.title)
    return found["law"] if found else article.title or article.id


def _unjudged(data: RetrievalSet) -> Mapping[str, int]:
    missing = len(data.queries) - len(data.judged)
    return {UNJUDGED: missing} if missing else {}
