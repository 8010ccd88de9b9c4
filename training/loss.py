"""What each kind of batch asks of the network."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from training.batches import NOT_TOLD, Batch, ContrastBatch, MaskedBatch, PairBatch
from training.model import Logits, ReaderNetwork

Losses = Mapping[str, Tensor]
SHARPNESS = 20.0  # of cosines, as sentence-transformers scales them


def losses(network: ReaderNetwork, batch: Batch) -> Losses:
    """The loss of every head that a batch of its kind can train."""
    if isinstance(batch, MaskedBatch):
        return {"masked": _masked(network, batch)}
    if isinstance(batch, ContrastBatch):
        return {"contrast": _contrast(network, batch)}
    return _pairs(network(batch.ids, batch.types, batch.mask), batch)


def _masked(network: ReaderNetwork, batch: MaskedBatch) -> Tensor:
    """Cross-entropy of the hidden tokens over the whole vocabulary; 0 where none is hidden."""
    hidden = batch.hidden != NOT_TOLD
    scores = network.guesses(network.states(batch.ids, batch.types, batch.mask)[hidden])
    return functional.cross_entropy(scores, batch.hidden[hidden], reduction="sum") / hidden.sum().clamp(min=1)


def _contrast(network: ReaderNetwork, batch: ContrastBatch) -> Tensor:
    """Cross-entropy of each question's passage among all of the batch, by cosine (van den Oord 2018)."""
    questions = network.embedding(batch.ids, batch.mask)
    passages = batch.known
    if len(batch.passage_ids):
        passages = torch.cat([network.embedding(batch.passage_ids, batch.passage_mask), batch.known])
    cosines = (questions @ passages.T).masked_fill(batch.barred.bool(), -1.0)
    return functional.cross_entropy(cosines * SHARPNESS, batch.right)


def _pairs(logits: Logits, batch: PairBatch) -> Losses:
    """Sums over the told targets, divided by the rows of the batch: each example weighs the same anywhere.

    What is not told counts nothing; rows are not picked out for that, which would make a GPU wait.
    """
    told = (batch.answerable >= 0).float()
    span = _marginal(logits.span[..., 0], batch.starts) + _marginal(logits.span[..., 1], batch.ends)
    support = functional.cross_entropy(logits.support, batch.support, ignore_index=NOT_TOLD, reduction="sum")
    found = {
        "span": (span / 2 * told).sum(),
        "answerable": _binary(logits.answerable, batch.answerable),
        "relevance": _binary(logits.relevance, batch.relevance),
        "support": support,
    }
    return {head: loss / len(batch.ids) for head, loss in found.items()}


def _marginal(logits: Tensor, gold: Tensor) -> Tensor:
    """-log of the probability of all gold places together (Clark and Gardner 2018), of each row."""
    log_probability = functional.log_softmax(logits, dim=-1)
    return -torch.logsumexp(log_probability.masked_fill(gold == 0, -1e4), dim=-1)


def _binary(logits: Tensor, targets: Tensor) -> Tensor:
    """The summed loss of the told targets."""
    each = functional.binary_cross_entropy_with_logits(logits, targets.clamp(min=0), reduction="none")
    return (each * (targets >= 0)).sum()
