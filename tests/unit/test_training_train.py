import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from reader_fixtures import tiny_tokenizer

from rag.adapters.reader_files import ReaderFiles
from training import train as training
from training.batches import Batch, MaskedBatch, PairBatch, masked_batches
from training.examples import Example, Task
from training.export import export
from training.loader import Material, batches_of
from training.loss import losses
from training.model import LAYERS, ReaderNetwork, from_exported, shipped_weights
from training.train import Phase, train

PASSAGE = "the tenant pays rent"
EXAMPLES = [
    Example(Task.READ, "en", "s", "g", "who pays", "", PASSAGE, ((4, 10),), 1.0, None),
    Example(Task.READ, "en", "s", "g", "what is the pump", "", PASSAGE, (), 0.0, None),
    Example(Task.SUPPORT, "en", "s", "g", "the tenant pays", "", PASSAGE, None, None, "supported"),
    Example(Task.SUPPORT, "en", "s", "g", "the filter pays", "", PASSAGE, None, None, "unsupported"),
] * 4
TEXTS = ["租金由租客付 " * 8] * 40


def batches(workers: int = 0) -> Iterator[Batch]:
    return batches_of(Material(EXAMPLES * 2, TEXTS, tiny_tokenizer(), 600, seed=2), workers)


def network(layers: int = 1) -> ReaderNetwork:
    torch.manual_seed(1)
    return ReaderNetwork(len(tiny_tokenizer().get_vocab()), layers)


def phase(given: Callable[[], Iterator[Batch]] = batches, made_from: str = "these") -> Phase:
    return Phase("learn", given, 2 * len(EXAMPLES) + len(TEXTS), 1e-4, made_from)


class StoppedError(Exception):
    pass


def test_a_stopped_phase_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = network()
    train(whole, phase(), tmp_path / "whole")

    def stopping() -> Iterator[Batch]:
        for number, batch in enumerate(batches()):
            if number == 2:
                raise StoppedError
            yield batch

    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0)
    with pytest.raises(StoppedError):
        train(network(), phase(stopping), tmp_path / "stopped")
    resumed = network()
    train(resumed, phase(), tmp_path / "stopped")
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], tensor, msg=name)


def test_a_phase_that_ended_is_loaded_and_not_repeated(tmp_path: Path) -> None:
    first = network()
    train(first, phase(), tmp_path)

    def none() -> Iterator[Batch]:
        raise StoppedError

    second = network()
    train(second, phase(none), tmp_path)
    torch.testing.assert_close(second.span.weight, first.span.weight)


def test_what_was_begun_with_other_examples_is_not_continued(tmp_path: Path) -> None:
    train(network(), phase(), tmp_path)
    with pytest.raises(ValueError, match="other options or from other examples"):
        train(network(), phase(made_from="others"), tmp_path)


def test_text_without_a_hidden_token_changes_nothing() -> None:
    [batch] = masked_batches([""], tiny_tokenizer(), random.Random(1))
    assert losses(network(), batch)["masked"].item() == 0


def test_few_hidden_characters_have_a_loss() -> None:
    [batch] = masked_batches(["租金由租客付 " * 8], tiny_tokenizer(), random.Random(1))
    assert losses(network(), batch)["masked"].item() > 0


def test_every_head_learns(tmp_path: Path) -> None:
    learnt, fresh = network(), network()
    train(learnt, phase(), tmp_path)
    for head in ("span", "answerable", "relevance", "support", "pooler", "guess"):
        name = f"{head}.weight"
        assert not torch.equal(learnt.state_dict()[name], fresh.state_dict()[name]), head


def test_what_is_shipped_leaves_out_the_guessing_of_tokens() -> None:
    assert not [name for name in shipped_weights(network()) if "guess" in name]


def test_a_phase_ends_when_its_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Batch] = []

    def counted() -> Iterator[Batch]:
        for batch in batches():
            drawn.append(batch)
            yield batch

    clock = SimpleNamespace(monotonic=lambda: len(drawn))  # a batch takes a second
    monkeypatch.setattr(training, "time", clock)
    train(network(), replace(phase(counted), seconds=3), tmp_path)
    assert len(drawn) == 3 < sum(1 for _ in batches())
    assert (tmp_path / "learn.done.pt").is_file()


@pytest.mark.parametrize("workers", [0, 2])
def test_every_pair_and_text_comes_once_whoever_makes_the_batches(workers: int) -> None:
    made = list(batches(workers))
    pairs = [row for batch in made if isinstance(batch, PairBatch) for row in batch.answerable]
    texts = [row for batch in made if isinstance(batch, MaskedBatch) for row in batch.ids]
    assert (len(pairs), len(texts)) == (2 * len(EXAMPLES), len(TEXTS))
    assert all(torch.equal(one.ids, other.ids) for one, other in zip(made, batches(), strict=True))


def test_an_exported_network_can_be_trained_on(tmp_path: Path) -> None:
    tiny_tokenizer().save(str(tmp_path / "tokenizer.json"))
    first = network(LAYERS)
    export(shipped_weights(first), tmp_path / "tokenizer.json", {"version": "1"}, tmp_path)
    again = from_exported(ReaderFiles(tmp_path))
    for name, tensor in shipped_weights(first).items():
        step = abs(tensor).max() / 127 if tensor.ndim == 2 else 0.0
        assert abs(shipped_weights(again)[name] - tensor).max() <= step / 2 + 1e-6, name
