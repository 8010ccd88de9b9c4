"""Every error leaves as RFC 9457 problem+json, from one table of kinds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from rag import errors

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its HTTP status and the name at the end of its `type`."""

    status: int
    name: str


KINDS: Mapping[type[errors.AttestError], Kind] = {
    errors.InvalidRequestError: Kind(422, "invalid-request"),
    errors.NotFoundError: Kind(404, "not-found"),
    errors.ConflictError: Kind(409, "conflict"),
    errors.ForbiddenError: Kind(403, "forbidden"),
    errors.EmbeddingSpaceMismatchError: Kind(409, "embedding-space-mismatch"),
    errors.UnreadableDocumentError: Kind(422, "unreadable-document"),
    errors.ModelUnavailableError: Kind(503, "model-unavailable"),
    errors.ModelTimeoutError: Kind(504, "model-timeout"),
    errors.ContextOverflowError: Kind(422, "context-overflow"),
    errors.AbandonedError: Kind(503, "abandoned"),
    errors.OverloadedError: Kind(503, "overloaded"),
    errors.StoreUnavailableError: Kind(503, "store-unavailable"),
}
INTERNAL = Kind(500, "internal")
TRANSIENT = (
    errors.ModelUnavailableError,
    errors.ModelTimeoutError,
    errors.OverloadedError,
    errors.StoreUnavailableError,
)
"""What may be over when the client asks again: it is told when."""


class FieldError(BaseModel):
    """What is wrong with one field of a request."""

    field: str = Field(description="dotted path of the field; empty for the whole body")
    message: str


class Problem(BaseModel):
    """An RFC 9457 problem: what went wrong and what to do about it."""

    type: str = Field(description="a stable name for the kind of problem", examples=["urn:attest:not-found"])
    title: str = Field(description="the HTTP status in words")
    status: int
    detail: str = Field(description="the cause and the remedy")
    instance: str = Field(description="the path that was asked for")
    request_id: str = Field(description="the X-Request-Id of this request, as it stands in the log")
    errors: list[FieldError] = Field(default=[], description="the fields at fault")


def problem(
    scope: Scope,
    kind: Kind,
    detail: str,
    fields: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response for a problem with the request in `scope`."""
    content = _problem(scope, kind, detail, fields)
    # A message may name a field as the client wrote it, half a surrogate pair included.
    body = json.dumps(content.model_dump(), ensure_ascii=False).encode(errors="replace")
    return Response(body, kind.status, headers, MEDIA_TYPE)


def problem_of(scope: Scope, error: errors.AttestError) -> Problem:
    """What went wrong, where the response has begun already."""
    return _problem(scope, kind_of(error), str(error), ())


def _problem(scope: Scope, kind: Kind, detail: str, fields: Sequence[FieldError]) -> Problem:
    return Problem(
        type=f"urn:attest:{kind.name}",
        title=HTTPStatus(kind.status).phrase,
        status=kind.status,
        detail=detail,
        instance=quote(scope["path"], errors="replace"),
        request_id=scope.get("state", {}).get("request_id", ""),
        errors=list(fields),
    )


def kind_of(error: errors.AttestError) -> Kind:
    """The kind of an error: that of its nearest class in the table."""
    return next((KINDS[cls] for cls in type(error).__mro__ if cls in KINDS), INTERNAL)


def add_problem_handlers(app: FastAPI) -> None:
    """Make `app` answer every error with problem+json."""
    app.add_exception_handler(errors.AttestError, _on_attest_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_unexpected_error)


async def _on_attest_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.AttestError)  # noqa: S101  # registered for this class alone
    kind = kind_of(error)
    if kind is INTERNAL:
        request_id = request.scope.get("state", {}).get("request_id", "")
        LOG.error("fault", request_id=request_id, error=type(error).__name__, message=str(error))
        return await _on_unexpected_error(request, error)
    fields: list[FieldError] = []
    if isinstance(error, errors.InvalidRequestError) and error.field:
        fields.append(FieldError(field=error.field, message=str(error)))
    is_transient = isinstance(error, TRANSIENT)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if is_transient else None
    return problem(request.scope, kind, str(error), fields, headers)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class alone
    fields = [_field_error(item) for item in error.errors()[:20]]
    detail = "; ".join(f"{item.field or 'body'}: {item.message}" for item in fields)
    return problem(request.scope, KINDS[errors.InvalidRequestError], detail, fields)


def _field_error(item: Mapping[str, Any]) -> FieldError:
    if item["type"] == "json_invalid":
        position = item["loc"][-1]
        return FieldError(field="", message=f"it is not JSON: {item['ctx']['error']} at character {position}")
    # The first part of a location only says whether it is in the body, the path or the query.
    path = ".".join(str(part)[:200] for part in item["loc"][1:])
    return FieldError(field=path, message=item["msg"].removeprefix("Value error, "))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class alone
    if error.status_code == 400:  # the framework's word for a body that is neither JSON nor a form
        kind = KINDS[errors.InvalidRequestError]
        return problem(request.scope, kind, f"the body cannot be read: {error.detail}", headers=error.headers)
    phrase = HTTPStatus(error.status_code).phrase
    kind = Kind(error.status_code, phrase.lower().replace(" ", "-"))
    return problem(request.scope, kind, _http_detail(request, error), headers=error.headers)


def _http_detail(request: Request, error: HTTPException) -> str:
    match error.status_code:
        case 404:
            return "there is nothing at this path; GET /openapi.json lists what there is"
        case 405:
            return f"{request.method} is not possible here; GET /openapi.json lists what is"
    return str(error.detail)


async def _on_unexpected_error(request: Request, _error: Exception) -> Response:
    """Nothing of the error is shown: the operator finds it in the log by the request's id."""
    request_id = request.scope.get("state", {}).get("request_id", "")
    detail = "this is a fault of the server, not of the request; its log has the cause under the request id"
    return problem(request.scope, INTERNAL, detail, headers={"X-Request-Id": request_id})
