"""The log of a run: a header, then one JSON line per question, from which everything else is computed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from evals.data import DataError
from rag.errors import ConflictError

HEADER_FILE = "header.json"
RECORDS_FILE = "records.jsonl"
METRICS_FILE = "metrics.json"


@dataclass(frozen=True, slots=True)
class Header:
    """What a run measured, and with what; two runs with equal headers but for `started_at` are one run."""

    suite: str
    split: str
    limit: int | None
    seed: int
    questions: int
    data_hash: str
    embedding_model: str
    embedding_fingerprint: str
    commit: str
    versions: Mapping[str, str]
    started_at: str


@dataclass(frozen=True, slots=True)
class RankedDocument:
    """A document and the fused score of its best chunk."""

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class ChunkScore:
    """A retrieved chunk by its place in its document, its fused score, and each searcher's score for it."""

    document: str
    start: int
    end: int
    score: float
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Record:
    """One question: what was found, best first, and in how many milliseconds by stage; `error` "" if none."""

    id: str
    question: str
    gold: tuple[str, ...]
    ranked: tuple[RankedDocument, ...]
    chunks: tuple[ChunkScore, ...]
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    error: str = ""


class RunFolder:
    """A run's files; opening one again continues it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, header: Header) -> Header:
        """Write the header, or check that it equals the one there; gives the one in force.

        ConflictError where the folder holds another run. A last line that a dying process tore is cut off.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if not self._header_path.exists():
            if self._records_path.exists():
                raise ConflictError(f"{self.path} has records but no header; choose another --out folder")
            written = self._header_path.with_suffix(".part")
            written.write_bytes(_headers().dump_json(header, indent=2) + b"\n")
            written.replace(self._header_path)  # in one step: a header is whole or not there
            return header
        known = self.header()
        if replace(header, started_at=known.started_at) != known:
            differing = [
                f"{item.name} was {getattr(known, item.name)!r} and is {getattr(header, item.name)!r}"
                for item in fields(Header)
                if item.name != "started_at" and getattr(known, item.name) != getattr(header, item.name)
            ]
            raise ConflictError(
                f"{self.path} holds another run: {'; '.join(differing)}. Choose another --out folder"
            )
        self._drop_torn_line()
        return known

    def header(self) -> Header:
        """The header; DataError where there is none that can be read."""
        try:
            return _headers().validate_json(self._header_path.read_bytes())
        except FileNotFoundError as error:
            raise DataError(f"{self._header_path} is missing: {self.path} is not a run's folder") from error
        except ValidationError as error:
            raise DataError(f"{self._header_path} is damaged: {error.errors()[0]['msg']}") from error

    def records(self) -> Iterator[Record]:
        """Every record in the order written; DataError names the line that cannot be read."""
        if not self._records_path.exists():
            return
        with self._records_path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield _records().validate_json(line)
                except ValidationError as error:
                    message = f"{self._records_path}, line {number}: {error.errors()[0]['msg']}"
                    raise DataError(message) from error

    def append(self, records: Iterator[Record]) -> Iterator[Record]:
        """Write records as they come, each flushed before it is passed on."""
        with self._records_path.open("ab") as lines:
            for record in records:
                lines.write(_records().dump_json(record) + b"\n")
                lines.flush()
                yield record

    def write_metrics(self, text: str) -> None:
        """Write metrics.json anew."""
        (self.path / METRICS_FILE).write_text(text, encoding="utf-8")

    @property
    def _header_path(self) -> Path:
        return self.path / HEADER_FILE

    @property
    def _records_path(self) -> Path:
        return self.path / RECORDS_FILE

    def _drop_torn_line(self) -> None:
        """Cut the file after its last newline: a record counts only when its line is whole."""
        if not self._records_path.exists():
            return
        data = self._records_path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with self._records_path.open("r+b") as records:
                records.truncate(whole)


def unanswered(ids: Sequence[str], done: Iterator[Record]) -> list[str]:
    """The ids that no record answers yet, in order."""
    answered = {record.id for record in done}
    return [name for name in ids if name not in answered]


@cache
def _headers() -> TypeAdapter[Header]:
    return TypeAdapter(Header)


@cache
def _records() -> TypeAdapter[Record]:
    return TypeAdapter(Record)
