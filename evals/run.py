"""A suite's questions go through the search that production serves; what comes back is recorded."""

import hashlib
import platform
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from evals.data import Query, RetrievalSet
from evals.metrics import SEED, Measured, measure, metrics_json
from evals.records import ChunkScore, Header, RankedDocument, Record, RunFolder, unanswered
from evals.suites import Split, Suite
from ingest.ingestion import TextDocument
from rag.domain import EmbeddingSpace, Hit, Question, SearchResult
from rag.errors import AttestError

DOCUMENTS_RANKED = 100
CHUNKS_ASKED = 200  # equals the retriever's own depth, so the ranking is the one a short top_k begins with
MAXIMUM_CHUNKS_ASKED = 3200
CHUNKS_RECORDED = 50
PACKAGES = ("attest-rag", "faiss-cpu", "faiss-gpu", "tantivy", "torch", "openvino", "numpy", "ir-measures")

Search = Callable[[Question], SearchResult]
"""`System.search`, or anything that answers as it does."""


def header_for(
    suite: Suite,
    *,
    split: Split,
    limit: int | None,
    data: RetrievalSet,
    queries: Sequence[Query],
    space: EmbeddingSpace,
) -> Header:
    """The header of a run that starts now."""
    return Header(
        suite=suite.name,
        split=split.value,
        limit=limit,
        seed=SEED,
        questions=len(queries),
        data_hash=data.data_hash,
        embedding_model=space.model,
        embedding_fingerprint=space.fingerprint,
        commit=_commit(),
        versions={"python": platform.python_version()} | _versions(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def collection_name(suite: Suite, data: RetrievalSet) -> str:
    """The collection that holds this version of a suite's corpus."""
    return f"{suite.name.replace('/', '-')}-{data.corpus_hash[:12]}"


def texts_of(data: RetrievalSet) -> Iterator[TextDocument]:
    """The corpus as documents whose uri is the passage's id, without those that have no text."""
    for passage in data.corpus:
        if passage.text.strip():  # Cranfield has two that are empty
            yield TextDocument(uri=passage.id, title=passage.title, text=passage.text)


def ask_all(search: Search, collection: str, queries: Sequence[Query], folder: RunFolder) -> Iterator[Record]:
    """Ask what has no record yet; records are written as they come and passed on."""
    missing = set(unanswered([query.id for query in queries], folder.records()))
    return folder.append(record_of(search, collection, query) for query in queries if query.id in missing)


def record_of(search: Search, collection: str, query: Query) -> Record:
    """Search for one question; an error that Attest raises becomes part of the record."""
    try:
        return _searched(search, collection, query)
    except AttestError as error:
        return Record(query.id, query.text, query.gold, (), (), error=f"{type(error).__name__}: {error}")


def _searched(search: Search, collection: str, query: Query) -> Record:
    """Ask for more chunks until enough documents are ranked; what ranked first stays first."""
    asked = CHUNKS_ASKED
    first = found = search(Question(query.text, collection, top_k=asked))
    best: dict[str, RankedDocument] = {}
    while True:
        for hit in found.hits:
            best.setdefault(hit.chunk.document.uri, RankedDocument(hit.chunk.document.uri, hit.score))
        is_exhausted = len(found.hits) < asked or asked >= MAXIMUM_CHUNKS_ASKED
        if len(best) >= DOCUMENTS_RANKED or is_exhausted:
            break
        asked *= 2
        found = search(Question(query.text, collection, top_k=asked))
    return Record(
        id=query.id,
        question=query.text,
        gold=query.gold,
        ranked=tuple(best.values())[:DOCUMENTS_RANKED],
        chunks=tuple(_chunk_score(hit) for hit in first.hits[:CHUNKS_RECORDED]),
        timings_ms={stage: round(time, 3) for stage, time in first.timings_ms.items()},
    )


def _chunk_score(hit: Hit) -> ChunkScore:
    chunk = hit.chunk
    return ChunkScore(chunk.document.uri, chunk.start, chunk.end, hit.score, dict(hit.scores))


def score(folder: RunFolder) -> tuple[Measured, ...]:
    """Compute the metrics of a run from its records, which stay untouched, and write them beside those."""
    measured = measure(tuple(folder.records()))
    folder.write_metrics(metrics_json(measured))
    return measured


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    """The commit this code is at, with a digest of what was changed since; "" outside a git checkout."""
    code = Path(__file__).parent
    try:
        commit, changes = _git(code, "rev-parse", "HEAD"), _git(code, "diff", "HEAD")
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""
    return f"{commit}+{hashlib.sha256(changes.encode()).hexdigest()[:8]}" if changes else commit


def _git(folder: Path, *arguments: str) -> str:
    # S603, S607: the arguments are the constants above; git is found on the user's own PATH.
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return done.stdout.strip()
