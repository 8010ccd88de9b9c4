"""Embeddings and scores of real vLLM servers, beside the same models in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from pydantic import SecretStr
from real_vllm.server import KEY, MODEL, VllmServer
from sentence_transformers import CrossEncoder

from rag.adapters.packaged_minilm import PackagedMiniLM
from rag.adapters.vllm_pooling import PoolingServer, VllmEmbedder, VllmReranker
from rag.domain import Passage
from rag.errors import ModelUnavailableError

pytestmark = pytest.mark.vllm

TEXTS = ["The tenant pays rent.", "An aspirin a day.", "", "rent " * 900]


@contextmanager
def asking(vllm: VllmServer, model: str = MODEL, key: str = KEY) -> Iterator[PoolingServer]:
    server = PoolingServer(vllm.url, model, SecretStr(key), "ATTEST_EMBEDDING_URL")
    yield server
    server.close()


def test_a_server_embeds_and_counts_as_the_same_model_does_here(embedding_vllm: VllmServer) -> None:
    here = PackagedMiniLM()
    with asking(embedding_vllm) as server:
        there = VllmEmbedder(server)
        assert there.space.dimension == here.space.dimension
        assert [count.tokens for count in there.count_tokens(TEXTS)] == [
            count.tokens for count in here.count_tokens(TEXTS)
        ]
        vectors = there.embed(TEXTS)
        assert there.embed([]).shape == (0, here.space.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    same = (vectors[:2] * here.embed(TEXTS[:2])).sum(axis=1)
    assert same.min() > 0.99  # here in bfloat16 where the processor has it


def test_a_wrong_model_or_key_is_told_by_the_setting(embedding_vllm: VllmServer) -> None:
    with (
        asking(embedding_vllm, model="other") as server,
        pytest.raises(ModelUnavailableError, match="serves tiny"),
    ):
        _ = VllmEmbedder(server).space
    with (
        asking(embedding_vllm, key="wrong") as server,
        pytest.raises(ModelUnavailableError, match="ATTEST_EMBEDDING_URL"),
    ):
        VllmEmbedder(server).embed(["x"])


def test_a_server_scores_as_the_same_cross_encoder_does_here(scoring_vllm: VllmServer) -> None:
    passages = [Passage("Lease", "The tenant pays rent."), Passage("", "An aspirin a day."), Passage("", "")]
    with asking(scoring_vllm) as server:
        there = VllmReranker(server).relevance("Who pays rent?", passages)
    here = CrossEncoder(str(scoring_vllm.model), device="cpu").predict(
        [("Who pays rent?", "Lease\nThe tenant pays rent."), ("Who pays rent?", "An aspirin a day.")]
    )
    assert there[:2] == pytest.approx([float(value) for value in here], abs=1e-3)
    assert len(there) == 3
    assert all(0 <= value <= 1 for value in there)
