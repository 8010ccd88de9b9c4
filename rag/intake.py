"""What goes into the store, and the changes it makes there, which the indexes follow."""

from dataclasses import dataclass, field

from rag.domain import Metadata, Page, Vectors


@dataclass(frozen=True, slots=True)
class DraftChunk:
    """A chunk before the store gave it an id; `section` is the path of headings above it."""

    start: int
    end: int
    section: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftDocument:
    """A document ready to be committed: `chunks` are exact slices of `text`, in order.

    `recipe` names the versions and settings of parsing, cleaning and chunking that made it: a document
    is unchanged only when its bytes and its recipe are.
    """

    source: str
    uri: str
    revision: str
    recipe: str
    title: str
    language: str
    media_type: str
    text: str
    chunks: tuple[DraftChunk, ...]
    pages: tuple[Page, ...] = ()
    metadata: Metadata = field(default_factory=dict)

    def text_of(self, chunk: DraftChunk) -> str:
        """The exact slice of the canonical text that `chunk` covers."""
        return self.text[chunk.start : chunk.end]


@dataclass(frozen=True, slots=True)
class EmbeddedDocument:
    """A draft and the vectors of those chunks that the model can read: row i belongs to chunk ordinals[i]."""

    draft: DraftDocument
    ordinals: tuple[int, ...]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Change:
    """A committed step of a collection: chunks that are gone, then chunks that came.

    `sequence` counts from 1 without gaps within its collection; `token` is unique, so that a follower
    notices a database that was restored to another past.
    """

    sequence: int
    token: str
    removed: tuple[int, ...]
    added: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """How far an index has followed a collection's changes; sequence 0 has the token ""."""

    sequence: int
    token: str
