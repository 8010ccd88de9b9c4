"""Examples become batches of like length: tensors for the pairs, and text with tokens left out."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from tokenizers import Tokenizer
from torch import Tensor

from rag.domain import Passage
from rag.reader_input import CLAIM_TOKENS, PairEncoder, Window
from training.examples import Example, Task
from training.model import SUPPORT_CLASSES

LONGEST = 192  # tokens of a pair whose answers are marked; reading takes more, but time goes by tokens
LONGEST_UNMARKED = 256  # of a pair of which only the whole passage is known to answer
LONGEST_CLAIM = 288
TOKENS_PER_BATCH = 6_000  # on a CPU
LENGTH_STEP = 32  # few shapes: each new one is compiled, and kept
NOT_TOLD = -1
MASKED_SHARE = 0.2
LONGEST_MASKED = 128


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Pairs and their targets; a target that is not told is NOT_TOLD.

    `ids`, `types`, `mask`: (batch, length). `starts`, `ends`: (batch, length), 1 where a span may start or
    end, all 0 where nothing is told; position 0 stands for no span. The others: (batch,).
    """

    ids: Tensor
    types: Tensor
    mask: Tensor
    starts: Tensor
    ends: Tensor
    answerable: Tensor
    relevance: Tensor
    support: Tensor


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """Text with tokens hidden: `hidden` is (batch, length), the true id there and NOT_TOLD elsewhere."""

    ids: Tensor
    types: Tensor
    mask: Tensor
    hidden: Tensor


@dataclass(frozen=True, slots=True)
class ContrastBatch:
    """Questions and passages to be told apart.

    `ids` and `mask`: (questions, length). `passage_ids` and `passage_mask`: (passages, length). `known`:
    (n, width), vectors of further passages. `right`: (questions,), the place of each question's passage
    among the passages and the known ones behind them. `barred`: (questions, passages + n), 1 where another
    passage answers the same question, so that it is neither right nor wrong.
    """

    ids: Tensor
    mask: Tensor
    passage_ids: Tensor
    passage_mask: Tensor
    known: Tensor
    right: Tensor
    barred: Tensor


Batch: TypeAlias = PairBatch | MaskedBatch | ContrastBatch


@dataclass(frozen=True, slots=True)
class Pair:
    """An example and the window of its passage that is shown."""

    example: Example
    window: Window


def pair_batches(
    examples: Sequence[Example],
    tokenizer: Tokenizer,
    random_source: random.Random,
    tokens_per_batch: int = TOKENS_PER_BATCH,
) -> Iterator[PairBatch]:
    """Every example once, those of like length together; what fills no batch comes last."""
    encoder = PairEncoder(tokenizer)
    waiting: dict[int, list[Pair]] = defaultdict(list)
    for example in examples:
        pair = _pair(encoder, example, random_source)
        length = _rounded(len(pair.window.ids))
        waiting[length].append(pair)
        if len(waiting[length]) == tokens_per_batch // length:
            yield pair_batch(waiting.pop(length))
    yield from map(pair_batch, waiting.values())


def _rounded(length: int) -> int:
    return -(-length // LENGTH_STEP) * LENGTH_STEP


def _pair(encoder: PairEncoder, example: Example, random_source: random.Random) -> Pair:
    """One window of the passage: of those that hold a gold span any, else any at all."""
    if example.task is Task.SUPPORT:
        return Pair(example, _window_of_claim(encoder, example))
    passage = Passage(example.title, example.passage)
    longest = LONGEST_UNMARKED if example.spans is None else LONGEST
    windows = encoder.windows(example.question, [passage], longest)
    holding = [window for window in windows if any(_places(window, span) for span in example.spans or ())]
    return Pair(example, random_source.choice(holding or windows))


def _window_of_claim(encoder: PairEncoder, example: Example) -> Window:
    """The window that holds most of the claim's tokens: a label is true of the passage, not of any part."""
    passage = Passage(example.title, example.passage)
    windows = encoder.windows(example.question, [passage], LONGEST_CLAIM, CLAIM_TOKENS)
    claim = windows[0].types.index(1)
    wanted = set(windows[0].ids[1 : claim - 1])
    return max(windows, key=lambda window: len(wanted & set(window.ids[window.first_passage_token :])))


def pair_batch(pairs: Sequence[Pair]) -> PairBatch:
    """The tensors of some pairs, padded to a multiple of LENGTH_STEP."""
    length = _rounded(max(len(pair.window.ids) for pair in pairs))
    shape = (len(pairs), length)
    ids, types, mask = (torch.zeros(shape, dtype=torch.long) for _ in range(3))
    starts, ends = torch.zeros(shape), torch.zeros(shape)
    answerable, relevance = torch.full((len(pairs),), -1.0), torch.full((len(pairs),), -1.0)
    support = torch.full((len(pairs),), NOT_TOLD)
    for row, pair in enumerate(pairs):
        window, example = pair.window, pair.example
        used = len(window.ids)
        ids[row, :used], types[row, :used] = torch.tensor(window.ids), torch.tensor(window.types)
        mask[row, :used] = 1
        if example.spans is not None:
            places = [place for span in example.spans if (place := _places(window, span))]
            for start, end in places or [(0, 0)]:
                starts[row, start] = ends[row, end] = 1
            answerable[row] = float(bool(places))
        if example.relevance is not None:
            relevance[row] = example.relevance
        if example.label is not None:
            support[row] = SUPPORT_CLASSES.index(example.label)
    return PairBatch(ids, types, mask, starts, ends, answerable, relevance, support)


def _places(window: Window, span: tuple[int, int]) -> tuple[int, int] | None:
    """The first and last token of a span of characters; None where the window does not hold it whole."""
    last = len(window.offsets) - 2
    if last < window.first_passage_token:
        return None
    if span[0] < window.offsets[window.first_passage_token][0] or span[1] > window.offsets[last][1]:
        return None
    held = [i for i, (start, end) in enumerate(window.offsets) if start < span[1] and span[0] < end]
    return (held[0], held[-1]) if held else None


def masked_batches(
    texts: Sequence[str],
    tokenizer: Tokenizer,
    random_source: random.Random,
    tokens_per_batch: int = TOKENS_PER_BATCH,
) -> Iterator[MaskedBatch]:
    """Every text once, cut at LONGEST_MASKED tokens, a fifth of its tokens hidden."""
    mask_id, vocabulary_size = tokenizer.get_vocab()["[MASK]"], tokenizer.get_vocab_size()
    size = tokens_per_batch // LONGEST_MASKED
    for first in range(0, len(texts), size):
        encoded = tokenizer.encode_batch([text[:1_000] for text in texts[first : first + size]])
        rows = [
            item.ids if len(item.ids) <= LONGEST_MASKED else item.ids[:LONGEST_MASKED] for item in encoded
        ]
        shape = (len(rows), LONGEST_MASKED)
        ids, mask = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
        hidden = torch.full(shape, NOT_TOLD)
        for row, tokens in enumerate(rows):
            shown = list(tokens)
            for place in range(1, len(tokens)):
                if random_source.random() < MASKED_SHARE:
                    hidden[row, place] = tokens[place]
                    shown[place] = _replacement(tokens[place], mask_id, vocabulary_size, random_source)
            ids[row, : len(shown)] = torch.tensor(shown)
            mask[row, : len(shown)] = 1
        yield MaskedBatch(ids, torch.zeros_like(ids), mask, hidden)


def _replacement(token: int, mask_id: int, vocabulary_size: int, random_source: random.Random) -> int:
    """As BERT was trained: eight times of ten the mask, once any token, once the token itself."""
    chance = random_source.random()
    if chance < 0.8:
        return mask_id
    return random_source.randrange(vocabulary_size) if chance < 0.9 else token
