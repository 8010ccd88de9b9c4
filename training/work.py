"""The folder of a training: examples, collections, checkpoints, results."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer

from training.model import ReaderNetwork

MASKED_FILES = {"en": "mlm_en.txt.gz", "zh": "mlm_zh.txt.gz"}
CLOZE_FILES = {"en": "cloze_en.jsonl.gz", "zh": "cloze_zh.jsonl.gz"}
SPANS_FILE, SUPPORT_FILE = "spans.jsonl.gz", "support.jsonl.gz"
RANKING_FILES = {"en": "ranking_en.jsonl.gz", "zh": "ranking_zh.jsonl.gz"}


@dataclass(frozen=True, slots=True)
class Work:
    """Where `python -m training` reads and writes."""

    folder: Path

    @property
    def data(self) -> Path:
        """Where `prepare` writes and training reads."""
        return self.folder / "data"

    @property
    def home(self) -> Path:
        """The collections that ranking examples are mined from."""
        return self.folder / "home"

    @property
    def tokenizer(self) -> Path:
        """The extended tokenizer."""
        return self.folder / "tokenizer.json"

    @property
    def checkpoints(self) -> Path:
        """What each round leaves."""
        return self.folder / "checkpoints"

    def done(self, round_name: str) -> Path:
        """The checkpoint of a round that has ended."""
        return self.checkpoints / f"{round_name}.done.pt"

    def network(self, *rounds: str, dropout: float = 0.0) -> tuple[ReaderNetwork, Tokenizer]:
        """The network as it was after a round, and its tokenizer; FileNotFoundError before that.

        Of several rounds that began alike, the mean of their weights (Wortsman et al. 2022, model soups).
        """
        tokenizer = Tokenizer.from_file(str(self.tokenizer))
        network = ReaderNetwork(tokenizer.get_vocab_size(), dropout=dropout)
        states = [torch.load(self.done(name), map_location="cpu", weights_only=True) for name in rounds]
        weights = [state["network"] for state in states]
        network.load_state_dict(
            {key: sum(each[key] for each in weights) / len(weights) for key in weights[0]}
        )
        return network, tokenizer


def lines(path: Path) -> Iterator[str]:
    """The lines of a gzipped file that are not empty, without the white space around them."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from filter(None, map(str.strip, file))
