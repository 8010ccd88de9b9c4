"""Runs queued jobs beside a server, each in a worker process that may die without harm to it."""

import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from ingest.jobs import UNFINISHED, Job, JobLog, JobStatus
from rag.errors import StoreUnavailableError
from rag.settings import Settings

STOP_SECONDS = 5.0
STOPPED = (-signal.SIGTERM, 128 + signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGINT)
LOG = structlog.get_logger()


@dataclass(slots=True)
class JobRunner:
    """One thread that takes unfinished jobs, oldest first, and runs `python -m ingest.worker` for each."""

    jobs: JobLog
    settings: Settings
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _worker: subprocess.Popen[str] | None = None
    _running: int = 0
    _is_closing: bool = False

    def wake(self) -> None:
        """See to it that unfinished jobs get run."""
        with self._lock:
            if self._is_closing or (self._thread and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._work, name="ingest jobs", daemon=True)
            self._thread.start()

    def stop_job(self, job_id: int) -> None:
        """End the worker if it runs this job."""
        with self._lock:
            worker = self._worker if self._running == job_id else None
        if worker is not None:
            _stop(worker)

    def close(self) -> None:
        """End the worker; its job is continued by the next start."""
        with self._lock:
            self._is_closing = True
            worker, thread = self._worker, self._thread
        if worker is not None:
            _stop(worker)
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        with suppress(StoreUnavailableError):  # the next wake tries again
            while (job := self._next()) and self._run(job):
                pass

    def _next(self) -> Job | None:
        """The next job; under the lock, so that a `wake` meanwhile either is seen here or starts anew."""
        with self._lock:
            waiting = [] if self._is_closing else self.jobs.unfinished()
            if not waiting:
                self._thread = None
                return None
            return waiting[0]

    def _run(self, job: Job) -> bool:
        """Run one job; False when there should be no next one because all of us are being stopped."""
        with self._lock:
            if self._is_closing:
                return False
            worker = subprocess.Popen(  # noqa: S603  # our own module, no input of a user
                [sys.executable, "-m", "ingest.worker", str(job.id)],
                stdin=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C is for the server, which ends its worker itself
            )
            self._worker, self._running = worker, job.id
        LOG.info("ingest job started", job=job.id, collection=job.collection)
        worker.communicate(self.settings.model_dump_json(exclude={"api_key"}))
        with self._lock:
            self._worker, self._running = None, 0
            is_closing = self._is_closing
        LOG.info("ingest job ended", job=job.id, exit_status=worker.returncode)
        was_stopped = worker.returncode in STOPPED and self.jobs.job(job.id).status in UNFINISHED
        if is_closing or was_stopped:
            return False  # the next start continues the job
        # Does nothing where the worker has written how the job ended.
        self.jobs.finish(
            job.id,
            JobStatus.FAILED,
            f"the worker process ended (exit status {worker.returncode}), perhaps for lack of memory; "
            "what it committed is kept; start the job again to continue",
        )
        return True


def _stop(worker: subprocess.Popen[str]) -> None:
    worker.terminate()
    try:
        worker.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
