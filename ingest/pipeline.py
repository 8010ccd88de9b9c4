"""folder → discover → parse → clean → chunk → embed → commit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ingest.discover import Difference, Discovery, FoundFile, StoredFile, compare, discover
from ingest.embed import embed_documents
from ingest.jobs import FileOutcome, FileStatus, Job, JobLog, JobStatus
from ingest.prepare import Preparation
from rag.errors import InvalidRequestError, UnreadableDocumentError
from rag.intake import DraftDocument
from rag.ports import Embedder
from rag.store import Store
from rag.store.store import FileRecord

CHARACTERS_AT_ONCE = 400_000  # about 500 chunks: enough to fill batches of even length, little to redo


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingestion is, in files and in characters that were stored."""

    files_done: int
    files_total: int
    characters_done: int
    uri: str


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job will do: files to read, files known to fail as before, and documents to remove."""

    to_read: tuple[FoundFile, ...]
    failing: tuple[FileOutcome, ...]
    vanished: tuple[str, ...]
    unchanged: int

    @property
    def files_total(self) -> int:
        """Files that the report will account for."""
        return len(self.to_read) + len(self.failing) + len(self.vanished) + self.unchanged


@dataclass(frozen=True, slots=True)
class FolderPipeline:
    """Makes a collection's documents of one source equal to the files of a folder."""

    store: Store
    jobs: JobLog
    preparation: Preparation
    embedder: Embedder
    max_file_bytes: int

    def run(self, job: Job, collection_id: int, report: Report) -> None:
        """Do a job from wherever an earlier run of it stopped; what is committed already is unchanged now."""
        if not self.jobs.start(job.id):
            return
        plan = self._plan(job, collection_id)
        if self.jobs.is_cancelled(job.id):
            return
        self.jobs.plan(job.id, files_total=plan.files_total, unchanged=plan.unchanged)
        self.jobs.record(job.id, plan.failing)
        self._remove(job, collection_id, plan.vanished)
        done, characters = plan.files_total - len(plan.to_read), 0
        for batch in _batches(self._prepared(job, collection_id, plan.to_read)):
            if self.jobs.is_cancelled(job.id):
                return
            characters += self._commit(job, collection_id, batch.documents)
            done += batch.files
            report(Progress(done, plan.files_total, characters, batch.last_uri))
        self.jobs.finish(job.id, JobStatus.DONE)

    def _plan(self, job: Job, collection_id: int) -> Plan:
        source = str(job.folder)
        discovery = discover(job.folder, self.max_file_bytes, job.options.exclude)
        stored = self.store.files(collection_id, source)
        _refuse_to_empty(job, discovery, stored.values())
        known = [
            # A failure that is to be tried again counts as changed, not as unknown: it may have vanished.
            StoredFile(uri, "" if file.failure and job.options.retry_failed else file.revision, file.recipe)
            for uri, file in stored.items()
        ]
        difference = compare(discovery, known, self.preparation.recipe)
        return _plan_of(discovery, difference, stored)

    def _remove(self, job: Job, collection_id: int, vanished: Sequence[str]) -> None:
        source = str(job.folder)
        stored = self.store.files(collection_id, source)
        gone = [stored[uri].document_id for uri in vanished if uri in stored]
        self.store.delete_documents(collection_id, [i for i in gone if i is not None])
        self.store.forget_failures(collection_id, source, vanished)
        self.jobs.record(job.id, [FileOutcome(uri, FileStatus.REMOVED) for uri in vanished])

    def _prepared(self, job: Job, collection_id: int, files: Iterable[FoundFile]) -> Iterator["_Prepared"]:
        for file in files:
            try:
                yield _Prepared(file.uri, self.preparation.prepare_file(file, str(job.folder)))
            except UnreadableDocumentError as error:
                failure = FileRecord(None, file.revision, self.preparation.recipe, str(error))
                self.store.record_failure(collection_id, str(job.folder), file.uri, failure)
                self.jobs.record(job.id, [FileOutcome(file.uri, FileStatus.FAILED, str(error))])
                yield _Prepared(file.uri, None)

    def _commit(self, job: Job, collection_id: int, documents: Sequence[DraftDocument]) -> int:
        embedded = embed_documents(documents, self.embedder)
        commits = self.store.commit_documents(collection_id, self.embedder.space, embedded)
        outcomes = [
            FileOutcome(document.uri, FileStatus.REPLACED if commit.was_replaced else FileStatus.INDEXED)
            for document, commit in zip(documents, commits, strict=True)
        ]
        self.jobs.record(job.id, outcomes)
        return sum(len(document.text) for document in documents)


@dataclass(frozen=True, slots=True)
class _Prepared:
    uri: str
    document: DraftDocument | None


@dataclass(frozen=True, slots=True)
class _Batch:
    documents: tuple[DraftDocument, ...]
    files: int
    last_uri: str


def _batches(prepared: Iterable[_Prepared]) -> Iterator[_Batch]:
    """Whole documents together until there is enough to embed at once."""
    documents: list[DraftDocument] = []
    files = characters = 0
    last_uri = ""
    for item in prepared:
        files, last_uri = files + 1, item.uri
        if item.document is not None:
            documents.append(item.document)
            characters += len(item.document.text)
        if characters >= CHARACTERS_AT_ONCE:
            yield _Batch(tuple(documents), files, last_uri)
            documents, files, characters = [], 0, 0
    if files:
        yield _Batch(tuple(documents), files, last_uri)


def _refuse_to_empty(job: Job, discovery: Discovery, stored: Iterable[FileRecord]) -> None:
    """An empty folder is more often a mount that failed than a wish to delete everything."""
    if discovery.found or job.options.allow_empty:
        return
    if documents := sum(file.document_id is not None for file in stored):
        raise InvalidRequestError(
            f"{job.folder} holds no files, but {documents} documents came from it; is it mounted? "
            "To remove them all, run again with --allow-empty",
            "folder",
        )


def _plan_of(discovery: Discovery, difference: Difference, stored: dict[str, FileRecord]) -> Plan:
    failing_again = [
        FileOutcome(file.uri, FileStatus.FAILED, stored[file.uri].failure)
        for file in difference.unchanged
        if stored[file.uri].failure
    ]
    failing = [FileOutcome(entry.uri, FileStatus.FAILED, entry.reason) for entry in discovery.failed]
    return Plan(
        to_read=tuple(sorted(difference.new + difference.changed, key=lambda file: file.uri)),
        failing=tuple(failing + failing_again),
        vanished=difference.vanished,
        unchanged=len(difference.unchanged) - len(failing_again),
    )
