"""The vLLM servers that tests of this folder share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from real_vllm.server import (
    CHAT_OPTIONS,
    POOLING_OPTIONS,
    VllmServer,
    random_cross_encoder,
    random_model,
)

from rag.adapters.packaged_minilm import package_folder


@contextmanager
def running(model: Path, log: Path, options: tuple[str, ...]) -> Iterator[VllmServer]:
    server = VllmServer(_program(), model, log, options)
    server.start()
    yield server
    server.kill()


def _program() -> str:
    """What ATTEST_TEST_VLLM names."""
    program = os.environ.get("ATTEST_TEST_VLLM", "")
    if not program:
        pytest.skip("no vLLM: set ATTEST_TEST_VLLM, or run `make test-vllm`")
    return program


@pytest.fixture(scope="session")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    """A chat model with random weights."""
    folder = tmp_path_factory.mktemp("chat")
    with running(random_model(folder / "model"), folder / "log", CHAT_OPTIONS) as server:
        yield server


@pytest.fixture(scope="module")
def embedding_vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    """The packaged embedding model."""
    log = tmp_path_factory.mktemp("embedding") / "log"
    with running(package_folder(), log, POOLING_OPTIONS) as server:
        yield server


@pytest.fixture(scope="module")
def scoring_vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    """A cross-encoder with random weights."""
    folder = tmp_path_factory.mktemp("scoring")
    with running(random_cross_encoder(folder / "model"), folder / "log", POOLING_OPTIONS) as server:
        yield server
