"""The network as it begins: all-MiniLM-L6-v2 from its package, with rows for the characters that it lacks."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from rag.adapters.packaged_minilm import TOKENIZER_FILE, WEIGHTS_FILE, package_folder
from training.model import WIDTH, ReaderNetwork
from training.vocabulary import extended, missing_characters

NEW_ROW_NOISE = 0.02  # the standard deviation that BERT's rows began with
FIRST_CHINESE, LAST_CHINESE = "\u4e00", "\u9fff"


def extended_tokenizer(texts: Iterable[str], target: Path) -> Tokenizer:
    """Its tokenizer with the Chinese characters of the texts; made once."""
    if target.is_file():
        return Tokenizer.from_file(str(target))
    original = package_folder() / TOKENIZER_FILE
    return extended(original, missing_characters(Tokenizer.from_file(str(original)), texts), target)


def packaged_encoder(vocabulary: Mapping[str, int], *, dropout: float) -> ReaderNetwork:
    """all-MiniLM-L6-v2 with rows for added tokens near the mean of its Chinese ones, and fresh heads."""
    network = ReaderNetwork(len(vocabulary), dropout=dropout)
    weights = load_file(package_folder() / WEIGHTS_FILE)
    name = "embeddings.word_embeddings.weight"
    rows = weights[name].float()
    known = [i for token, i in vocabulary.items() if i < len(rows) and FIRST_CHINESE <= token <= LAST_CHINESE]
    added = rows[known].mean(0) + NEW_ROW_NOISE * torch.randn(len(vocabulary) - len(rows), WIDTH)
    weights[name] = torch.cat([rows, added])
    missing, unexpected = network.encoder.load_state_dict(
        {key: value.float() for key, value in weights.items()}, strict=False
    )
    if missing or [key for key in unexpected if not key.startswith("pooler.") and "position_ids" not in key]:
        raise ValueError(f"the weights do not fit the encoder: missing {missing}, unexpected {unexpected}")
    return network
