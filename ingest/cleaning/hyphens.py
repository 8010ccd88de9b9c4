"""Whether a hyphen at the end of a line belongs to the word or to the line."""

import re
from functools import cached_property

_COMPOUND = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_TORN = re.compile(r"[^\W\d_]+[-\u2010][ \t]*\n\s*[^\W\d_]+")
_LEFT = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)[-\u2010]$")
_RIGHT = re.compile(r"[^\W\d_]+")
_MIN_WORD = 4


class Hyphens:
    """What the rest of the document tells of its words; read only when a hyphen asks."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _compounds(self) -> set[str]:
        return {match.group().lower() for match in _COMPOUND.finditer(self._text)}

    @cached_property
    def _words(self) -> set[str]:
        whole = _TORN.sub("\n", self._text)
        return {match.group().lower() for match in _WORD.finditer(whole)}

    def is_only_of_the_line(self, before: str, line: str) -> bool:
        """Whether the word goes on without the hyphen: lower case on both sides, and no known compound."""
        left, right = _LEFT.search(before), _RIGHT.match(line)
        if not left or not right or not left[1][-1].islower() or not right.group()[0].islower():
            return False
        first, second = left[1].lower(), right.group().lower()
        if f"{first}-{second}" in self._compounds or "-" in first:
            return False
        if f"{first}{second}" in self._words:
            return True
        # "long-term": both halves are words of the document, the whole is not. "com-munication": one is none.
        are_words = first in self._words and second in self._words
        return not (are_words and min(len(first), len(second)) >= _MIN_WORD)
