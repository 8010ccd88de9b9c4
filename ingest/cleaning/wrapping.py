"""Lines that only the width of a page broke are joined again into paragraphs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.cleaning.hyphens import Hyphens
from ingest.cleaning.offsets import Edit

_CHINESE = (
    "\u2e80-\u2fdf\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6"
    "\U00020000-\U0003ffff"
)
_WIDE = re.compile(f"[{_CHINESE}\uac00-\ud7af]")
_IS_CHINESE = re.compile(f"[{_CHINESE}]")

# Starts that end the paragraph before them wherever they stand: bullets, Chinese items, rules of a table.
_FIRM_START = re.compile(
    r"[-*+•‣◦▪●○■□➢✓·–—＊]\s|[（(][一二三四五六七八九十]{1,3}[)）]|[一二三四五六七八九十]{1,3}[、．.]|#{1,6}\s|[|>]"
)
# Starts that may as well be the middle of a sentence: "as set out in / Section 5", "under / (a) or (b)".
_WEAK_START = re.compile(
    r"\(?(?:\d{1,3}|[A-Za-z]|[ivxlcIVXLC]{1,5})[.)]\s|\d{1,2}(?:\.\d{1,2}){1,3}\.?\s"
    r"|第[零〇一二三四五六七八九十百千\d]{1,8}[编章节条款]"
    r"|(?:ARTICLE|SECTION|CHAPTER|SCHEDULE|EXHIBIT|APPENDIX|ANNEX|PART|Article|Section|Chapter|Schedule|Exhibit"
    r"|Appendix|Annex|Clause|Part)\s+[\dIVXLCA-H]"
)
_COLUMN_GAP = re.compile(r"(?<=\S)(?: {3,}|\t+)(?=\S)")
_NUMBERS = re.compile(r"[\d\s.,:%()$€£¥+\-–—/]+")
_ENDED = re.compile(r"[.!?:;。！？：；…][\"'”’」』）)\]]*$")
_CLOSING = re.compile(r"[,.;:!?)\]}»”’，。；：、！？）】》」』]")
_AFTER_ITEM = re.compile(r"(?:[,;:，；：、]|\b(?:and|or))$")

_FULL_SHARE = 0.75
_FULL_SHARE_AFTER_STOP = 0.85
_FULL_SHARE_CHINESE = 0.9
_QUANTILE = 0.8
_MIN_LINES = 3
_MIN_WRAP_WIDTH = 25  # no column is narrower
_MAX_WRAP_WIDTH = 250  # no page is wider, in columns: such lines are whole paragraphs
_WINDOW_LINES = 80
_MIN_SHARE_BEFORE_LOWER_CASE = 0.4


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    content: str
    is_heading: bool

    @property
    def width(self) -> int:
        """In columns: a Chinese character takes two."""
        if self.content.isascii():
            return len(self.content)
        return len(self.content) + len(_WIDE.findall(self.content))


def joined_lines(text: str, heading_starts: set[int], window_starts: Sequence[int]) -> Iterator[Edit]:
    """Edits that join wrapped lines, in order.

    `heading_starts` are offsets of lines that stay alone; `window_starts` are offsets at which the width
    of the page may change (pages), ascending, empty where the text has no pages.
    """
    hyphens = Hyphens(text)
    for window in _windows(_lines(text, heading_starts), window_starts):
        full = _full_width(window)
        for before, line in pairwise(window):
            if before.content and line.content and _continues(before, line, full):
                end_of_content = before.start + len(before.content)
                yield _joint(before, line, end_of_content, hyphens)


def _lines(text: str, heading_starts: set[int]) -> list[_Line]:
    """Every line without its outer blanks, empty ones included."""
    lines: list[_Line] = []
    offset = 0
    for raw in text.split("\n"):
        content = raw.strip()
        indent = len(raw) - len(raw.lstrip()) if content else 0
        lines.append(_Line(offset + indent, content, offset in heading_starts))
        offset += len(raw) + 1
    return lines


def _windows(lines: list[_Line], starts: Sequence[int]) -> Iterator[list[_Line]]:
    """Stretches of one page width, each with the first line of the next: paragraphs run over pages."""
    cuts = [0]
    pending = list(starts)[1:]
    for number, line in enumerate(lines):
        if pending and line.start >= pending[0]:
            cuts.append(number)
            while pending and line.start >= pending[0]:
                pending.pop(0)
        elif not starts and number - cuts[-1] >= _WINDOW_LINES:
            cuts.append(number)
    for first, last in zip(cuts, [*cuts[1:], len(lines)], strict=True):
        yield lines[first : last + 1]


def _full_width(lines: Sequence[_Line]) -> int:
    """The width of a full line in columns; 0 where the lines are not wrapped."""
    widths = sorted(line.width for line in lines if line.content)
    if len(widths) < _MIN_LINES:
        return 0
    width = widths[int(_QUANTILE * (len(widths) - 1))]
    return width if _MIN_WRAP_WIDTH <= width <= _MAX_WRAP_WIDTH else 0


def _continues(before: _Line, line: _Line, full: int) -> bool:
    """Whether a line goes on with the paragraph of the line before it."""
    if before.is_heading or line.is_heading or not full or _FIRM_START.match(line.content):
        return False
    if _is_table_row(before.content) or _is_table_row(line.content):
        return False
    if _CLOSING.match(line.content) or _is_hyphenated(before.content, line.content):
        return True
    is_ended = _ENDED.search(before.content) is not None
    is_full = before.width >= full * _needed_share(before.content, is_ended=is_ended)
    if _WEAK_START.match(line.content):
        return is_full and not is_ended and not _AFTER_ITEM.search(before.content)
    goes_on = line.content[0].islower() and not is_ended
    is_item = _FIRM_START.match(before.content) is not None
    return is_full or (goes_on and (is_item or before.width >= full * _MIN_SHARE_BEFORE_LOWER_CASE))


def _is_hyphenated(before: str, line: str) -> bool:
    """Whether a line ends with a hyphen inside what looks like a word."""
    return before[-1] in "-\u2010" and before[-2:-1].isalnum() and line[0].isalnum()


def _is_table_row(content: str) -> bool:
    """Cells apart by bars or, twice, by gaps; or nothing but numbers."""
    if " | " in content or _NUMBERS.fullmatch(content):
        return True
    return len(content) <= _MAX_WRAP_WIDTH and len(_COLUMN_GAP.findall(content)) > 1


def _needed_share(content: str, *, is_ended: bool) -> float:
    if _IS_CHINESE.match(content[-1]):
        return _FULL_SHARE_CHINESE
    return _FULL_SHARE_AFTER_STOP if is_ended else _FULL_SHARE


def _joint(before: _Line, line: _Line, end: int, hyphens: Hyphens) -> Edit:
    last, first = before.content[-1], line.content[0]
    if _is_hyphenated(before.content, line.content):
        drop = hyphens.is_only_of_the_line(before.content, line.content)
        return Edit(end - drop, line.start, "")
    is_tight = _IS_CHINESE.match(last) or _IS_CHINESE.match(first) or _CLOSING.match(first)
    return Edit(end, line.start, "" if is_tight else " ")
