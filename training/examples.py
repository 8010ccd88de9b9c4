"""What the reader is trained on: one question or claim beside one passage, with what is known of the pair."""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path


class Task(StrEnum):
    """Which heads an example can train."""

    READ = "read"
    SUPPORT = "support"


@dataclass(frozen=True, slots=True)
class Example:
    """One pair; what is not known of it trains nothing.

    `spans`: every place in `passage`, in code points, where the answer stands; () where it does not answer;
    None where that is not known. `relevance`: 1 where the passage answers, 0 where it does not, None where
    that is not known. `label` is a SupportLabel's value, for claims alone. `group` is the document by which
    train and development are told apart.
    """

    task: Task
    language: str
    source: str
    group: str
    question: str
    title: str
    passage: str
    spans: tuple[tuple[int, int], ...] | None = None
    relevance: float | None = None
    label: str | None = None


def write_examples(path: Path, examples: Iterable[Example]) -> int:
    """Write examples as gzipped JSON lines, whole or not at all; how many there were."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    count = 0
    with gzip.open(part, "wt", encoding="utf-8") as file:
        for example in examples:
            file.write(json.dumps(asdict(example), ensure_ascii=False) + "\n")
            count += 1
    part.replace(path)
    return count


def read_examples(path: Path) -> Iterator[Example]:
    """The examples of a file in their order."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            fields = json.loads(line)
            spans = fields["spans"]
            fields["task"] = Task(fields["task"])
            fields["spans"] = None if spans is None else tuple((start, end) for start, end in spans)
            yield Example(**fields)
