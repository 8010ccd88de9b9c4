import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from reader_fixtures import tiny_tokenizer

from evals.data import is_development
from training.batches import LENGTH_STEP, NOT_TOLD, TOKENS_PER_BATCH, PairBatch, masked_batches, pair_batches
from training.examples import Example, Task, read_examples, write_examples

PASSAGE = "the tenant pays rent. 租金由租客付。"


def example(
    passage: str = PASSAGE, spans: tuple[tuple[int, int], ...] | None = ((4, 10),), label: str | None = None
) -> Example:
    task = Task.READ if label is None else Task.SUPPORT
    return Example(task, "en", "made up", "document", "who pays?", "lease", passage, spans, None, label)


def only_batch(*examples: Example) -> PairBatch:
    [batch] = pair_batches(examples, tiny_tokenizer(), random.Random(1))
    return batch


def test_a_span_is_marked_on_the_tokens_that_it_covers() -> None:
    batch = only_batch(example(spans=((4, 15),)))  # "tenant pays"
    words = [tiny_tokenizer().id_to_token(int(i)) for i in batch.ids[0]]
    assert words[int(batch.starts[0].argmax())] == "tenant"
    assert words[int(batch.ends[0].argmax())] == "pays"
    assert batch.starts.sum() == batch.ends.sum() == 1
    assert batch.answerable.tolist() == [1.0]


def test_every_place_of_an_answer_is_marked() -> None:
    batch = only_batch(example("rent rent", ((0, 4), (5, 9))))
    assert batch.starts.sum() == batch.ends.sum() == 2


def test_a_span_of_chinese_characters_is_counted_in_code_points() -> None:
    start = PASSAGE.index("租客")
    batch = only_batch(example(spans=((start, start + 2),)))
    first, last = int(batch.starts[0].argmax()), int(batch.ends[0].argmax())
    assert last - first == 1


def test_without_an_answer_the_first_token_is_start_and_end() -> None:
    batch = only_batch(example(spans=()))
    assert batch.starts[0].nonzero().tolist() == batch.ends[0].nonzero().tolist() == [[0]]
    assert batch.answerable.tolist() == [0.0]


def test_what_is_not_told_trains_nothing() -> None:
    batch = only_batch(example(spans=None, label="partial"))
    assert batch.starts.sum() == batch.ends.sum() == 0
    assert (batch.answerable.tolist(), batch.relevance.tolist(), batch.support.tolist()) == ([-1], [-1], [1])


def test_a_window_of_a_long_passage_holds_the_answer() -> None:
    passage = "filter " * 400 + "tenant"
    batch = only_batch(example(passage, ((2800, 2806),)))
    assert batch.answerable.tolist() == [1.0]
    assert batch.ids.shape[1] <= 256


def test_a_claim_is_shown_with_the_part_of_a_long_passage_that_speaks_of_it() -> None:
    passage = "filter " * 400 + "the tenant pays rent " + "filter " * 400
    claim = Example(
        Task.SUPPORT, "en", "made up", "g", "the tenant pays rent", "", passage, label="supported"
    )
    batch = only_batch(claim)
    assert tiny_tokenizer().token_to_id("tenant") in batch.ids[0][8:].tolist()


def test_the_last_words_of_a_long_claim_are_read() -> None:
    claim = "the filter " * 60 + "pump"
    batch = only_batch(Example(Task.SUPPORT, "en", "made up", "g", claim, "", "rent", label="unsupported"))
    assert tiny_tokenizer().token_to_id("pump") in batch.ids[0].tolist()


def test_batches_have_few_shapes_and_every_example_once() -> None:
    examples = [example("pump " * (1 + i % 40), spans=()) for i in range(300)]
    batches = list(pair_batches(examples, tiny_tokenizer(), random.Random(1)))
    assert sum(len(batch.ids) for batch in batches) == 300
    for batch in batches:
        assert batch.ids.shape[1] % LENGTH_STEP == 0
        assert batch.ids.numel() <= TOKENS_PER_BATCH


def test_the_same_seed_gives_the_same_batches() -> None:
    examples = [example("pump " * (1 + i % 40), spans=()) for i in range(100)]
    one, other = (list(pair_batches(examples, tiny_tokenizer(), random.Random(1))) for _ in range(2))
    assert all(torch.equal(a.ids, b.ids) for a, b in zip(one, other, strict=True))


def test_hidden_tokens_are_asked_for_and_no_others() -> None:
    [batch] = masked_batches(["租金由租客付 " * 8] * 20, tiny_tokenizer(), random.Random(1))
    is_hidden = batch.hidden != NOT_TOLD
    changed = (batch.ids == tiny_tokenizer().token_to_id("[MASK]")) & batch.mask.bool()
    assert (changed & ~is_hidden).sum() == 0
    assert 0.1 < is_hidden.sum() / batch.mask.sum() < 0.3


def test_examples_come_back_from_their_file(tmp_path: Path) -> None:
    examples = [example(), example(spans=None, label="supported"), example(spans=())]
    assert write_examples(tmp_path / "made" / "x.jsonl.gz", examples) == 3
    assert list(read_examples(tmp_path / "made" / "x.jsonl.gz")) == examples


def test_a_failed_writing_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> Iterator[Example]:
        yield example()
        raise RuntimeError("the disk of this test is full")

    with pytest.raises(RuntimeError):
        write_examples(tmp_path / "x.jsonl.gz", broken())
    assert not (tmp_path / "x.jsonl.gz").exists()


def test_about_one_document_in_ten_is_for_development() -> None:
    share = sum(is_development(f"document {i}") for i in range(2_000)) / 2_000
    assert 0.08 < share < 0.12
