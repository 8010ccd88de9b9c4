"""A stored chunk as a reading model sees it: its text, and what stands above it."""

from rag.domain import Chunk, Passage

TITLE_SEPARATOR = " > "


def passage_of(chunk: Chunk) -> Passage:
    """The chunk's text under its document's title and its headings, outermost first, none of them twice."""
    above = (" ".join(title.split()) for title in (chunk.document.title, *chunk.section))
    return Passage(TITLE_SEPARATOR.join(dict.fromkeys(title for title in above if title)), chunk.text)
