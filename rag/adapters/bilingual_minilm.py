"""all-MiniLM-L6-v2, and for the texts that it cannot read an encoder of Chinese in the same space.

The packaged model knows 244 Chinese characters. The other encoder was trained on from the reader's
(`training/embedding.py`): Chinese questions near the Chinese passages that answer them, and near English ones
as the packaged model embeds these. So vectors of both compare, a collection may hold both languages, and an
English text is embedded as ever.
"""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from rag.adapters.packaged_minilm import PackagedMiniLM
from rag.adapters.reader_files import TOKENIZER_FILE, ReaderFiles
from rag.adapters.sentence_model import DIMENSION, SentenceModel
from rag.adapters.token_counts import count_tokens, uncut
from rag.domain import EmbeddingSpace, TokenCount, Vectors
from rag.fuse import UNREADABLE


class ChineseEncoder:
    """The encoder of Chinese texts; `folder` is the reader's whose token embeddings it shares.

    Loaded when first needed, after the hashes of all its files were compared with the known ones.
    """

    def __init__(self, folder: Path) -> None:
        self._files = ReaderFiles(folder)
        self._lock = threading.Lock()
        self._tokenizer: Tokenizer | None = None
        self._model: SentenceModel | None = None

    @property
    def fingerprint(self) -> str:
        """Changes whenever a text's vector may; loads nothing."""
        return self._files.chinese_fingerprint()

    def count_tokens(self, texts: Sequence[str]) -> list[TokenCount]:
        """Tokens of each text uncut, special tokens not counted; loads the tokenizer only."""
        tokenizer = self._loaded_tokenizer()
        return count_tokens(tokenizer, texts, tokenizer.token_to_id("[UNK]"))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors in the given order; a text longer than the window is cut."""
        tokenizer = self._loaded_tokenizer()
        with self._lock:
            if self._model is None:
                self._model = SentenceModel.of(self._files.chinese_weights(), tokenizer)
        return self._model.embed(texts)

    def _loaded_tokenizer(self) -> Tokenizer:
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = uncut(Tokenizer.from_file(str(self._files.verified(TOKENIZER_FILE))))
            return self._tokenizer


class BilingualMiniLM:
    """The default `Embedder`. A text goes to the Chinese encoder where the packaged model does not know a
    quarter of its tokens, from which on its vectors say nothing (`rag.fuse.UNREADABLE`).
    """

    def __init__(self, english: PackagedMiniLM, chinese: ChineseEncoder) -> None:
        self._english = english
        self._chinese = chinese

    @property
    def space(self) -> EmbeddingSpace:
        """The packaged model's, with both encoders' fingerprints in one."""
        space = self._english.space
        both = f"{space.fingerprint} {self._chinese.fingerprint}"
        return replace(space, fingerprint=hashlib.sha256(both.encode()).hexdigest()[:32])

    def count_tokens(self, texts: Sequence[str]) -> list[TokenCount]:
        """Tokens of each text as the encoder that reads it counts them."""
        counts = self._english.count_tokens(texts)
        chinese = _unreadable(counts)
        for row, count in zip(chinese, self._chinese.count_tokens([texts[i] for i in chinese]), strict=True):
            counts[row] = count
        return counts

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors in the given order; a text longer than the window is cut."""
        vectors = np.zeros((len(texts), DIMENSION), np.float32)
        chinese = _unreadable(self._english.count_tokens(texts))
        english = sorted(set(range(len(texts))) - set(chinese))
        for rows, embed in ((english, self._english.embed), (chinese, self._chinese.embed)):
            if rows:
                vectors[rows] = embed([texts[row] for row in rows])
        return vectors


def _unreadable(counts: Sequence[TokenCount]) -> list[int]:
    return [row for row, count in enumerate(counts) if count.unknown >= UNREADABLE * max(count.tokens, 1)]
