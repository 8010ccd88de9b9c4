"""The wordings that a language model is told: files below `rag/templates`, one for each language."""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import TypeAlias

LANGUAGES = ("en", "zh")
TEMPLATES = resources.files("rag") / "templates"

Wording: TypeAlias = Mapping[str, str]
"""One thing to be said, by language: a text for each of LANGUAGES."""


@lru_cache(maxsize=64)
def shipped(name: str) -> Wording:
    """A wording that comes with Attest, such as "legal" or "modes/json"."""
    return {
        language: (TEMPLATES / f"{name}.{language}.md").read_text(encoding="utf-8").strip()
        for language in LANGUAGES
    }


def spoken(language: str) -> str:
    """The language that a question in `language` is told in: its own where there are wordings in it."""
    return language if language in LANGUAGES else LANGUAGES[0]


def hash_of(*wordings: Wording) -> str:
    """Tells these wordings, all languages, from others: a part of the pipeline's fingerprint."""
    texts = [dict(wording) for wording in wordings]
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:12]
