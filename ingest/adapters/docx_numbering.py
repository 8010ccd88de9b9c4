"""The numbers that Word shows before paragraphs ("3.2", "(a)", "第三条") but stores only as definitions."""

from collections.abc import Callable
from dataclasses import dataclass, field

from docx.oxml.ns import qn
from lxml import etree

_CHINESE_DIGITS = "零一二三四五六七八九"
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
_ROMAN_UNITS = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_LEVELS = 9


@dataclass(frozen=True, slots=True)
class Label:
    """What stands before a paragraph: its text, the depth of its level from 0, and whether it is a bullet."""

    text: str
    depth: int
    is_bullet: bool


@dataclass(frozen=True, slots=True)
class _Level:
    start: int
    form: str
    pattern: str


@dataclass
class Numbering:
    """Counts the paragraphs of a document, read in order."""

    _lists: dict[str, str] = field(default_factory=dict)
    _levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    _counts: dict[str, list[int | None]] = field(default_factory=dict)

    @classmethod
    def of(cls, root: etree._Element | None) -> "Numbering":
        """From the root of the numbering part; without one nothing is numbered."""
        numbering = cls()
        if root is None:
            return numbering
        for abstract in root.iterchildren(qn("w:abstractNum")):
            levels = {
                _integer(level.get(qn("w:ilvl")), 0): _level(level) for level in abstract.iter(qn("w:lvl"))
            }
            numbering._levels[abstract.get(qn("w:abstractNumId"), "")] = levels
        for number in root.iterchildren(qn("w:num")):
            reference = number.find(qn("w:abstractNumId"))
            if reference is not None:
                numbering._lists[number.get(qn("w:numId"), "")] = reference.get(qn("w:val"), "")
        return numbering

    def next_label(self, list_id: str, depth: int) -> Label | None:
        """The label of the next paragraph of a list at a depth; None where the list numbers nothing."""
        abstract = self._lists.get(list_id, "")
        levels = self._levels.get(abstract, {})
        level = levels.get(depth)
        if level is None or level.form == "none":
            return None
        if level.form == "bullet":
            return Label("-", depth, is_bullet=True)
        counts = self._counts.setdefault(abstract, [None] * _LEVELS)
        current = counts[depth]
        counts[depth] = level.start if current is None else current + 1
        counts[depth + 1 :] = [None] * (_LEVELS - depth - 1)
        return Label(_filled(level.pattern, levels, counts), depth, is_bullet=False)


def _level(element: etree._Element) -> _Level:
    return _Level(
        start=_integer(_value(element, "w:start"), 1),
        form=_value(element, "w:numFmt") or "decimal",
        pattern=_value(element, "w:lvlText") or "",
    )


def _value(element: etree._Element, name: str) -> str | None:
    child = element.find(qn(name))
    return None if child is None else child.get(qn("w:val"))


def _integer(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default


def _filled(pattern: str, levels: dict[int, _Level], counts: list[int | None]) -> str:
    for depth in range(_LEVELS):
        level = levels.get(depth)
        if level is not None and f"%{depth + 1}" in pattern:
            number = counts[depth] if counts[depth] is not None else level.start
            pattern = pattern.replace(f"%{depth + 1}", _FORMS.get(level.form, str)(number or 0))
    return pattern.strip()


def _letters(number: int) -> str:
    """1 is "a", 27 is "aa", 28 is "bb", as Word counts."""
    return chr(ord("a") + (number - 1) % 26) * min(1 + (number - 1) // 26, 10) if number > 0 else "0"


def _roman(number: int) -> str:
    number = min(number, 3999)
    text = ""
    for value, letters in (*_ROMAN, *_ROMAN_UNITS):
        text += letters * (number // value)
        number %= value
    return text


def _chinese(number: int) -> str:
    """Up to 9999: 10 is "十", 15 "十五", 105 "一百零五"."""
    text, is_gap = "", False
    for value, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number % 10_000, value)
        if digit:
            text += ("零" if is_gap and text else "") + _CHINESE_DIGITS[digit] + unit
        is_gap = not digit
    return text.removeprefix("一") if text.startswith("一十") else text or "零"


_FORMS: dict[str, Callable[[int], str]] = {
    "lowerLetter": _letters,
    "upperLetter": lambda number: _letters(number).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "chineseCounting": _chinese,
    "chineseCountingThousand": _chinese,
    "japaneseCounting": _chinese,
    "taiwaneseCountingThousand": _chinese,
    "decimalZero": lambda number: f"{number:02}",
}
