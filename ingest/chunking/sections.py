"""The sections that headings make of a text."""

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.cleaning.headings import ARTICLE_LEVEL
from ingest.parse import Heading


@dataclass(frozen=True, slots=True)
class Section:
    """From a heading to the next: where it starts, the titles down to it, and whether it is a main one.

    A document's main sections are those of the highest level that more than one of its headings has;
    single articles of a statute are too small for that.
    """

    start: int
    path: tuple[str, ...]
    is_top: bool


def sections(text: str, headings: Sequence[Heading]) -> list[Section]:
    """Sections in order that cover the text; the first may be what stands before the first heading."""
    main = _main_level(headings)
    found: list[Section] = []
    if not headings or text[: headings[0].start].strip():
        found.append(Section(0, (), is_top=False))
    above: list[Heading] = []
    for heading in headings:
        above = [upper for upper in above if upper.level < heading.level] + [heading]
        path = tuple(upper.title for upper in above)
        found.append(Section(heading.start, path, is_top=heading.level <= main))
    return found


def _main_level(headings: Sequence[Heading]) -> int:
    """0 where no level has two headings: nothing is worth a break at any price."""
    levels = [heading.level for heading in headings if heading.level < ARTICLE_LEVEL]
    return min((level for level in set(levels) if levels.count(level) > 1), default=0)
