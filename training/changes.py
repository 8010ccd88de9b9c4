"""An exchange of words that makes a question and its passage speak of different things."""

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rag.domain import Span
from training.names import MONTHS, Name, names
from training.opposites import opposites

_CANDIDATES_WEIGHED = 4


@dataclass(frozen=True, slots=True)
class Change:
    """What is put in the place of what."""

    old: str
    new: str
    is_swap: bool

    def in_question(self, question: str) -> str:
        """The question with its first occurrence exchanged."""
        return replaced(question, places(self.old, question)[:1], self.new)


def places(words: str, text: str) -> list[Span]:
    """Where words stand in a text, as they are written and not within a longer word."""
    pattern = r"(?<![不未没沒非])" + re.escape(words)  # 从未使用 is no 使用
    if words[:1].isascii() and words[:1].isalnum():
        pattern = r"(?<![A-Za-z0-9])" + pattern
    if words[-1:].isascii() and words[-1:].isalnum():
        pattern += r"(?![A-Za-z0-9])(?!\.\d)"
    return [Span(*found.span()) for found in re.finditer(pattern, text)]


def replaced(text: str, found: Iterable[Span], new: str) -> str:
    """The text with other words at these places."""
    for span in sorted(found, key=lambda item: -item.start):
        text = text[: span.start] + new + text[span.end :]
    return text


def swaps(
    question: str, texts: Iterable[str], language: str, random_source: random.Random
) -> Iterator[Change]:
    """The names and numbers of a question, each with one of the same kind from the texts, shuffled."""
    asked = list(names(question, language))
    random_source.shuffle(asked)
    others = [name for text in texts for name in names(text, language)]
    for name in asked:
        best = sorted(
            (other for other in dict.fromkeys(others) if _may_replace(other, name, question)),
            key=lambda other: _unlikeness(other, name),
        )
        if name.kind == "month":
            best = [Name(month, "month") for month in MONTHS if month != name.text]
        elif not best and name.kind == "year":
            best = [Name(str(int(name.text) + random_source.choice((-9, -4, -2, 1, 3, 7))), "year")]
        if best:
            new = random_source.choice(best[:_CANDIDATES_WEIGHED]).text
            yield Change(name.text, new, is_swap=True)


def _may_replace(other: Name, name: Name, question: str) -> bool:
    """Whether it is of the same kind and cannot be another way to write the same."""
    if other.kind != name.kind or other.text in question or name.text in other.text:
        return False
    if other.kind in {"name", "adjective"}:
        words, other_words = set(name.text.lower().split()), set(other.text.lower().split())
        return not words & other_words and abs(len(words) - len(other_words)) <= 1
    return True


def _unlikeness(other: Name, name: Name) -> tuple[int, int]:
    """Small where the same words stand beside both (`in Warsaw`, `in Paris`) and the lengths are alike."""
    beside = (other.before != name.before) + (other.after != name.after)
    return beside, abs(len(other.text) - len(name.text)) // 3


def reversals(question: str, language: str, random_source: random.Random) -> list[Change]:
    """The words of a question that have an opposite, shuffled.

    Its verb is not negated: the passage can seldom follow, and of the questions with a "n't" that were made
    so, 88 % had no answer, of all 46 %.
    """
    found = [
        Change(word, opposite, is_swap=False)
        for word, opposite in opposites(question, language).items()
        if places(word, question) and not places(opposite, question)
    ]
    random_source.shuffle(found)
    return found
