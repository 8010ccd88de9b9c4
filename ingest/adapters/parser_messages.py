"""What passes between the process that ingests and the one that parses."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """A file to parse."""

    data: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why it could not be parsed; `is_fatal` where the process must be replaced."""

    reason: str
    is_fatal: bool = False
