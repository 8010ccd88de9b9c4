"""The one composition root: the only module that names concrete adapters."""

from rag.adapters.faiss_index import FaissIndex
from rag.adapters.packaged_minilm import MODEL_NAME, PackagedMiniLM
from rag.adapters.sentence_transformer import SentenceTransformerEmbedder
from rag.adapters.tantivy_index import TantivyIndex
from rag.calibrators import Calibrators, shipped_calibrator
from rag.fingerprint import pipeline_fingerprint
from rag.indexes import Indexes
from rag.pipeline import Pipeline
from rag.ports import Embedder
from rag.read import ExtractiveGenerator
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store
from rag.support import WordSupport
from rag.system import System


def open_system(settings: Settings, *, embedder: Embedder | None = None) -> System:
    """Open the store, the indexes and the models that the settings name. Loads no weights yet.

    An `embedder` of the caller's own takes the place of the configured one.
    """
    embedder = embedder or _embedder(settings)
    store = Store.open(settings.resolved_database_url())
    indexes = Indexes(store, settings.home / "indexes", FaissIndex, TantivyIndex)
    indexes.sweep()
    retriever = Retriever(store, indexes, embedder)
    return System(
        settings=settings,
        store=store,
        indexes=indexes,
        embedder=embedder,
        retriever=retriever,
        pipeline=_pipeline(settings, store, retriever, embedder),
        support=WordSupport(embedder),
    )


def _pipeline(settings: Settings, store: Store, retriever: Retriever, embedder: Embedder) -> Pipeline:
    generator = ExtractiveGenerator(embedder)
    fingerprint = pipeline_fingerprint(embedder.space, generator)
    calibrators = Calibrators(store, fingerprint, shipped_calibrator())
    return Pipeline(retriever, generator, calibrators, settings.minimum_answer_score, fingerprint)


def _embedder(settings: Settings) -> Embedder:
    if settings.embedding_model == MODEL_NAME:
        return PackagedMiniLM()
    return SentenceTransformerEmbedder(settings.embedding_model)
