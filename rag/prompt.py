"""A question and its evidence as what a language model is told: rules, numbered sources, the question.

The rules are a profile's. How marks or JSON are asked for is the same in all of them and lies in `modes/`.
"""

import re
from collections.abc import Mapping, Sequence

from rag.completion import Message
from rag.decoding import AnswerMode
from rag.domain import Hit, Span
from rag.wording import Wording, hash_of, shipped, spoken

_ASKED = {"en": "Question: {question}", "zh": "问题：{question}"}


def template_hash(rules: Wording, mode: AnswerMode) -> str:
    """Tells what a language model is told beside question and evidence, all languages, from another."""
    return hash_of(rules, _way_of(mode))


def prompt(
    rules: Wording, mode: AnswerMode, language: str, question: str, hits: Sequence[Hit]
) -> list[Message]:
    """The messages of one question; source number i is `hits[i - 1]`."""
    told = spoken(language)
    system = f"{rules[told]}\n{_way_of(mode)[told]}"
    return [Message("system", system), Message("user", evidence_and_question(language, question, hits))]


def evidence_and_question(language: str, question: str, hits: Sequence[Hit]) -> str:
    """The sources, numbered from 1 and delimited, then the question."""
    sources = "\n".join(_source(number, hit) for number, hit in enumerate(hits, start=1))
    return f"{sources}\n\n{_ASKED[spoken(language)].format(question=question)}"


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


def _way_of(mode: AnswerMode) -> Wording:
    return shipped(f"modes/{mode}")


def _source(number: int, hit: Hit) -> str:
    """A source between its delimiters; what looks like one inside it is broken up."""
    chunk = hit.chunk
    title = _plain(" > ".join((chunk.document.title, *chunk.section)))
    first, last = chunk.document.pages_of(Span(chunk.start, chunk.end))
    pages = "" if first is None else f' pages="{first}-{last}"'
    return (
        f'<source number="{number}" title="{title}"{pages}>\n{undelimited(chunk.text, "source")}\n</source>'
    )


def undelimited(text: str, tag: str) -> str:
    """A text in which nothing can pass for the beginning or the end of what stands between these tags."""
    return re.sub(rf"<(?=\s*/?\s*{tag}\b)", "‹", text, flags=re.IGNORECASE)


def _plain(title: str) -> str:
    return " ".join(undelimited(title, "source").replace('"', "'").split())
