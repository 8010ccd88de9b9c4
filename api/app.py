"""The HTTP application over an open system. It closes nothing that it did not open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from anyio.to_thread import run_sync
from fastapi import FastAPI, Security
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer
from starlette.middleware import Middleware

from api.errors import MEDIA_TYPE, add_problem_handlers
from api.limits import BodyLimit, limit_concurrency
from api.listen import key_of
from api.logs import RequestLog
from api.routes import calibration, chat, collections, documents, feedback, health, ingest_jobs, query
from api.security import Guard
from ingest.ingestion import Ingestion
from rag.answer_log import AnswerLog
from rag.system import System

DESCRIPTION = """\
Answers from your own documents, each sentence backed by a verbatim span, or an honest abstention.

Offsets count Unicode code points, from 0, end-exclusive. Every error is an RFC 9457 problem. With a key
configured, send it as `Authorization: Bearer KEY`; without one, only programs of the same machine are served.
"""


def create_app(system: System, ingestion: Ingestion) -> FastAPI:
    """The application; jobs that a process left unfinished are continued when it starts."""

    settings = system.settings
    log = AnswerLog(system.store, settings.answer_log_days, is_on=settings.answer_log)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        limit_concurrency(settings.max_concurrent_requests)
        await run_sync(ingestion.resume_jobs)
        log.start()
        try:
            yield
        finally:
            await run_sync(log.close)

    key = key_of(settings)
    app = FastAPI(
        title="Attest",
        summary="Answers with verbatim sources, or an abstention",
        description=DESCRIPTION,
        version=version("attest-rag"),
        lifespan=lifespan,
        middleware=[
            Middleware(RequestLog),
            Middleware(Guard, key=key),
            Middleware(BodyLimit, maximum=settings.max_body_bytes),
        ],
        redirect_slashes=False,
        docs_url=None,  # those pages load scripts from another server
        redoc_url=None,
    )
    app.state.system = system
    app.state.ingestion = ingestion
    app.state.log = log
    add_problem_handlers(app)
    bearer = HTTPBearer(auto_error=False, description="ATTEST_API_KEY")
    locked = [Security(bearer)] if key else []  # for the documentation; the Guard asks for the key
    for module in (query, chat, feedback, calibration, documents, collections, ingest_jobs):
        app.include_router(module.router, dependencies=locked)
    app.include_router(health.router)
    app.openapi = lambda: _openapi_of(app)  # type: ignore[method-assign]  # the documented way
    return app


def _openapi_of(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with problems under their own media type."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
        )
        for path in schema["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    if int(status) >= 400:
                        response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
        app.openapi_schema = schema
    return app.openapi_schema
