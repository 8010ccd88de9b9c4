"""Everything that the report shows of a run, as values; the template only sets them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from evals.data import DataError
from evals.judge import is_correct
from evals.records import METRICS_FILE, Header, Record, RunFolder
from evals.report.cases import Case, furthest_from_gold, has_proposal, most_confident_wrong
from evals.report.curves import Curves, curves_of
from evals.report.glossary import meanings_of
from evals.score import BREAKDOWN_FILE, scorable

Read = TypeVar("Read")

BINS = 20
CASES_SHOWN = 8
CASES_OF_SEVERAL = 4  # of each kind, where a page holds several runs: 45 suites are then 2 MB
HEADLINES_SHOWN = 5
PART_METRICS_SHOWN = 3  # with the name and n, what a phone is wide enough for
HEADLINES = (
    "nDCG@10",
    "R@10",
    "evidence_hit",
    "answerability_AUROC",
    "evidence_F1",
    "ROUGE-L",
    "support_AUROC",
    "balanced_accuracy",
    "AUROC",
    "coverage",
    "risk",
    "passage_R@10",
    "accuracy",
    "F1",
)
PART_HEADLINES = (
    "nDCG@10",
    "R@10",
    "evidence_hit",
    "AUROC",
    "smECE",
    "accuracy",
    "coverage",
    "F1",
    "ROUGE-L",
)


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric of metrics.json: its value, the ends of its 95 % interval, and the n questions behind it."""

    value: float
    low: float
    high: float
    n: int


Figures: TypeAlias = Mapping[str, Interval]
"""Metrics by name, in the order of the file."""


@dataclass(frozen=True, slots=True)
class Part:
    """The questions of one language, domain or value of metadata."""

    name: str
    n: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A run's parts by "language", "domain" or "metadata:KEY", the largest first, and the metrics shown."""

    by: str
    metrics: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Confidences of one outcome in BINS equal bins from 0 to 1: answers shown, and answers withheld."""

    outcome: str
    shown: tuple[int, ...]
    withheld: tuple[int, ...]

    @property
    def n(self) -> int:
        """How many questions came out this way."""
        return sum(self.shown) + sum(self.withheld)

    @property
    def tallest(self) -> int:
        """The height of the highest bin."""
        return max(shown + held for shown, held in zip(self.shown, self.withheld, strict=True))


@dataclass(frozen=True, slots=True)
class StageTime:
    """How long a stage took, in milliseconds."""

    stage: str
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run's section of the page; `curves` is None where nothing was proposed that can be judged."""

    number: int
    header: Header
    recorded: int
    failed: int
    figures: Figures
    breakdowns: tuple[Breakdown, ...]
    curves: Curves | None
    histograms: tuple[Histogram, ...]
    is_calibrated: bool
    timings: tuple[StageTime, ...]
    confident_wrong: tuple[Case, ...]
    furthest: tuple[Case, ...]

    @property
    def headlines(self) -> tuple[str, ...]:
        """The names of its metrics that matter most."""
        return tuple(name for name in HEADLINES if name in self.figures)[:HEADLINES_SHOWN]

    @property
    def meanings(self) -> Mapping[str, str]:
        """What the metrics of the results table say."""
        return meanings_of(self.tabled)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many proposals have a confidence in each of BINS equal bins, whatever their outcome."""
        columns = (part for item in self.histograms for part in (item.shown, item.withheld))
        return tuple(map(sum, zip(*columns, strict=True)))

    @property
    def tabled(self) -> Figures:
        """The metrics of the results table: those of the table beside the curves are left to that."""
        if self.curves is None:
            return self.figures
        return {n: item for n, item in self.figures.items() if not n.startswith(("coverage@", "oracle@"))}


def report_of(folder: RunFolder, number: int, cases: int = CASES_SHOWN) -> RunReport:
    """What there is to show of a run, with at most `cases` questions of each kind.

    DataError where it has no records or was not scored.
    """
    records = scorable(folder)
    proposals = [record for record in records if has_proposal(record) and not record.error]
    confident_wrong = most_confident_wrong(records, cases)
    return RunReport(
        number=number,
        header=folder.header(),
        recorded=len(records),
        failed=sum(1 for record in records if record.error),
        figures=_read(folder, METRICS_FILE, TypeAdapter(dict[str, Interval])),
        breakdowns=breakdowns_of(folder),
        curves=curves_of(records) if proposals else None,
        histograms=histograms_of(proposals),
        is_calibrated=bool(proposals) and all(record.is_calibrated for record in proposals),
        timings=timings_of(records),
        confident_wrong=confident_wrong,
        furthest=furthest_from_gold(records, cases, without=confident_wrong),
    )


def breakdowns_of(folder: RunFolder) -> tuple[Breakdown, ...]:
    """What breakdown.json has; nothing without it, for a run may have a single part."""
    if not (folder.path / BREAKDOWN_FILE).exists():
        return ()
    tree = _read(folder, BREAKDOWN_FILE, TypeAdapter(dict[str, dict[str, dict[str, Interval]]]))
    found = []
    for by, by_name in tree.items():
        parts = [
            Part(name, max(i.n for i in items.values()), items) for name, items in by_name.items() if items
        ]
        present = {name for part in parts for name in part.figures}
        metrics = tuple(name for name in PART_HEADLINES if name in present)[:PART_METRICS_SHOWN]
        if len(parts) > 1:
            found.append(Breakdown(by, metrics, tuple(sorted(parts, key=lambda part: (-part.n, part.name)))))
    return tuple(found)


def histograms_of(proposals: Sequence[Record]) -> tuple[Histogram, ...]:
    """Right, wrong and unanswerable, without those that did not occur."""
    by_outcome: dict[str, list[Record]] = {"right": [], "wrong": [], "unanswerable": []}
    for record in proposals:
        right_or_wrong = "right" if is_correct(record) else "wrong"
        by_outcome[right_or_wrong if record.is_answerable else "unanswerable"].append(record)
    return tuple(
        Histogram(
            outcome,
            shown=_binned([r.confidence for r in records if r.is_answered]),
            withheld=_binned([r.confidence for r in records if not r.is_answered]),
        )
        for outcome, records in by_outcome.items()
        if records
    )


def _binned(confidences: Sequence[float]) -> tuple[int, ...]:
    counts, _ = np.histogram(confidences, bins=BINS, range=(0, 1))
    return tuple(int(count) for count in counts)


def timings_of(records: Sequence[Record]) -> tuple[StageTime, ...]:
    """By stage, in the order in which stages ran."""
    by_stage: dict[str, list[float]] = defaultdict(list)
    for record in records:
        for stage, milliseconds in record.timings_ms.items():
            by_stage[stage].append(milliseconds)
    return tuple(
        StageTime(stage, float(np.quantile(times, 0.5)), float(np.quantile(times, 0.95)))
        for stage, times in by_stage.items()
    )


def _read(folder: RunFolder, name: str, form: TypeAdapter[Read]) -> Read:
    path: Path = folder.path / name
    try:
        return form.validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; make it with `attest eval score {folder.path}`") from error
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise DataError(
            f"{path} is damaged ({place}: {error.errors()[0]['msg']}); "
            f"make it again with `attest eval score {folder.path}`"
        ) from error
