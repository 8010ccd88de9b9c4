"""The tokenizer of all-MiniLM-L6-v2 with the Chinese characters that it lacks."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer

from rag.tokens import is_unspaced

FEWEST_OCCURRENCES = 3
PUNCTUATION = "，。！？；：、“”‘’（）《》〈〉【】「」『』〔〕…—·％～　"  # these very marks


def missing_characters(tokenizer: Tokenizer, texts: Iterable[str]) -> list[str]:
    """Chinese characters and marks that occur and are unknown, the commonest first, ties by code point."""
    known = tokenizer.get_vocab()
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    found = [
        (character, count)
        for character, count in counts.items()
        if count >= FEWEST_OCCURRENCES and character not in known
        if is_unspaced(character) or character in PUNCTUATION
    ]
    return [character for character, _ in sorted(found, key=lambda item: (-item[1], item[0]))]


def extended(original: Path, characters: Iterable[str], target: Path) -> Tokenizer:
    """Write a tokenizer that knows these characters too, with ids after its own, and load it."""
    description = json.loads(original.read_text(encoding="utf-8"))
    vocabulary = description["model"]["vocab"]
    for character in characters:
        vocabulary.setdefault(character, len(vocabulary))
    description["truncation"] = description["padding"] = None
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_text(json.dumps(description, ensure_ascii=False), encoding="utf-8")
    part.replace(target)
    return Tokenizer.from_file(str(target))
