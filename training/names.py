"""What a text speaks of that could be exchanged for another of its kind: names, years, numbers, months."""

import re
from dataclasses import dataclass
from functools import lru_cache

from evals.chinese_classes import word_classes

MONTHS = (
    "January", "February", "March", "April", "June", "July", "August",
    "September", "October", "November", "December",
)  # fmt: skip
"""Without May, which is a verb too."""

_YEAR = r"(?<![\d.,])(?:1[0-9]{3}|20[0-2][0-9])(?![\d,]|\.\d|%)"
_NUMBER = r"(?<![\w.,])\d{1,3}(?:,\d{3})*(?:\.\d+)?(?![\w,]|\.\d)"
_LINKS = r"(?: (?:of|of the|de|von|van|du|la|der))?"
_WORD = r"[A-Z][\w’\-]*"
_ENGLISH = re.compile(
    rf"(?P<year>{_YEAR})|(?P<month>\b(?:{'|'.join(MONTHS)})\b)|(?P<number>{_NUMBER})"
    rf"|(?P<name>\b{_WORD}(?:{_LINKS} {_WORD})*)"
)
_CHINESE = re.compile(
    r"(?P<title>《[^《》\n]{1,30}》)|(?P<year>(?<!\d)\d{3,4}(?=年))|(?P<number>(?<![\d.])\d+(?:\.\d+)?(?![\d.]))"
    r"|(?P<latin>[A-Za-z][A-Za-zÀ-ɏ0-9.\-]*(?: [A-Za-zÀ-ɏ0-9][A-Za-zÀ-ɏ0-9.\-]*)*)"
    r"|(?P<foreign>[\u4e00-\u9fff]{1,5}(?:[·•‧][\u4e00-\u9fff]{1,6})+)"
)
_FLAGS = {"nr": "person", "nrt": "person", "nrfg": "person", "ns": "place", "nt": "body"}
_ADJECTIVE = re.compile(r"(?:ish|ese|ian|ean|can|lic|mic|nic|tic|wiss|ench|utch|rman)$")
_NO_NAMES = frozenset(
    """I A The This That These Those It He She They We You In On At By For From To Of And But Or If When Where
    What Which Who Whom Whose Why How As An Its His Her Their Our Your My Is Was Were Are Did Does Do Has Had
    Can Will During After Before While Since Although However Also There Then Thus Both Each Many Most Some
    According""".split()  # noqa: SIM905
)
_BEGINS_SENTENCE = re.compile(r"(?:^|[.!?:;\n\"“(]\s*)$")


@dataclass(frozen=True, slots=True)
class Name:
    """Words that may be exchanged for others of the same kind; `before`, `after`: the words beside them."""

    text: str
    kind: str
    before: str = ""
    after: str = ""


@lru_cache(maxsize=20_000)
def names(text: str, language: str) -> tuple[Name, ...]:
    """Every name, year and number once, in order of appearance; one that begins a sentence is left out."""
    found = _chinese(text) if language == "zh" else _english(text)
    return tuple(dict.fromkeys(found))


def _english(text: str) -> list[Name]:
    found = []
    for match in _ENGLISH.finditer(text):
        kind = match.lastgroup or ""
        word = match[0].removesuffix("’s")
        if kind == "name":
            if _BEGINS_SENTENCE.search(text[max(0, match.start() - 3) : match.start()]):
                continue
            if word.split()[0] in _NO_NAMES or len(word) < 3:
                continue
            kind = _shape(word)
        before = text[max(0, match.start() - 15) : match.start()].lower().split()
        after = text[match.end() : match.end() + 15].lower().split()
        found.append(Name(word, kind, before[-1] if before else "", after[0] if after else ""))
    return found


def _shape(word: str) -> str:
    """What can be told of a name by its form: `ABC`, `Islamic`, `Nikola Tesla`."""
    if word.isupper() or any(character.isdigit() for character in word):
        return "acronym"
    return "adjective" if " " not in word and _ADJECTIVE.search(word) else "name"


def _chinese(text: str) -> list[Name]:
    found = []
    taken: list[tuple[int, int]] = []
    for match in _CHINESE.finditer(text):
        taken.append(match.span())
        if len(match[0]) > 1 or match.lastgroup == "number":
            found.append(Name(match[0], match.lastgroup or ""))
    place = 0
    for word, flag in word_classes().cut(text, HMM=False):  # words that it guesses are often no names
        start, place = place, place + len(word)
        is_free = all(place <= first or last <= start for first, last in taken)
        if is_free and flag in _FLAGS and len(word) > 1:
            found.append(Name(word, _FLAGS[flag]))
    return found
