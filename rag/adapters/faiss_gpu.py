"""A copy of a FAISS index on the GPU, which answers searches once the index stands still.

The index in memory stays the truth: it is what changes, what is searched with a filter and what is saved.
"""

from functools import cache
from typing import Any

import faiss
import structlog

from rag.domain import Vectors

LOG = structlog.get_logger()

MOST_HITS = 2048
"""How many hits faiss selects on a GPU at most."""

SEARCHES_BEFORE_COPY = 17
"""Answered on the CPU after a change: copying takes as long as so many (a million vectors, NVIDIA H200)."""

SEARCHES_AFTER_FAILURE = 10_000
"""Answered on the CPU after the GPU failed, which is when it has no memory left."""

WORK_BYTES = 64 << 20
"""GPU memory that faiss reserves for each index to work in: eight times what a search of a million takes."""


class GpuCopy:
    """The copy of one index; a caller that uses an index in several threads lets one search at a time."""

    def __init__(self) -> None:
        self._copy: Any = None
        self._on_cpu = SEARCHES_BEFORE_COPY

    def drop(self) -> None:
        """The index has changed."""
        self._forget(max(self._on_cpu, SEARCHES_BEFORE_COPY))

    def search(self, index: Any, vector: Vectors, k: int) -> Any:
        """faiss's scores and ids, each of shape (1, k), from the GPU if it can be used, else from `index`."""
        if k > MOST_HITS or not gpu_is_there():
            return index.search(vector, k)
        if self._on_cpu > 0:
            self._on_cpu -= 1
            return index.search(vector, k)
        try:
            if self._copy is None:
                self._copy = copied_to_gpu(index)
            return self._copy.search(vector, k)
        except RuntimeError as error:
            LOG.warning("the GPU cannot search the vector index; the CPU does", error=str(error))
            self._forget(SEARCHES_AFTER_FAILURE)
            return index.search(vector, k)

    def _forget(self, searches_on_cpu: int) -> None:
        self._copy = None
        self._on_cpu = searches_on_cpu


@cache
def gpu_is_there() -> bool:
    """Whether this faiss was built for GPUs and sees one; a build for GPUs that sees none says so, once."""
    if not hasattr(faiss, "StandardGpuResources"):
        return False
    if faiss.get_num_gpus() > 0:
        return True
    LOG.info("faiss sees no GPU: vectors are searched on the CPU")
    return False


def copied_to_gpu(index: Any) -> Any:
    """The index on the first GPU, its vectors in float16 as they are; RuntimeError where they do not fit."""
    gpu_faiss: Any = faiss  # the CPU build's types lack these names
    resources = gpu_faiss.StandardGpuResources()
    resources.setTempMemory(WORK_BYTES)
    return gpu_faiss.index_cpu_to_gpu(resources, 0, index)
