"""Answers are logged behind the requests: an ingest that holds the database's write lock delays none."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from rag.errors import AttestError, ConflictError, StoreUnavailableError
from rag.feedback import LoggedAnswer
from rag.store import Store

PENDING = 10_000  # answers, about 1 KiB each; then the oldest makes room for the newest
WRITE_EVERY_SECONDS = 1.0
FORGET_EVERY_SECONDS = 3600.0
FLUSH_WAIT_SECONDS = 2.0  # for another's write; each caller that waits holds a thread of the server
CLOSE_WAIT_SECONDS = 5.0
LOG = structlog.get_logger()


class AnswerLog:
    """A bounded queue and one thread that empties it into the store. Thread-safe.

    While the database cannot be written, answers wait in memory and one warning is logged. `days` is how
    long an answer is kept. A log that is not `is_on` keeps no new answers; old ones are deleted all the same.
    """

    def __init__(self, store: Store, days: int, *, is_on: bool = True) -> None:
        self._store = store
        self._days = days
        self._is_on = is_on
        self._pending: deque[LoggedAnswer] = deque(maxlen=PENDING)
        self._in_writing: Sequence[LoggedAnswer] = ()
        self._changing = threading.Lock()  # held for microseconds: requests take it
        self._writing = threading.Lock()  # held while the database is written: requests never wait for it
        self._stopping = threading.Event()
        self._has_warned = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write; until then answers wait in memory. After `close` it may be started again."""
        self._stopping.clear()
        self._thread = self._begin()

    def _begin(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="answer-log", daemon=True)
        thread.start()
        return thread

    def add(self, answer: LoggedAnswer) -> None:
        """Keep an answer; returns at once, whatever the database does."""
        if not self._is_on:
            return
        with self._changing:
            self._pending.append(answer)

    def is_pending(self, answer_id: str) -> bool:
        """Whether this answer is known here and not yet in the database."""
        with self._changing:
            return any(answer.id == answer_id for answer in (*self._in_writing, *self._pending))

    def flush(self) -> None:
        """Write what is waiting, in this thread; on StoreUnavailableError it waits on."""
        if not self._writing.acquire(timeout=FLUSH_WAIT_SECONDS):
            raise StoreUnavailableError(
                "the answers given before are still being written; the database may be locked by an ingest. "
                "Try again in a second"
            )
        try:
            self._write_all()
        finally:
            self._writing.release()

    def _write_all(self) -> None:
        with self._changing:
            batch = self._in_writing = tuple(self._pending)
            self._pending.clear()
        try:
            self._write(batch)
            batch = ()
        finally:  # whatever the error is, no answer is lost by it
            with self._changing:
                self._pending = deque([*batch, *self._pending], maxlen=PENDING)
                self._in_writing = ()

    def _write(self, batch: Sequence[LoggedAnswer]) -> None:
        """Write a batch; where the database refuses it, by halves, down to the answer at fault."""
        if not batch:
            return
        try:
            self._store.answers.log(batch)
        except ConflictError as error:
            if len(batch) == 1:
                LOG.warning(
                    "an answer is refused by the database and not logged", id=batch[0].id, error=str(error)
                )
                return
            middle = len(batch) // 2
            self._write(batch[:middle])
            self._write(batch[middle:])

    def close(self) -> None:
        """Write what is waiting and stop, within CLOSE_WAIT_SECONDS. What is not written by then is lost,
        with a warning."""
        self._stopping.set()
        thread = self._thread or self._begin()
        thread.join(CLOSE_WAIT_SECONDS)
        self._thread = None
        with self._changing:
            unwritten = len(self._in_writing) + len(self._pending)
        if unwritten:
            LOG.warning("answers could not be logged before the end", answers=unwritten)

    def _run(self) -> None:
        forgot_at = -FORGET_EVERY_SECONDS
        while not self._stopping.wait(WRITE_EVERY_SECONDS):
            if self._try_to_write() and time.monotonic() - forgot_at >= FORGET_EVERY_SECONDS:
                forgot_at = time.monotonic()
                self._try_to_forget()
        self._try_to_write()  # what came since

    def _try_to_write(self) -> bool:
        try:
            self.flush()
        except AttestError as error:
            if not self._has_warned:
                LOG.warning("answers cannot be logged now; they wait in memory", error=str(error))
            self._has_warned = True
            return False
        self._has_warned = False
        return True

    def _try_to_forget(self) -> None:
        try:
            self.forget_old()
        except AttestError as error:
            LOG.warning("old answers cannot be deleted now", error=str(error))

    def forget_old(self) -> None:
        """Delete the answers that are older than `days`, and the feedback on them."""
        oldest = datetime.now(UTC) - timedelta(days=self._days)
        self._store.answers.forget_before(oldest.isoformat(timespec="milliseconds"))
