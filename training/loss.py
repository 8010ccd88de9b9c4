"""What each kind of batch asks of the network."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from training.batches import NOT_TOLD, Batch, MaskedBatch, PairBatch
from training.model import Logits, ReaderNetwork

Losses = Mapping[str, Tensor]
PLACES_STEP = 128  # few shapes: each new one is compiled, and kept


def losses(network: ReaderNetwork, batch: Batch, candidates: Tensor) -> Losses:
    """The loss of every head that the batch can train."""
    if isinstance(batch, MaskedBatch):
        return {"masked": _masked(network, batch, candidates)}
    return _pairs(network(batch.ids, batch.types, batch.mask), batch)


def _masked(network: ReaderNetwork, batch: MaskedBatch, candidates: Tensor) -> Tensor:
    """Cross-entropy over the tokens of Chinese text alone: the rest of the vocabulary is not in question."""
    states = network.states(batch.ids, batch.types, batch.mask)
    places = batch.hidden != NOT_TOLD
    targets = torch.searchsorted(candidates, batch.hidden[places]).clamp(max=len(candidates) - 1)
    is_candidate = candidates[targets] == batch.hidden[places]
    count = int(is_candidate.sum())
    count = max(count // PLACES_STEP * PLACES_STEP, min(count, PLACES_STEP))
    if count == 0:
        return states.sum() * 0
    scores = network.guesses(states[places][is_candidate][:count], candidates)
    return functional.cross_entropy(scores, targets[is_candidate][:count])


def _pairs(logits: Logits, batch: PairBatch) -> Losses:
    """Sums over the told targets, divided by the rows of the batch: each example weighs the same anywhere."""
    found: dict[str, Tensor] = {}
    rows = len(batch.ids)
    told = batch.answerable >= 0
    if told.any():
        start = _marginal(logits.span[told, :, 0], batch.starts[told])
        end = _marginal(logits.span[told, :, 1], batch.ends[told])
        found["span"] = (start + end) / 2 / rows
        found["answerable"] = _binary(logits.answerable, batch.answerable) / rows
    if (batch.relevance >= 0).any():
        found["relevance"] = _binary(logits.relevance, batch.relevance) / rows
    is_claim = batch.support != NOT_TOLD
    if is_claim.any():
        support = functional.cross_entropy(logits.support[is_claim], batch.support[is_claim], reduction="sum")
        found["support"] = support / rows
    return found


def _marginal(logits: Tensor, gold: Tensor) -> Tensor:
    """-log of the probability of all gold places together (Clark and Gardner 2018), summed over rows."""
    log_probability = functional.log_softmax(logits, dim=-1)
    return -torch.logsumexp(log_probability.masked_fill(gold == 0, -1e4), dim=-1).sum()


def _binary(logits: Tensor, targets: Tensor) -> Tensor:
    told = targets >= 0
    return functional.binary_cross_entropy_with_logits(logits[told], targets[told], reduction="sum")
