"""Where ingestion is put together, on top of an open system."""

from ingest.adapters.sandbox import ParserSandbox
from ingest.cached_embedder import CachedEmbedder
from ingest.chunk import ChunkSettings
from ingest.embedding_cache import EmbeddingCache
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
    cache = EmbeddingCache(settings.home / "cache" / "embeddings.db", settings.embedding_cache_bytes)
    embedder = CachedEmbedder(system.embedder, cache)
    chunking = ChunkSettings(maximum=embedder.space.max_tokens)
    preparation = Preparation(sandbox, embedder, chunking, settings.max_file_bytes)
    pipeline = FolderPipeline(system.store, jobs, preparation, embedder, settings.max_file_bytes)
    return Ingestion(system, jobs, preparation, pipeline, JobRunner(jobs, settings))
