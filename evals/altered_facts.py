"""A sentence with exactly one of its facts altered, so that the text it was taken from bears it out no more.

Used to train the support head on train documents and to measure it on held-out ones. What is altered is found
by its form alone, so a few altered sentences are odd or, by chance, still true.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from evals.altered_names import names
from evals.altered_numbers import dates, numbers, units
from evals.altered_words import Edit, denials, opposites


class AlterationKind(StrEnum):
    """Which kind of fact was altered."""

    NUMBER = "number"
    UNIT = "unit"
    DATE = "date"
    NAME = "name"
    NEGATION = "negation"
    DIRECTION = "direction"


@dataclass(frozen=True, slots=True)
class Alteration:
    """The sentence after the change of one fact."""

    kind: AlterationKind
    text: str


# How often each is tried first, where a sentence has several: names and denials are in nearly all of them.
_WEIGHTS = {
    AlterationKind.NUMBER: 6,
    AlterationKind.UNIT: 6,
    AlterationKind.DATE: 6,
    AlterationKind.NAME: 4,
    AlterationKind.NEGATION: 2,
    AlterationKind.DIRECTION: 3,
}


def altered(
    sentence: str, language: str, others: Sequence[str], random_source: random.Random
) -> Alteration | None:
    """The sentence with one fact altered; None where there is nothing to alter.

    `language` is "en" or "zh". `others` are the texts it stands among (its passage, its document): a name is
    swapped with one of theirs, a number with one of theirs or with another. Which fact and how is drawn from
    `random_source` alone. The result stands in none of `others`.
    """
    around = [text.casefold() for text in others]
    for kind in _in_random_order(random_source):
        edits = list(_edits(kind, sentence, language, others, random_source))
        random_source.shuffle(edits)
        for edit in edits:
            text = edit.of(sentence)
            if text != sentence and not any(text.casefold() in other for other in around):
                return Alteration(kind, text)
    return None


def _in_random_order(random_source: random.Random) -> list[AlterationKind]:
    return sorted(_WEIGHTS, key=lambda kind: random_source.random() ** (1 / _WEIGHTS[kind]), reverse=True)


def _edits(
    kind: AlterationKind, sentence: str, language: str, others: Sequence[str], source: random.Random
) -> Sequence[Edit]:
    match kind:
        case AlterationKind.NUMBER:
            return list(numbers(sentence, language, others, source))
        case AlterationKind.DATE:
            return list(dates(sentence, language, others, source))
        case AlterationKind.UNIT:
            return list(units(sentence, language, source))
        case AlterationKind.NAME:
            return list(names(sentence, language, others, source))
        case AlterationKind.NEGATION:
            return list(denials(sentence, language))
        case AlterationKind.DIRECTION:
            return list(opposites(sentence, language))
