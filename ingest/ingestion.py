"""What the API, the command line and the evals call to bring documents in."""

# Being written: signatures that others build on.

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingest.jobs import IngestOptions, Job, JobLog
from rag.domain import Document, Metadata


@dataclass(frozen=True, slots=True)
class TextDocument:
    """A text that is already plain: a record of a data set, a page from another program."""

    uri: str
    title: str
    text: str
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """A document that was stored, and whether it took the place of an earlier one."""

    document: Document
    was_replaced: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingestion is, in files and in characters embedded."""

    files_done: int
    files_total: int
    characters_done: int
    uri: str


class Ingestion:
    jobs: JobLog

    def ingest_folder(
        self, folder: Path, collection: str, options: IngestOptions, report: Callable[[Progress], None]
    ) -> Job:
        """Run a job here and now; gives it when finished. A missing collection is created."""
        raise NotImplementedError

    def start_job(self, folder: Path, collection: str, options: IngestOptions) -> Job:
        """Queue a job for a worker process beside this one; ForbiddenError outside the configured roots.

        A missing collection is created. ConflictError if this collection has an unfinished job.
        """
        raise NotImplementedError

    def retry_job(self, job_id: int) -> Job:
        """Start a new job on the same folder in which the failed files are tried again."""
        raise NotImplementedError

    def cancel_job(self, job_id: int) -> Job:
        """Stop a job; what it committed stays. A finished job is a ConflictError."""
        raise NotImplementedError

    def resume_jobs(self) -> None:
        """Continue the jobs that a process left unfinished; called when the server starts."""
        raise NotImplementedError

    def upload(self, data: bytes, name: str, collection: str, metadata: Mapping[str, object]) -> Stored:
        """Store one file's bytes under source "upload" and uri `name`; UnreadableDocumentError with its reason.

        The collection must exist. When it returns, searches of this process see the document.
        """
        raise NotImplementedError

    def add_texts(
        self,
        texts: Iterable[TextDocument],
        collection: str,
        source: str,
        report: Callable[[Progress], None],
    ) -> int:
        """Store plain texts, skipping unchanged ones, replacing changed ones; gives how many were stored.

        A missing collection is created. Afterwards this process' indexes have them.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End the worker process and the parser."""
        raise NotImplementedError
