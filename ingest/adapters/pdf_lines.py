"""The text of a PDF page by line, with the geometry that tells paragraphs and headings."""

import ctypes
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import pypdfium2 as pdfium

# pdfium puts U+FFFE (older versions U+0002) where it took a hyphen and a line break out.
_LINE = re.compile("(?P<text>[^\r\n\ufffe\x02]*)(?P<end>\r\n|[\r\n\ufffe\x02]|$)")
_ITEM = re.compile(r"[-*•‣◦▪●○■□➢✓·–—]|[(（]?\w{1,3}[.)）、]|[\d.]{1,8}\s")
_HYPHENS = ("\ufffe", "\x02")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; `size` of its font, `left`, `right`, `bottom`, `top` in points, all 0 where unknown."""

    text: str
    size: float = 0.0
    left: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    top: float = 0.0

    @property
    def is_placed(self) -> bool:
        """Whether its geometry is known."""
        return self.top > self.bottom


def lines_of(page: pdfium.PdfTextPage) -> list[Line]:
    """The lines that hold text, in pdfium's reading order; what stands on one visual line is one line."""
    text = page.get_text_range()
    # Rarely pdfium inserts or leaves out characters: then an index of the text names another character.
    has_geometry = len(text) == page.count_chars()
    lines: list[Line] = []
    for match in _LINE.finditer(text):
        content = match["text"].strip()
        if not content:
            continue
        hyphen = "-" if match["end"] in _HYPHENS else ""
        first = match.start() + len(match["text"]) - len(match["text"].lstrip())
        line = _placed(page, first, first + len(content) - 1) if has_geometry else Line("")
        line = replace(line, text=content + hyphen)
        if lines and _is_same_visual_line(lines[-1], line):
            lines[-1] = _merged(lines[-1], line)
        else:
            lines.append(line)
    return lines


def paragraph_breaks(lines: Sequence[Line]) -> set[int]:
    """Indexes of the lines before which the page shows a gap, an indent or another size of letters."""
    drops = [a.bottom - b.bottom for a, b in pairwise(lines) if _is_below(a, b)]
    pitch = median(drops) if drops else 0.0
    breaks: set[int] = set()
    for index in range(1, len(lines)):
        before, line = lines[index - 1], lines[index]
        if not _is_below(before, line):
            continue
        after = lines[index + 1] if index + 1 < len(lines) else None
        is_gap = before.bottom - line.bottom > 1.35 * max(pitch, line.size, before.size * 1.1)
        is_resized = abs(before.size - line.size) > 0.12 * before.size
        if is_gap or is_resized or _is_indented(before, line, after):
            breaks.add(index)
    return breaks


def _placed(page: pdfium.PdfTextPage, first: int, last: int) -> Line:
    left, bottom, _, top = page.get_charbox(first, loose=True)
    _, last_bottom, right, last_top = page.get_charbox(last, loose=True)
    size = float(pdfium.raw.FPDFText_GetFontSize(page, ctypes.c_int(first)))
    # The nominal size is scaled by the text's matrix: the box of a character says how large it is shown.
    shown = size if 0.5 < size / max(top - bottom, 0.01) < 2 else top - bottom
    return Line("", shown, left, right, min(bottom, last_bottom), max(top, last_top))


def _is_below(before: Line, line: Line) -> bool:
    return before.is_placed and line.is_placed and before.bottom - line.bottom > 0.3 * line.size


def _is_same_visual_line(before: Line, line: Line) -> bool:
    """Whether a line goes on where the one before ended: pdfium parts them at a raised or lowered mark."""
    if not (before.is_placed and line.is_placed):
        return False
    overlap = min(before.top, line.top) - max(before.bottom, line.bottom)
    height = min(before.top - before.bottom, line.top - line.bottom)
    gap = line.left - before.right
    return overlap > 0.5 * height and -0.5 * line.size < gap < 0.6 * max(before.size, line.size)


def _merged(before: Line, line: Line) -> Line:
    gap = " " if line.left - before.right > 0.2 * line.size and not before.text.endswith(" ") else ""
    return Line(
        text=before.text + gap + line.text,
        size=max(before.size, line.size),
        left=before.left,
        right=line.right,
        bottom=min(before.bottom, line.bottom),
        top=max(before.top, line.top),
    )


def _is_indented(before: Line, line: Line, after: Line | None) -> bool:
    """Whether a line is set in as the first of a paragraph is: right of the lines before and after it."""
    if _ITEM.match(before.text):
        return False  # it goes on with the item of a list
    indent = line.left - before.left
    returns = after is None or not after.is_placed or line.left - after.left > 0.5 * line.size
    return 0.8 * line.size < indent < 6 * line.size and returns
