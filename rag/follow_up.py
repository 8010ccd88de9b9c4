"""A follow-up question becomes one that can be understood, and searched for, by itself."""

import re
from collections.abc import Sequence

from rag.domain import Question
from rag.language import language_of

FEW = {"en": 3, "zh": 4}  # words, or characters: "And in May?", "为什么？"
LONGEST = 4_000  # characters, what a question may have

_POINTS_BACK = {
    "en": re.compile(
        r"\b(?:it|its|they|them|their|this|that|these|those|he|she|his|her|him|there|then|one|ones|such|same|"
        r"former|latter|else|instead|also|too|what about|how about)\b",
        re.IGNORECASE,
    ),
    "zh": re.compile(r"[它他她这那其此该]|上述|前者|后者|同样|还有|呢[？?]?$"),
}


def pointed_back_to(question: str, earlier: Sequence[str]) -> str:
    """The last earlier question that stands by itself, where this one points back or says little; else "".

    `earlier` are the questions asked before, oldest first. Nothing is invented: the words are the user's own.
    """
    if not earlier or not _needs_what_was_before(question):
        return ""
    whole = [text for text in earlier if not _needs_what_was_before(text)] or list(earlier)
    return whole[-1]


def standalone(question: str, earlier: Sequence[str]) -> str:
    """The question, after the earlier one that it points back to."""
    return _joined(pointed_back_to(question, earlier), question)


def in_full(asked: Question) -> str:
    """A question after what it points back to, as it is searched for."""
    return _joined(asked.before, asked.text)


def without_pointers(question: str) -> str:
    """A question without the words that only point back."""
    return _POINTS_BACK.get(language_of(question), _POINTS_BACK["en"]).sub(" ", question)


def _needs_what_was_before(question: str) -> bool:
    language = language_of(question)
    pattern = _POINTS_BACK.get(language, _POINTS_BACK["en"])
    said = (
        [character for character in question if character.isalnum()] if language == "zh" else question.split()
    )
    return bool(pattern.search(question)) or len(said) <= FEW.get(language, FEW["en"])


def _joined(before: str, question: str) -> str:
    return f"{before}\n{question}"[-LONGEST:] if before else question
