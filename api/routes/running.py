"""What handlers are given: the running system and its ingestion, and how their errors are documented."""

from typing import Annotated, Any, TypeAlias, cast

from fastapi import Depends, Request

from api.errors import Problem
from ingest.ingestion import Ingestion
from rag.answer_log import AnswerLog
from rag.system import System

_MEANINGS = {
    401: "No key, or a wrong one",
    403: "This caller may not do this",
    404: "There is no such thing",
    409: "The request contradicts the present state",
    413: "The body is too large",
    422: "The request is malformed; `errors` names the fields",
    500: "A fault of the server",
    503: "The database or a model does not answer; try again after Retry-After seconds",
}


async def _system(request: Request) -> System:
    return cast(System, request.app.state.system)


async def _ingestion(request: Request) -> Ingestion:
    return cast(Ingestion, request.app.state.ingestion)


async def _log(request: Request) -> AnswerLog:
    return cast(AnswerLog, request.app.state.log)


# Coroutines, so that they take no thread of those that work.
RunningSystem: TypeAlias = Annotated[System, Depends(_system)]
RunningIngestion: TypeAlias = Annotated[Ingestion, Depends(_ingestion)]
RunningLog: TypeAlias = Annotated[AnswerLog, Depends(_log)]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documentation of the errors that every route may give, and of these."""
    common = (401, 403, 413, 422, 500, 503)
    return {
        status: {"model": Problem, "description": _MEANINGS[status]}
        for status in sorted({*common, *statuses})
    }
