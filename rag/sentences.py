"""A canonical text becomes the spans of its sentences, English or Chinese."""

import re
from collections.abc import Iterator

import sentencex

from rag.domain import Span

_LINE = re.compile(r"\S[^\n]*")
_CLOSERS = re.compile(r"[”’』」）》】〕\])]+|[\"'](?=\s|$)")
_CHINESE_STOP = re.compile(r"[。！？；]+[”’』」）》】〕]*")
_QUOTES_AND_BRACKETS = str.maketrans(dict.fromkeys('"“”„«»‘’()[]（）「」『』', " "))

# sentencex 1.0.32 panics at a capital, such a blank and a full stop: "A\u00a0."
_OTHER_BLANKS = {code: " " for code in range(0x80, 0x3001) if chr(code).isspace()}

# A numbering that sentencex cuts off from what it numbers: "1.", "2.3.", "(a).", "IV.", "Section 3.2."
_NUMBERING = re.compile(
    r"(?:(?:section|article|clause|schedule|exhibit|appendix|annex|chapter|part|item|sec\.|art\.|no\.|§+)\s*)?"
    r"\(?(?:\d{1,4}(?:\.\d{1,4})*|[a-z]|[ivxlc]{1,6})\)?[.)．、]?",
    re.IGNORECASE,
)

# sentencex 1.0.32 does not end a sentence in a line that starts with "(b)": such brackets are hidden from it.
_BRACKETED_ITEM = re.compile(r"\((\w{1,4})\)")

# sentencex takes what stands between two straight quotes for one sentence: after one odd quotation mark
# all text between quotations is glued (5,038 characters in a contract). In longer ones quotes are hidden.
_SUSPICIOUSLY_LONG = 400

# sentencex takes quadratic time where quotation marks open and never close: 114 s for 300,000 characters.
_WINDOW = 2_000


def sentences(text: str, language: str) -> list[Span]:
    """Spans of the sentences in order: trimmed, not empty, disjoint, covering every non-space character.

    A line break always ends a sentence, for cleaning has joined wrapped lines. `language` is "en" or
    "zh"; in Chinese a full-width semicolon ends one too, as the items of a statute do.
    """
    spans: list[Span] = []
    for line in _LINE.finditer(text):
        content = line.group().rstrip()
        ends = _with_closing_marks(content, _ends(content, language))
        spans.extend(_trimmed(content, line.start(), _without_torn_numbering(content, ends)))
    return spans


def _ends(line: str, language: str) -> list[int]:
    """Where sentences of one line end, ascending; the last is the length of the line."""
    ends: set[int] = {len(line)}
    if language == "zh":
        ends.update(match.end() for match in _CHINESE_STOP.finditer(line) if not _is_enclosed(line, match))
    start = 0
    for end in _boundaries(_BRACKETED_ITEM.sub(r" \1 ", line), language):
        ends.add(end)
        if end - start > _SUSPICIOUSLY_LONG:
            hidden = line[start:end].translate(_QUOTES_AND_BRACKETS)
            ends.update(start + inner for inner in _boundaries(hidden, language))
        start = end
    return sorted(ends)


def _boundaries(line: str, language: str) -> list[int]:
    """Where sentencex ends sentences, before the blanks that follow: a blank may stand for a hidden mark."""
    ends: list[int] = []
    start = 0
    while start < len(line):
        window = line[start : start + _WINDOW]
        found = [
            start + boundary["start_index"] + len(boundary["text"].rstrip())
            for boundary in sentencex.get_sentence_boundaries(language, window.translate(_OTHER_BLANKS))
        ]
        if start + len(window) < len(line):
            # The last one only ends the window: what it cut is read again in the next.
            found = [end for end in found[:-1] if end > start]
            start = found[-1] if found else start + len(window)
        else:
            start = len(line)
        ends.extend(found)
    return [end for end in ends if end > 0]


def _is_enclosed(line: str, stop: re.Match[str]) -> bool:
    """Whether a stop stands inside brackets that the sentence goes on after: 甲方（见附件。）付款。"""
    following = line[stop.end() : stop.end() + 1]
    return stop.group()[-1] in "）》】〕" and following not in ("", " ")


def _with_closing_marks(line: str, ends: list[int]) -> list[int]:
    """The ends moved behind quotation marks and brackets that close right after them."""
    moved: list[int] = []
    for end in ends:
        closing = _CLOSERS.match(line, end) if not line[end - 1].isspace() else None
        place = closing.end() if closing else end
        if not moved or place > moved[-1]:
            moved.append(place)
    return moved


def _without_torn_numbering(line: str, ends: list[int]) -> list[int]:
    """The ends without those that part a numbering, or a lower-case continuation, from its sentence."""
    kept: list[int] = []
    start = 0
    for end in ends:
        if end < len(line) and _goes_on(line, start, end):
            continue
        kept.append(end)
        start = end
    return kept


def _goes_on(line: str, start: int, end: int) -> bool:
    piece = line[start:end].strip()
    following = line[end:].lstrip()[:1] if end - start < _SUSPICIOUSLY_LONG else ""
    continues = piece.endswith(".") and following.islower()
    return not piece or continues or _NUMBERING.fullmatch(piece) is not None


def _trimmed(line: str, offset: int, ends: list[int]) -> Iterator[Span]:
    start = 0
    for end in ends:
        piece = line[start:end]
        content = piece.strip()
        if content:
            first = offset + start + len(piece) - len(piece.lstrip())
            yield Span(first, first + len(content))
        start = end
