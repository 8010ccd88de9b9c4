"""Any sentence-transformers model, by its name on a hub or by its folder, on a GPU where there is one."""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from rag.adapters.model_version import model_version
from rag.adapters.token_counts import count_tokens, uncut
from rag.domain import EmbeddingSpace, TokenCount, Vectors
from rag.encodable import encodable
from rag.errors import ModelUnavailableError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

RECIPE = "sentence-transformers encode, unit length, 1"
"""Raise the number when vectors change by more than rounding; the device and its precision do not count."""

ASSUMED_WINDOW = 512
"""Tokens read by a model that states no window of its own: BERT's number of positions."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What one load gives. The model's `encode` is not thread-safe: each call changes its tokenizer."""

    model: "SentenceTransformer"
    tokenizer: Tokenizer
    unknown_id: int | None
    space: EmbeddingSpace


class SentenceTransformerEmbedder:
    """The `Embedder` over a `SentenceTransformer`; questions and passages are embedded alike, unprompted.

    Only the model itself knows its dimension, so that the first use of anything, `space` included, loads it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loading = threading.Lock()
        self._encoding = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def space(self) -> EmbeddingSpace:
        """The space of its vectors; ModelUnavailableError where the model cannot be had."""
        return self._load().space

    def count_tokens(self, texts: Sequence[str]) -> list[TokenCount]:
        """Tokens of each text uncut, special tokens not counted."""
        loaded = self._load()
        return count_tokens(loaded.tokenizer, texts, loaded.unknown_id)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors in the given order; a text longer than the model reads is cut."""
        loaded = self._load()
        if not texts:
            return np.zeros((0, loaded.space.dimension), dtype=np.float32)
        with self._encoding:
            raw = loaded.model.encode(
                [encodable(text) for text in texts], prompt="", convert_to_numpy=True, show_progress_bar=False
            )
        vectors = np.asarray(raw, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)

    def _load(self) -> _Loaded:
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(self._name)
            return self._loaded


def _load(name: str) -> _Loaded:
    model = _open_model(name)
    fast = getattr(model.tokenizer, "backend_tokenizer", None)
    dimension = model.get_embedding_dimension()
    if not isinstance(fast, Tokenizer) or dimension is None:
        raise ModelUnavailableError(
            f"The model {name!r} has no tokenizer of the `tokenizers` library or states no dimension: "
            "choose a text embedding model that has both."
        )
    tokenizer = uncut(
        Tokenizer.from_str(fast.to_str())
    )  # a copy: the model keeps its own padding and cutting
    window = model.max_seq_length or ASSUMED_WINDOW
    max_tokens = window - tokenizer.num_special_tokens_to_add(False)
    version = model_version(name, owner="sentence-transformers", setting="ATTEST_EMBEDDING_MODEL")
    digest = hashlib.sha256(f"{version} {window} {RECIPE}".encode()).hexdigest()
    space = EmbeddingSpace(name, digest[:32], dimension, max_tokens)
    return _Loaded(model, tokenizer, model.tokenizer.unk_token_id, space)


def _open_model(name: str) -> "SentenceTransformer":
    """The model on the best device: half precision on a GPU, float32 on a CPU."""
    # Imported here because it takes 6 to 20 s on two cores.
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    from rag.adapters.torch_device import best_device  # noqa: PLC0415

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    device = best_device()
    try:
        return SentenceTransformer(name, device=device.name, model_kwargs={"dtype": device.dtype})
    except (OSError, ValueError) as error:
        # Missing folders and offline hubs raise OSError; a folder without a model, a bad name: ValueError.
        raise ModelUnavailableError(
            f"The embedding model {name!r} cannot be loaded: {str(error).splitlines()[0]} Without a network, "
            "download it elsewhere and give the path of its folder as ATTEST_EMBEDDING_MODEL."
        ) from error
