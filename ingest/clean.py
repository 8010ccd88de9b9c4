"""Parsed text becomes the canonical text: what is stored, shown and quoted."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.cleaning import markdown
from ingest.cleaning.characters import visible
from ingest.cleaning.furniture import page_furniture
from ingest.cleaning.headings import headings_by_wording
from ingest.cleaning.markdown_wrapping import joined_paragraphs
from ingest.cleaning.offsets import Edit, Edited, OffsetMap
from ingest.cleaning.wrapping import joined_lines
from ingest.parse import Heading, Layout, ParsedDocument
from rag.domain import Page, Span
from rag.errors import UnreadableDocumentError
from rag.language import language_of

CLEAN_VERSION = "clean-1"
"""Raised whenever cleaning the same parsed text may give another one: a part of the recipe."""

_BLANKS = re.compile(r"\s{2,}|[^\S \n]|\A\s|\s\Z")


@dataclass(frozen=True, slots=True)
class CleanDocument:
    """The canonical text with its headings and pages; `offsets` leads back to the parsed text.

    Every line break is real: it ends a paragraph, heading, list item, table row or line of code.
    """

    title: str
    language: str
    text: str
    headings: tuple[Heading, ...]
    pages: tuple[Page, ...]
    offsets: OffsetMap


def clean(parsed: ParsedDocument) -> CleanDocument:
    """Remove what is not seen or recurs on every page, join wrapped lines, collapse blanks.

    Nothing else changes: a quotation looks like its source. Cleaning a canonical text again (its layout
    being `Layout.LINES`) changes nothing. Raises UnreadableDocumentError where no text is left.
    """
    text = visible(Edited(parsed.text))
    if parsed.layout is Layout.MARKDOWN:
        text = text.apply(Edit(span.start, span.end, "") for span in markdown.hidden(text.text))
        text = text.apply(joined_paragraphs(text.text))
    if parsed.layout is Layout.WRAPPED:
        text = text.apply(page_furniture(text.text, _pages(parsed.pages, text.offsets)))
        text = text.apply(joined_lines(text.text, *_line_starts(parsed, text)))
    text = text.apply(_collapsed(text.text, parsed.layout))
    if not text.text:
        raise UnreadableDocumentError("the file holds no text that can be seen")
    headings = headings_by_wording(text.text, _headings(parsed.headings, text))
    return CleanDocument(
        title=" ".join(visible(Edited(parsed.title)).text.split()),
        language=language_of(text.text),
        text=text.text,
        headings=headings,
        pages=_pages(parsed.pages, text.offsets),
        offsets=text.offsets,
    )


def _line_starts(parsed: ParsedDocument, text: Edited) -> tuple[set[int], list[int]]:
    """Where headings and pages start, in a text on its way."""
    headings = {text.offsets.to_canonical(heading.start) for heading in parsed.headings}
    return headings, [page.start for page in _pages(parsed.pages, text.offsets)]


def _pages(pages: Sequence[Page], offsets: OffsetMap) -> tuple[Page, ...]:
    spans = [offsets.canonical_span(Span(page.start, page.end)) for page in pages]
    return tuple(Page(page.number, span.start, span.end) for page, span in zip(pages, spans, strict=True))


def _headings(headings: Sequence[Heading], text: Edited) -> list[Heading]:
    """Those of which something is left, without outer blanks."""
    moved: list[Heading] = []
    for heading in headings:
        span = text.offsets.canonical_span(Span(heading.start, heading.end))
        content = span.of(text.text)
        start = span.start + len(content) - len(content.lstrip())
        title = " ".join(visible(Edited(heading.title)).text.split())
        if content.strip() and title:
            moved.append(Heading(heading.level, start, start + len(content.strip()), title))
    return moved


def _collapsed(text: str, layout: Layout) -> Iterator[Edit]:
    """One blank for many, at most one empty line; indents stay where they mean something, code as it is."""
    code = iter(markdown.code(text) if layout is Layout.MARKDOWN else ())
    block = next(code, None)
    for run in _BLANKS.finditer(text):
        while block is not None and block.end <= run.start():
            block = next(code, None)
        is_code = block is not None and block.start < run.start() and run.end() < block.end
        if not is_code and (seemly := _seemly(run, len(text), layout)) != run.group():
            yield Edit(*run.span(), seemly)


def _seemly(run: re.Match[str], length: int, layout: Layout) -> str:
    """What a run of blanks becomes."""
    if run.start() == 0 or run.end() == length:
        return ""
    before, broken, indent = run.group().rpartition("\n")
    if not broken:
        return " "
    indent = "" if layout is Layout.WRAPPED else re.sub(r"[^ \t]", " ", indent)
    if "\n" in before:
        return "\n\n" + indent
    # Two blanks before it make a line break hard in Markdown.
    is_hard_break = layout is Layout.MARKDOWN and before.startswith("  ")
    return ("  \n" if is_hard_break else "\n") + indent
