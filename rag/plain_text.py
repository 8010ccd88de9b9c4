"""Text that every database and every server can take.

A NUL character or half of a surrogate pair can be stored by no database and sent to no server.
"""

from pydantic import Field
from pydantic.config import JsonDict

_PATTERN: JsonDict = {"pattern": r"^[^\x00]*$"}


def require_plain(text: str) -> str:
    """The text as it came; ValueError where no database could store it."""
    if "\x00" in text:
        raise ValueError("it contains the NUL character; remove it")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError("it contains half of a surrogate pair; send whole characters") from error
    return text


def plain_field(minimum: int, maximum: int) -> object:
    """A field of so many characters, whose schema says that NUL is not among them."""
    return Field(min_length=minimum, max_length=maximum, json_schema_extra=_PATTERN)
