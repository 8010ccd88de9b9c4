"""Any sentence-transformers CrossEncoder as reranker, by its name on a hub or by its folder."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rag.adapters.model_version import model_version
from rag.domain import Passage
from rag.encodable import encodable
from rag.errors import ModelUnavailableError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

RECIPE = "sentence-transformers predict, title above text, logistic, 1"
"""Raise the number when relevance changes by more than rounding; the device does not count."""

SETTING = "ATTEST_RERANKER_MODEL"


@dataclass(frozen=True, slots=True)
class _Loaded:
    model: "CrossEncoder"
    version: str


class CrossEncoderReranker:
    """The `Reranker` over a `CrossEncoder` that gives one score; the first use of anything loads it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loading = threading.Lock()
        self._predicting = threading.Lock()  # `predict` changes the model's tokenizer
        self._loaded: _Loaded | None = None

    @property
    def version(self) -> str:
        """The weights and the way they are used; ModelUnavailableError where the model cannot be had."""
        return self._load().version

    def relevance(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """How likely each passage answers, 0 to 1, in order; a passage longer than the model reads is cut."""
        loaded = self._load()
        if not passages:
            return []
        from torch.nn import Sigmoid  # noqa: PLC0415 - the model has imported it

        pairs = [(encodable(question), encodable(_with_title(passage))) for passage in passages]
        with self._predicting:
            scores = loaded.model.predict(pairs, activation_fn=Sigmoid(), show_progress_bar=False)
        return [float(score) for score in np.asarray(scores)]

    def _load(self) -> _Loaded:
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(self._name)
            return self._loaded


def _with_title(passage: Passage) -> str:
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def _load(name: str) -> _Loaded:
    model = _open_model(name)
    if model.num_labels != 1:
        raise ModelUnavailableError(
            f"The model {name!r} gives {model.num_labels} scores for a passage, and a reranker gives one: "
            f"choose another one as {SETTING}."
        )
    version = model_version(name, owner="cross-encoder", setting=SETTING)
    return _Loaded(model, f"{version}, {RECIPE}")


def _open_model(name: str) -> "CrossEncoder":
    """The model on the best device: half precision on a GPU, float32 on a CPU."""
    # Imported here because it takes 6 to 20 s on two cores.
    from sentence_transformers import CrossEncoder  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    from rag.adapters.torch_device import best_device  # noqa: PLC0415

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    device = best_device()
    try:
        model: CrossEncoder = CrossEncoder(name, device=device.name, model_kwargs={"dtype": device.dtype})
    except (OSError, ValueError) as error:
        # Missing folders and offline hubs raise OSError; a folder without a model, a bad name: ValueError.
        raise ModelUnavailableError(
            f"The reranker {name!r} cannot be loaded: {str(error).splitlines()[0]} Without a network, "
            f"download it elsewhere and give the path of its folder as {SETTING}."
        ) from error
    return model
