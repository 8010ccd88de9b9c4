"""A stored document for tests that need one and do not care which."""

from rag.domain import Document


def stored(number: int = 1, *, uri: str = "", title: str = "Lease", language: str = "en") -> Document:
    """A document of collection "c"; its uri is `NUMBER.md` unless given."""
    return Document(
        id=number,
        collection="c",
        source="folder",
        uri=uri or f"{number}.md",
        revision="r",
        title=title,
        language=language,
        media_type="text/plain",
        metadata={},
        characters=1000,
        pages=(),
        updated_at="",
    )
