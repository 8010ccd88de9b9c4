"""An encoder of BERT's shape with its tokenizer: texts in, unit vectors out."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rag.adapters.bert_graph import BertGraph, BertShape
from rag.adapters.openvino_runtime import CompiledModel
from rag.adapters.token_batches import TokenBatch, token_batches
from rag.domain import Vectors
from rag.encodable import encodable

DIMENSION = 384
WINDOW = 256
"""Word pieces read, both special tokens included: all-MiniLM-L6-v2's own sentence_bert_config.json."""
SPECIAL_TOKENS = 2
SHAPE = BertShape(layers=6, heads=12)


class SentenceModel:
    """The mean over tokens, at unit length, of a text's first WINDOW tokens.

    Each batch is computed on its own, so a question waits for about one batch of a running ingestion.
    """

    def __init__(self, model: CompiledModel, tokenizer: Tokenizer) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._executor = ThreadPoolExecutor(model.streams, thread_name_prefix="embed")

    @classmethod
    def of(cls, weights: Mapping[str, NDArray[np.float32]], tokenizer: Tokenizer) -> "SentenceModel":
        """Weights of all-MiniLM-L6-v2's shape, compiled."""
        return cls(CompiledModel(BertGraph(weights, SHAPE).sentence_model()), tokenizer)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (texts, DIMENSION), in the given order; a text longer than the window is cut."""
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        encodings = self._tokenizer.encode_batch_fast([encodable(text) for text in texts])
        batches = list(token_batches([_cut(encoding.ids) for encoding in encodings]))

        def compute(batch: TokenBatch) -> None:
            vectors[list(batch.rows)] = self._model.run([batch.ids, batch.mask])[0]

        if len(batches) == 1:
            compute(batches[0])  # here and now: a question does not queue behind an ingestion's batches
        else:
            list(self._executor.map(compute, batches))
        return vectors


def _cut(ids: list[int]) -> list[int]:
    """The first tokens and the closing one: what the model reads of a text."""
    return ids if len(ids) <= WINDOW else [*ids[: WINDOW - 1], ids[-1]]
