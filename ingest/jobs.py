"""The durable record of ingestion: what was asked, how far it is, and what became of each file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Select, delete, func, insert, select, update

from rag.errors import NotFoundError
from rag.store.commit import now
from rag.store.engine import reading, writing
from rag.store.schema import collection, ingest_item, ingest_job


class JobStatus(StrEnum):
    """Where a job stands; one that is queued or running when its process dies is continued."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


LINES_PER_STATEMENT = 500  # databases bound the parameters of a statement
UNFINISHED = (JobStatus.QUEUED, JobStatus.RUNNING)


class FileStatus(StrEnum):
    """What became of a file; unchanged ones are counted, not listed."""

    INDEXED = "indexed"
    REPLACED = "replaced"
    REMOVED = "removed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How a folder is read: gitignore-style patterns to leave out, and what is done against caution."""

    exclude: tuple[str, ...] = ()
    retry_failed: bool = False
    allow_empty: bool = False


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """A line of a job's report; `reason` is set where the file failed."""

    uri: str
    status: FileStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """An ingestion of a folder. `counts` gives the number of files by FileStatus."""

    id: int
    collection: str
    folder: Path
    options: IngestOptions
    status: JobStatus
    created_at: str
    started_at: str | None
    finished_at: str | None
    files_total: int
    files_done: int
    unchanged: int
    error: str
    counts: Mapping[FileStatus, int] = field(default_factory=dict)


class JobLog:
    """Reads and writes jobs; each method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, collection_id: int, folder: Path, options: IngestOptions) -> Job:
        """A queued job."""
        values = {
            "collection_id": collection_id,
            "folder": str(folder),
            "options": {
                "exclude": list(options.exclude),
                "retry_failed": options.retry_failed,
                "allow_empty": options.allow_empty,
            },
            "status": JobStatus.QUEUED,
            "created_at": now(),
        }
        with writing(self._engine) as connection:
            job_id = connection.execute(
                insert(ingest_job).values(values).returning(ingest_job.c.id)
            ).scalar_one()
        return self.job(job_id)

    def job(self, job_id: int) -> Job:
        """One job as it stands now."""
        found = self._jobs(_jobs().where(ingest_job.c.id == job_id))
        if not found:
            raise NotFoundError(f"there is no ingest job {job_id}")
        return found[0]

    def jobs(self, *, collection_name: str | None = None, limit: int = 100) -> list[Job]:
        """The latest jobs, newest first."""
        query = _jobs().order_by(ingest_job.c.id.desc()).limit(limit)
        if collection_name is not None:
            query = query.where(collection.c.name == collection_name)
        return self._jobs(query)

    def unfinished(self) -> list[Job]:
        """Jobs that wait, run, or ran in a process that died; oldest first."""
        return self._jobs(_jobs().where(ingest_job.c.status.in_(UNFINISHED)).order_by(ingest_job.c.id))

    def files(
        self, job_id: int, *, status: FileStatus | None = None, after: str = "", limit: int = 1000
    ) -> list[FileOutcome]:
        """The report of a job by uri, those after `after`: what was indexed, replaced, removed or failed."""
        query = select(ingest_item).where(ingest_item.c.job_id == job_id, ingest_item.c.uri > after)
        if status is not None:
            query = query.where(ingest_item.c.status == status)
        with reading(self._engine) as connection:
            return [
                FileOutcome(row.uri, FileStatus(row.status), row.reason)
                for row in connection.execute(query.order_by(ingest_item.c.uri).limit(limit))
            ]

    def start(self, job_id: int) -> bool:
        """The job runs from now, unless it has ended meanwhile; what an interrupted run reported is kept."""
        statement = (
            update(ingest_job)
            .where(ingest_job.c.id == job_id, ingest_job.c.status.in_(UNFINISHED))
            .values(status=JobStatus.RUNNING, started_at=now(), files_done=0, unchanged=0)
        )
        with writing(self._engine) as connection:
            return connection.execute(statement).rowcount == 1

    def is_cancelled(self, job_id: int) -> bool:
        """Whether somebody cancelled it, or its collection is gone."""
        query = select(ingest_job.c.status).where(ingest_job.c.id == job_id)
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one_or_none() in (None, JobStatus.CANCELLED)

    def plan(self, job_id: int, *, files_total: int, unchanged: int) -> None:
        """What there is to do is known."""
        self._update(job_id, files_total=files_total, files_done=unchanged, unchanged=unchanged)

    def record(self, job_id: int, outcomes: Sequence[FileOutcome]) -> None:
        """Add lines to the report; a later line on the same file takes the place of the earlier."""
        uris = [outcome.uri for outcome in outcomes]
        lines = [
            {"job_id": job_id, "uri": item.uri, "status": item.status, "reason": item.reason}
            for item in outcomes
        ]
        if not lines:
            return
        with writing(self._engine) as connection:
            known = ingest_item.c.job_id == job_id
            for first in range(0, len(lines), LINES_PER_STATEMENT):
                part = slice(first, first + LINES_PER_STATEMENT)
                connection.execute(delete(ingest_item).where(known, ingest_item.c.uri.in_(uris[part])))
                connection.execute(insert(ingest_item), lines[part])
            connection.execute(
                update(ingest_job)
                .where(ingest_job.c.id == job_id)
                .values(files_done=ingest_job.c.files_done + len(lines))
            )

    def finish(self, job_id: int, status: JobStatus, error: str = "") -> None:
        """The job ends so; a job that was cancelled stays cancelled."""
        with writing(self._engine) as connection:
            connection.execute(
                update(ingest_job)
                .where(ingest_job.c.id == job_id, ingest_job.c.status.in_(UNFINISHED))
                .values(status=status, error=error, finished_at=now())
            )

    def _update(self, job_id: int, **values: object) -> None:
        with writing(self._engine) as connection:
            connection.execute(update(ingest_job).where(ingest_job.c.id == job_id).values(**values))

    def _jobs(self, query: Select[*tuple[Any, ...]]) -> list[Job]:
        with reading(self._engine) as connection:
            rows = connection.execute(query).mappings().all()
            counts: dict[int, dict[FileStatus, int]] = {row["id"]: {} for row in rows}
            tally = (
                select(ingest_item.c.job_id, ingest_item.c.status, func.count().label("files"))
                .where(ingest_item.c.job_id.in_(list(counts)))
                .group_by(ingest_item.c.job_id, ingest_item.c.status)
            )
            for line in connection.execute(tally):
                counts[line.job_id][FileStatus(line.status)] = line.files
        return [
            Job(
                id=row["id"],
                collection=row["collection_name"],
                folder=Path(row["folder"]),
                options=IngestOptions(
                    tuple(row["options"]["exclude"]),
                    row["options"]["retry_failed"],
                    row["options"]["allow_empty"],
                ),
                status=JobStatus(row["status"]),
                created_at=row["created_at"],
                started_at=row["started_at"],
                finished_at=row["finished_at"],
                files_total=row["files_total"],
                files_done=row["files_done"],
                unchanged=row["unchanged"],
                error=row["error"],
                counts=counts[row["id"]],
            )
            for row in rows
        ]


def _jobs() -> Select[*tuple[Any, ...]]:
    return select(ingest_job, collection.c.name.label("collection_name")).join(
        collection, collection.c.id == ingest_job.c.collection_id
    )
