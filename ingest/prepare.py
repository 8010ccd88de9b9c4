"""Bytes become a document ready to embed: parse → clean → chunk."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from ingest.chunk import ChunkSettings, chunk
from ingest.clean import CLEAN_VERSION, clean
from ingest.discover import FoundFile
from ingest.embed import EMBED_VERSION
from ingest.parse import PARSE_VERSION, Layout, ParsedDocument
from rag.domain import Metadata
from rag.errors import UnreadableDocumentError
from rag.intake import DraftDocument
from rag.ports import Embedder


class FileParser(Protocol):
    """Reads one file's bytes; UnreadableDocumentError says why it cannot."""

    def parse(self, data: bytes, name: str) -> ParsedDocument:
        """What the file says."""
        ...

    def close(self) -> None:
        """End what it started."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Which document it will be: its place in the collection and the sha256 of its source bytes."""

    source: str
    uri: str
    revision: str


@dataclass(frozen=True, slots=True)
class Preparation:
    """Makes drafts; two drafts of the same bytes and the same `recipe` are equal."""

    parser: FileParser
    embedder: Embedder
    chunking: ChunkSettings
    max_file_bytes: int

    @property
    def recipe(self) -> str:
        """Versions and settings of everything that shapes a draft."""
        return f"{PARSE_VERSION},{CLEAN_VERSION},{self.chunking.recipe()},{EMBED_VERSION}"

    def prepare_file(self, file: FoundFile, source: str) -> DraftDocument:
        """A found file as a draft; UnreadableDocumentError if it is gone or cannot be read by now.

        The revision is that of the bytes read here: the file may have changed since it was found.
        """
        try:
            with file.path.open("rb") as stream:
                data = stream.read(self.max_file_bytes + 1)
        except OSError as error:
            raise UnreadableDocumentError(f"the file cannot be opened: {error.strerror}") from error
        if len(data) > self.max_file_bytes:
            raise UnreadableDocumentError(f"the file grew beyond the limit of {self.max_file_bytes:,} bytes")
        return self.prepare_bytes(data, Identity(source, file.uri, hashlib.sha256(data).hexdigest()), {})

    def prepare_bytes(self, data: bytes, identity: Identity, metadata: Metadata) -> DraftDocument:
        """A file's bytes as a draft; `metadata` is added to what the file says of itself."""
        return self.prepare_parsed(self.parser.parse(data, identity.uri), identity, metadata)

    def prepare_text(self, title: str, text: str, identity: Identity, metadata: Metadata) -> DraftDocument:
        """A text that is already plain as a draft; its line breaks are kept."""
        return self.prepare_parsed(
            ParsedDocument(title, "text/plain", Layout.LINES, text), identity, metadata
        )

    def prepare_parsed(self, parsed: ParsedDocument, identity: Identity, metadata: Metadata) -> DraftDocument:
        """Clean and chunk what was parsed."""
        cleaned = clean(parsed)
        chunks = chunk(
            cleaned.text, cleaned.headings, cleaned.language, self.embedder.count_tokens, self.chunking
        )
        return DraftDocument(
            source=identity.source,
            uri=identity.uri,
            revision=identity.revision,
            recipe=self.recipe,
            title=cleaned.title,
            language=cleaned.language,
            media_type=parsed.media_type,
            text=cleaned.text,
            chunks=chunks,
            pages=cleaned.pages,
            metadata={**parsed.metadata, **metadata},
        )
