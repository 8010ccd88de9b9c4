"""Plain text of any encoding."""

from ingest.adapters.encodings import decode
from ingest.parse import Format, Layout, ParsedDocument, title_of


def parse_text(data: bytes, name: str) -> ParsedDocument:
    """The decoded file; its lines may be wrapped anywhere."""
    return ParsedDocument(title_of(name), Format.TEXT, Layout.WRAPPED, decode(data))
