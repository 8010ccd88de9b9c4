"""Trained weights become the files that are shipped: int8 by rows, a recipe, a tokenizer and their hashes."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from rag.adapters.reader_files import (
    CHINESE_FILE,
    HASHES_FILE,
    RECIPE_FIELD,
    RECIPES,
    SCALE_SUFFIX,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
)

LARGEST = 127  # of int8, on both sides of 0


def export(
    weights: Mapping[str, NDArray[np.float32]], tokenizer: Path, recipe: Mapping[str, object], folder: Path
) -> None:
    """Write a reader into `folder`: weights by name as `rag.adapters.reader_files` reads them.

    Each row of a matrix is divided into 127 equal steps up to its largest value, whatever the sign; vectors
    stay float32. `recipe` must be one that can be read back (`Recipe`); it may say more.
    """
    RECIPES.validate_python(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    stored = _stored(weights)
    save_file(stored, folder / WEIGHTS_FILE, {RECIPE_FIELD: json.dumps(recipe, sort_keys=True)})
    if tokenizer.resolve() != (folder / TOKENIZER_FILE).resolve():
        shutil.copyfile(tokenizer, folder / TOKENIZER_FILE)
    _write_hashes(folder, WEIGHTS_FILE, TOKENIZER_FILE)


def export_chinese(weights: Mapping[str, NDArray[np.float32]], folder: Path) -> None:
    """Write the layers of the encoder of Chinese texts beside the reader whose token embeddings it shares."""
    layers = {name: tensor for name, tensor in weights.items() if name.startswith("encoder.")}
    save_file(_stored(layers), folder / CHINESE_FILE)
    _write_hashes(folder, WEIGHTS_FILE, TOKENIZER_FILE, CHINESE_FILE)


def _stored(
    weights: Mapping[str, NDArray[np.float32]],
) -> dict[str, NDArray[np.int8] | NDArray[np.float32]]:
    """Matrices as int8 with the worth of a step in each row, vectors as they are."""
    stored: dict[str, NDArray[np.int8] | NDArray[np.float32]] = {}
    for name in sorted(weights):
        tensor = np.ascontiguousarray(weights[name], dtype=np.float32)
        if tensor.ndim == 2:
            stored[name], stored[name + SCALE_SUFFIX] = quantised(tensor)
        else:
            stored[name] = tensor
    return stored


def _write_hashes(folder: Path, *names: str) -> None:
    hashes = {name: _sha256(folder / name) for name in names}
    (folder / HASHES_FILE).write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")


def quantised(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The nearest steps, shape (rows, columns), and what one step is worth in each row; a row of zeros: 1."""
    largest = np.abs(matrix).max(axis=1)
    scale = np.where(largest > 0, largest / LARGEST, 1).astype(np.float32)
    steps = np.rint(matrix / scale[:, None]).clip(-LARGEST, LARGEST)
    return steps.astype(np.int8), scale


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
