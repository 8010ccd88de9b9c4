"""A calibrator: signals become the probability that an answer is right, and a risk becomes a threshold.

It is a JSON file, never code: coefficients and knots, thresholds with their certificates, the sets it was
fitted on, and the fingerprint of the pipeline whose signals it can weigh. `attest eval calibrate` writes it.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from rag.errors import InvalidRequestError

POOLED = "all"
"""The group of every question; others are "language:zh" or "domain:medical"."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What one signal does: `coefficient` for each `deviation` above its `mean`.

    A value outside `lowest` to `highest`, which is about what was fitted on, counts as the end it is beyond:
    a collection unlike any seen must not be given a certainty that nobody has seen either. Where the signal
    is missing or not finite it counts as its mean.
    """

    signal: str
    lowest: float
    highest: float
    mean: float
    deviation: float
    coefficient: float

    def __post_init__(self) -> None:
        if not (self.lowest <= self.highest and self.deviation > 0):
            raise ValueError(f"the weight of {self.signal} needs lowest <= highest and a positive deviation")

    def standardised(self, value: float | None) -> float:
        """Deviations from the mean."""
        if value is None or not math.isfinite(value):
            return 0.0
        return (min(max(value, self.lowest), self.highest) - self.mean) / self.deviation


@dataclass(frozen=True, slots=True)
class Stacker:
    """A logistic regression over standardised signals."""

    weights: tuple[Weight, ...]
    intercept: float

    def log_odds(self, signals: Mapping[str, float]) -> float:
        """The log-odds of being right before calibration."""
        return self.intercept + sum(
            weight.coefficient * weight.standardised(signals.get(weight.signal)) for weight in self.weights
        )


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """Platt's: the log-odds stretched and shifted. `intercept` 0 makes it temperature scaling."""

    kind: Literal["sigmoid", "temperature"]
    slope: float
    intercept: float

    def __post_init__(self) -> None:
        if self.slope < 0:
            raise ValueError("a negative slope would turn the order of answers round")

    def probability(self, log_odds: float) -> float:
        """From 0 to 1, rising with the log-odds."""
        return logistic(self.slope * log_odds + self.intercept)


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Straight lines between knots, `x` ascending in log-odds, `y` from 0 to 1 not falling; flat outside."""

    kind: Literal["isotonic"]
    x: tuple[float, ...]
    y: tuple[float, ...]

    def __post_init__(self) -> None:
        rises = all(left < right for left, right in pairwise(self.x))
        if not (self.x and len(self.x) == len(self.y) and rises and list(self.y) == sorted(self.y)):
            raise ValueError("knots need as many y as x, x ascending and y not falling")

    def probability(self, log_odds: float) -> float:
        """From 0 to 1, never falling with the log-odds."""
        right = bisect_right(self.x, log_odds)
        if right == 0:
            return self.y[0]
        if right == len(self.x):
            return self.y[-1]
        share = (log_odds - self.x[right - 1]) / (self.x[right] - self.x[right - 1])
        return self.y[right - 1] + share * (self.y[right] - self.y[right - 1])


Scale: TypeAlias = Annotated[Sigmoid | Isotonic, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was proved: with `confidence_level`, at most `target_risk` of what is answered is wrong.

    Proved on `n` questions that nothing else had seen, of which `accepted` reached the threshold and `wrong`
    of those were wrong. It holds for questions drawn like those, from the same sets in the same shares; of a
    single set, or of another collection, it says nothing.
    """

    confidence_level: float
    n: int
    accepted: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """The least probability to answer at for a risk; without a certificate it is the best known, no promise.

    `coverage` is the share of questions that reach it: of those that certify it, or without a certificate of
    those it was chosen on; None where it was not chosen on any.
    """

    group: str
    target_risk: float
    value: float
    coverage: float | None
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class FittedOn:
    """A set of questions the calibrator saw, and how many for each purpose."""

    suite: str
    correct: str
    fit: int
    calibrate: int
    tune: int
    certify: int


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Questions of about equal probability: the mean predicted, and the share that was right."""

    predicted: float
    observed: float
    n: int


@dataclass(frozen=True, slots=True)
class Answerability:
    """Whether the documents hold an answer at all, from the same signals.

    `stackers` were fitted with as many questions that the documents answer as of those they do not, so their
    probability orders questions; how many are unanswerable, nobody knows beforehand. Both mappings are by
    language, POOLED for those without their own. Below `minimum`, a question is refused.
    """

    stackers: Mapping[str, Stacker]
    minimum: Mapping[str, float]

    def __post_init__(self) -> None:
        if POOLED not in self.stackers or set(self.minimum) != set(self.stackers):
            raise ValueError(f"answerability needs an entry {POOLED!r}, and a minimum for each stacker")

    def of(self, signals: Mapping[str, float], language: str) -> float:
        """From 0, nothing in the documents answers this, to 1."""
        return logistic(self.stackers.get(language, self.stackers[POOLED]).log_odds(signals))

    def minimum_for(self, language: str) -> float:
        """What `of` has to reach in this language."""
        return self.minimum.get(language, self.minimum[POOLED])


@with_config(ConfigDict(extra="forbid"))  # of its parts too: a misspelt field must not pass for a default
@dataclass(frozen=True, slots=True)
class Calibrator:
    """Everything of the JSON file.

    `stackers` and `scales` are by language, POOLED for those without their own. `n_calibration` counts the
    answers that the probability was fitted on, `created_at` is when the newest run or answer was made, and
    `id` is a hash of everything else.
    """

    version: Literal[1]
    id: str
    created_at: str
    pipeline: str
    stackers: Mapping[str, Stacker]
    scales: Mapping[str, Scale]
    thresholds: tuple[Threshold, ...]
    sets: tuple[FittedOn, ...]
    n_calibration: int
    reliability: tuple[CurvePoint, ...] = ()
    answerability: Answerability | None = None

    def __post_init__(self) -> None:
        if POOLED not in self.stackers or POOLED not in self.scales:
            raise ValueError(f"stackers and scales need an entry {POOLED!r}")

    def probability(self, signals: Mapping[str, float], language: str) -> float:
        """How likely the answer with these signals is right."""
        stacker = self.stackers.get(language, self.stackers[POOLED])
        scale = self.scales.get(language, self.scales[POOLED])
        return scale.probability(stacker.log_odds(signals))

    def threshold_for(self, max_risk: float, groups: tuple[str, ...]) -> Threshold:
        """The least threshold for a target not above `max_risk`, in the first of `groups` that has one.

        Certified ones go before others. Where no target is so small, the probability 1 - max_risk is the
        best that is known: a calibrated answer that reaches it is wrong at most so often.
        """
        known = [item for item in self.thresholds if item.target_risk <= max_risk + 1e-9]
        for is_certified in (True, False):
            for group in (*groups, POOLED):
                found = [t for t in known if t.group == group and (t.certificate is not None) == is_certified]
                if found:
                    return min(found, key=lambda item: (item.value, -item.target_risk))
        return Threshold(POOLED, max_risk, 1 - max_risk, coverage=None)


def logistic(log_odds: float) -> float:
    """1 / (1 + e^-x), without overflow."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1 + odds)


_CALIBRATOR = TypeAdapter(Calibrator)


def calibrator_to_json(calibrator: Calibrator) -> str:
    """The text of a calibrator's file."""
    return _CALIBRATOR.dump_json(calibrator, indent=1).decode() + "\n"


def calibrator_from_json(text: str | bytes, place: str) -> Calibrator:
    """The calibrator of a file's text; InvalidRequestError names `place` and the field at fault."""
    try:
        return _CALIBRATOR.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidRequestError(
            f"{place} is no calibrator ({field}: {first['msg']}); make one with `attest eval calibrate`"
        ) from error


def load_calibrator(path: Path) -> Calibrator:
    """The calibrator in a file."""
    return calibrator_from_json(path.read_bytes(), str(path))
