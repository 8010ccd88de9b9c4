"""Evaluation data: where it lies, and how its files are read and told apart."""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from rag.errors import AttestError

DEVELOPMENT_BYTES = 26  # of 256
DATA_VARIABLE = "ATTEST_DATA"
DEFAULT_DATA = Path("../shared/data")

T = TypeVar("T")


class DataMissingError(AttestError):
    """The data a suite needs is not on this machine."""


class DataError(AttestError):
    """The data is there but malformed; the message names file and line."""


def data_root() -> Path:
    """The folder named by ATTEST_DATA, or ../shared/data beside the project; DataMissingError without it."""
    named = os.environ.get(DATA_VARIABLE)
    root = Path(named) if named else _project_root() / DEFAULT_DATA
    if not root.is_dir():
        raise DataMissingError(
            f"there is no evaluation data at {root}; set {DATA_VARIABLE} to the folder that holds it"
        )
    return root


def _project_root() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file():
            return folder
    return here


def data_file(root: Path, name: str) -> Path:
    """The path of `name` below `root`, plain or gzipped; DataMissingError where neither is there."""
    for path in (root / name, root / f"{name}.gz"):
        if path.is_file():
            return path
    raise DataMissingError(
        f"{root / name}[.gz] is missing; point {DATA_VARIABLE} at a folder that holds this set"
    )


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file, gzipped or plain, numbered from 1; blank ones are left out."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line.decode()
        except (gzip.BadGzipFile, EOFError, UnicodeDecodeError, zlib.error) as error:
            raise DataError(f"{path} is damaged ({error}); fetch it again") from error


def read_rows(path: Path, row_type: type[T]) -> Iterator[T]:
    """One value of `row_type`, a dataclass, per JSON line; other fields of a line are ignored."""
    adapter = TypeAdapter(row_type)
    for number, line in read_lines(path):
        try:
            yield adapter.validate_json(line)
        except ValidationError as error:
            raise DataError(f"{path}, line {number}: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    """The first thing wrong, with its place."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def read_json(path: Path, document_type: type[T]) -> T:
    """A whole JSON file as one value of `document_type`; the error names the item that is malformed."""
    text = "".join(line for _, line in read_lines(path))
    try:
        return TypeAdapter(document_type).validate_json(text)
    except ValidationError as error:
        raise DataError(f"{path}: {_first(error)}") from error


def hash_of(paths: Sequence[Path], layout: str) -> str:
    """The sha256 over the files' bytes, uncompressed, and the version of the code that lays them out."""
    digest = hashlib.sha256(layout.encode())
    for path in paths:
        data = b"".join(line.encode() for _, line in read_lines(path))
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()


def is_held_out(name: str) -> bool:
    """Whether a document or question is test: the sha256 of its title or id starts with 0, 1 or 2."""
    return hashlib.sha256(name.encode()).hexdigest()[0] in "012"


def is_development(group: str) -> bool:
    """Whether a train document is kept from training the reader: one in ten, for choosing between recipes."""
    return hashlib.sha256(f"dev:{group}".encode()).digest()[0] < DEVELOPMENT_BYTES
