"""A question and its evidence as what a language model is told: rules, numbered sources, the question.

A profile is a file for each language, `<profile>.<language>.md`; one more file is one more profile. How marks
or JSON are asked for is the same in all of them and lies in `modes/`.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

from rag.completion import Message
from rag.decoding import AnswerMode
from rag.domain import Hit, Span
from rag.errors import InvalidRequestError

LANGUAGES = ("en", "zh")
_TEMPLATES = resources.files("rag") / "templates"
_ASKED = {"en": "Question: {question}", "zh": "问题：{question}"}
_DELIMITER = re.compile(r"<(?=\s*/?\s*source\b)", re.IGNORECASE)


@lru_cache(maxsize=1)
def profiles() -> tuple[str, ...]:
    """The profiles that have a template, in order."""
    names = {name.partition(".")[0] for name in _names(_TEMPLATES) if name.endswith(".md")}
    return tuple(sorted(names))


def template_hash(profile: str, mode: AnswerMode) -> str:
    """Tells a profile's wording, all languages, from another; InvalidRequestError for an unknown profile."""
    texts = {language: _system(profile, mode, language) for language in LANGUAGES}
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:12]


def prompt(
    profile: str, mode: AnswerMode, language: str, question: str, hits: Sequence[Hit]
) -> list[Message]:
    """The messages of one question; source number i is `hits[i - 1]`."""
    spoken = language if language in LANGUAGES else LANGUAGES[0]
    sources = "\n".join(_source(number, hit) for number, hit in enumerate(hits, start=1))
    asked = _ASKED[spoken].format(question=question)
    return [Message("system", _system(profile, mode, spoken)), Message("user", f"{sources}\n\n{asked}")]


def answer_schema(sources: int) -> Mapping[str, object]:
    """The JSON schema of an answer that can cite these sources, 1 to `sources`, and no other."""
    sentence = {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "citations": {
                "type": "array",
                "items": {"type": "integer", "enum": list(range(1, sources + 1))},
                "minItems": 1,
                "maxItems": 3,
            },
            "quote": {"type": "string"},
        },
        "required": ["text", "citations", "quote"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "answerable": {"type": "boolean"},
            "sentences": {"type": "array", "items": sentence, "maxItems": 8},
        },
        "required": ["answerable", "sentences"],
        "additionalProperties": False,
    }


@lru_cache(maxsize=64)
def _system(profile: str, mode: AnswerMode, language: str) -> str:
    if profile not in profiles():
        raise InvalidRequestError(
            f"there is no profile {profile!r}; there are {', '.join(profiles())}", "profile"
        )
    rules = (_TEMPLATES / f"{profile}.{language}.md").read_text(encoding="utf-8").strip()
    return f"{rules}\n{(_TEMPLATES / 'modes' / f'{mode}.{language}.md').read_text(encoding='utf-8').strip()}"


def _source(number: int, hit: Hit) -> str:
    """A source between its delimiters; what looks like one inside it is broken up."""
    chunk = hit.chunk
    title = _plain(" > ".join((chunk.document.title, *chunk.section)))
    first, last = chunk.document.pages_of(Span(chunk.start, chunk.end))
    pages = "" if first is None else f' pages="{first}-{last}"'
    return f'<source number="{number}" title="{title}"{pages}>\n{_undelimited(chunk.text)}\n</source>'


def _undelimited(text: str) -> str:
    return _DELIMITER.sub("‹", text)


def _plain(title: str) -> str:
    return " ".join(_undelimited(title).replace('"', "'").split())


def _names(folder: Traversable) -> list[str]:
    return [item.name for item in folder.iterdir() if item.is_file()]
