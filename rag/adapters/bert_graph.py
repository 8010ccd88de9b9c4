"""A BERT encoder written as an OpenVINO graph, straight from its weights.

No export and no conversion: building it takes 0.1 s, needs neither torch nor transformers, and leaves
nothing on disk that could be torn or out of date.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.adapters.openvino_runtime import load_openvino

Weights = Mapping[str, NDArray[np.float32]]

MASKED = np.float32(-10_000.0)
"""Added to the attention score of padding: e to this is 0 in float32, and bfloat16 can hold it."""


@dataclass(frozen=True, slots=True)
class BertShape:
    """What the weights' shapes do not tell."""

    layers: int
    heads: int
    norm_epsilon: float = 1e-12


class BertGraph:
    """An encoder's nodes. Inputs: token ids, mask (1 token, 0 padding), int32 of shape (batch, length).

    With `has_types` a third input of that shape holds each token's type; without it every token is of type 0.
    """

    def __init__(self, weights: Weights, shape: BertShape, *, has_types: bool = False) -> None:
        self._openvino = load_openvino()
        self._ops = self._openvino.opset13
        self._weights = weights
        self._shape = shape
        self._ids = self._input("ids")
        self._mask = self._input("mask")
        self._types = self._input("types") if has_types else None
        self._float_mask = self._ops.convert(self._mask, "f32")

    def sentence_model(self) -> Any:
        """A model whose output is one unit vector per text: the mean over its tokens, normalised."""
        ops = self._ops
        mask = ops.unsqueeze(self._float_mask, self._integers(2))
        total = ops.reduce_sum(ops.multiply(self.hidden_states(), mask), self._integers(1))
        mean = ops.divide(total, ops.reduce_sum(mask, self._integers(1)))
        return self.model(ops.normalize_l2(mean, self._integers(1), 1e-12, "max"))

    def reading_model(self, on_tokens: str, on_pooled: Sequence[str]) -> Any:
        """A model with the outputs of heads, each a linear layer named like its weights.

        First `on_tokens`, of shape (batch, length, rows of its weight), then each of `on_pooled`, of shape
        (batch, rows of its weight): those see the pooled vector, "pooler.dense" and tanh of the first token.
        """
        ops = self._ops
        states = self.hidden_states()
        first = ops.gather(states, self._integers(0), self._integers(1))
        pooled = ops.tanh(self._linear(first, "pooler.dense"))
        heads = [self._linear(pooled, name) for name in on_pooled]
        return self.model(self._linear(states, on_tokens), *heads)

    def model(self, *outputs: Any) -> Any:
        """The finished model with these nodes as outputs."""
        inputs = [self._ids, self._mask] + ([] if self._types is None else [self._types])
        return self._openvino.Model(list(outputs), inputs, "bert")

    def hidden_states(self) -> Any:
        """The last layer's states, of shape (batch, length, width)."""
        ops = self._ops
        masked = ops.multiply(
            ops.subtract(self._constant(np.float32(1)), self._float_mask), self._constant(MASKED)
        )
        attention_bias = ops.unsqueeze(masked, self._integers([1, 2]))
        states = self._embeddings()
        for layer in range(self._shape.layers):
            states = self._layer(states, attention_bias, f"encoder.layer.{layer}.")
        return states

    def _embeddings(self) -> Any:
        ops = self._ops
        words = ops.gather(self._matrix("embeddings.word_embeddings.weight"), self._ids, self._integers(0))
        rows = self._weights["embeddings.position_embeddings.weight"]
        types = self._weights["embeddings.token_type_embeddings.weight"]
        if self._types is not None:
            by_type = ops.gather(self._constant(types), self._types, self._integers(0))
            words = ops.add(words, by_type)
        else:
            rows = rows + types[0]  # the same for every token, so it is added to all positions beforehand
        positions = self._constant(rows)
        length = ops.gather(ops.shape_of(self._ids, "i64"), self._integers([1]), self._integers(0))
        used = ops.slice(positions, self._integers([0]), length, self._integers([1]), self._integers([0]))
        return self._norm(ops.add(words, used), "embeddings.LayerNorm")

    def _layer(self, states: Any, attention_bias: Any, name: str) -> Any:
        ops = self._ops
        attended = self._attention(states, attention_bias, f"{name}attention.self.")
        projected = self._linear(attended, f"{name}attention.output.dense")
        states = self._norm(ops.add(states, projected), f"{name}attention.output.LayerNorm")
        inner = ops.gelu(self._linear(states, f"{name}intermediate.dense"), "erf")
        return self._norm(
            ops.add(states, self._linear(inner, f"{name}output.dense")), f"{name}output.LayerNorm"
        )

    def _attention(self, states: Any, bias: Any, name: str) -> Any:
        """Dot-product attention in separate steps, which OpenVINO fuses: as fast as its single step."""
        ops = self._ops
        width = self._weights[f"{name}query.weight"].shape[0]
        head = width // self._shape.heads
        split, swap = self._integers([0, 0, self._shape.heads, head]), self._integers([0, 2, 1, 3])
        query, key, value = (
            ops.transpose(ops.reshape(self._linear(states, name + part), split, True), swap)
            for part in ("query", "key", "value")
        )
        scale = self._constant(np.float32(head**-0.5))
        scores = ops.add(ops.multiply(ops.matmul(query, key, False, True), scale), bias)
        mixed = ops.matmul(ops.softmax(scores, -1), value, False, False)
        return ops.reshape(ops.transpose(mixed, swap), self._integers([0, 0, width]), True)

    def _linear(self, states: Any, name: str) -> Any:
        product = self._ops.matmul(states, self._matrix(f"{name}.weight"), False, True)
        return self._ops.add(product, self._constant(self._weights[f"{name}.bias"]))

    def _matrix(self, name: str) -> Any:
        return self._constant(self._weights[name])

    def _norm(self, states: Any, name: str) -> Any:
        ops = self._ops
        normal = ops.mvn(states, self._integers([-1]), True, self._shape.norm_epsilon, "inside_sqrt")
        scaled = ops.multiply(normal, self._constant(self._weights[f"{name}.weight"]))
        return ops.add(scaled, self._constant(self._weights[f"{name}.bias"]))

    def _input(self, name: str) -> Any:
        node = self._ops.parameter([-1, -1], np.int32, name=name)
        node.output(0).set_names({name})
        return node

    def _constant(self, value: NDArray[np.float32] | np.float32) -> Any:
        return self._ops.constant(np.asarray(value, dtype=np.float32))

    def _integers(self, value: int | list[int]) -> Any:
        return self._ops.constant(np.asarray(value, dtype=np.int64))
