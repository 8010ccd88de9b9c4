"""An operator's file of questions becomes rows: JSON lines, or CSV whose first line names the columns."""

import codecs
import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evals.data import DataError

MOST_PROBLEMS = 20
SEPARATOR = "|"
LISTS = frozenset(("answer", "answers", "documents", "passages"))
FLAGS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "yes", "1", "是"), True),
    **dict.fromkeys(("false", "no", "0", "否"), False),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A question as written: values by the name of their field, in lower case; `line` counts from 1."""

    line: int
    values: Mapping[str, object]


@dataclass(slots=True)
class Problems:
    """What is wrong with a file, gathered so that one run shows all of it."""

    path: Path
    found: list[str] = field(default_factory=list)

    def add(self, line: int, name: str, problem: str) -> None:
        """Note what is wrong in a line; `name` is the field, "" for the line itself."""
        self.found.append(f"line {line}, {name}: {problem}" if name else f"line {line}: {problem}")

    def raise_any(self) -> None:
        """DataError with the first MOST_PROBLEMS, if there are any."""
        if not self.found:
            return
        shown = "".join(f"\n  {problem}" for problem in self.found[:MOST_PROBLEMS])
        more = len(self.found) - MOST_PROBLEMS
        rest = f"\n  and {more} more" if more > 0 else ""
        count = f"{len(self.found)} problem{'s' if len(self.found) > 1 else ''}"
        raise DataError(f"{self.path} cannot be used, {count}:{shown}{rest}")


def read_file(path: Path, problems: Problems) -> list[Row]:
    """The rows of a .jsonl or .csv file in order; DataError where the file as a whole cannot be read."""
    kind = path.suffix.lower()
    if kind not in {".jsonl", ".ndjson", ".csv"}:
        raise DataError(
            f"{path} is neither .jsonl nor .csv; write one JSON object a line, or CSV with a header"
        )
    text = _decoded(path)
    if not text.strip():
        raise DataError(f"{path} is empty; write at least one question")
    return list(_csv_rows(path, text, problems) if kind == ".csv" else _json_rows(path, text, problems))


def _decoded(path: Path) -> str:
    """The text, with or without a byte order mark."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        cause = "it is UTF-16" if is_wide else f"line {line} is not UTF-8"
        raise DataError(f"{path}: {cause}; save it as UTF-8 (in Excel: 'CSV UTF-8')") from error


def _json_rows(path: Path, text: str, problems: Problems) -> Iterator[Row]:
    if text.lstrip().startswith("["):
        raise DataError(f"{path} is one JSON array; write one object a line, without brackets around them")
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            problems.add(number, "", f"no JSON object: {error.msg} at character {error.colno}")
            continue
        if isinstance(values, dict):
            yield Row(number, {name.strip().casefold(): value for name, value in values.items()})
        else:
            problems.add(number, "", 'no JSON object; write {"question": "...", "answer": "..."}')


def _csv_rows(path: Path, text: str, problems: Problems) -> Iterator[Row]:
    """Cells that are blank are left out; a record's line is the one it begins in."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [name.strip().casefold() for name in next(reader)]
        _require_header(path, names)
        begin = reader.line_num + 1
        for cells in reader:
            if len(cells) > len(names):
                problems.add(
                    begin,
                    "",
                    f"{len(cells)} cells under {len(names)} columns; put a text with commas in double quotes",
                )
            elif any(cell.strip() for cell in cells):
                yield Row(begin, _values(dict(zip(names, cells, strict=False)), begin, problems))
            begin = reader.line_num + 1
    except csv.Error as error:
        where = f"{path}, line {reader.line_num}"
        raise DataError(f"{where}: {error}; check the double quotes of this record") from error


def _require_header(path: Path, names: list[str]) -> None:
    if "question" not in names:
        written = ", ".join(name[:40] for name in names)
        has_other_marks = len(names) == 1 and (";" in names[0] or "\t" in names[0])
        remedy = "separate columns by commas" if has_other_marks else "begin with a line like question,answer"
        raise DataError(f"{path} has no column 'question': its first line reads {written!r}; {remedy}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{path} has two columns {twice[0]!r}; name each once")


def _values(cells: Mapping[str, str], line: int, problems: Problems) -> dict[str, object]:
    """Cells as the values that JSON would have: lists are split at "|", flags read."""
    values: dict[str, object] = {}
    for name, cell in cells.items():
        written = cell.strip()
        if not written or not name:
            continue
        if name in LISTS:
            values[name] = [part.strip() for part in written.split(SEPARATOR) if part.strip()]
        elif name != "answerable":
            values[name] = written
        elif written.casefold() in FLAGS:
            values[name] = FLAGS[written.casefold()]
        else:
            problems.add(line, name, f"{written!r} is neither true nor false")
    return values
