"""A question with options goes to a language model; the letter in its completion becomes the record."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from string import Template, ascii_uppercase
from typing import TypeAlias

from evals.ask import blank
from evals.questions import EvalQuestion
from evals.records import Record
from rag.errors import InvalidRequestError
from rag.stopwatch import Stopwatch

Choose: TypeAlias = Callable[[str], str]
"""A language model: prompt in, completion out."""

_TEMPLATES = {"en": "choice.en.md", "zh": "choice.zh.md"}
_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
# What a model says it chose, its last word on it: "the answer is (B)", "答案：B", "故选B".
_STATED = re.compile(
    r"(?i:answer|choose|答案|选择|選擇|[应應故]?[选選])\s*(?i:is|option|应?是|[为為])?\s*:?"
    r"[\s(\[{*_`\"'“‘<]*(?P<letter>[A-Z])(?![A-Za-z])(?! [a-z])"
)
_ALONE = re.compile(r"[\s(\[*_`\"']*(?P<letter>[A-Za-z])[\s)\].:,*_`\"'。、]*")
# A letter that stands by itself, unless it is an article or a pronoun: "A patient", "I think".
_STANDING = re.compile(r"(?<![A-Za-z\d'’])(?P<letter>[A-Z])(?![A-Za-z\d'’])(?!(?<=[AI]) [a-z])")


def configured_chooser() -> Choose:
    """The language model in force; InvalidRequestError, for no generator there is can choose."""
    raise InvalidRequestError(
        "choice suites need a language model: the extractive generator quotes sentences and picks no letter. "
        "Leave these suites out, or pass a model of your own to evals.choose.choose",
        "suite",
    )


def choose(asked: EvalQuestion, chooser: Choose) -> Record:
    """The record of a choice; where the completion names no option, nothing is predicted: an abstention."""
    watch = Stopwatch()
    with watch.stage("generate"):
        completion = chooser(prompt_of(asked))
    predicted = letter_of(completion, asked.choices)
    return replace(
        blank(asked),
        status="answered" if predicted else "abstained",
        reason="" if predicted else "no_option_named",
        answer=completion,
        predicted=predicted,
        timings_ms=watch.milliseconds(),
    )


def prompt_of(asked: EvalQuestion) -> str:
    """The template of the question's language, filled in; options are lettered from A in their order."""
    if not 2 <= len(asked.choices) <= len(ascii_uppercase):
        message = f"question {asked.id} has {len(asked.choices)} options; give it 2 to 26"
        raise InvalidRequestError(message, "choices")
    passages = "".join(
        f"[{number}] {passage.title}\n{passage.text}\n\n"
        for number, passage in enumerate(asked.passages, start=1)
    )
    choices = "\n".join(
        f"{letter}. {choice}" for letter, choice in zip(ascii_uppercase, asked.choices, strict=False)
    )
    return _template(asked.language).substitute(passages=passages, question=asked.text, choices=choices)


def prompt_hash() -> str:
    """The sha256 over all templates: another one means another measurement."""
    texts = (_template_text(language) for language in sorted(_TEMPLATES))
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def letter_of(completion: str, choices: Sequence[str]) -> str:
    """The letter of the option that a completion names; "" where it names none, several or another."""
    said = unicodedata.normalize("NFKC", _THOUGHTS.sub("", completion)).strip()
    offered = ascii_uppercase[: len(choices)]
    if alone := _ALONE.fullmatch(said):
        letter = alone["letter"].upper()
    elif stated := [found["letter"] for found in _STATED.finditer(said)]:
        letter = stated[-1]
    else:
        letter = _only_letter(said, choices)
    return letter if letter and letter in offered else ""


def _only_letter(said: str, choices: Sequence[str]) -> str:
    """The option whose wording is all that was said, else the one letter that stands by itself."""
    bare = said.strip(" .。*\"'").casefold()
    for letter, choice in zip(ascii_uppercase, choices, strict=False):
        if bare == unicodedata.normalize("NFKC", choice).strip(" .。").casefold():
            return letter
    standing = {found["letter"] for found in _STANDING.finditer(said)}
    return standing.pop() if len(standing) == 1 else ""


def _template(language: str) -> Template:
    return Template(_template_text(language if language in _TEMPLATES else "en"))


def _template_text(language: str) -> str:
    return files("evals").joinpath("templates", _TEMPLATES[language]).read_text(encoding="utf-8")
