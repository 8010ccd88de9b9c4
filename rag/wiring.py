"""The one composition root: the only module that names concrete adapters."""

from rag.adapters.cross_encoder import CrossEncoderReranker
from rag.adapters.faiss_index import FaissIndex
from rag.adapters.packaged_minilm import MODEL_NAME, PackagedMiniLM
from rag.adapters.packaged_reader import FOLDER, READER_NAME, PackagedReader
from rag.adapters.reader_files import WEIGHTS_FILE
from rag.adapters.sentence_transformer import SentenceTransformerEmbedder
from rag.adapters.tantivy_index import TantivyIndex
from rag.calibrators import Calibrators, shipped_calibrator
from rag.fingerprint import pipeline_fingerprint
from rag.indexes import Indexes
from rag.pipeline import Pipeline
from rag.ports import Embedder
from rag.read import ExtractiveGenerator
from rag.read_support import ReadSupport
from rag.rerank import Reranking
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
    reader = _shipped_reader()
    reranking = _reranking(settings, reader)
    store = Store.open(settings.resolved_database_url())
    indexes = Indexes(store, settings.home / "indexes", FaissIndex, TantivyIndex)
    indexes.sweep()
    retriever = Retriever(store, indexes, embedder, reranking)
    generator = ExtractiveGenerator(embedder, reader)
    fingerprint = pipeline_fingerprint(embedder.space, generator, reranking)
    calibrators = Calibrators(store, fingerprint, shipped_calibrator())
    return System(
        settings=settings,
        store=store,
        indexes=indexes,
        embedder=embedder,
        retriever=retriever,
        pipeline=Pipeline(retriever, generator, calibrators, settings.minimum_answer_score, fingerprint),
        support=WordSupport(embedder) if reader is None else ReadSupport(WordSupport(embedder), reader),
        reader=reader,
    )


def _embedder(settings: Settings) -> Embedder:
    if settings.embedding_model == MODEL_NAME:
        return PackagedMiniLM()
    return SentenceTransformerEmbedder(settings.embedding_model)


def _reranking(settings: Settings, reader: PackagedReader | None) -> Reranking | None:
    if settings.rerank_depth == 0:
        return None
    if settings.reranker_model != READER_NAME:
        return Reranking(CrossEncoderReranker(settings.reranker_model), settings.rerank_depth)
    return None if reader is None else Reranking(reader, settings.rerank_depth)


def _shipped_reader() -> PackagedReader | None:
    """The shipped reader; None as long as its weights are not in the package: then nothing is reranked."""
    return PackagedReader(FOLDER) if (FOLDER / WEIGHTS_FILE).exists() else None
