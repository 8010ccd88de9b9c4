"""The command `attest`: each package brings its own subcommands through the group `attest.commands`."""

import sys
from importlib.metadata import entry_points

import structlog
import typer

from rag.errors import AttestError


def main() -> None:
    """Run the command line; our errors become one line and exit status 1, never a traceback."""
    _log_to_stderr()
    try:
        build()()
    except AttestError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        sys.exit(1)


def build() -> typer.Typer:
    """The application with every installed subcommand."""
    app = typer.Typer(
        name="attest",
        help="Answers from your own documents: every sentence backed by a verbatim quote, or an honest "
        "abstention. Start with `attest ingest FOLDER --collection NAME`, then `attest ask`.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for entry in sorted(entry_points(group="attest.commands"), key=lambda entry: entry.name):
        command = entry.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name)
        else:
            app.command(entry.name)(command)
    return app


def _log_to_stderr() -> None:
    """Warnings of the library never mix with what a command prints: its JSON must stay JSON."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        # Looked up for each event, since whoever runs a command inside another program may replace it.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
