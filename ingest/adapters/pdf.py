"""PDF files by pdfium: text in its reading order, pages, headings told by the size of letters."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pypdfium2 as pdfium

from ingest.adapters.pdf_lines import Line, lines_of, paragraph_breaks
from ingest.parse import Format, Heading, Layout, ParsedDocument, title_of
from rag.domain import MetadataValue, Page
from rag.errors import UnreadableDocumentError

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?")
_NO_TITLE = re.compile(r"[\s(]*(?:untitled|anonymous|unspecified|unknown|document\d*)?[\s)]*", re.IGNORECASE)
_PROGRAM = re.compile(r"^Microsoft (?:Word|PowerPoint|Excel) - ")
_FILE_SUFFIX = re.compile(r"\.(?:docx?|pdf|tex|dvi|indd|rtf|qxd|pptx?|odt|wpd)$", re.IGNORECASE)
_TITLE_LIKE = re.compile(r"\w(?=[^@]{5,}$)")
_HEADING_SCALE = 1.07  # body of 11 points, headings of 12, in a common style of papers
# Letters, and no torn line or address set in another font, which may be larger by name only.
_HEADING_LIKE = re.compile(r"(?=.*[^\W\d_])(?!.*(?:://|@))(?![a-z])[\w“\"（(【《§]")
_MAX_HEADING = 150
_MAX_HEADING_SHARE = 0.3


def parse_pdf(data: bytes, name: str) -> ParsedDocument:
    """Pages joined by line breaks; raises UnreadableDocumentError for locked, damaged and scanned files."""
    with _opened(data) as document:
        pages = [_lines(document, number) for number in range(len(document))]
        stated = document.get_metadata_dict(skip_empty=True)
    if not any(pages):
        raise UnreadableDocumentError(
            "no text layer: its pages are images or empty; run text recognition (OCR)"
        )
    text = _Text(_sizes_of_headings(pages))
    for number, lines in enumerate(pages, start=1):
        text.add_page(number, lines)
    first_page = [h for h in text.headings if h.start < text.pages[0].end and _TITLE_LIKE.match(h.title)]
    largest = min(first_page, key=lambda heading: heading.level).title if first_page else ""
    return ParsedDocument(
        title=_title(stated.get("Title", "")) or largest or title_of(name),
        media_type=Format.PDF,
        layout=Layout.WRAPPED,
        text="".join(text.pieces),
        headings=tuple(text.headings),
        pages=tuple(text.pages),
        metadata=_metadata(stated, sum(not lines for lines in pages)),
    )


def _opened(data: bytes) -> pdfium.PdfDocument:
    try:
        document = pdfium.PdfDocument(data)
        is_empty = len(document) == 0
    except pdfium.PdfiumError as error:
        if error.err_code == _PASSWORD_ERROR:
            raise UnreadableDocumentError(
                "the file is protected by a password; save it without one"
            ) from error
        raise UnreadableDocumentError(f"the PDF is damaged and cannot be opened: {error}") from error
    if is_empty:
        raise UnreadableDocumentError("the PDF has no pages")
    return document


def _lines(document: pdfium.PdfDocument, index: int) -> list[Line]:
    """The lines of a page; a damaged page has none and is counted among those without text."""
    try:
        page = document[index]
    except pdfium.PdfiumError:
        return []
    try:
        textpage = page.get_textpage()
        lines = lines_of(textpage)
        textpage.close()
    except pdfium.PdfiumError:
        lines = []
    page.close()
    return lines


def _sizes_of_headings(pages: Sequence[Sequence[Line]]) -> dict[float, int]:
    """Level by rounded letter size, for sizes clearly above that of most text."""
    weights: Counter[float] = Counter()
    counts: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            weights[_rounded(line.size)] += len(line.text)
            counts[_rounded(line.size)] += 1
    body = weights.most_common(1)[0][0]
    larger = sorted((size for size in counts if size > body * _HEADING_SCALE), reverse=True)
    if not body or sum(counts[size] for size in larger) > _MAX_HEADING_SHARE * counts.total():
        return {}
    return {size: min(rank, 6) for rank, size in enumerate(larger, start=1)}


def _rounded(size: float) -> float:
    return round(size * 2) / 2


@dataclass
class _Text:
    """The text as it is written page by page."""

    levels: dict[float, int]
    pieces: list[str] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    length: int = 0

    def add_page(self, number: int, lines: Sequence[Line]) -> None:
        start = self.length
        for block in _blocks(lines, self.levels):
            self._add_block(block)
        self.pages.append(Page(number, start, self.length))

    def _add_block(self, block: "_Block") -> None:
        if block.has_gap and self.length:
            self._write("\n")
        if block.level:
            end = self.length + len(block.text)
            self.headings.append(Heading(block.level, self.length, end, block.text))
        self._write(block.text + "\n")

    def _write(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)


@dataclass(frozen=True, slots=True)
class _Block:
    """A line of text, or a heading of several lines; level 0 is no heading."""

    text: str
    level: int
    has_gap: bool


def _blocks(lines: Sequence[Line], levels: dict[float, int]) -> Iterator[_Block]:
    breaks = paragraph_breaks(lines)
    heading: _Block | None = None
    for index, line in enumerate(lines):
        level = levels.get(_rounded(line.size), 0)
        is_heading = (
            level > 0 and len(line.text) <= _MAX_HEADING and _HEADING_LIKE.match(line.text) is not None
        )
        block = _Block(line.text, level if is_heading else 0, index in breaks)
        if heading and block.level == heading.level and not block.has_gap:
            heading = _Block(f"{heading.text} {block.text}", heading.level, heading.has_gap)
            continue
        if heading:
            yield heading
        heading = block if is_heading else None
        if not is_heading:
            yield block
    if heading:
        yield heading


def _title(stated: str) -> str:
    """The stated title, unless a program put a file name or a placeholder there."""
    title = _PROGRAM.sub("", " ".join(stated.split()))
    return "" if _NO_TITLE.fullmatch(title) or _FILE_SUFFIX.search(title) else title


def _metadata(stated: dict[str, str], pages_without_text: int) -> dict[str, MetadataValue]:
    metadata: dict[str, MetadataValue] = {}
    author = " ".join(stated.get("Author", "").split())
    if not _NO_TITLE.fullmatch(author):
        metadata["author"] = author
    if date := _DATE.match(stated.get("CreationDate", "")):
        metadata["date"] = "-".join(part for part in date.groups() if part)
    if pages_without_text:
        metadata["pages_without_text"] = pages_without_text
    return metadata
