"""Bounds on what one request may cost: the bytes of its body and a place among the working threads."""

from anyio.to_thread import current_default_thread_limiter
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Kind, problem

UPLOAD_PATH = "/v1/documents"
JSON_BODY_BYTES = 1024 * 1024  # a question has 4,000 characters; a filter's lists fit many times over
TOO_LARGE = Kind(413, "content-too-large")


def limit_concurrency(requests: int) -> None:
    """Let this many requests work at a time; called in the event loop. Health checks use other threads."""
    current_default_thread_limiter().total_tokens = requests


class BodyLimit:
    """ASGI middleware that refuses a larger body: at once if announced, else when it passes the limit."""

    def __init__(self, app: ASGIApp, maximum: int) -> None:
        self._app = app
        self._maximum = maximum

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of an ASGI server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_upload = scope["path"] == UPLOAD_PATH
        maximum = self._maximum if is_upload else min(self._maximum, JSON_BODY_BYTES)
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > maximum):
            await problem(scope, TOO_LARGE, _detail(maximum))(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > maximum:
                raise HTTPException(TOO_LARGE.status, _detail(maximum))
            return message

        await self._app(scope, receive_within_limit, send)


def _detail(maximum: int) -> str:
    return (
        f"the body is larger than {maximum} bytes; for uploads the operator can raise "
        "ATTEST_MAX_BODY_BYTES, or ingest the folder that holds the file"
    )
