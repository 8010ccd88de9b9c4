"""Where the server may listen; light to import, so that a refusal or a taken port is told at once."""

import ipaddress
import socket

from rag.errors import ForbiddenError, InvalidRequestError
from rag.settings import Settings


def key_of(settings: Settings) -> str:
    """The API key in force; empty means none."""
    return settings.api_key.get_secret_value() if settings.api_key else ""


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def require_safe_host(host: str, settings: Settings) -> None:
    """Raise ForbiddenError where documents would be served to a network without a key."""
    if not key_of(settings) and not is_loopback(host):
        raise ForbiddenError(
            f"without an API key the server listens on this machine only, not on {host}; set ATTEST_API_KEY "
            "to a long random text, which clients send as a bearer token, or leave --host at 127.0.0.1"
        )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. InvalidRequestError where that cannot be."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return _tcp_listener(family, (host, port))
    except OSError as error:
        raise InvalidRequestError(
            f"cannot listen on {host} port {port} ({error.strerror or error}); "
            "choose another --host or --port",
            "port",
        ) from error


def _tcp_listener(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    """A socket that says it is TCP: else asyncio leaves Nagle's delay on, 40 ms an answer.

    `socket.create_server` does not say so.
    """
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL that clients use."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
