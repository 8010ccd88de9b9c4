"""What makes two answers' signals comparable: the models and the ways they are used, as one short hash."""

import hashlib
import json

from rag.domain import EmbeddingSpace, Question
from rag.ports import Generator
from rag.rerank import Reranking

PIPELINE_VERSION = 3
"""Raised whenever retrieval, reading or a signal changes what it gives for the same documents.

A test with fixed answers and signals fails when it should have been raised; then the shipped calibrator is
fitted anew.
"""


def pipeline_fingerprint(
    space: EmbeddingSpace, generator: Generator, reranking: Reranking | None, asked: Question
) -> str:
    """16 hexadecimal digits over the embedding model, the code's version, the reranking and the generator.

    A generator that reads has its reader's version in its own, a language model what a question sets of it.
    """
    parts = {
        "pipeline": PIPELINE_VERSION,
        "embedder": space.fingerprint,
        "generator": generator.name,
        "generator_version": generator.version_for(asked),
    }
    if reranking is not None:
        parts["reranking"] = reranking.version
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
