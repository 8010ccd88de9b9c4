"""Evaluation data: where it lies, and retrieval sets in BEIR's layout (corpus, queries, qrels)."""

import gzip
import hashlib
import os
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from rag.errors import AttestError

DATA_VARIABLE = "ATTEST_DATA"
DEFAULT_DATA = Path("../shared/data")

T = TypeVar("T")


class DataMissingError(AttestError):
    """The data a suite needs is not on this machine."""


class DataError(AttestError):
    """The data is there but malformed; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A document of a retrieval set; the title may be empty."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """A question and the sorted ids of the documents that answer it; `batch` is "" where the set has none."""

    id: str
    text: str
    gold: tuple[str, ...]
    batch: str = ""


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """A corpus and those of its questions that have a gold document, in file order; hashes are sha256."""

    corpus: tuple[Passage, ...]
    queries: tuple[Query, ...]
    corpus_hash: str
    data_hash: str


@dataclass(frozen=True, slots=True)
class _CorpusRow:
    _id: str
    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class _QueryRow:
    _id: str
    text: str
    batch: str = ""


def data_root() -> Path:
    """The folder named by ATTEST_DATA, or ../shared/data beside the project; DataMissingError without it."""
    named = os.environ.get(DATA_VARIABLE)
    root = Path(named) if named else _project_root() / DEFAULT_DATA
    if not root.is_dir():
        raise DataMissingError(
            f"there is no evaluation data at {root}; set {DATA_VARIABLE} to the folder that holds it"
        )
    return root


def _project_root() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file():
            return folder
    return here


def data_file(root: Path, name: str) -> Path:
    """The path of `name` below `root`, plain or gzipped; DataMissingError where neither is there."""
    for path in (root / name, root / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataMissingError(
        f"{root / name}[.gz] is missing; point {DATA_VARIABLE} at a folder that holds this set"
    )


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file, gzipped or plain, numbered from 1; blank ones are left out."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line.decode()
        except (gzip.BadGzipFile, EOFError, UnicodeDecodeError, zlib.error) as error:
            raise DataError(f"{path} is damaged ({error}); fetch it again") from error


def read_rows(path: Path, row_type: type[T]) -> Iterator[T]:
    """One value of `row_type`, a dataclass, per JSON line; other fields of a line are ignored."""
    adapter = TypeAdapter(row_type)
    for number, line in read_lines(path):
        try:
            yield adapter.validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the line"
            raise DataError(f"{path}, line {number}: {place}: {first['msg']}") from error


def load_retrieval_set(folder: Path) -> RetrievalSet:
    """Read a folder in BEIR's layout: corpus.jsonl, queries.jsonl and qrels.tsv, each plain or gzipped."""
    paths = [data_file(folder, name) for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv")]
    corpus_path, queries_path, qrels_path = paths
    corpus = tuple(Passage(row._id, row.title, row.text) for row in read_rows(corpus_path, _CorpusRow))
    known = {passage.id for passage in corpus}
    if len(known) != len(corpus):
        raise DataError(f"{corpus_path} has {len(corpus) - len(known)} ids twice; ids must be unique")
    gold = _read_qrels(qrels_path)
    for query_id, ids in gold.items():
        if not known.issuperset(ids):
            strange = sorted(set(ids) - known)[0]
            raise DataError(f"{qrels_path}: query {query_id} names {strange}, which the corpus has not")
    queries = tuple(
        Query(row._id, row.text, gold[row._id], row.batch)
        for row in read_rows(queries_path, _QueryRow)
        if gold.get(row._id)
    )
    if not queries:
        raise DataError(f"no query of {queries_path} has a relevant document in {qrels_path}")
    return RetrievalSet(corpus, queries, _hash_of([corpus_path]), _hash_of(paths))


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


def _hash_of(paths: list[Path]) -> str:
    """The sha256 over the bytes of the files, uncompressed, so that gzip's own header does not count."""
    digest = hashlib.sha256()
    for path in paths:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()


def is_held_out(name: str) -> bool:
    """Whether a document or question is test: the sha256 of its name starts with 0, 1 or 2."""
    return hashlib.sha256(name.encode()).hexdigest()[0] in "012"
