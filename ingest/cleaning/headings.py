"""Headings that the wording of a line tells: 第一章, 第十二条, ARTICLE IV, Section 3.2."""

import re
from collections.abc import Iterator, Sequence

from ingest.parse import Heading

_NUMBER = "[零〇一二三四五六七八九十百千0-9]{1,8}"

# After a literal line break, which `re` finds much faster than "^"; the text looked at has one put before it.
_PART = re.compile(rf"\n *(第{_NUMBER}(?P<unit>[编分章节]编?)(?:[ \u3000][^\n。；]{{0,60}})?)(?=\n|\Z)")
_ARTICLE = re.compile(rf"\n *(第{_NUMBER}条(?:之{_NUMBER})?)(?=[\s：:【（(]|\Z)")
_ENGLISH = re.compile(
    r"\n *((?P<unit>ARTICLE|CHAPTER|PART|SCHEDULE|EXHIBIT|APPENDIX|ANNEX|SECTION"
    r"|Article|Chapter|Part|Schedule|Exhibit|Appendix|Annex|Section)"
    r" +(?:\d{1,3}(?:\.\d{1,3})*|[IVXLC]{1,7}|[A-Z])(?![\w,;])[^\n;]{0,80})(?=\n|\Z)"
)
_CHINESE_LEVELS = {"编": 2, "分编": 3, "章": 4, "节": 5}
ARTICLE_LEVEL = 9
"""Below every other heading: an article is a section, however small, of whatever it stands in."""

_ENGLISH_LEVELS = {"part": 2, "chapter": 3, "section": 5}
_OTHER_ENGLISH_LEVEL = 4
_SENTENCE_END = (".", ",", ":", "，", "。")


def headings_by_wording(text: str, known: Sequence[Heading]) -> tuple[Heading, ...]:
    """The known headings and those that only their wording tells, in order, one for a line.

    The heading of a Chinese article covers its number only: the article goes on in the same line.
    """
    lines = {_line_start(text, heading.start) for heading in known}
    told = (heading for heading in _told("\n" + text) if _line_start(text, heading.start) not in lines)
    return tuple(sorted([*known, *told], key=lambda heading: heading.start))


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def _told(text: str) -> Iterator[Heading]:
    """Offsets are those of the text without the line break put before it."""
    if "第" in text:
        for match in _PART.finditer(text):
            yield _heading(match, _CHINESE_LEVELS.get(match["unit"], 4))
        for match in _ARTICLE.finditer(text):
            yield _heading(match, ARTICLE_LEVEL)
    for match in _ENGLISH.finditer(text):
        if not match[1].rstrip().endswith(_SENTENCE_END) or match["unit"].isupper():
            yield _heading(match, _ENGLISH_LEVELS.get(match["unit"].lower(), _OTHER_ENGLISH_LEVEL))


def _heading(match: re.Match[str], level: int) -> Heading:
    title = match[1].strip()
    return Heading(level, match.start(1) - 1, match.start(1) - 1 + len(title), title)
