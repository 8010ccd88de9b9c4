"""The one composition root: the only module that names concrete adapters."""

from dataclasses import replace
from functools import partial

from rag.adapters.bilingual_minilm import BilingualMiniLM, ChineseEncoder
from rag.adapters.cross_encoder import CrossEncoderReranker
from rag.adapters.faiss_index import FaissIndex
from rag.adapters.packaged_minilm import MODEL_NAME, PackagedMiniLM
from rag.adapters.packaged_reader import READER_NAME, PackagedReader
from rag.adapters.reader_files import FOLDER
from rag.adapters.sentence_transformer import SentenceTransformerEmbedder
from rag.adapters.tantivy_index import TantivyIndex
from rag.adapters.vllm_chat import VllmChat
from rag.adapters.vllm_pooling import PoolingServer, VllmEmbedder, VllmReranker
from rag.calibrators import Calibrators, shipped_calibrator
from rag.chat import ChatGenerator
from rag.domain import Question
from rag.fingerprint import pipeline_fingerprint
from rag.indexes import Indexes
from rag.pipeline import Pipeline
from rag.ports import Embedder
from rag.profiles import open_profiles
from rag.read import ExtractiveGenerator
from rag.read_support import ReadSupport
from rag.rerank import Reranking
from rag.retrieve import Retriever
from rag.rewrite import Rewriter
from rag.settings import Settings
from rag.store import Store
from rag.support import WordSupport
from rag.system import System


def open_system(settings: Settings, *, embedder: Embedder | None = None) -> System:
    """Open the store, the indexes and the models that the settings name. Loads no weights yet.

    An `embedder` of the caller's own takes the place of the configured one.
    """
    profiles = open_profiles(settings.templates)
    servers: list[PoolingServer] = []
    embedder = embedder or _embedder(settings, servers)
    reader = PackagedReader(FOLDER)
    reranking = _reranking(settings, reader, servers)
    store = Store.open(settings.resolved_database_url())
    indexes = Indexes(store, settings.home / "indexes", FaissIndex, TantivyIndex)
    indexes.sweep()
    retriever = Retriever(store, indexes, embedder, reranking)
    support = ReadSupport(WordSupport(embedder), reader)
    extractive = ExtractiveGenerator(embedder, reader)
    fingerprint_for = partial(pipeline_fingerprint, embedder.space, extractive, reranking)
    calibrators = Calibrators(store, fingerprint_for(Question("", "")), shipped_calibrator())
    pipeline = Pipeline(retriever, extractive, calibrators, settings.minimum_answer_score, fingerprint_for)
    system = System(
        settings=settings,
        store=store,
        indexes=indexes,
        embedder=embedder,
        retriever=retriever,
        pipeline=pipeline,
        support=support,
        reader=reader,
        profiles=profiles,
        connections=tuple(servers),
    )
    return with_language_model(system, settings) if settings.llm_urls else system


def with_language_model(system: System, settings: Settings) -> System:
    """The system with the language model that the settings name, which is not asked anything yet."""
    extractive = system.pipeline
    model = VllmChat(settings.llm_urls, settings.llm_model, settings.llm_api_key, settings.llm_seconds)
    generator = ChatGenerator(model, system.support, system.reader, extractive.generator, system.profiles)
    fingerprint_for = partial(
        pipeline_fingerprint, system.embedder.space, generator, system.retriever.reranking
    )
    chat = replace(
        extractive,
        generator=generator,
        fingerprint_for=fingerprint_for,
        unsupported_sentences=settings.unsupported_sentences,
    )
    return replace(
        system,
        chat=chat,
        rewriter=Rewriter(model),
        language_model=model,
        connections=(*system.connections, model),
    )


def _embedder(settings: Settings, servers: list[PoolingServer]) -> Embedder:
    """A server that it needs is added to `servers`."""
    if settings.embedding_url:
        named = (settings.embedding_url, settings.embedding_model, settings.llm_api_key)
        servers.append(PoolingServer(*named, "ATTEST_EMBEDDING_URL"))
        return VllmEmbedder(servers[-1])
    if settings.embedding_model == MODEL_NAME:
        return BilingualMiniLM(PackagedMiniLM(), ChineseEncoder(FOLDER))
    return SentenceTransformerEmbedder(settings.embedding_model)


def _reranking(settings: Settings, reader: PackagedReader, servers: list[PoolingServer]) -> Reranking | None:
    """A server that it needs is added to `servers`."""
    if settings.rerank_depth == 0:
        return None
    if settings.reranker_url:
        named = (settings.reranker_url, settings.reranker_model, settings.llm_api_key)
        servers.append(PoolingServer(*named, "ATTEST_RERANKER_URL"))
        return Reranking(VllmReranker(servers[-1]), settings.rerank_depth)
    if settings.reranker_model != READER_NAME:
        return Reranking(CrossEncoderReranker(settings.reranker_model), settings.rerank_depth)
    return Reranking(reader, settings.rerank_depth)
