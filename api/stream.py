"""An answer as server-sent events: how far it is, then what it says, once it is decided that it is said."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from anyio.to_thread import run_sync
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.requests import Request
from starlette.responses import Response

from api.errors import problem_of
from api.schemas import OutcomeOut
from rag.errors import AttestError
from rag.listener import Listener

SECONDS_BETWEEN_SIGNS = 1.0  # a comment while nothing happens: keeps proxies patient, finds a client gone
SEARCH = "retrieve"  # the stage that finds out whether the question can be asked at all

Answering = Callable[[Listener], OutcomeOut]


async def streamed(request: Request, answer: Answering) -> Response:
    """The events of one answer, from the end of the search on: what is wrong until then is raised."""
    loop = asyncio.get_running_loop()
    stages: asyncio.Queue[str | None] = asyncio.Queue()  # None: nothing more
    listener = Listener(lambda stage: loop.call_soon_threadsafe(stages.put_nowait, stage))
    work = asyncio.ensure_future(run_sync(answer, listener))

    def on_done(done: "asyncio.Future[OutcomeOut]") -> None:
        stages.put_nowait(None)
        if not done.cancelled():
            done.exception()  # a client that has gone does not ask for it

    work.add_done_callback(on_done)
    begun = [await stages.get()]
    while begun[-1] is not None and SEARCH not in begun[:-1]:
        begun.append(await stages.get())
    if begun[-1] is None:
        await work
    return EventSourceResponse(_events(request, begun, stages, work, listener))


async def _events(
    request: Request,
    begun: list[str | None],
    stages: "asyncio.Queue[str | None]",
    work: "asyncio.Future[OutcomeOut]",
    listener: Listener,
) -> AsyncIterator[bytes]:
    try:
        while begun[-1] is not None:
            for stage in begun:
                yield _event("progress", {"stage": stage})
            while not (begun := await _next(stages, SECONDS_BETWEEN_SIGNS)):
                yield format_sse_event(comment="working")
        for event in _said(await work):
            yield event
    except AttestError as error:
        yield _event("error", problem_of(request.scope, error).model_dump())
    finally:
        listener.leave()


async def _next(stages: "asyncio.Queue[str | None]", seconds: float) -> list[str | None]:
    """What comes next, at once when it comes; nothing where nothing does within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return [await stages.get()]
    except TimeoutError:
        return []


def _said(outcome: OutcomeOut) -> Iterator[bytes]:
    """Each sentence with what stands between it and the one before, its citation, then the whole."""
    told = 0
    for citation in outcome.citations if outcome.answer is not None else ():
        yield _event("answer.delta", {"text": (outcome.answer or "")[told : citation.end]})
        yield _event("citation", citation.model_dump())
        told = citation.end
    yield _event("outcome", outcome.model_dump())


def _event(name: str, data: Any) -> bytes:
    return format_sse_event(event=name, data_str=json.dumps(data, ensure_ascii=False))
