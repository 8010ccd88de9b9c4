"""A reader small enough to compute anywhere: a few words and Chinese characters, weights drawn at random."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from training.export import export

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = (
    "the tenant pays rent lease who what is of and pump filter month [ ] sep cls , . ?".split()  # noqa: SIM905 - legible
)
LETTERS = [letter for c in "abcdefghijklmnopqrstuvwxyz0123456789" for letter in (c, f"##{c}")]
CHARACTERS = list("租金付谁合同元月房屋的是年内🏠𠮷")


def tiny_tokenizer() -> Tokenizer:
    """WordPiece over a few words, all letters and some characters; splits texts as BERT does."""
    vocabulary = {
        token: number for number, token in enumerate(dict.fromkeys([*SPECIAL, *WORDS, *LETTERS, *CHARACTERS]))
    }
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


WIDTH, INNER, LAYERS, HEADS, POSITIONS = 32, 64, 2, 2, 384
RECIPE = {"version": "tiny-1", "temperatures": {"relevance": 2.0}, "heads": HEADS}


def tiny_weights(seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Weights of every name that a reader has, drawn at random, large enough to tell texts apart."""
    rows = len(tiny_tokenizer().get_vocab())
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (rows, WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    linear = {"pooler.dense": (WIDTH, WIDTH), "span": (2, WIDTH)}
    linear |= {"relevance": (1, WIDTH), "answerable": (1, WIDTH), "support": (3, WIDTH)}
    for layer in (f"encoder.layer.{number}" for number in range(LAYERS)):
        attention = ("self.query", "self.key", "self.value", "output.dense")
        linear |= {f"{layer}.attention.{part}": (WIDTH, WIDTH) for part in attention}
        linear |= {f"{layer}.intermediate.dense": (INNER, WIDTH), f"{layer}.output.dense": (WIDTH, INNER)}
        for norm in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{layer}.{norm}.weight": (WIDTH,), f"{layer}.{norm}.bias": (WIDTH,)}
    for name, shape in linear.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    random = np.random.default_rng(seed)
    return {
        name: (random.normal(0, 0.3, shape) + (1.0 if name.endswith("LayerNorm.weight") else 0.0)).astype(
            np.float32
        )
        for name, shape in shapes.items()
    }


def write_tiny_reader(folder: Path, seed: int = 0) -> Path:
    """Export a tiny reader into `folder`, by the way the shipped one went."""
    folder.mkdir(parents=True, exist_ok=True)
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    export(tiny_weights(seed), folder / "tokenizer.json", RECIPE, folder)
    return folder
