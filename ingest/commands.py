"""`attest ingest`."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.commands import CollectionOption, HomeOption, JsonOption, settings_for

if TYPE_CHECKING:
    from ingest.jobs import Job, JobLog

FAILURES_SHOWN = 20


def ingest(
    folder: Annotated[Path, typer.Argument(help="The folder to read, with all folders below it.")],
    collection: CollectionOption,
    exclude: Annotated[
        list[str] | None, typer.Option(help="A .gitignore-style pattern to leave out; may be repeated.")
    ] = None,
    retry_failed: Annotated[bool, typer.Option(help="Read files again that failed before.")] = False,
    allow_empty: Annotated[bool, typer.Option(help="Accept an empty folder, which removes all.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 4 if any file failed.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Make a collection hold what a folder holds: new, changed and removed files, each whole.

    Run it again at any time, also after it was killed: what is unchanged is not read twice. A file that
    cannot be read is reported with its reason and does not stop the others.

    Exit status: 0 when the job is done, failed files reported (with --strict 4 if there are any), 1 on an
    error, 130 when interrupted.
    """
    from ingest.jobs import FileStatus, IngestOptions, JobStatus
    from ingest.progress import ProgressBar
    from ingest.wiring import open_ingestion
    from rag.wiring import open_system

    options = IngestOptions(tuple(exclude or ()), retry_failed, allow_empty)
    with open_system(settings_for(home)) as system:
        ingestion = open_ingestion(system)
        try:
            with ProgressBar() as bar:
                job = ingestion.ingest_folder(folder, collection, options, bar.report)
            typer.echo(_as_json(job, ingestion.jobs) if as_json else _as_text(job, ingestion.jobs))
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # closing is quick and must not be torn
            typer.echo("interrupted; what was committed is kept, run the same command to continue", err=True)
            raise typer.Exit(130) from None
        finally:
            ingestion.close()
    if job.status is not JobStatus.DONE:
        typer.echo(f"the job was {job.status}; what was committed is kept", err=True)
        raise typer.Exit(1)
    if strict and job.counts.get(FileStatus.FAILED):
        raise typer.Exit(4)


def _as_text(job: "Job", jobs: "JobLog") -> str:
    from ingest.jobs import FileStatus

    counts = [
        f"{job.counts.get(status, 0)} {status}" for status in FileStatus if status is not FileStatus.FAILED
    ]
    failed = job.counts.get(FileStatus.FAILED, 0)
    lines = [
        f"{job.folder} → {job.collection}: {job.unchanged} unchanged, {', '.join(counts)}, {failed} failed"
    ]
    failures = jobs.files(job.id, status=FileStatus.FAILED, limit=FAILURES_SHOWN)
    lines += [f"  failed: {file.uri}: {file.reason}" for file in failures]
    if failed > len(failures):
        lines.append(f"  and {failed - len(failures)} more; --json lists them all")
    if failed:
        lines.append("Failed files are skipped until they change; --retry-failed reads them again.")
    return "\n".join(lines)


def _as_json(job: "Job", jobs: "JobLog") -> str:
    import json

    files = jobs.files(job.id, limit=1_000_000)
    report = {
        "job": job.id,
        "collection": job.collection,
        "folder": str(job.folder),
        "status": job.status,
        "unchanged": job.unchanged,
        "counts": {str(status): number for status, number in job.counts.items()},
        "files": [{"uri": f.uri, "status": f.status, "reason": f.reason} for f in files],
    }
    return json.dumps(report, ensure_ascii=False, indent=2)
