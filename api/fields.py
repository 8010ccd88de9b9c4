"""The kinds of values that a request may hold, checked before anything else sees them.

A NUL character or half of a surrogate pair can be stored by no database, and an integer beyond 64 bits
overflows its driver: all three are refused here, naming the field.
"""

import re
from pathlib import PurePath
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from rag.calibrator import Calibrator
from rag.plain_text import plain_field, require_plain
from rag.retrieve import MAXIMUM_QUESTION_CHARACTERS
from rag.store.store import NAME_CHARACTERS

MAXIMUM_ID = 2**63 - 1
MAXIMUM_OFFSET = 2**31 - 1  # a document's length is kept in 32 bits


def require_plain_tree(value: object) -> object:
    """A JSON value as it came; ValueError where a key or a string in it cannot be stored."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            require_plain(item)
        elif isinstance(item, dict):
            pending.extend(item.keys())
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return value


def require_uri(uri: str) -> str:
    """A relative path as it came; ValueError for one that climbs, starts at a root or hides characters."""
    require_plain(uri)
    if not uri.isprintable():
        raise ValueError("a document's name holds printable characters only")
    if "\\" in uri or re.match(r"[A-Za-z]:", uri):
        raise ValueError("a document's name is written with forward slashes and without a drive")
    if any(part in ("", ".", "..") for part in uri.split("/")):
        raise ValueError("a document's name is a relative path without empty parts, '.' or '..'")
    if any(len(part.encode()) > 255 for part in uri.split("/")):
        raise ValueError("each part of a document's name has at most 255 bytes")
    return uri


def require_absolute(folder: str) -> str:
    """An absolute path as it came; ValueError for another, whose meaning depends on the server's start."""
    require_plain(folder)
    if not PurePath(folder).is_absolute():
        raise ValueError("write the whole path of the folder, as the server sees it")
    return folder


def require_path_safe(name: str) -> str:
    """A collection's name as it came; ValueError for one that a URL path would swallow."""
    if name in (".", ".."):
        raise ValueError("'.' and '..' cannot stand in a URL; choose another name")
    return name


QuestionText: TypeAlias = Annotated[
    str, plain_field(1, MAXIMUM_QUESTION_CHARACTERS), AfterValidator(require_plain)
]
CollectionName: TypeAlias = Annotated[str, plain_field(1, NAME_CHARACTERS), AfterValidator(require_plain)]
NewCollectionName: TypeAlias = Annotated[CollectionName, AfterValidator(require_path_safe)]
FolderPath: TypeAlias = Annotated[str, plain_field(1, 4096), AfterValidator(require_absolute)]
IgnorePattern: TypeAlias = Annotated[str, plain_field(1, 1024), AfterValidator(require_plain)]
FileCursor: TypeAlias = Annotated[str, plain_field(0, 4096), AfterValidator(require_plain)]
DocumentUri: TypeAlias = Annotated[str, plain_field(1, 1024), AfterValidator(require_uri)]
Identifier: TypeAlias = Annotated[int, Field(ge=1, le=MAXIMUM_ID)]
Cursor: TypeAlias = Annotated[int, Field(ge=0, le=MAXIMUM_ID)]
Offset: TypeAlias = Annotated[int, Field(ge=0, le=MAXIMUM_OFFSET)]
Risk: TypeAlias = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
AnswerId: TypeAlias = Annotated[str, plain_field(1, 64), AfterValidator(require_plain)]
MessageText: TypeAlias = Annotated[str, plain_field(0, 100_000), AfterValidator(require_plain)]
ProfileName: TypeAlias = Annotated[str, plain_field(1, 64), AfterValidator(require_plain)]
Fingerprint: TypeAlias = Annotated[str, plain_field(0, 64), AfterValidator(require_plain)]
Comment: TypeAlias = Annotated[str, plain_field(0, 2000), AfterValidator(require_plain)]
Marker: TypeAlias = Annotated[int, Field(ge=1, le=10_000)]
UploadedCalibrator: TypeAlias = Annotated[Calibrator, BeforeValidator(require_plain_tree)]
Filters: TypeAlias = Annotated[dict[str, object], AfterValidator(require_plain_tree)]
