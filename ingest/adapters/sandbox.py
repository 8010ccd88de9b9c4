"""Risky formats are parsed in another process, with limits of time and memory."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

from ingest.adapters.markdown import parse_markdown
from ingest.adapters.parser_messages import Failure, Request
from ingest.adapters.plain_text import parse_text
from ingest.parse import Format, ParsedDocument, parse
from rag.errors import UnreadableDocumentError

_MEBIBYTE = 1024 * 1024
_IMPORT_ROOT = str(Path(__file__).resolve().parents[2])
_END_SECONDS = 5.0


class ParserSandbox:
    """Parses files one at a time; a context manager that leaves no process behind.

    Markdown and plain text are read in this process, the other formats in a worker: a fresh interpreter
    (it inherits neither threads nor models) that is started when first needed, serves many files, and is
    killed and replaced when a file crashes it or takes more than `seconds` or `memory_bytes`.
    """

    def __init__(self, seconds: float, memory_bytes: int) -> None:
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._worker: _Worker | None = None
        self._lock = threading.Lock()

    def parse(self, data: bytes, name: str) -> ParsedDocument:
        """What a file says; UnreadableDocumentError with the reason where it cannot be read."""
        parsers = {
            Format.MARKDOWN: parse_markdown,
            Format.TEXT: parse_text,
            Format.HTML: self._parse_apart,
            Format.PDF: self._parse_apart,
            Format.DOCX: self._parse_apart,
        }
        return parse(data, name, parsers)

    def close(self) -> None:
        """End the worker, whatever it is doing."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _parse_apart(self, data: bytes, name: str) -> ParsedDocument:
        with self._lock:
            if self._worker is not None and self._worker.process.poll() is not None:
                self.close()  # it was killed while it was idle, which is no fault of this file
            worker = self._worker = self._worker or _Worker.start(self._memory_bytes)
            is_usable = False
            try:
                reply = worker.answer(Request(data, name), self._seconds)
                is_usable = not (isinstance(reply, Failure) and reply.is_fatal)
            except _WorkerLostError as loss:
                raise UnreadableDocumentError(self._reason(loss)) from None
            finally:
                # Ctrl-C comes by here too: an answer nobody waited for must not be taken for the next file's.
                if not is_usable:
                    self.close()
        if isinstance(reply, Failure):
            raise UnreadableDocumentError(reply.reason)
        return reply

    def _reason(self, loss: "_WorkerLostError") -> str:
        memory = f"{self._memory_bytes // _MEBIBYTE:,} MiB"
        if loss.cause == "time":
            return f"parsing took longer than the limit of {self._seconds:g} seconds"
        return f"the parser crashed ({loss.cause}): the file is damaged or needs more than {memory} of memory"


class _WorkerLostError(Exception):
    """The worker is of no more use; `cause` is "time" or how it ended."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection

    @classmethod
    def start(cls, memory_bytes: int) -> "_Worker":
        """A new interpreter in a session of its own: Ctrl-C reaches only us, and we end it.

        Not multiprocessing's "spawn": that imports the caller's main module, with all it brings.
        """
        ours, theirs = Pipe()
        path = os.pathsep.join(filter(None, [_IMPORT_ROOT, os.environ.get("PYTHONPATH")]))
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                "ingest.adapters.parser_worker",
                str(theirs.fileno()),
                str(memory_bytes),
            ],
            stdin=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        theirs.close()
        return cls(process, ours)

    def answer(self, request: Request, seconds: float) -> ParsedDocument | Failure:
        try:
            self.connection.send(request)
            if not self.connection.poll(seconds):
                raise _WorkerLostError("time")
            reply: ParsedDocument | Failure = self.connection.recv()
        except (EOFError, ConnectionError):
            raise _WorkerLostError(self._ending()) from None
        return reply

    def kill(self) -> None:
        self.process.kill()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()
        self.connection.close()

    def _ending(self) -> str:
        try:
            status = self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return "it closed its pipe"
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"
