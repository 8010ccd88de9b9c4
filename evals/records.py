"""The log of a run: a header, then one JSON line per question, from which everything else is computed."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from evals.data import DataError
from evals.questions import Gold
from rag.decoding import GREEDY, Decoding
from rag.errors import ConflictError

HEADER_FILE = "header.json"
RECORDS_FILE = "records.jsonl"
METRICS_FILE = "metrics.json"


@dataclass(frozen=True, slots=True)
class Header:
    """What a run measured, and with what; two runs with equal headers but for `started_at` are one run.

    `settings` are those that change answers; `prompt_hash` is "" for a generator without a prompt. `model`
    is the language model's name, `profile`, `mode` and `decoding` are what it was asked with: "" and None
    where there is none. `pipeline` is the fingerprint of all of it.
    `collection` is the one asked, "" where every question brings its passages; `calibrator` is the id of the
    one in force there, "" where none was.
    """

    suite: str
    task: str
    correct: str
    split: str
    limit: int | None
    seed: int
    sample_ids: tuple[str, ...]
    questions: int
    data_hash: str
    pipeline: str
    embedding_model: str
    prompt_hash: str
    settings: Mapping[str, str]
    commit: str
    versions: Mapping[str, str]
    started_at: str
    collection: str = ""
    calibrator: str = ""
    generator: str = "extractive"
    model: str = ""
    profile: str = ""
    mode: str = ""
    decoding: Decoding | None = None

    @property
    def worded_by(self) -> str:
        """Who worded the answers and how, in words; of the decoding what is not greedy's."""
        if self.decoding is None:
            return self.generator
        greedy = asdict(GREEDY)
        changed = {name: value for name, value in asdict(self.decoding).items() if value != greedy[name]}
        decoding = ", ".join(f"{name} {value}" for name, value in changed.items()) or "greedy"
        return f"{self.generator} {self.model}, profile {self.profile}, mode {self.mode}, {decoding}"


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
class Place:
    """A stretch of a document's canonical text in code points, end-exclusive."""

    document: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CitedSource:
    """A quoted stretch; `is_verbatim`: the stored text from `start` to `end` is exactly `text`.

    `focus` has the words of it that answer, "" where nothing told them.
    """

    document: str
    start: int
    end: int
    text: str
    is_verbatim: bool
    focus: str = ""


@dataclass(frozen=True, slots=True)
class CitedSentence:
    """A sentence of the proposed answer, the quotations it rests on, and its support from 0 to 1."""

    text: str
    sources: tuple[CitedSource, ...]
    support: float
    label: str


@dataclass(frozen=True, slots=True)
class Record:
    """One question and all that is needed to score it again.

    `answer` and `sentences` are what was proposed, also where `status` is "abstained": a threshold can be
    moved afterwards. `gold_places` are the gold's marks in canonical texts; `ranked` are documents, best
    first. `predicted` is the letter chosen or the verdict given; `answerable` is None where nothing told it.
    `metadata` is what else the set says of the question; `usage` counts a language model's tokens, `warnings`
    are those of the answer. Times are in milliseconds; `error` is "" where there was none.
    """

    id: str
    question: str
    language: str
    domain: str
    group: str
    is_test: bool
    is_answerable: bool
    gold: Gold
    gold_places: tuple[Place, ...] = ()
    ranked: tuple[RankedDocument, ...] = ()
    chunks: tuple[ChunkScore, ...] = ()
    status: str = ""
    reason: str = ""
    answer: str = ""
    sentences: tuple[CitedSentence, ...] = ()
    predicted: str = ""
    confidence: float = 0.0
    answerable: float | None = None
    is_calibrated: bool = False
    signals: Mapping[str, float] = field(default_factory=dict)
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def is_answered(self) -> bool:
        """Whether the user was shown the answer."""
        return self.status == "answered"


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
        """The record of each question, in the order in which they were first asked.

        Of a question that failed and was asked again, the last record. DataError names the line that cannot
        be read, or the question that has another record though it did not fail.
        """
        latest: dict[str, Record] = {}
        for record in self._lines():
            known = latest.get(record.id)
            if known is not None and not known.error:
                raise DataError(
                    f"{self.path} has two records of {record.id!r}; run the suite into another folder"
                )
            latest[record.id] = record
        yield from latest.values()

    def append(self, records: Iterator[Record]) -> Iterator[Record]:
        """Write records as they come, each flushed before it is passed on."""
        with self._records_path.open("ab") as lines:
            for record in records:
                lines.write(_records().dump_json(record) + b"\n")
                lines.flush()
                yield record

    @property
    def _header_path(self) -> Path:
        return self.path / HEADER_FILE

    @property
    def _records_path(self) -> Path:
        return self.path / RECORDS_FILE

    def _lines(self) -> Iterator[Record]:
        if not self._records_path.exists():
            return
        with self._records_path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield _records().validate_json(line)
                except ValidationError as error:
                    place = f"{self._records_path}, line {number}"
                    if not line.endswith(b"\n"):
                        raise DataError(
                            f"{place}, is torn: the run was stopped while it was written; "
                            "run the suite again into this folder to continue it"
                        ) from error
                    raise DataError(f"{place}: {error.errors()[0]['msg']}") from error

    def _drop_torn_line(self) -> None:
        """Cut the file after its last newline: a record counts only when its line is whole."""
        if not self._records_path.exists():
            return
        data = self._records_path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with self._records_path.open("r+b") as records:
                records.truncate(whole)


@cache
def _headers() -> TypeAdapter[Header]:
    return TypeAdapter(Header)


@cache
def _records() -> TypeAdapter[Record]:
    return TypeAdapter(Record)
