"""Documents: upload, list, show, read, delete."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Query, Response, UploadFile, status
from pydantic import TypeAdapter, ValidationError

from api import present
from api.fields import CollectionName, Cursor, DocumentUri, Identifier, Offset
from api.metadata import MAXIMUM_BYTES, read_metadata
from api.routes.running import RunningIngestion, RunningSystem, problems
from api.schemas import DocumentOut, DocumentPage, TextOut, UploadOut
from rag.domain import Span
from rag.errors import InvalidRequestError
from rag.store import Store

router = APIRouter(prefix="/v1/documents", tags=["documents"])
DocumentId = Annotated[Identifier, Path(description="the document's id", examples=[17])]
_URI: TypeAdapter[str] = TypeAdapter(DocumentUri)


@router.post(
    "",
    summary="Upload a document",
    status_code=status.HTTP_201_CREATED,
    responses=problems(404, 409)
    | {200: {"model": UploadOut, "description": "It took the place of an earlier one of the same name"}},
)
def upload(
    collection: Annotated[CollectionName, Form(description="an existing collection")],
    file: Annotated[UploadFile, File(description="the document; its file name becomes the uri")],
    ingestion: RunningIngestion,
    response: Response,
    metadata: Annotated[
        str,
        Form(
            max_length=MAXIMUM_BYTES,
            description="a JSON object; values are strings, numbers, booleans or lists of strings",
            examples=['{"year": 2020, "parties": ["Acme"]}'],
        ),
    ] = "{}",
) -> UploadOut:
    """Stores one file. When the response is there, searches find it; a file of the same name is replaced."""
    fields = read_metadata(metadata)
    stored = ingestion.upload(file.file.read(), _uri_of(file), collection, fields)
    response.status_code = status.HTTP_200_OK if stored.was_replaced else status.HTTP_201_CREATED
    response.headers["Location"] = f"/v1/documents/{stored.document.id}"
    document = present.document_of(stored.document)
    return UploadOut(**document.model_dump(), was_replaced=stored.was_replaced)


def _uri_of(file: UploadFile) -> str:
    try:
        return _URI.validate_python(file.filename or "")
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InvalidRequestError(f"the file name cannot be used: {message}", "file") from error


@router.get("", summary="List documents", responses=problems(404))
def list_some(
    system: RunningSystem,
    collection: Annotated[CollectionName, Query(description="the collection's name")],
    after: Annotated[Cursor, Query(description="`next_after` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> DocumentPage:
    """Lists a collection's documents by id, page by page."""
    found = system.store.documents(collection, after=after, limit=limit)
    return DocumentPage(
        documents=[present.document_of(document) for document in found],
        next_after=found[-1].id if len(found) == limit else None,
    )


@router.get("/{document_id}", summary="Show a document", responses=problems(404))
def show(document_id: DocumentId, system: RunningSystem) -> DocumentOut:
    """Shows what is known of a document, without its text."""
    return present.document_of(system.store.document(document_id))


@router.get("/{document_id}/text", summary="Read a document's text", responses=problems(404))
def read(
    document_id: DocumentId,
    system: RunningSystem,
    start: Annotated[Offset, Query(description="first code point")] = 0,
    end: Annotated[Offset | None, Query(description="code point after the last; the end if left out")] = None,
) -> TextOut:
    """Gives the stored text, or the part of it that a citation's location names, character by character."""
    if end is not None and end < start:
        raise InvalidRequestError(f"end ({end}) is before start ({start})", "end")
    return _read_one_revision(system.store, document_id, start, end)


def _read_one_revision(store: Store, document_id: int, start: int, end: int | None) -> TextOut:
    """The text and the revision it belongs to, read again if the document was replaced in between."""
    while True:
        document = store.document(document_id)
        last = document.characters if end is None else min(end, document.characters)
        span = Span(min(start, last), last)
        text = store.text(document_id, span)
        if store.document(document_id).updated_at == document.updated_at:
            return TextOut(
                document_id=document_id,
                revision=document.revision,
                start=span.start,
                end=span.end,
                text=text,
            )


@router.delete(
    "/{document_id}",
    summary="Delete a document",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404),
)
def delete(document_id: DocumentId, system: RunningSystem) -> None:
    """Deletes a document. When the response is there, no search gives any of it. This is final."""
    system.store.delete_document(document_id)
