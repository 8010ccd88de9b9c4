"""Ingest jobs: start on a folder, watch, read the report, retry, cancel."""

from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response, status

from api import present
from api.fields import CollectionName, FileCursor, Identifier
from api.requests import IngestRequest
from api.routes.running import RunningIngestion, problems
from api.schemas import FileOut, FilePage, JobList, JobOut
from ingest.jobs import FileStatus, IngestOptions, Job

router = APIRouter(prefix="/v1/ingest-jobs", tags=["ingestion"])
JobId = Annotated[Identifier, Path(description="the job's id", examples=[3])]


@router.post(
    "", summary="Ingest a folder", status_code=status.HTTP_202_ACCEPTED, responses=problems(404, 409)
)
def start(request: IngestRequest, ingestion: RunningIngestion, response: Response) -> JobOut:
    """Queues a job that makes a collection hold what a folder of the server holds. Poll `Location` for
    its progress; a killed server continues it at its next start."""
    options = IngestOptions(tuple(request.exclude), request.retry_failed, request.allow_empty)
    return _accepted(ingestion.start_job(FilePath(request.folder), request.collection, options), response)


@router.get("", summary="List ingest jobs", responses=problems())
def list_latest(
    ingestion: RunningIngestion,
    collection: Annotated[CollectionName | None, Query(description="of this collection only")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> JobList:
    """Lists the latest jobs, newest first."""
    found = ingestion.jobs.jobs(collection_name=collection, limit=limit)
    return JobList(jobs=[present.job_of(job) for job in found])


@router.get("/{job_id}", summary="Show an ingest job", responses=problems(404))
def show(job_id: JobId, ingestion: RunningIngestion) -> JobOut:
    """Shows a job and its progress."""
    return present.job_of(ingestion.jobs.job(job_id))


@router.get("/{job_id}/files", summary="Report on a job's files", responses=problems(404))
def list_files(
    job_id: JobId,
    ingestion: RunningIngestion,
    of_status: Annotated[FileStatus | None, Query(alias="status", description="only these")] = None,
    after: Annotated[FileCursor, Query(description="`next_after` of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> FilePage:
    """Says what became of each file, with the reason where one failed; unchanged files are only counted."""
    ingestion.jobs.job(job_id)
    found = ingestion.jobs.files(job_id, status=of_status, after=after, limit=limit)
    return FilePage(
        files=[FileOut(uri=item.uri, status=item.status.value, reason=item.reason) for item in found],
        next_after=found[-1].uri if len(found) == limit else None,
    )


@router.post(
    "/{job_id}/retry",
    summary="Retry a job's failed files",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(404, 409),
)
def retry(job_id: JobId, ingestion: RunningIngestion, response: Response) -> JobOut:
    """Queues a new job on the same folder that reads failed files again; the others are not read twice."""
    return _accepted(ingestion.retry_job(job_id), response)


@router.post("/{job_id}/cancel", summary="Cancel an ingest job", responses=problems(404, 409))
def cancel(job_id: JobId, ingestion: RunningIngestion) -> JobOut:
    """Stops a job; the documents it stored stay, whole."""
    return present.job_of(ingestion.cancel_job(job_id))


def _accepted(job: Job, response: Response) -> JobOut:
    response.headers["Location"] = f"/v1/ingest-jobs/{job.id}"
    return present.job_of(job)
