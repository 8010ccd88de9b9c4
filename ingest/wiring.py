"""Where ingestion is put together, on top of an open system."""

from ingest.adapters.sandbox import ParserSandbox
from ingest.chunk import ChunkSettings
from ingest.ingestion import Ingestion
from ingest.jobs import JobLog
from ingest.pipeline import FolderPipeline
from ingest.prepare import Preparation
from ingest.runner import JobRunner
from rag.system import System


def open_ingestion(system: System) -> Ingestion:
    """Ingestion into the system's store. Close it before the system."""
    settings = system.settings
    jobs = JobLog(system.store.engine)
    sandbox = ParserSandbox(settings.parse_seconds, settings.parse_memory_bytes)
    chunking = ChunkSettings(maximum=system.embedder.space.max_tokens)
    preparation = Preparation(sandbox, system.embedder, chunking, settings.max_file_bytes)
    pipeline = FolderPipeline(system.store, jobs, preparation, system.embedder, settings.max_file_bytes)
    return Ingestion(system, jobs, preparation, pipeline, JobRunner(jobs, settings))
