"""Where ingestion is put together, on top of an open system."""

from ingest.ingestion import Ingestion
from rag.system import System


def open_ingestion(system: System) -> Ingestion:
    """Ingestion into the system's store. Close it before the system."""
    raise NotImplementedError
