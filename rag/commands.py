"""`attest ask` and `attest documents`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from rag.settings import Settings

HomeOption: TypeAlias = Annotated[
    Path | None, typer.Option("--home", help="The folder that holds all state.", envvar="ATTEST_HOME")
]
CollectionOption: TypeAlias = Annotated[
    str, typer.Option("--collection", "-c", help="The collection's name.")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, as the API gives it.")]


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know, in quotes.")],
    collection: CollectionOption,
    where: Annotated[
        str, typer.Option("--filter", help='A metadata filter as JSON: \'{"year": {"$gte": 2020}}\'.')
    ] = "",
    max_risk: Annotated[
        float | None,
        typer.Option(help="Abstain where more than this share of such answers is wrong: 0.1 is one in ten."),
    ] = None,
    require_certificate: Annotated[
        bool,
        typer.Option(
            "--require-certificate", help="Abstain unless that risk is certified for the collection."
        ),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 on an abstention.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Ask a question; prints the answer with its quotes and pages, or why there is none.

    Exit status: 0 for an answer and for an abstention, which is no error (with --strict 3), 1 for an error.
    """
    from rag.domain import Abstention, Question
    from rag.present import outcome_to_json, outcome_to_text
    from rag.wiring import open_system

    asked = Question(
        question,
        collection,
        filters=_filter(where),
        max_risk=_risk(max_risk),
        require_certificate=require_certificate,
    )
    with open_system(settings_for(home)) as system:
        outcome = system.ask(asked)
    text = (
        json.dumps(outcome_to_json(outcome), ensure_ascii=False, indent=2)
        if as_json
        else outcome_to_text(outcome)
    )
    typer.echo(text)
    if strict and isinstance(outcome, Abstention):
        raise typer.Exit(3)


documents = typer.Typer(help="List, show and delete documents.", no_args_is_help=True)


@documents.command("list")
def list_documents(
    collection: CollectionOption, as_json: JsonOption = False, home: HomeOption = None
) -> None:
    """List a collection's documents."""
    from rag.store import Store

    store = Store.open(settings_for(home).resolved_database_url())
    after = 0
    while page := store.documents(collection, after=after, limit=500):
        for document in page:
            line = f"{document.id:>8}  {document.language}  {document.characters:>9,}  {document.uri}"
            typer.echo(json.dumps(asdict(document), ensure_ascii=False) if as_json else line)
        after = page[-1].id
    store.close()


@documents.command("show")
def show_document(
    document_id: Annotated[int, typer.Argument(help="The number that `list` shows.")],
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show a document: what is known of it, then its canonical text."""
    from rag.store import Store

    store = Store.open(settings_for(home).resolved_database_url())
    document, text = store.document(document_id), store.text(document_id)
    store.close()
    if as_json:
        typer.echo(json.dumps(asdict(document) | {"text": text}, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{document.title}\n{document.uri} ({document.media_type}, {document.language})")
    typer.echo(f"from {document.source}, revision {document.revision[:12]}, stored {document.updated_at}\n")
    typer.echo(text)


@documents.command("delete")
def delete_document(
    document_ids: Annotated[list[int], typer.Argument(help="The numbers that `list` shows.")],
    home: HomeOption = None,
) -> None:
    """Delete documents; no search gives any of them afterwards."""
    from rag.store import Store

    store = Store.open(settings_for(home).resolved_database_url())
    for document_id in document_ids:
        store.delete_document(document_id)
        typer.echo(f"deleted {document_id}")
    store.close()


def settings_for(home: Path | None) -> "Settings":
    """Settings from the environment, with `home` from the command line before it."""
    from rag.settings import load_settings

    return load_settings(home)


def _risk(max_risk: float | None) -> float | None:
    from rag.errors import InvalidRequestError

    if max_risk is not None and not 0 < max_risk < 1:
        raise InvalidRequestError("--max-risk is between 0 and 1; 0.1 is one answer in ten", "max_risk")
    return max_risk


def _filter(raw: str) -> dict[str, object]:
    from rag.errors import InvalidRequestError

    if not raw:
        return {}
    try:
        parsed = json.loads(raw)
    except ValueError as error:
        raise InvalidRequestError(f"--filter is not JSON: {error}", "filters") from error
    if not isinstance(parsed, dict):
        raise InvalidRequestError("--filter must be a JSON object of field: condition", "filters")
    return parsed
