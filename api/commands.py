"""`attest serve`."""

from typing import Annotated

import typer

from rag.commands import HomeOption, settings_for


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
    from api.security import require_safe_host

    settings = settings_for(home)
    require_safe_host(host, settings)

    from api.app import create_app
    from api.server import listen, serve_until_stopped
    from ingest.wiring import open_ingestion
    from rag.wiring import open_system

    with listen(host, port) as listener, open_system(settings) as system:
        ingestion = open_ingestion(system)
        try:
            app = create_app(system, ingestion)
            serve_until_stopped(app, system, listener, lambda url: typer.echo(f"Attest is ready at {url}"))
        finally:
            ingestion.close()
