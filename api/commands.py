"""`attest serve`."""

from typing import TYPE_CHECKING, Annotated

import typer

from rag.commands import HomeOption, settings_for

if TYPE_CHECKING:
    from socket import socket

    from rag.settings import Settings


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; others than 127.0.0.1 need a key.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    home: HomeOption = None,
) -> None:
    """Serve the HTTP API; prints its URL when it is ready.

    Ctrl-C or SIGTERM lets requests in flight finish and leaves everything ready for the next start.
    """
    from api.listen import listen, require_safe_host

    settings = settings_for(home)
    require_safe_host(host, settings)
    with listen(host, port) as listener:
        _serve(listener, settings)


def _serve(listener: "socket", settings: "Settings") -> None:
    from api.app import create_app
    from api.server import serve_until_stopped
    from ingest.wiring import open_ingestion
    from rag.wiring import open_system

    with open_system(settings) as system:
        ingestion = open_ingestion(system)
        try:
            app = create_app(system, ingestion)
            serve_until_stopped(app, system, listener, lambda url: typer.echo(f"Attest is ready at {url}"))
        finally:
            ingestion.close()
