"""One phase of training: batches in, checkpoints out; a phase that was stopped goes on where it was."""

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import torch
from torch import Tensor

from training.batches import Batch
from training.loss import Losses, losses
from training.model import ReaderNetwork

LOG = structlog.get_logger()
WARM_UP = 0.06  # share of a phase in which the learning rate rises; then it falls to zero
HEAD_FACTOR = 3.0  # the heads begin at random and learn faster than the encoder
WEIGHT_DECAY = 0.01
LARGEST_GRADIENT = 1.0
SECONDS_BETWEEN_CHECKPOINTS = 180
STEPS_BETWEEN_LINES = 50
WEIGHTS = {"masked": 1.0, "contrast": 1.0, "span": 1.5, "answerable": 0.8, "relevance": 0.8, "support": 4.0}
"""Of the heads' losses. A third of the examples are claims at most, which teach one head only."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What a phase learns from. `batches` gives the same ones in the same order each time it is called.

    After `examples`, or all that there are, the phase ends; till then the learning rate falls from
    `learning_rate` to zero. With `seconds` it ends by then, and the rate is as far down; what was stopped in
    between has them anew.
    `made_from` tells options and files apart: what was begun with others is not continued.
    """

    name: str
    batches: Callable[[], Iterator[Batch]]
    examples: int
    learning_rate: float
    made_from: str
    seconds: float | None = None


def train(network: ReaderNetwork, phase: Phase, folder: Path) -> None:
    """Train a network in place through a phase; `folder` holds its checkpoint and what came of it.

    A phase that has ended is loaded and not repeated. Ctrl-C loses what came after the last checkpoint.
    """
    done, checkpoint = folder / f"{phase.name}.done.pt", folder / f"{phase.name}.checkpoint.pt"
    device = next(network.parameters()).device
    if done.is_file():
        network.load_state_dict(_state(done, phase, device)["network"])
        return
    optimizer = _optimizer(network, phase.learning_rate)
    step = seen = 0
    if checkpoint.is_file():
        state = _state(checkpoint, phase, device)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        step, seen = state["step"], state["seen"]
        LOG.info("continuing", phase=phase.name, step=step, share=round(seen / phase.examples, 3))
    network.train()
    began = saved = time.monotonic()
    report = _Report(phase, seen)
    for batch in itertools.islice(phase.batches(), step, None):
        spent = 0.0 if phase.seconds is None else (time.monotonic() - began) / phase.seconds
        share = max(seen / phase.examples, spent)
        if share >= 1:
            break
        _set_rate(optimizer, phase.learning_rate, share)
        report.add(_step(network, optimizer, _to(batch, device)), len(batch.ids))
        step, seen = step + 1, seen + len(batch.ids)
        if time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
            state = {"optimizer": optimizer.state_dict(), "step": step, "seen": seen}
            _save(checkpoint, network, phase, state)
            saved = time.monotonic()
    _save(done, network, phase, {})
    checkpoint.unlink(missing_ok=True)


def _optimizer(network: ReaderNetwork, rate: float) -> torch.optim.Optimizer:
    """AdamW; norms and biases do not decay."""
    groups = []
    for is_head, decays in itertools.product((False, True), (False, True)):
        chosen = [
            parameter
            for name, parameter in network.named_parameters()
            if name.startswith("encoder.") != is_head and (parameter.dim() > 1) == decays
        ]
        factor = HEAD_FACTOR if is_head else 1.0
        groups.append({"params": chosen, "factor": factor, "weight_decay": WEIGHT_DECAY if decays else 0.0})
    return torch.optim.AdamW(groups, lr=rate, fused=True)


def _set_rate(optimizer: torch.optim.Optimizer, peak: float, share: float) -> None:
    factor = min(share / WARM_UP, (1 - share) / (1 - WARM_UP))
    for group in optimizer.param_groups:
        group["lr"] = peak * max(factor, 1e-3) * group["factor"]


def _step(network: ReaderNetwork, optimizer: torch.optim.Optimizer, batch: Batch) -> Losses:
    device = next(network.parameters()).device
    with torch.autocast(device.type, dtype=torch.bfloat16):
        found = losses(network, batch)
    total = torch.stack([WEIGHTS[head] * loss for head, loss in found.items()]).sum()
    total.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
    optimizer.step()
    optimizer.zero_grad()
    return {head: loss.detach() for head, loss in found.items()}


def _to(batch: Batch, device: torch.device) -> Batch:
    moved = {name: getattr(batch, name).to(device, non_blocking=True) for name in batch.__slots__}
    return type(batch)(**moved)


def _state(path: Path, phase: Phase, device: torch.device) -> Any:
    """What was saved; ValueError where that was made with other options or from other files."""
    state = torch.load(path, map_location=device, weights_only=True)
    if state["made_from"] != phase.made_from:
        raise ValueError(
            f"{path} was made with other options or from other examples; delete it to train {phase.name} "
            "anew, or name another work folder"
        )
    return state


def _save(path: Path, network: ReaderNetwork, phase: Phase, progress: Mapping[str, object]) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save({"network": network.state_dict(), "made_from": phase.made_from, **progress}, part)
    part.replace(path)


class _Report:
    """A line of means every so many steps, with the rate and the minutes that are left."""

    def __init__(self, phase: Phase, seen: int) -> None:
        self._phase, self._seen, self._first = phase, seen, seen
        self._steps, self._began = 0, time.monotonic()
        self._losses: dict[str, list[Tensor]] = defaultdict(list)

    def add(self, found: Losses, examples: int) -> None:
        for head, loss in found.items():
            self._losses[head].append(loss)
        self._seen, self._steps = self._seen + examples, self._steps + 1
        if self._steps % STEPS_BETWEEN_LINES:
            return
        rate = (self._seen - self._first) / (time.monotonic() - self._began)
        LOG.info(
            self._phase.name,
            share=round(self._seen / self._phase.examples, 3),
            **{head: round(float(torch.stack(each).mean()), 3) for head, each in self._losses.items()},
            examples_per_second=round(rate, 1),
            minutes_left=round((self._phase.examples - self._seen) / rate / 60, 1),
        )
        self._losses.clear()
