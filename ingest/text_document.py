"""Text that needs no parsing; apart from ingestion itself, for that is slow to import."""

from dataclasses import dataclass, field

from rag.domain import Metadata


@dataclass(frozen=True, slots=True)
class TextDocument:
    """A text that is already plain: a record of a data set, a page from another program."""

    uri: str
    title: str
    text: str
    metadata: Metadata = field(default_factory=dict)
