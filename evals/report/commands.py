"""`attest eval report`: one page of runs."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs.")],
    out: Annotated[Path, typer.Option(help="The HTML page to write; it needs no other file.")] = Path(
        "report.html"
    ),
    markdown: Annotated[Path | None, typer.Option(help="Also write the tables as Markdown here.")] = None,
) -> None:
    """Set runs as one HTML page: results with intervals, curves, and the answers that went wrong.

    The page holds questions and quotations of the runs' data: share it as you may share those.
    """
    from evals.records import RunFolder
    from evals.report.contents import CASES_OF_SEVERAL, CASES_SHOWN, report_of
    from evals.report.page import html_page
    from evals.report.page import markdown as markdown_tables

    cases = CASES_SHOWN if len(runs) == 1 else CASES_OF_SEVERAL
    reports = [report_of(RunFolder(path), number, cases) for number, path in enumerate(runs, start=1)]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(html_page(reports), encoding="utf-8")
    typer.echo(f"wrote {out}")
    if markdown is not None:
        markdown.parent.mkdir(parents=True, exist_ok=True)
        markdown.write_text(markdown_tables(reports), encoding="utf-8")
        typer.echo(f"wrote {markdown}")
