"""Work for a client ends when the client goes away."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from anyio.to_thread import run_sync
from starlette.requests import Request

from rag.listener import Listener

SECONDS_BETWEEN_LOOKS = 0.1

T = TypeVar("T")


async def while_connected(request: Request, work: Callable[[Listener], T]) -> T:
    """Do work in a thread; its listener leaves as soon as the client has gone."""
    listener = Listener()
    watching = asyncio.create_task(_leave_when_gone(request, listener))
    try:
        return await run_sync(work, listener)
    finally:
        watching.cancel()


async def _leave_when_gone(request: Request, listener: Listener) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
    listener.leave()
