"""Whether the process runs, and whether it can work. Needs no key and waits for no other request."""

import anyio
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter

from api.routes.running import RunningSystem, problems
from api.schemas import Health
from rag.errors import StoreUnavailableError

DATABASE_SECONDS = 5.0
PROBES = CapacityLimiter(4)  # threads of their own: those of requests may all be at work

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live", summary="Is the process alive?", responses=problems())
async def live() -> Health:
    """Answers as long as the process runs; it asks nothing else."""
    return Health(status="live")


@router.get("/ready", summary="Can it answer questions?", responses=problems())
async def ready(system: RunningSystem) -> Health:
    """Asks the database; 503 while it does not answer."""
    with anyio.move_on_after(DATABASE_SECONDS):
        await run_sync(system.store.ping, abandon_on_cancel=True, limiter=PROBES)
        return Health(status="ready")
    raise StoreUnavailableError(f"the database did not answer within {DATABASE_SECONDS:g} seconds; try later")
