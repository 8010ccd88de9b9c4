import random

import torch
from reader_fixtures import tiny_tokenizer
from torch import Tensor

from training.examples import Example, Task
from training.measure import measure, sample
from training.model import Logits, ReaderNetwork

PASSAGE = "the tenant pays rent"


class FinderOfTenants(ReaderNetwork):
    """Marks the word "tenant" wherever it stands, and takes a passage without it for useless."""

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> Logits:
        is_tenant = (ids == tiny_tokenizer().token_to_id("tenant")) & (types == 1) & mask.bool()
        span = torch.where(is_tenant, 5.0, 0.0)[..., None].expand(-1, -1, 2)
        odds = torch.where(is_tenant.any(1), 1.0, -1.0)
        support = torch.stack([odds, torch.zeros_like(odds), -odds], 1)
        return Logits(span, odds, odds, support)


def example(
    passage: str, spans: tuple[tuple[int, int], ...] | None, relevance: float | None, label: str | None = None
) -> Example:
    task = Task.READ if label is None else Task.SUPPORT
    return Example(task, "en", "made up", "g", "who pays", "", passage, spans, relevance, label)


def test_a_network_that_is_always_right_has_the_best_figures() -> None:
    examples = [
        example(PASSAGE, ((4, 10),), 1.0),
        example("the pump of the filter", (), 0.0),
        example(PASSAGE, None, None, "supported"),
        example("the filter pays", None, None, "unsupported"),
    ]
    found = measure(FinderOfTenants(len(tiny_tokenizer().get_vocab())), tiny_tokenizer(), examples)
    assert {figure.name: (figure.value, figure.n) for figure in found} == {
        "F1": (1.0, 1),
        "answerable_AUROC": (1.0, 2),
        "relevance_AUROC": (1.0, 2),
        "support_balanced_accuracy": (1.0, 2),
    }


def test_one_that_is_always_wrong_has_the_worst() -> None:
    examples = [example(PASSAGE, (), 0.0), example("the pump of the filter", ((4, 8),), 1.0)]
    found = measure(FinderOfTenants(len(tiny_tokenizer().get_vocab())), tiny_tokenizer(), examples)
    assert {figure.name: figure.value for figure in found} == {
        "F1": 0.0,
        "answerable_AUROC": 0.0,
        "relevance_AUROC": 0.0,
    }


def test_a_sample_has_so_many_of_each_source() -> None:
    examples = [example(PASSAGE, (), 0.0)] * 5
    assert len(sample(examples, 3, random.Random(1))) == 3
    assert len(sample(examples, 9, random.Random(1))) == 5
