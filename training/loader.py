"""The batches of a phase, made by other processes ahead of the one that learns."""

import itertools
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch.utils.data import DataLoader, Dataset

from training.batches import Batch, MaskedBatch, PairBatch, masked_batches, pair_batches
from training.examples import Example

PAIRS_OF_A_PART = 6_000  # enough that most batches of each length are full
Arrays: TypeAlias = dict[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Material:
    """What a phase learns from: pairs, and texts with tokens to hide; either may be empty."""

    pairs: Sequence[Example]
    texts: Sequence[str]
    tokenizer: Tokenizer
    tokens_per_batch: int
    seed: int


class _Parts(Dataset[list[Arrays]]):
    """The shuffled material in parts that hold pairs and texts in the same proportion."""

    def __init__(self, material: Material) -> None:
        self._material = material
        chance = random.Random(material.seed)
        self._pairs, self._texts = (
            _shuffled(len(material.pairs), chance),
            _shuffled(len(material.texts), chance),
        )
        self._parts = max(1, -(-max(len(self._pairs), len(self._texts)) // PAIRS_OF_A_PART))

    def __len__(self) -> int:
        return self._parts

    def __getitem__(self, part: int) -> list[Arrays]:
        """The batches of one part, shuffled; arrays, for tensors would each take a file of shared memory."""
        given, chance = self._material, random.Random(f"{self._material.seed}:{part}")
        pairs = [given.pairs[i] for i in self._pairs[part :: self._parts]]
        texts = [given.texts[i] for i in self._texts[part :: self._parts]]
        batches: list[Batch] = [
            *pair_batches(pairs, given.tokenizer, chance, given.tokens_per_batch),
            *masked_batches(texts, given.tokenizer, chance, given.tokens_per_batch),
        ]
        chance.shuffle(batches)
        return [{name: getattr(batch, name).numpy() for name in batch.__slots__} for batch in batches]


def batches_of(material: Material, workers: int) -> Iterator[Batch]:
    """Every pair and text once; the same batches in the same order for the same material.

    With `workers` above 0 so many other processes make them.
    """
    if workers:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # in each one thread, or forking warns and stalls
    parts = DataLoader(
        _Parts(material), batch_size=None, num_workers=workers, collate_fn=_as_they_are, shuffle=False
    )
    for arrays in itertools.chain.from_iterable(parts):
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        yield MaskedBatch(**tensors) if "hidden" in tensors else PairBatch(**tensors)


def _as_they_are(part: list[Arrays]) -> list[Arrays]:
    return part


def _shuffled(count: int, chance: random.Random) -> list[int]:
    order = list(range(count))
    chance.shuffle(order)
    return order
