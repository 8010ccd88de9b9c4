"""The bytes of a file become text with headings and pages; its format is told by content, then by name."""

import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from io import BytesIO
from pathlib import PurePosixPath
from typing import TypeAlias

from rag.domain import Metadata, Page
from rag.errors import UnreadableDocumentError

PARSE_VERSION = "parse-1"
"""Raised whenever parsing the same bytes may give another text: a part of the recipe."""

SUPPORTED = "PDF (.pdf), Word (.docx), HTML (.html, .htm), Markdown (.md) and plain text (.txt)"
_MAX_CHARACTERS = 50_000_000


class Format(StrEnum):
    """The formats that can be read; the value is the media type."""

    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
    HTML = "text/html"
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class Layout(StrEnum):
    """What a line break means: nothing (wrapped), the end of a block (lines), or what Markdown says."""

    WRAPPED = "wrapped"
    LINES = "lines"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading over what follows: level from 1 (top), and its stretch of text with any marks."""

    level: int
    start: int
    end: int
    title: str


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """What a parser read. Offsets of headings and pages point into `text`, which cleaning has yet to see.

    For Markdown and plain text, `text` is the decoded file as it is.
    """

    title: str
    media_type: str
    layout: Layout
    text: str
    headings: tuple[Heading, ...] = ()
    pages: tuple[Page, ...] = ()
    metadata: Metadata = field(default_factory=dict)


Parser: TypeAlias = Callable[[bytes, str], ParsedDocument]
"""Bytes and a file name to what they say; raises UnreadableDocumentError."""

_BY_SUFFIX = {
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".txt": Format.TEXT,
    ".text": Format.TEXT,
    "": Format.TEXT,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".xhtml": Format.HTML,
    ".pdf": Format.PDF,
    ".docx": Format.DOCX,
}
_HTML_START = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html)\b", re.IGNORECASE | re.DOTALL)
_COMPOUND_FILE = bytes.fromhex("d0cf11e0a1b11ae1")
_OTHER_ARCHIVES = {
    "xl/": "an Excel workbook",
    "ppt/": "a PowerPoint file",
    "META-INF/": "an e-book or ODF file",
}


def parse(data: bytes, name: str, parsers: Mapping[Format, Parser]) -> ParsedDocument:
    """Read `data` with the parser of its format; UnreadableDocumentError says what is wrong with it."""
    if not data:
        raise UnreadableDocumentError("the file is empty")
    parsed = parsers[recognise(data, name)](data, name)
    if not parsed.text.strip():
        raise UnreadableDocumentError("the file holds no text")
    if len(parsed.text) > _MAX_CHARACTERS:
        raise UnreadableDocumentError(
            f"the file holds {len(parsed.text):,} characters; the limit is {_MAX_CHARACTERS:,}: split it"
        )
    return parsed


def recognise(data: bytes, name: str) -> Format:
    """The format of a file, its content before its suffix; UnreadableDocumentError for one we cannot read."""
    suffix = PurePosixPath(name).suffix.lower()
    if b"%PDF-" in data[:1024]:
        return Format.PDF
    if data.startswith(b"PK\x03\x04"):
        return _recognise_archive(data)
    if data.startswith(_COMPOUND_FILE):
        raise UnreadableDocumentError(_compound_file_reason(data))
    by_suffix = _BY_SUFFIX.get(suffix)
    if by_suffix is None:
        raise UnreadableDocumentError(f"files of type {suffix} are not supported; supported are {SUPPORTED}")
    if by_suffix in (Format.PDF, Format.DOCX):
        raise UnreadableDocumentError(f"the file is named {suffix} but its content is not; it may be damaged")
    if suffix == "" and _HTML_START.match(data[:1024]):
        return Format.HTML
    return by_suffix


def title_of(name: str) -> str:
    """The title of a document that states none: its file name without folders and suffix."""
    return PurePosixPath(name).stem


def _recognise_archive(data: bytes) -> Format:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableDocumentError(f"the file is a damaged archive: {error}") from error
    if "word/document.xml" in members or any(member.startswith("word/") for member in members):
        return Format.DOCX
    kinds = [kind for prefix, kind in _OTHER_ARCHIVES.items() if any(m.startswith(prefix) for m in members)]
    kind = kinds[0] if kinds else "a ZIP archive"
    raise UnreadableDocumentError(f"the file is {kind}, which is not supported; supported are {SUPPORTED}")


def _compound_file_reason(data: bytes) -> str:
    # The directory of an encrypted Office file names this stream, in UTF-16.
    if "EncryptedPackage".encode("utf-16-le") in data:
        return "the file is protected by a password; save it without one"
    return f"old Office files (.doc, .xls, .ppt, .msg) are not supported; supported are {SUPPORTED}"
