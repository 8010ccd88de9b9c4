"""The lines of a Markdown paragraph, which its source broke, are joined as rendering joins them."""

import re
from collections.abc import Iterator

from ingest.cleaning.markdown import code, headings
from ingest.cleaning.offsets import Edit

# What begins a block of its own, or is one: items, quotations, tables, rules, HTML, definitions, articles.
_BLOCK_START = re.compile(
    r"\s*(?:[-*+>|<#=•·]|\d{1,4}[.)、．]|\(?\w{1,3}[)）]|[（(]|[一二三四五六七八九十百]{1,4}[、．.]|第[^\s]{1,8}[编章节条款]"
    r"|`{3}|~{3}|:|\[[^\]]{1,40}\]:|!!!|///|\$\$|$)"
)
_NEVER_CONTINUED = re.compile(r"\s*(?:[|<#=>]|-{3}|`{3}|~{3}|:{3}|!!!|///|\$\$|$)| {4}|\t")
_STOPPED = re.compile(r"(?:  |\\|[。；：！？;:])$")
_IS_CHINESE = re.compile("[\u2e80-\u2fdf\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff00-\uff60]")
_MIN_WRAPPED = 40  # shorter lines were not broken for want of room


def joined_paragraphs(text: str) -> Iterator[Edit]:
    """Edits that join a line to the long prose line before it, in order; code, tables and items stand."""
    alone = _lines_alone(text)
    offset = width = 0
    before = ""  # the line before, where it can go on
    for number, line in enumerate(text.split("\n")):
        if number not in alone and _continues(before, width, line):
            content = line.lstrip()
            is_tight = _IS_CHINESE.match(before.rstrip()[-1]) or _IS_CHINESE.match(content[0])
            end = offset - 1 - len(before) + len(before.rstrip())
            yield Edit(end, offset + len(line) - len(content), "" if is_tight else " ")
            before, width = line, width + len(line)
        else:
            is_prose = number not in alone and not _NEVER_CONTINUED.match(line)
            before, width = (line if is_prose else ""), len(line)
        offset += len(line) + 1


def _continues(before: str, width: int, line: str) -> bool:
    if not before or width < _MIN_WRAPPED or _STOPPED.search(before):
        return False
    return not _BLOCK_START.match(line)


def _lines_alone(text: str) -> set[int]:
    """Numbers of the lines of code and headings."""
    alone: set[int] = set()
    number = counted = 0
    spans = [(span.start, span.end) for span in code(text)]
    spans += [(heading.start, heading.end) for heading in headings(text)]
    for start, end in sorted(spans):
        number += text.count("\n", counted, start)
        counted = start
        alone.update(range(number, number + text.count("\n", start, end) + 1))
    return alone
