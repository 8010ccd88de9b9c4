"""What the API, the command line and the evals call to bring documents in."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore

from filelock import FileLock, Timeout

from ingest.embed import embed_documents
from ingest.jobs import UNFINISHED, IngestOptions, Job, JobLog, JobStatus
from ingest.pipeline import CHARACTERS_AT_ONCE, FolderPipeline, Progress, Report
from ingest.prepare import Identity, Preparation
from ingest.runner import JobRunner
from ingest.text_document import TextDocument
from rag.domain import Collection, Document, Metadata
from rag.errors import (
    AttestError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    UnreadableDocumentError,
)
from rag.intake import DraftDocument
from rag.system import System

UPLOAD = "upload"
UPLOADS_AT_ONCE = 8  # a file may take minutes to parse; questions keep the other request threads
TEXTS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Stored:
    """A document that was stored, and whether it took the place of an earlier one."""

    document: Document
    was_replaced: bool


@dataclass(frozen=True, slots=True)
class Ingestion:
    """Brings documents into a system's store. Thread-safe; close it before the system."""

    system: System
    jobs: JobLog
    preparation: Preparation
    pipeline: FolderPipeline
    runner: JobRunner
    uploading: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(UPLOADS_AT_ONCE))

    def ingest_folder(self, folder: Path, collection: str, options: IngestOptions, report: Report) -> Job:
        """Run a job here and now; gives it when finished. A missing collection is created.

        A job on this folder that another process left unfinished is continued. ConflictError while
        another process ingests into this collection.
        """
        folder = _resolved(folder)
        target = self._collection(collection)
        with self._only_writer(target, wait=False):
            job = self._unfinished(collection, folder, options) or self.jobs.create(
                target.id, folder, options
            )
            self._run(job, target, report)
        return self.jobs.job(job.id)

    def run_job(self, job_id: int) -> None:
        """Run a queued job, once no other process ingests into its collection."""
        job = self.jobs.job(job_id)
        target = self.system.store.collection(job.collection)
        with self._only_writer(target, wait=True):
            job = self.jobs.job(job_id)
            if job.status in UNFINISHED:
                self._run(job, target, _report_nothing)

    def start_job(self, folder: Path, collection: str, options: IngestOptions) -> Job:
        """Queue a job for a worker process beside this one; ForbiddenError outside the configured roots.

        A missing collection is created. ConflictError if this folder waits or is read already.
        """
        folder = self._allowed(folder)
        target = self._collection(collection)
        if any(job.folder == folder and job.collection == collection for job in self.jobs.unfinished()):
            self.runner.wake()  # it may have been left by a process that died
            raise ConflictError(f"{folder} is being ingested into {collection!r} already; wait or cancel it")
        job = self.jobs.create(target.id, folder, options)
        self.runner.wake()
        return job

    def retry_job(self, job_id: int) -> Job:
        """Start a new job on the same folder in which the failed files are tried again."""
        job = self.jobs.job(job_id)
        options = IngestOptions(job.options.exclude, retry_failed=True, allow_empty=job.options.allow_empty)
        return self.start_job(job.folder, job.collection, options)

    def cancel_job(self, job_id: int) -> Job:
        """Stop a job; what it committed stays. A finished job is a ConflictError."""
        job = self.jobs.job(job_id)
        if job.status not in UNFINISHED:
            raise ConflictError(f"job {job_id} is {job.status} already")
        self.jobs.finish(job_id, JobStatus.CANCELLED)
        self.runner.stop_job(job_id)
        return self.jobs.job(job_id)

    def resume_jobs(self) -> None:
        """Continue the jobs that a process left unfinished; called when the server starts."""
        self.runner.wake()

    def upload(self, data: bytes, name: str, collection: str, metadata: Metadata) -> Stored:
        """Store one file's bytes under source "upload" and uri `name`.

        The collection must exist. When it returns, searches of this process see the document. Raises
        UnreadableDocumentError with the reason where the bytes cannot become a document, OverloadedError
        while too many other uploads are being read.
        """
        if not self.uploading.acquire(blocking=False):
            raise OverloadedError(f"{UPLOADS_AT_ONCE} uploads are being read already; try again in a moment")
        try:
            return self._upload(data, name, collection, metadata)
        finally:
            self.uploading.release()

    def _upload(self, data: bytes, name: str, collection: str, metadata: Metadata) -> Stored:
        target = self.system.store.collection(collection)
        identity = Identity(UPLOAD, name, hashlib.sha256(data).hexdigest())
        draft = self.preparation.prepare_bytes(data, identity, metadata)
        embedded = embed_documents([draft], self.pipeline.embedder)
        [commit] = self.system.store.commit_documents(target.id, self.system.embedder.space, embedded)
        self.system.refresh(collection)
        return Stored(self.system.store.document(commit.document_id), commit.was_replaced)

    def add_texts(self, texts: Iterable[TextDocument], collection: str, source: str, report: Report) -> int:
        """Store plain texts, skipping unchanged ones, replacing changed ones; gives how many were stored.

        A missing collection is created. Afterwards this process' indexes have them. Raises
        UnreadableDocumentError, naming the uri, for a text in which nothing can be seen.
        """
        target = self._collection(collection)
        known = self.system.store.files(target.id, source)
        recipe = self.preparation.recipe
        stored = characters = 0
        for part in _parts(texts):
            revised = [(text, _revision_of(text)) for text in part]
            changed = [
                self._prepared(text, Identity(source, text.uri, revision))
                for text, revision in revised
                if text.uri not in known
                or (known[text.uri].revision, known[text.uri].recipe) != (revision, recipe)
            ]
            if changed:
                characters += self._store(target, changed)
            stored += len(changed)
            report(Progress(stored, 0, characters, part[-1].uri))
        self.system.refresh(collection)
        return stored

    def close(self) -> None:
        """End the worker process and the parser."""
        self.runner.close()
        self.preparation.parser.close()

    def _prepared(self, text: TextDocument, identity: Identity) -> DraftDocument:
        try:
            return self.preparation.prepare_text(text.title, text.text, identity, text.metadata)
        except UnreadableDocumentError as error:
            raise UnreadableDocumentError(f"{text.uri}: {error}") from error

    def _store(self, target: Collection, documents: list[DraftDocument]) -> int:
        embedded = embed_documents(documents, self.pipeline.embedder)
        self.system.store.commit_documents(target.id, self.system.embedder.space, embedded)
        return sum(len(document.text) for document in documents)

    def _run(self, job: Job, target: Collection, report: Report) -> None:
        try:
            self.pipeline.run(job, target.id, report)
        except AttestError as error:
            self.jobs.finish(job.id, JobStatus.FAILED, str(error))
            raise
        if self.system.store.collection(target.name).last_change > target.last_change:
            self.system.refresh(target.name)

    def _unfinished(self, collection: str, folder: Path, options: IngestOptions) -> Job | None:
        """The interrupted job that this one continues; those with other options are superseded by it.

        To be called with the collection's lock held, when no other process can be running them.
        """
        same_folder = [
            job for job in self.jobs.unfinished() if (job.collection, job.folder) == (collection, folder)
        ]
        for job in same_folder:
            if job.options != options:
                self.jobs.finish(job.id, JobStatus.CANCELLED, "superseded by a job with other options")
        return next((job for job in same_folder if job.options == options), None)

    def _collection(self, name: str) -> Collection:
        try:
            return self.system.store.collection(name)
        except NotFoundError:
            with suppress(ConflictError):  # another process was quicker
                self.system.store.create_collection(name)
            return self.system.store.collection(name)

    def _allowed(self, folder: Path) -> Path:
        resolved = _resolved(folder)
        roots = [root.resolve() for root in self.system.settings.ingest_roots]
        if not any(resolved.is_relative_to(root) for root in roots):
            raise ForbiddenError(
                f"{folder} is not below a folder that may be ingested over HTTP; an operator allows "
                'folders with ATTEST_INGEST_ROOTS, a JSON list such as ["/srv/documents"]'
            )
        return resolved

    @contextmanager
    def _only_writer(self, target: Collection, *, wait: bool) -> Iterator[None]:
        """Hold the right to ingest folders into a collection; it falls free when the process dies."""
        path = self.system.settings.home / "locks" / f"ingest-{target.id}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=-1 if wait else 0)
        except Timeout as error:
            raise ConflictError(
                f"another process is ingesting into {target.name!r}; wait until it is done"
            ) from error
        try:
            yield
        finally:
            lock.release()


def _parts(texts: Iterable[TextDocument]) -> Iterator[list[TextDocument]]:
    """As many texts as are stored at once: contracts a few, snippets some hundreds."""
    part: list[TextDocument] = []
    for text in texts:
        part.append(text)
        characters = sum(len(item.text) for item in part)
        if len(part) == TEXTS_AT_ONCE or characters >= CHARACTERS_AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _report_nothing(_progress: Progress) -> None:
    """The worker's progress is in the job's record."""


def _resolved(folder: Path) -> Path:
    """The folder without links; one that is missing is told by discovery, with the same words for all."""
    try:
        return folder.expanduser().resolve()
    except (RuntimeError, OSError, ValueError) as error:  # an unknown ~user, a cycle of links, a NUL
        raise InvalidRequestError(
            f"{str(folder)!r} cannot be resolved to a folder: {error}", "folder"
        ) from error


def _revision_of(text: TextDocument) -> str:
    content = json.dumps([text.title, text.text, dict(text.metadata)], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
