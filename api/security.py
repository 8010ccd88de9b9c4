"""Who may call: a bearer key where one is configured, else programs of this machine only."""

import hmac
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import Kind, problem
from api.listen import is_loopback

PUBLIC_PATHS = frozenset({"/health/live", "/health/ready"})
UNAUTHORIZED = Kind(401, "unauthorized")
FOREIGN = Kind(403, "forbidden")


class Guard:
    """ASGI middleware that turns callers away before any of their request's body is read."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of an ASGI server."""
        if scope["type"] != "http" or scope["path"] in PUBLIC_PATHS:
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if self._key and not self._is_keyed(headers.get(b"authorization", b"")):
            detail = "this server asks for a key; send it as the header Authorization: Bearer KEY"
            refusal = problem(scope, UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
        elif not self._key and not _is_local(headers):
            detail = (
                "without an API key only programs of this machine are served, under its loopback names; "
                "set ATTEST_API_KEY to serve others"
            )
            await problem(scope, FOREIGN, detail)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_keyed(self, header: bytes) -> bool:
        scheme, _, token = header.partition(b" ")
        # In constant time: how long a comparison takes must not tell how much of a key is right.
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._key)


def _is_local(headers: dict[bytes, bytes]) -> bool:
    """Whether a request was addressed to a loopback name and no foreign web page sent it.

    A page can make a browser send to 127.0.0.1: under its own name by DNS rebinding, seen in Host, or
    as a form, seen in Origin.
    """
    if not is_loopback(_host_of(f"//{headers.get(b'host', b'').decode('latin-1')}")):
        return False
    origin = headers.get(b"origin")
    return origin is None or is_loopback(_host_of(origin.decode("latin-1")))


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
