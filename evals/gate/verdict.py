"""Whether runs pass a gate, and what got worse by how much."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evals.gate.baseline import Baseline, Sampled, Standing
from evals.gate.limits import Gate, Limits

LOWER_IS_BETTER = frozenset({"risk", "Brier", "log_loss", "smECE", "AURC", "false_abstention", "failed"})
CONFIDENCE_LEVEL = 0.95
_ROUNDING = 1e-6  # values are kept with six decimals


class Verdict(StrEnum):
    """How a metric came out; everything but the first two fails the gate."""

    PASSED = "passed"
    WITHIN_NOISE = "within noise"
    BELOW_MINIMUM = "below min"
    ABOVE_MAXIMUM = "above max"
    WORSE = "worse"
    MISSING = "missing"
    NOT_COMPARABLE = "not comparable"

    @property
    def is_failure(self) -> bool:
        """Whether the gate fails."""
        return self not in {Verdict.PASSED, Verdict.WITHIN_NOISE}


@dataclass(frozen=True, slots=True)
class Change:
    """How much better (above 0) or worse a metric is than the baseline, with the paired 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What there is to say of one metric of one suite; `metric` is "" for what concerns the whole run."""

    suite: str
    metric: str
    verdict: Verdict
    value: float | None = None
    baseline: float | None = None
    change: Change | None = None
    reason: str = ""


def judge(gate: Gate, standings: Sequence[Standing], baseline: Baseline | None) -> tuple[Finding, ...]:
    """Every suite of the gate against its limits and the baseline; a suite without a run fails."""
    by_suite = {standing.suite: standing for standing in standings}
    found: list[Finding] = []
    for suite in gate.suites:
        if suite not in by_suite:
            reason = "no run of this suite was given; make one with `attest eval run`"
            found.append(Finding(suite, "", Verdict.MISSING, reason=reason))
        else:
            found += _suite(gate, by_suite[suite], baseline)
    return tuple(found)


def _suite(gate: Gate, run: Standing, baseline: Baseline | None) -> Iterator[Finding]:
    known: Mapping[str, Sampled] = {}
    if baseline is not None:
        standing = baseline.suites.get(run.suite)
        problem = _incomparable(run, standing)
        if problem:
            yield Finding(run.suite, "", Verdict.NOT_COMPARABLE, reason=problem)
        known = standing.metrics if standing is not None and not problem else {}
    for name, limits in gate.limits_of(run.suite).items():
        yield _metric(run, name, limits, known.get(name), gate.allowed_drop_of(limits))


def _incomparable(run: Standing, standing: Standing | None) -> str:
    if standing is None:
        return "the baseline has no run of this suite; add it with --update"
    if standing.questions != run.questions:
        return (
            f"other questions than the baseline's (split {run.split}, n {run.n}; there split "
            f"{standing.split}, n {standing.n}): run the same --split, --limit and --seed "
            "on the same data, or use --update"
        )
    return ""


def _metric(run: Standing, name: str, limits: Limits, known: Sampled | None, allowed: float) -> Finding:
    now = run.metrics.get(name)
    if now is None:
        reason = f"the run has no {name}; see its metrics.json for those it has"
        return Finding(run.suite, name, Verdict.MISSING, reason=reason)
    change = change_of(name, known, now) if known is not None else None
    if limits.minimum is not None and now.value < limits.minimum - _ROUNDING:
        verdict, reason = Verdict.BELOW_MINIMUM, f"at least {limits.minimum:g} wanted"
    elif limits.maximum is not None and now.value > limits.maximum + _ROUNDING:
        verdict, reason = Verdict.ABOVE_MAXIMUM, f"at most {limits.maximum:g} wanted"
    elif change is not None and -change.value > allowed + _ROUNDING:
        is_noise = change.high >= 0
        verdict = Verdict.WITHIN_NOISE if is_noise else Verdict.WORSE
        reason = f"a drop of {allowed:g} is allowed"
    else:
        verdict, reason = Verdict.PASSED, ""
    return Finding(
        run.suite, name, verdict, now.value, known.value if known is not None else None, change, reason
    )


def change_of(name: str, before: Sampled, now: Sampled) -> Change:
    """The paired difference, above 0 where it got better, with its percentile interval over the draws."""
    sign = -1.0 if is_lower_better(name) else 1.0
    pairs = [(a, b) for a, b in zip(before.draws, now.draws, strict=True) if a is not None and b is not None]
    value = sign * (now.value - before.value)
    if not pairs:
        return Change(value, value, value)
    differences = sign * np.array([b - a for a, b in pairs])
    tail = (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.quantile(differences, [tail, 1 - tail])
    return Change(value, float(low), float(high))


def is_lower_better(metric: str) -> bool:
    """Whether a smaller value is the better one; `risk@full` goes by its part before the @."""
    return metric.split("@", maxsplit=1)[0] in LOWER_IS_BETTER
