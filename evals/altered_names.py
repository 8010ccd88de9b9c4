"""Names of a sentence, and others of the same shape from the texts around it."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evals.altered_words import Edit
from evals.chinese_classes import word_classes

_NAME = re.compile(r"(?<![\w'’-])[A-Z][\w'’-]*(?: (?:of (?:the )?|de |van )?[A-Z][\w'’-]*)*")
_QUOTED_TITLE = re.compile(r"《[^《》]{2,20}》")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9-]+")
_NO_NAMES = frozenset(
    """a an and any as at both but by each every for from he her his however i if in it its many most no
    not of on one or our she some such that the their then there these they this those to under unless
    upon we what when where which while who with you your i'm yes all are is was were be may shall
    section article exhibit schedule can do does january february march april june july august september
    october november december monday tuesday wednesday thursday friday saturday sunday mr mrs ms dr
    purpose background objective objectives aim aims methods results conclusion conclusions findings
    interpretation introduction importance observations""".split()  # noqa: SIM905
)
_CHINESE_NAMES = frozenset({"nr", "ns", "nt", "nrt", "nrfg"})
_NO_CHINESE_NAMES = frozenset({"中国", "中國", "人民", "中华", "中华人民共和国"})
_SHOUTED = 0.5  # share of capitals from which on a sentence is a heading or a clause in capitals


@dataclass(frozen=True, slots=True)
class _Name:
    start: int
    text: str
    shape: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def names(sentence: str, language: str, others: Sequence[str], source: random.Random) -> Iterator[Edit]:
    """Every name, changed to one of the same shape that stands in `others` but not in the sentence."""
    own = _names_of(sentence, language)
    pool: dict[str, set[str]] = {}
    for text in others:
        for name in _names_of(text, language):
            pool.setdefault(name.shape, set()).add(name.text)
    folded = sentence.casefold()
    for name in own:
        alike = [
            other
            for other in sorted(pool.get(name.shape, ()))
            if _is_another(other, name.text, folded, language)
        ]
        if alike:
            yield Edit(name.start, name.end, source.choice(alike))


def _is_another(other: str, name: str, sentence: str, language: str) -> bool:
    if language == "zh":
        return not (set(other) & set(name)) - set("《》") and other not in sentence
    return not any(word in sentence for word in other.casefold().split() if len(word) > 2)


@lru_cache(maxsize=4_096)
def _names_of(text: str, language: str) -> tuple[_Name, ...]:
    return tuple(_chinese_names(text) if language == "zh" else _latin_names(text))


def _latin_names(text: str) -> Iterator[_Name]:
    """Capitalised words that are not so for opening a sentence, and words in capitals."""
    letters = [character for character in text if character.isalpha()]
    if sum(character.isupper() for character in letters) > _SHOUTED * len(letters):
        return
    for found in _NAME.finditer(text):
        words = found[0].split(" ")
        start = found.start()
        while words and words[0].casefold() in _NO_NAMES:
            start += len(words[0]) + 1
            words = words[1:]
        if (
            not words
            or len(words[0]) < 2
            or any(word.casefold() in _NO_NAMES - {"of", "the"} for word in words)
        ):
            continue
        name = re.sub(r"['’]s?$", "", " ".join(words))
        if _opens_sentence(text, start) and len(words) == 1 and not _has_inner_capital(name):
            continue
        yield _Name(start, name, _shape(name))


def _opens_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \"'“‘(")
    return not before or before[-1] in ".!?:;\n•*-–)" or text[:start].endswith("\n")


def _has_inner_capital(name: str) -> bool:
    return any(character.isupper() or character.isdigit() for character in name[1:])


def _shape(name: str) -> str:
    words = name.split(" ")
    kind = (
        "acronym" if name.isupper() else "mixed" if len(words) == 1 and _has_inner_capital(name) else "name"
    )
    return f"{kind}-{min(len(words), 3)}"


def _chinese_names(text: str) -> Iterator[_Name]:
    """Persons, places and organisations as jieba's dictionary tags them, titles in 《》, Latin words."""
    place = 0
    for pair in word_classes().cut(text, HMM=False):
        word = str(pair.word)
        if pair.flag in _CHINESE_NAMES and len(word) > 1 and word not in _NO_CHINESE_NAMES:
            yield _Name(place, word, f"{pair.flag[:2]}-{min(len(word), 4)}")
        place += len(word)
    for found in _QUOTED_TITLE.finditer(text):
        yield _Name(found.start(), found[0], "title")
    for found in _LATIN.finditer(text):
        yield _Name(found.start(), found[0], f"latin-{found[0].isupper()}")
