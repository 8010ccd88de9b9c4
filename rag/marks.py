"""What a model wrote becomes sentences with the numbers of the sources that each names."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langchain_core.utils.json import parse_partial_json

from rag.domain import Span
from rag.encodable import encodable
from rag.language import language_of
from rag.sentences import sentences

NO_ANSWER = 0  # as a source's number: the model says that the sources do not answer

_MARK = re.compile(r"\s*[\[【［](\s*\d{1,3}(?:\s*[,，、;；]\s*\d{1,3})*\s*)[\]】］]")
_NUMBER = re.compile(r"\d+")
# Some chat templates write the opening mark themselves.
_THOUGHT = re.compile(r"\A(?:(?!<think>).)*?</think>|<think>.*?(?:</think>|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class WrittenSentence:
    """A sentence as a model wrote it, without marks; `quote` has the words it says it rests on, or ""."""

    text: str
    sources: tuple[int, ...]
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """An answer as a model wrote it.

    `out_of_range` counts marks that named no source; `is_whole` is False where the end is missing, whose
    torn sentence is left out; `says_no_answer` where the model said that the sources do not answer.
    """

    sentences: tuple[WrittenSentence, ...]
    out_of_range: int = 0
    is_whole: bool = True
    says_no_answer: bool = False


def read_marks(text: str, sources: int, language: str, *, is_whole: bool = True) -> Written:
    """Read marks such as [1], [1, 3], 【1】 and ［１］; a mark belongs to the sentence before it."""
    plain, marks = _without_marks(_THOUGHT.sub("", encodable(text)))
    spans = sentences(plain, language)
    numbers: list[list[int]] = [[] for _ in spans]
    for place, found in marks:
        owner = _owner(spans, place)
        if owner is not None:
            numbers[owner] += found
    named = [number for _, found in marks for number in found]
    written = [
        WrittenSentence(span.of(plain), _in_range(own, sources))
        for span, own in zip(spans, numbers, strict=True)
    ]
    return Written(
        tuple(written if is_whole else written[:-1]),
        out_of_range=sum(not 0 <= number <= sources for number in named),
        is_whole=is_whole,
        says_no_answer=NO_ANSWER in named and not any(item.sources for item in written),
    )


def read_json(text: str, sources: int, *, is_whole: bool = True) -> Written:
    """Read an answer in the shape of `rag.prompt.answer_schema`; what does not fit that shape is left out.

    An item that holds several sentences becomes as many: each is checked by itself.
    """
    try:
        found = parse_partial_json(_THOUGHT.sub("", text).strip())
    except (ValueError, RecursionError):
        return Written((), is_whole=False)
    if not isinstance(found, dict):
        return Written((), is_whole=False)
    listed = found.get("sentences")
    items = listed if isinstance(listed, list) else []
    written = [one for item in (items if is_whole else items[:-1]) for one in _sentences(item, sources)]
    named = [number for item in items for number in _numbers(item)]
    return Written(
        tuple(written),
        out_of_range=sum(not 0 < number <= sources for number in named),
        is_whole=is_whole,
        says_no_answer=found.get("answerable") is False,
    )


def _without_marks(text: str) -> tuple[str, list[tuple[int, list[int]]]]:
    """The text without marks, and the numbers of each with its place in that text."""
    plain, last = "", 0
    marks: list[tuple[int, list[int]]] = []
    for mark in _MARK.finditer(text):
        plain += text[last : mark.start()]
        last = mark.end()
        digits = unicodedata.normalize("NFKC", mark[1])
        marks.append((len(plain), [int(number) for number in _NUMBER.findall(digits)]))
    return plain + text[last:], marks


def _owner(spans: Sequence[Span], place: int) -> int | None:
    """The last sentence that begins before a place, or the first where none does; None without sentences."""
    before = [i for i, span in enumerate(spans) if span.start < place]
    return before[-1] if before else 0 if spans else None


def _in_range(numbers: Sequence[int], sources: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys(number for number in numbers if 0 < number <= sources))


def _sentences(item: object, sources: int) -> Iterator[WrittenSentence]:
    """The sentences of an item, each with its sources and its quote; none where it has no text."""
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        return
    plain, _ = _without_marks(encodable(item["text"]))
    text = " ".join(plain.split())
    quote = item.get("quote")
    quoted = encodable(quote) if isinstance(quote, str) else ""
    for span in sentences(text, language_of(text)):
        yield WrittenSentence(span.of(text), _in_range(_numbers(item), sources), quoted)


def _numbers(item: object) -> list[int]:
    listed = item.get("citations") if isinstance(item, dict) else None
    return [number for number in listed if type(number) is int] if isinstance(listed, list) else []
