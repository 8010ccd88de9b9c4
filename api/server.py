"""The process around the application: its warm-up and its orderly end."""

import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from api.listen import url_of
from api.logs import configure_log
from rag.errors import AttestError
from rag.system import System

LOG = structlog.get_logger()


def serve_until_stopped(
    app: FastAPI, system: System, listener: socket.socket, announce: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM, then let requests in flight finish; a second SIGINT does not wait.

    `announce` gets the URL once requests are answered; meanwhile the embedding model is loaded, so that
    the first question need not wait for it.
    """
    configure_log(sys.stderr)
    warming = threading.Thread(target=_warm, args=(system,), name="warm-up")

    def on_started() -> None:
        announce(url_of(listener))
        warming.start()

    config = uvicorn.Config(
        app,
        log_config=None,  # our own log has a line for each request
        access_log=False,
        server_header=False,
        # The longest that one upload may take to parse, and some time to embed it.
        timeout_graceful_shutdown=int(system.settings.parse_seconds) + 30,
    )
    _Server(config, on_started).run(sockets=[listener])
    if warming.ident is not None:
        warming.join()  # a model that is being loaded must not see the interpreter go


def _warm(system: System) -> None:
    try:
        system.warm()
    except AttestError as error:
        LOG.warning("the embedding model could not be loaded", error=str(error))


class _Server(uvicorn.Server):
    """uvicorn, but a signal ends `run` and not the process, so that indexes are left in order."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  # uvicorn's signature
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True
