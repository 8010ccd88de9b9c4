"""Embeddings and relevance from vLLM servers (`vllm serve MODEL --runner pooling`)."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
from pydantic import SecretStr

from rag.domain import EmbeddingSpace, Passage, TokenCount, Vectors
from rag.encodable import encodable
from rag.errors import ModelUnavailableError

RECIPE = "vllm embeddings, unit length, 1"
"""Raise the number when vectors change by more than rounding."""

TEXTS_AT_ONCE = 64  # of one request
REQUESTS_AT_ONCE = 8
SECONDS = 120.0
CUT = {"truncate_prompt_tokens": -1}  # to what the model reads


class PoolingServer:
    """One server and the model it serves; asked nothing before the first use. Thread-safe."""

    def __init__(self, url: str, model: str, key: SecretStr | None, setting: str) -> None:
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        self._url, self._model, self._setting = url.rstrip("/").removesuffix("/v1"), model, setting
        self._http = httpx.Client(base_url=self._url, headers=headers, timeout=SECONDS)
        self._lock = threading.Lock()
        self._window: int | None = None
        self._executor = ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="pooling")

    @property
    def model(self) -> str:
        """The name it is served under."""
        return self._model

    def window(self) -> int:
        """Tokens the model reads, special ones included; ModelUnavailableError where it is not served."""
        with self._lock:
            if self._window is None:
                served = {item["id"]: item for item in self.asked("GET", "/v1/models")["data"]}
                if self._model not in served:
                    raise ModelUnavailableError(
                        f"{self._url} does not serve {self._model!r}, it serves {', '.join(served)}; "
                        f"start it with --served-model-name, or change {self._setting}"
                    )
                self._window = int(served[self._model]["max_model_len"])
            return self._window

    def close(self) -> None:
        """Close its connections."""
        self._executor.shutdown()
        self._http.close()

    def asked(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """The answer as JSON; ModelUnavailableError names the server and the setting."""
        try:
            response = self._http.request(method, path, json=body)
            response.raise_for_status()
            return response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ModelUnavailableError(
                f"the vLLM server at {self._url} cannot be reached or failed ({error}); see that it runs "
                f"and that {self._setting} names it"
            ) from error

    def asked_of_all(self, path: str, bodies: Sequence[Mapping[str, object]]) -> list[Any]:
        """The answers to several bodies, in order, several at a time."""
        return list(self._executor.map(lambda body: self.asked("POST", path, body), bodies))


class VllmEmbedder:
    """`Embedder` over a pooling server; its first use, `space` included, asks the server.

    Weights that change under the same name are not noticed: give another model another name. Unknown tokens
    are not told by the server, so every text counts as readable: serve a model that knows the languages.
    """

    def __init__(self, server: PoolingServer) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._space: EmbeddingSpace | None = None

    @property
    def space(self) -> EmbeddingSpace:
        """The space of its vectors; ModelUnavailableError where the server cannot tell."""
        with self._lock:
            if self._space is None:
                window = self._server.window()
                special = self._tokens(["x"], with_special=True)[0] - self._tokens(["x"])[0]
                digest = hashlib.sha256(f"{self._server.model} {window} {RECIPE}".encode()).hexdigest()
                dimension = self._vectors(["x"]).shape[1]
                self._space = EmbeddingSpace(self._server.model, digest[:32], dimension, window - special)
            return self._space

    def count_tokens(self, texts: Sequence[str]) -> list[TokenCount]:
        """Tokens of each text uncut, special tokens not counted."""
        return [TokenCount(count, 0) for count in self._tokens(texts)]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors in the given order; a text longer than the model reads is cut."""
        if not texts:
            return np.zeros((0, self.space.dimension), dtype=np.float32)
        return self._vectors(texts)

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        parts = [
            [encodable(text) or " " for text in texts[first : first + TEXTS_AT_ONCE]]
            for first in range(0, len(texts), TEXTS_AT_ONCE)
        ]
        bodies = [{"model": self._server.model, "input": part, **CUT} for part in parts]
        rows: list[list[float]] = []
        for found in self._server.asked_of_all("/v1/embeddings", bodies):
            rows += [item["embedding"] for item in sorted(found["data"], key=lambda item: item["index"])]
        vectors = np.asarray(rows, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)

    def _tokens(self, texts: Sequence[str], *, with_special: bool = False) -> list[int]:
        bodies = [
            {"model": self._server.model, "prompt": encodable(text), "add_special_tokens": with_special}
            for text in texts
        ]
        return [int(found["count"]) for found in self._server.asked_of_all("/tokenize", bodies)]


class VllmReranker:
    """`Reranker` over a pooling server's scores, which a cross-encoder with one label gives from 0 to 1."""

    def __init__(self, server: PoolingServer) -> None:
        self._server = server

    @property
    def version(self) -> str:
        """The model's name; weights that change under the same name are not noticed."""
        return f"vllm score {self._server.model}"

    def relevance(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """In the given order; a pair longer than the model reads is cut at its end."""
        if not passages:
            return []
        texts = [encodable(f"{passage.title}\n{passage.text}".strip()) or " " for passage in passages]
        body = {"model": self._server.model, "text_1": encodable(question), "text_2": texts, **CUT}
        found = self._server.asked("POST", "/score", body)["data"]
        scores = {item["index"]: float(item["score"]) for item in found}
        return [min(1.0, max(0.0, scores[i])) for i in range(len(passages))]
