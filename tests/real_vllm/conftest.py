"""One vLLM server for all tests of this folder."""

import os
from collections.abc import Iterator

import pytest
from real_vllm.server import VllmServer, random_model


@pytest.fixture(scope="session")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    """The server of the program that ATTEST_TEST_VLLM names."""
    program = os.environ.get("ATTEST_TEST_VLLM", "")
    if not program:
        pytest.skip("no vLLM: set ATTEST_TEST_VLLM, or run `make test-vllm`")
    folder = tmp_path_factory.mktemp("vllm")
    server = VllmServer(program, random_model(folder / "model"), folder / "log")
    server.start()
    yield server
    server.kill()
