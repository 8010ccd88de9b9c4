"""Markdown files, kept as they are: headings are found, front matter becomes metadata."""

import re

from ingest.adapters.encodings import decode
from ingest.cleaning.markdown import FRONT_MATTER, headings
from ingest.parse import Format, Layout, ParsedDocument, title_of
from rag.domain import MetadataValue

# Front matter is YAML; the flat part that people write (scalars and lists of scalars) is read here.
_ENTRY = re.compile(
    r"^(?P<key>[\w.-]+):[ \t]*(?P<value>[^\n]*)\n?(?P<items>(?:[ \t]*-[ \t]+[^\n]*\n?)*)", re.M
)


def parse_markdown(data: bytes, name: str) -> ParsedDocument:
    """The decoded file. Its title is the front matter's, else the first top heading, else the file name."""
    text = decode(data)
    found = headings(text)
    metadata = _front_matter(text)
    stated = metadata.pop("title", "")
    top = next((heading.title for heading in found if heading.level == 1), "")
    return ParsedDocument(
        title=str(stated) or top or title_of(name),
        media_type=Format.MARKDOWN,
        layout=Layout.MARKDOWN,
        text=text,
        headings=found,
        metadata=metadata,
    )


def _front_matter(text: str) -> dict[str, MetadataValue]:
    block = FRONT_MATTER.match(text)
    metadata: dict[str, MetadataValue] = {}
    for entry in _ENTRY.finditer(block[1].replace("\r", "") if block else ""):
        value = entry["value"].strip()
        if value.startswith("[") and value.endswith("]"):
            metadata[entry["key"]] = [_scalar(item) for item in value[1:-1].split(",") if item.strip()]
        elif value:
            metadata[entry["key"]] = _scalar(value)
        elif entry["items"]:
            lines = entry["items"].splitlines()
            metadata[entry["key"]] = [_scalar(line.strip().removeprefix("-")) for line in lines]
    return metadata


def _scalar(value: str) -> str:
    """A scalar as text, unquoted: a version "1.10" or an id "007" must not become a number."""
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
