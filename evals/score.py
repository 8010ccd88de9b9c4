"""Records become figures: metrics.json, and breakdown.json by language, domain and metadata.

No model is needed. The same records give the same bytes, in whatever order they were written.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from evals.data import DataError
from evals.metrics.bootstrap import measure
from evals.metrics.catalogue import groups_of, metrics_of
from evals.metrics.statistic import Measured
from evals.records import METRICS_FILE, Record, RunFolder

BREAKDOWN_FILE = "breakdown.json"

METADATA = "metadata:"
MOST_METADATA_VALUES = 8  # a key with more values names questions rather than kinds of them

_PARTS: Mapping[str, Callable[[Record], str]] = {
    "language": lambda record: record.language,
    "domain": lambda record: record.domain,
}


@dataclass(frozen=True, slots=True)
class Part:
    """The metrics of records that agree in one respect: `by` is "language", "domain" or "metadata:KEY"."""

    by: str
    name: str
    measured: tuple[Measured, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """All figures of a run: over everything, and by part where there is more than one."""

    measured: tuple[Measured, ...]
    parts: tuple[Part, ...]


def score(folder: RunFolder) -> tuple[Measured, ...]:
    """Measure a run by its records and write metrics.json and breakdown.json into its folder.

    DataError where records are missing or cannot be measured.
    """
    header = folder.header()
    records = scorable(folder)
    if len(records) < header.questions:
        raise DataError(
            f"{folder.path} has {len(records)} of {header.questions} questions; "
            "run the suite again into this folder, which continues it"
        )
    scores = measure_records(header.task, records)
    _write(folder.path / METRICS_FILE, metrics_json(scores.measured))
    _write(folder.path / BREAKDOWN_FILE, breakdown_json(scores.parts))
    return scores.measured


def scorable(folder: RunFolder) -> tuple[Record, ...]:
    """A run's records by id; DataError where there are none."""
    records = tuple(sorted(folder.records(), key=lambda record: record.id))
    if not records:
        raise DataError(f"{folder.path} has no records to measure; run the suite first")
    return records


def measure_records(task: str, records: Sequence[Record]) -> Scores:
    """Every metric of a task over all records, and over each part where there are several.

    Parts are languages, domains, and the values of each key of metadata that has 2 to MOST_METADATA_VALUES;
    a question without the key is of the part "".
    """
    parts = []
    for by, value_of in ({**_PARTS, **_metadata_parts(records)}).items():
        names = sorted({value_of(record) for record in records})
        if len(names) > 1:
            parts += [
                Part(by, name, _measure(task, [r for r in records if value_of(r) == name])) for name in names
            ]
    return Scores(_measure(task, records), tuple(parts))


def _metadata_parts(records: Sequence[Record]) -> dict[str, Callable[[Record], str]]:
    found: dict[str, Callable[[Record], str]] = {}
    for key in sorted({key for record in records for key in record.metadata}):
        if len({record.metadata.get(key, "") for record in records}) <= MOST_METADATA_VALUES:
            found[METADATA + key] = partial(_metadata_value, key)
    return found


def _metadata_value(key: str, record: Record) -> str:
    return record.metadata.get(key, "")


def _measure(task: str, records: Sequence[Record]) -> tuple[Measured, ...]:
    return measure(metrics_of(task, records), groups_of(records))


def metrics_json(measured: Sequence[Measured]) -> str:
    """The text of metrics.json: value, low, high and n by metric."""
    return json.dumps(_by_name(measured), indent=2, ensure_ascii=False) + "\n"


def breakdown_json(parts: Sequence[Part]) -> str:
    """The text of breakdown.json: the same by `Part.by`, then by its value; {} without parts."""
    tree: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for part in parts:
        tree.setdefault(part.by, {})[part.name] = _by_name(part.measured)
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def _by_name(measured: Sequence[Measured]) -> dict[str, dict[str, float]]:
    return {
        item.name: {"value": item.value, "low": item.low, "high": item.high, "n": item.n} for item in measured
    }


def _write(path: Path, text: str) -> None:
    """Put a whole file in place of the old one."""
    written = path.with_suffix(".part")
    written.write_text(text, encoding="utf-8", newline="\n")
    written.replace(path)
