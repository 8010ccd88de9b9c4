"""The encoder with its four heads, in torch."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from rag.adapters.reader_files import ReaderFiles

WIDTH, LAYERS, HEADS, INNER, POSITIONS = 384, 6, 12, 1536, 512
SUPPORT_CLASSES = ("supported", "partial", "unsupported")


@dataclass(frozen=True, slots=True)
class Logits:
    """Of a batch: `span` (batch, length, 2: start and end), the others (batch,), `support` (batch, 3)."""

    span: Tensor
    answerable: Tensor
    relevance: Tensor
    support: Tensor


class ReaderNetwork(nn.Module):
    """A question or claim with a passage, read together; the shipped one has LAYERS layers.

    `dropout` is of the hidden states and of the attention. On a CPU that in the attention trebles the time of
    a step, and torch's fused attention takes 1.3 to 1.6 times as long as the plain one.
    """

    def __init__(self, vocabulary_size: int, layers: int = LAYERS, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = BertModel(
            BertConfig(
                vocab_size=vocabulary_size,
                hidden_size=WIDTH,
                num_hidden_layers=layers,
                num_attention_heads=HEADS,
                intermediate_size=INNER,
                max_position_embeddings=POSITIONS,
                hidden_dropout_prob=dropout,
                attention_probs_dropout_prob=dropout,
            ),
            add_pooling_layer=False,
        )
        self.encoder.set_attn_implementation("sdpa" if torch.cuda.is_available() else "eager")
        self.pooler = nn.Linear(WIDTH, WIDTH)
        self.span = nn.Linear(WIDTH, 2)
        self.answerable = nn.Linear(WIDTH, 1)
        self.relevance = nn.Linear(WIDTH, 1)
        self.support = nn.Linear(WIDTH, len(SUPPORT_CLASSES))
        self.guess = nn.Linear(WIDTH, WIDTH)  # of masked tokens; not shipped
        self.guess_norm = nn.LayerNorm(WIDTH)

    def states(self, ids: Tensor, types: Tensor, mask: Tensor) -> Tensor:
        """The last layer, of shape (batch, length, width)."""
        output = self.encoder(input_ids=ids, token_type_ids=types, attention_mask=mask)
        return cast(Tensor, output.last_hidden_state)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> Logits:
        """All heads; padding has no start and no end."""
        states = self.states(ids, types, mask)
        span = self.span(states).float().masked_fill(~mask.bool()[..., None], -1e4)
        pooled = torch.tanh(self.pooler(states[:, 0]))
        return Logits(
            span,
            self.answerable(pooled).float()[:, 0],
            self.relevance(pooled).float()[:, 0],
            self.support(pooled).float(),
        )

    def embedding(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Unit vectors of shape (batch, width): the mean of the states, as all-MiniLM-L6-v2 takes it."""
        counted = mask[..., None].float()
        states = self.states(ids, torch.zeros_like(ids), mask).float()
        return nn.functional.normalize((states * counted).sum(1) / counted.sum(1), dim=-1)

    def guesses(self, states: Tensor) -> Tensor:
        """Scores of every token of the vocabulary at states (n, width): shape (n, vocabulary)."""
        rows = self.encoder.embeddings.word_embeddings.weight
        hidden = self.guess_norm(nn.functional.gelu(self.guess(states)))
        return cast(Tensor, hidden @ rows.T.to(hidden.dtype)).float()


def from_exported(files: ReaderFiles, *, dropout: float = 0.0) -> ReaderNetwork:
    """The network of an exported reader, to train it on; what guesses hidden tokens begins anew."""
    weights = files.weights()
    network = ReaderNetwork(len(weights["embeddings.word_embeddings.weight"]), dropout=dropout)
    own = network.state_dict()
    found = {
        name: torch.from_numpy(weights[_shipped_name(name)]) for name in own if not name.startswith("guess")
    }
    network.load_state_dict({**own, **found})
    return network


def shipped_weights(network: ReaderNetwork) -> dict[str, NDArray[np.float32]]:
    """What reading needs, by the names of `rag.adapters.reader_files`; the guessing of tokens is left out."""
    found = {}
    for name, tensor in network.state_dict().items():
        if name.startswith("guess"):
            continue
        found[_shipped_name(name)] = tensor.detach().cpu().float().numpy()
    return found


def _shipped_name(name: str) -> str:
    """The name by which an exported reader keeps a tensor of the network."""
    shipped = name.removeprefix("encoder.") if name.startswith("encoder.embeddings.") else name
    return shipped.replace("encoder.encoder.", "encoder.").replace("pooler.", "pooler.dense.")
