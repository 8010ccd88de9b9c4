"""Characters that no reader sees go; those that remain are composed (NFC) and look as in the source."""

import re
import unicodedata
from collections.abc import Iterator

from ingest.cleaning.offsets import Edit, Edited

_LINE_BREAK = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")

# Controls, soft hyphens, zero-width spaces and joiners of words, direction marks (they can make a text read
# otherwise than it is), byte order marks, interlinear marks, and the "tag" letters used to hide instructions.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]+"
)
_SURROGATE = re.compile("[\ud800-\udfff]")

# The zero-width joiners shape Arabic, Indic scripts and emoji; after Latin and Chinese they only hide.
_JOINERS = re.compile("(?:(?<=[\x00-\x7f\u3000-\u9fff])|\\A)[\u200c\u200d]+")
_NOT_ASCII = re.compile("[\x00-\x7f]?[^\x00-\x7f]+")


def visible(text: Edited) -> Edited:
    """Line breaks as "\\n", nothing unseen, U+FFFD for half a surrogate pair, composed characters."""
    text = _replaced(text, _LINE_BREAK, "\n")
    text = _replaced(text, _SURROGATE, "\ufffd")
    text = _replaced(text, _UNSEEN, "")
    text = _replaced(text, _JOINERS, "")
    return text if unicodedata.is_normalized("NFC", text.text) else text.apply(_compositions(text.text))


def _replaced(text: Edited, pattern: re.Pattern[str], replacement: str) -> Edited:
    return text.apply(Edit(*match.span(), replacement) for match in pattern.finditer(text.text))


def _compositions(text: str) -> Iterator[Edit]:
    for run in _NOT_ASCII.finditer(text):
        if unicodedata.is_normalized("NFC", run.group()):
            continue
        pieces = list(_composable(run.group(), run.start()))
        composed = "".join(unicodedata.normalize("NFC", text[start:end]) for start, end in pieces)
        if composed != unicodedata.normalize("NFC", run.group()):
            pieces = [run.span()]
        for start, end in pieces:
            piece = text[start:end]
            if (normal := unicodedata.normalize("NFC", piece)) != piece:
                yield Edit(start, end, normal)


def _composable(run: str, offset: int) -> Iterator[tuple[int, int]]:
    """Short stretches that compose on their own, so that the offsets around them stay exact."""
    start = 0
    for place in range(1, len(run)):
        character = run[place]
        if unicodedata.combining(character) or not unicodedata.is_normalized(
            "NFC", run[place - 1 : place + 1]
        ):
            continue
        yield offset + start, offset + place
        start = place
    yield offset + start, offset + len(run)
