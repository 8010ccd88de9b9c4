"""Sequences of token ids become padded batches of even length and even cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOKENS_PER_BATCH = 2048
"""Tokens with padding; 1,024 and 2,048 were the fastest tried (docs/measurements.md)."""

LENGTH_STEP = 16
"""Lengths are padded to a multiple of this: the rows of a matrix tile, and few distinct shapes to prepare."""


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Row r is sequence `rows[r]`; `ids` and `mask` (1 token, 0 padding) have shape (batch, length)."""

    rows: tuple[int, ...]
    ids: NDArray[np.int32]
    mask: NDArray[np.int32]


def token_batches(
    sequences: Sequence[Sequence[int]], tokens_per_batch: int = TOKENS_PER_BATCH
) -> Iterator[TokenBatch]:
    """Batches that hold every sequence once, longest first; the padding's id is 0."""
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]), reverse=True)
    start = 0
    while start < len(order):
        length = _padded(len(sequences[order[start]]))
        rows = order[start : start + max(1, tokens_per_batch // length)]
        yield _batch(sequences, rows, length)
        start += len(rows)


def _padded(length: int) -> int:
    return max(1, -(-length // LENGTH_STEP)) * LENGTH_STEP


def _batch(sequences: Sequence[Sequence[int]], rows: Sequence[int], length: int) -> TokenBatch:
    ids = np.zeros((len(rows), length), dtype=np.int32)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(sequences[i] for i in rows):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return TokenBatch(tuple(rows), ids, mask)
