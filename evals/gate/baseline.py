"""What a later run is held to: each gated metric, and its values on the bootstrap's draws.

Documents are drawn with all their questions, so many of each language and of questions with and without an
answer. Runs over the same questions are drawn alike, so the difference of two runs on each draw is a paired
comparison, for any metric, and nothing of the questions needs to be kept.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from evals.data import DataError
from evals.gate.limits import Gate
from evals.metrics.bootstrap import resampled
from evals.metrics.catalogue import groups_of, metrics_of, strata_of
from evals.records import Header, Record, RunFolder
from evals.score import scorable

DRAWS = 400  # their quantiles at 2.5 % rest on 10 draws; each 100 more add .7 kB a metric to the file
VALUE_DECIMALS = 6
DRAW_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Sampled:
    """A metric of one run: its value, and DRAWS values in the bootstrap's order, None where undefined."""

    value: float
    draws: Annotated[tuple[float | None, ...], Field(min_length=DRAWS, max_length=DRAWS)]


@dataclass(frozen=True, slots=True)
class Standing:
    """A run as it stands: the gated metrics, and `questions`, a digest of which questions were asked."""

    suite: str
    questions: str
    n: int
    split: str
    limit: int | None
    commit: str
    metrics: Mapping[str, Sampled]


@dataclass(frozen=True, slots=True)
class Baseline:
    """Standings by suite."""

    suites: Mapping[str, Standing]


def standing_of(folder: RunFolder, metrics: Sequence[str]) -> Standing:
    """Where a finished run stands on those of `metrics` that it has; DataError for an unfinished one."""
    header, records = folder.header(), scorable(folder)
    if len(records) < header.questions:
        raise DataError(
            f"{folder.path} has {len(records)} of {header.questions} questions; finish it first with "
            "`attest eval run`"
        )
    return Standing(
        suite=header.suite,
        questions=_digest(header, records),
        n=len(records),
        split=header.split,
        limit=header.limit,
        commit=header.commit,
        metrics=_sampled(header.task, records, metrics),
    )


def _sampled(task: str, records: Sequence[Record], names: Sequence[str]) -> Mapping[str, Sampled]:
    once = np.ones((1, len(records)))
    found = {
        metric.name: (metric, float(metric.statistic(once)[0]))
        for metric in metrics_of(task, records)
        if metric.name in names
    }
    defined = {name: pair for name, pair in found.items() if np.isfinite(pair[1])}
    # Within strata: two documents hold all answers in Chinese on docs/. One draw in seven lacked both, so
    # losing the lexical side, and all that is Chinese with it (passage_R@10 .94 to .66), passed for noise.
    drawn = [metric for metric, _ in defined.values()]
    draws = resampled(drawn, groups_of(records), strata_of(records), DRAWS)
    return {
        name: Sampled(
            round(value, VALUE_DECIMALS),
            tuple(round(float(v), DRAW_DECIMALS) if np.isfinite(v) else None for v in drawn),
        )
        for (name, (_, value)), drawn in zip(defined.items(), draws, strict=True)
    }


def _digest(header: Header, records: Sequence[Record]) -> str:
    """Of the questions' ids, groups and data, in the order of ids, in which they are drawn."""
    pairs = zip(records, groups_of(records), strict=True)
    asked = [header.data_hash, *(f"{record.id}\t{group}" for record, group in pairs)]
    return hashlib.sha256("\n".join(asked).encode()).hexdigest()[:16]


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file; DataError where it is missing or damaged."""
    try:
        return TypeAdapter(Baseline).validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; write it with `attest eval gate ... --update`") from error
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise DataError(
            f"{path} is no baseline ({place}: {error.errors()[0]['msg']}); write it anew with --update"
        ) from error


def write_baseline(path: Path, standings: Sequence[Standing]) -> None:
    """Write a baseline, one line a metric, so that a change shows which moved."""
    tree = TypeAdapter(Baseline).dump_python(Baseline({item.suite: item for item in standings}), mode="json")
    blocks = []
    for suite, standing in sorted(tree["suites"].items()):
        rows = [f" {json.dumps(name)}: {json.dumps(item)}" for name, item in standing.pop("metrics").items()]
        head = json.dumps(standing)[:-1]
        blocks.append(f'{json.dumps(suite)}: {head}, "metrics": {{\n' + ",\n".join(rows) + "}}")
    path.write_text('{"suites": {\n' + ",\n".join(blocks) + "\n}}\n", encoding="utf-8")


def gated_metrics(gate: Gate, suite: str) -> tuple[str, ...]:
    """The metrics that a gate looks at in a suite."""
    return tuple(gate.suites.get(suite, ()))
