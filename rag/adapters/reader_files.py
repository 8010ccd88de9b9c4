"""The files of a reader: int8 weights with their recipe, a tokenizer, and the hashes they must have.

A matrix NAME is stored as int8 under NAME and as the float32 worth of one step in each row under
NAME.scale; vectors are float32. `training.export` writes what is read here.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open

from rag.errors import ModelUnavailableError

FOLDER = Path(__file__).parents[1] / "reader"
WEIGHTS_FILE = "reader.safetensors"
TOKENIZER_FILE = "tokenizer.json"
CHINESE_FILE = "chinese.safetensors"
"""An encoder of Chinese texts that shares the reader's token embeddings and its tokenizer."""
HASHES_FILE = "hashes.json"
RECIPE_FIELD = "recipe"
SCALE_SUFFIX = ".scale"
EMBEDDINGS = "embeddings."

REMEDY = "Install Attest again, or restore the folder rag/reader of the checkout."


@dataclass(frozen=True, slots=True)
class Temperatures:
    """What a head's logits are divided by, so that its probabilities are as often right as they say."""

    relevance: float = 1.0
    answerable: float = 1.0
    support: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a reader was made, as far as using it needs it: stored in the weights' own file.

    `heads` counts the attention heads of a layer, which the weights' shapes do not tell.
    """

    version: str
    temperatures: Temperatures = Temperatures()
    heads: int = 12


RECIPES = TypeAdapter(Recipe)
"""Reads a recipe; what else it says is for people."""


@dataclass(frozen=True, slots=True)
class ReaderFiles:
    """One folder with a reader; nothing is read before it is asked for. All raise ModelUnavailableError."""

    folder: Path

    def hashes(self) -> Mapping[str, str]:
        """The sha256 that each of the reader's files must have, by its name."""
        return self._hashes(WEIGHTS_FILE, TOKENIZER_FILE)

    def _hashes(self, *names: str) -> Mapping[str, str]:
        try:
            found = json.loads(self._path(HASHES_FILE).read_text(encoding="utf-8"))
            return {name: str(found[name]) for name in names}
        except OSError as error:
            raise self._unreadable(HASHES_FILE, error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ModelUnavailableError(
                f"{self._path(HASHES_FILE)} does not name the hashes of {' and '.join(names)}. {REMEDY}"
            ) from error

    def fingerprint(self) -> str:
        """Changes with the weights and with the tokenizer; neither is read."""
        return hashlib.sha256(json.dumps(self.hashes()).encode()).hexdigest()[:12]

    def recipe(self) -> Recipe:
        """The recipe, from the header of the weights' file: no weights are read and no hash is compared."""
        path = self._path(WEIGHTS_FILE)
        try:
            with safe_open(path, "numpy") as file:
                return RECIPES.validate_json((file.metadata() or {}).get(RECIPE_FIELD, ""))
        except OSError as error:
            raise self._unreadable(WEIGHTS_FILE, error) from error
        except (SafetensorError, ValidationError) as error:
            raise ModelUnavailableError(
                f"{path} holds no reader with a recipe ({error}). {REMEDY}"
            ) from error

    def weights(self) -> Mapping[str, NDArray[np.float32]]:
        """Every tensor in float32, once the file's hash is the expected one."""
        return self._weights(WEIGHTS_FILE)

    def chinese_weights(self) -> Mapping[str, NDArray[np.float32]]:
        """The tensors of the encoder of Chinese texts, the reader's token embeddings among them."""
        own = self._weights(CHINESE_FILE)
        shared = {name: rows for name, rows in self.weights().items() if name.startswith(EMBEDDINGS)}
        return {**shared, **own}

    def chinese_fingerprint(self) -> str:
        """Changes with anything that the encoder of Chinese texts is made of; nothing of it is read."""
        hashes = self._hashes(WEIGHTS_FILE, TOKENIZER_FILE, CHINESE_FILE)
        return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()[:12]

    def _weights(self, name: str) -> Mapping[str, NDArray[np.float32]]:
        with safe_open(self.verified(name), "numpy") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        return {
            name: _dequantised(tensor, stored.get(name + SCALE_SUFFIX))
            for name, tensor in stored.items()
            if not name.endswith(SCALE_SUFFIX)
        }

    def verified(self, name: str) -> Path:
        """The path of a file whose hash is the expected one."""
        path, expected = self._path(name), self._hashes(name)[name]
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self._unreadable(name, error) from error
        if found != expected:
            raise ModelUnavailableError(
                f"{path} is not the expected file: its sha256 is {found}, not {expected}. {REMEDY}"
            )
        return path

    def without_weights(self, name: str) -> ModelUnavailableError:
        """What to raise where weights of that name are needed and missing."""
        return ModelUnavailableError(
            f"{self._path(WEIGHTS_FILE)} holds no reader: it has no {name}. {REMEDY}"
        )

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _unreadable(self, name: str, error: OSError) -> ModelUnavailableError:
        return ModelUnavailableError(f"The reader's {self._path(name)} cannot be read ({error}). {REMEDY}")


def _dequantised(
    tensor: NDArray[np.int8] | NDArray[np.float32], scale: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    values = tensor.astype(np.float32)
    return values if scale is None else values * scale[:, None]
