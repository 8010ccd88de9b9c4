from dataclasses import replace

import pytest
from stored import stored

from rag.domain import Chunk, Passage
from rag.passages import passage_of

DOCUMENT = stored(uri="lease.md")
CHUNK = Chunk(id=1, document=DOCUMENT, ordinal=0, start=0, end=4, section=(), text="Rent")


@pytest.mark.parametrize(
    ("title", "section", "expected"),
    [
        ("Lease", (), "Lease"),
        ("Lease", ("Rent", "When"), "Lease > Rent > When"),
        ("Lease", ("Lease", "Rent", "Rent"), "Lease > Rent"),
        ("", ("第二章", "租金"), "第二章 > 租金"),
        ("A long\n title", ("",), "A long title"),
        ("", (), ""),
    ],
)
def test_the_title_and_the_headings_stand_above_the_text_once_each(
    title: str, section: tuple[str, ...], expected: str
) -> None:
    chunk = replace(CHUNK, document=replace(DOCUMENT, title=title), section=section)
    assert passage_of(chunk) == Passage(expected, "Rent")
