"""Word files by python-docx: headings by style, numbering, lists, tables, text boxes, footnotes."""

import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO

import docx
from docx.document import Document
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from lxml import etree

from ingest.adapters.blocks import BlockWriter
from ingest.adapters.docx_numbering import Label, Numbering
from ingest.adapters.docx_styles import Styles
from ingest.parse import Format, Layout, ParsedDocument, title_of
from rag.domain import MetadataValue
from rag.errors import UnreadableDocumentError

_MEBIBYTE = 1024 * 1024
# A manuscript of 872 pages unpacks to 13 MB of XML at a ratio of 15; a bomb reaches a thousand.
_MAX_XML_BYTES = 256 * _MEBIBYTE
_MAX_RATIO = 200
_RATIO_COUNTS_ABOVE = 16 * _MEBIBYTE
_MAX_MEMBERS = 20_000
_BLOCK = 1024 * 1024

_TEXT = qn("w:t")
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TEXT_BOX = qn("w:txbxContent")
_SPECIAL = {
    qn("w:tab"): "\t",
    qn("w:ptab"): "\t",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "-",
}
_NO_TEXT = frozenset({_FALLBACK, _TEXT_BOX, qn("w:pPr"), qn("w:rPr"), qn("w:moveFrom")})


def parse_docx(data: bytes, name: str) -> ParsedDocument:
    """The body in reading order; raises UnreadableDocumentError for damaged files and archive bombs."""
    _check_archive(data)
    try:
        document = docx.Document(BytesIO(data))
    except (OpcError, KeyError, ValueError, etree.LxmlError, zipfile.BadZipFile) as error:
        raise UnreadableDocumentError(f"the Word file is damaged: {error}") from error
    writer = BlockWriter()
    _Body(document, writer).write()
    text, headings = writer.finished()
    stated, metadata = _properties(document)
    top = next((heading.title for heading in headings if heading.level == 1), "")
    return ParsedDocument(
        stated or top or title_of(name), Format.DOCX, Layout.LINES, text, headings, (), metadata
    )


def _check_archive(data: bytes) -> None:
    """Refuse bombs before anything is parsed: by the sizes the archive declares, which unpacking enforces."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            parts = [member for member in members if member.filename.endswith((".xml", ".rels"))]
            unpacked = sum(part.file_size for part in parts)
            packed = max(1, sum(part.compress_size for part in parts))
            is_bomb = unpacked > _RATIO_COUNTS_ABOVE and unpacked / packed > _MAX_RATIO
            if unpacked > _MAX_XML_BYTES or is_bomb or len(members) > _MAX_MEMBERS:
                raise UnreadableDocumentError(
                    f"the file unpacks to {unpacked:,} bytes of XML in {len(members):,} parts: unsafe"
                )
            for part in parts:
                _check_part(archive, part)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error) as error:
        raise UnreadableDocumentError(f"the Word file is damaged: {error}") from error


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuse a declaration of entities, which Office never writes; reading checks the CRC as well."""
    tail = b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK):
            if b"<!DOCTYPE" in tail + block or b"<!ENTITY" in tail + block:
                raise UnreadableDocumentError("the file declares XML entities, which can expand without end")
            tail = block[-16:]


class _Body:
    """Writes the blocks of a document in reading order."""

    def __init__(self, document: Document, writer: BlockWriter) -> None:
        self._root = document.element.body
        self._styles = Styles.of(document.styles.element)
        self._numbering = Numbering.of(_part(document, "/numbering"))
        self._footnotes = _part(document, "/footnotes")
        self._writer = writer

    def write(self) -> None:
        self._blocks(self._root)
        if self._footnotes is not None:
            for note in self._footnotes.iterchildren(qn("w:footnote")):
                if note.get(qn("w:type")) is None:  # separators have one
                    self._writer.paragraph(_text_of(note))

    def _blocks(self, parent: etree._Element) -> None:
        for element in parent.iterchildren(etree.Element):
            if element.tag == qn("w:p"):
                self._paragraph(element)
            elif element.tag == qn("w:tbl"):
                self._table(element)
            elif element.tag not in _NO_TEXT:
                self._blocks(element)  # content controls, insertions

    def _paragraph(self, paragraph: etree._Element) -> None:
        style = self._styles.style_of(paragraph)
        text = _text_of(paragraph).strip()
        label = self._label(paragraph, style.list_id, style.depth) if text else None
        numbered = f"{label.text} {text}" if label and label.text and not label.is_bullet else text
        if style.heading_level and text:
            self._writer.heading(numbered, style.heading_level)
        elif label and label.text:
            self._writer.item(text, label.text, label.depth)
        else:
            self._writer.paragraph(text)
        for box in _outermost(paragraph, _TEXT_BOX):
            self._blocks(box)

    def _label(self, paragraph: etree._Element, list_id: str, depth: int) -> Label | None:
        own = paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
        if own is not None:
            stated, level = own.find(qn("w:numId")), own.find(qn("w:ilvl"))
            list_id = stated.get(qn("w:val"), "") if stated is not None else list_id
            depth = int(level.get(qn("w:val"), "0")) if level is not None else depth
        return self._numbering.next_label(list_id, min(depth, 8)) if list_id else None

    def _table(self, table: etree._Element) -> None:
        for row in _rows(table):
            cells = [cell for cell in row.iter(qn("w:tc")) if _nearest_table(cell) is table]
            self._writer.row([_text_of(cell) for cell in cells])


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    return (row for row in table.iter(qn("w:tr")) if _nearest_table(row) is table)


def _nearest_table(element: etree._Element) -> etree._Element | None:
    return next(element.iterancestors(qn("w:tbl")), None)


def _text_of(element: etree._Element) -> str:
    """The visible text: inserted text counts, deleted does not, nor do text boxes and their fallbacks."""
    pieces: list[str] = []
    stack = [element]
    while stack:
        current = stack.pop()
        if current.tag in (_TEXT, f"{_MATH}t"):
            pieces.append(current.text or "")
        elif current.tag in _SPECIAL:
            pieces.append(_SPECIAL[current.tag])
        elif current.tag not in _NO_TEXT or current is element:
            if pieces and current.tag in (qn("w:p"), f"{_MATH}oMath"):
                pieces.append("\n" if current.tag == qn("w:p") else " ")
            stack.extend(reversed(current))
    return "".join(pieces)


def _outermost(element: etree._Element, tag: str) -> Iterator[etree._Element]:
    for found in element.iterdescendants(tag):
        outside = found.iterancestors(tag, _FALLBACK)
        if not any(element in ancestor.iterancestors() for ancestor in outside):
            yield found


def _part(document: Document, suffix: str) -> etree._Element | None:
    """The root of a part of the package related to the document by a type with this ending."""
    for relation in document.part.rels.values():
        if relation.reltype.endswith(suffix) and not relation.is_external:
            return etree.fromstring(relation.target_part.blob, etree.XMLParser(resolve_entities=False))
    return None


def _properties(document: Document) -> tuple[str, dict[str, MetadataValue]]:
    metadata: dict[str, MetadataValue] = {}
    try:
        properties = document.core_properties
        title, author, created = properties.title, properties.author, properties.created
    except (KeyError, ValueError, etree.LxmlError):  # a malformed date must not cost the document
        return "", metadata
    if author and author.strip() and author != "python-docx":
        metadata["author"] = author.strip()
    if created:
        metadata["date"] = created.date().isoformat()
    return " ".join((title or "").split()), metadata
