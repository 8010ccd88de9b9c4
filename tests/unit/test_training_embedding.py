"""Questions and passages that learn to lie near each other."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from reader_fixtures import tiny_tokenizer

from evals.data import is_development
from training import embedding
from training.batches import ContrastBatch
from training.embedding import Asked, contrast_batches, questions_with_passages
from training.examples import Example, Task, write_examples
from training.loss import losses
from training.model import WIDTH, ReaderNetwork
from training.work import CLOZE_FILES, RANKING_FILES, SPANS_FILE, Work

KEPT = next(name for name in map(str, range(99)) if is_development(name))
LEARNT = next(name for name in map(str, range(99)) if not is_development(name))


def example(source: str, question: str, passage: str, relevance: float = 1.0, **fields: str) -> Example:
    group, language = fields.get("group", LEARNT), fields.get("language", "zh")
    title = fields.get("title", "")
    return Example(Task.READ, language, source, group, question, title, passage, None, relevance, None)


def written(folder: Path, *, ranking: list[Example], spans: list[Example], cloze: list[Example]) -> Work:
    work = Work(folder)
    write_examples(work.data / RANKING_FILES["zh"], ranking)
    write_examples(work.data / SPANS_FILE, spans)
    write_examples(work.data / CLOZE_FILES["zh"], cloze)
    return work


def test_right_passages_are_taken_with_wrong_ones_beside_them_and_development_left_out(
    tmp_path: Path,
) -> None:
    work = written(
        tmp_path,
        ranking=[
            example("retrieval/stard", "租金", "租客付租金", title="租赁法"),
            example("retrieval/stard", "租金", "泵的滤芯", 0.0),
            example("retrieval/stard", "押金", "押金", group=KEPT),
        ],
        spans=[
            example("cmrc2018", "何时", "五月", language="zh"),
            example("cmrc2018", "何时", "五月的另一段", language="zh"),
            example("squad_slice", "when", "in May", language="en"),
            example("cmrc2018", "谁", "没有", 0.0),
        ],
        cloze=[example("cloze_garbled/laws_zh", "什么", "法律")],
    )
    times = embedding.TIMES["retrieval/stard"]
    assert questions_with_passages(work) == [
        *[Asked("law", "租金", "租赁法\n租客付租金", ("泵的滤芯",))] * times,
        Asked("encyclopedia", "何时", "五月"),
        Asked("law", "什么", "法律"),
    ]


def batch_of(monkeypatch: pytest.MonkeyPatch, asked: list[Asked], known: dict[str, float]) -> ContrastBatch:
    """The first batch that all these questions fill; known vectors are of one number each."""
    monkeypatch.setattr(embedding, "QUESTIONS_PER_BATCH", len(asked))
    monkeypatch.setattr(embedding, "WRONG_SHARE", 1.0)
    vectors = {text: np.full(WIDTH, value, np.float32) for text, value in known.items()}
    return next(contrast_batches(asked, tiny_tokenizer(), vectors, random.Random(1)))


def test_each_question_finds_its_passage_and_another_answer_to_it_is_barred(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = [
        Asked("law", "who pays", "the tenant"),
        Asked("law", "who pays", "the owner"),
        Asked("law", "what is the pump", "the filter", ("the rent",)),
        Asked("law", "when", "known passage"),
    ]
    batch = batch_of(monkeypatch, asked, {"known passage": 0.5})
    assert (len(batch.ids), len(batch.passage_ids), len(batch.known)) == (4, 4, 1)
    assert torch.all(batch.known == 0.5)
    rights = set(batch.right.tolist())
    assert len(rights) == 4
    assert 4 in rights  # the known passage stands behind those that are computed
    assert batch.barred.sum() == 2  # each answer to "who pays" is neither right nor wrong for the other
    assert not any(batch.barred[row, place] for row, place in enumerate(batch.right.tolist()))


def test_a_batch_of_known_passages_alone_still_teaches(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Asked("pages", "who pays", "a"), Asked("pages", "what is the pump", "b")]
    batch = batch_of(monkeypatch, asked, {"a": 0.5, "b": -0.5})
    assert len(batch.passage_ids) == 0
    loss = losses(network(), batch)["contrast"]
    assert torch.isfinite(loss)


def network() -> ReaderNetwork:
    torch.manual_seed(1)
    return ReaderNetwork(len(tiny_tokenizer().get_vocab()), layers=1)


def test_vectors_are_of_unit_length_and_padding_does_not_count() -> None:
    ids = torch.tensor([[2, 7, 8, 3]])
    longer = torch.cat([ids, torch.zeros(1, 5, dtype=torch.long)], dim=1)
    made = network().eval()
    short, padded = (
        made.embedding(given, (torch.arange(given.shape[1]) < 4).long()[None]) for given in (ids, longer)
    )
    torch.testing.assert_close(short, padded)
    assert short.norm().item() == pytest.approx(1.0, abs=1e-5)


def test_learning_brings_questions_nearer_to_what_answers_them(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [("who pays", "the tenant"), ("what is the pump", "the filter"), ("租金", "押金"), ("付", "租")]
    batch = batch_of(monkeypatch, [Asked("law", *pair) for pair in pairs], {})
    made = network()
    optimizer = torch.optim.AdamW(made.parameters(), lr=1e-3)
    seen = []
    for _ in range(12):
        loss = losses(made, batch)["contrast"]
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        seen.append(loss.item())
    assert seen[-1] < seen[0] / 2


def test_what_another_answer_scores_changes_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Asked("law", "who pays", "the tenant"), Asked("law", "who pays", "the owner")]
    batch = batch_of(monkeypatch, asked, {})
    barred = losses(network(), batch)["contrast"]
    told = losses(network(), replace(batch, barred=torch.zeros_like(batch.barred)))["contrast"]
    assert barred.item() < 1e-6 < told.item()
