import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from reader_fixtures import tiny_tokenizer

from training import train as training
from training.batches import Batch, masked_batches, pair_batches
from training.examples import Example, Task
from training.model import ReaderNetwork, shipped_weights
from training.train import Phase, interleaved, train

PASSAGE = "the tenant pays rent"
EXAMPLES = [
    Example(Task.READ, "en", "s", "g", "who pays", "", PASSAGE, ((4, 10),), 1.0, None),
    Example(Task.READ, "en", "s", "g", "what is the pump", "", PASSAGE, (), 0.0, None),
    Example(Task.SUPPORT, "en", "s", "g", "the tenant pays", "", PASSAGE, None, None, "supported"),
    Example(Task.SUPPORT, "en", "s", "g", "the filter pays", "", PASSAGE, None, None, "unsupported"),
] * 4
CANDIDATES = torch.arange(5, 100)


def batches() -> Iterator[Batch]:
    tokenizer = tiny_tokenizer()
    for seed in range(4):
        yield from pair_batches(EXAMPLES, tokenizer, random.Random(seed))
    yield from masked_batches(["租金由租客付 " * 8] * 40, tokenizer, random.Random(1))


def network() -> ReaderNetwork:
    torch.manual_seed(1)
    return ReaderNetwork(len(tiny_tokenizer().get_vocab()))


PHASE = Phase("learn", batches, 4 * len(EXAMPLES) + 40, 1e-4, CANDIDATES)


class StoppedError(Exception):
    pass


def test_a_stopped_phase_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = network()
    train(whole, PHASE, tmp_path / "whole")

    def stopping() -> Iterator[Batch]:
        for number, batch in enumerate(batches()):
            if number == 3:
                raise StoppedError
            yield batch

    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0)
    with pytest.raises(StoppedError):
        train(network(), Phase("learn", stopping, PHASE.examples, 1e-4, CANDIDATES), tmp_path / "stopped")
    resumed = network()
    train(resumed, PHASE, tmp_path / "stopped")
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], tensor, msg=name)


def test_a_phase_that_ended_is_loaded_and_not_repeated(tmp_path: Path) -> None:
    first = network()
    train(first, PHASE, tmp_path)

    def none() -> Iterator[Batch]:
        raise StoppedError

    second = network()
    train(second, Phase("learn", none, 1, 1e-4, CANDIDATES), tmp_path)
    torch.testing.assert_close(second.span.weight, first.span.weight)


def test_every_head_learns(tmp_path: Path) -> None:
    learnt, fresh = network(), network()
    train(learnt, PHASE, tmp_path)
    for head in ("span", "answerable", "relevance", "support", "pooler", "guess"):
        name = f"{head}.weight"
        assert not torch.equal(learnt.state_dict()[name], fresh.state_dict()[name]), head


def test_what_is_shipped_leaves_out_the_guessing_of_tokens() -> None:
    assert not [name for name in shipped_weights(network()) if "guess" in name]


def test_sources_are_drawn_until_all_are_empty() -> None:
    tokenizer = tiny_tokenizer()
    one: list[Batch] = list(pair_batches(EXAMPLES, tokenizer, random.Random(1)))
    other: list[Batch] = list(masked_batches(["租金由租客付"] * 200, tokenizer, random.Random(1)))
    drawn = list(interleaved([(16, iter(one)), (200, iter(other))], random.Random(1)))
    assert sorted(map(id, drawn)) == sorted(map(id, one + other))
