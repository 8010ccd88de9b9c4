"""The gate's file: thresholds by suite and metric, and where the baseline lies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import yaml
from annotated_types import Ge
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from rag.errors import InvalidRequestError

DEFAULT_ALLOWED_DROP = 0.01
_EXAMPLE = "suites: {reading/covid_qa: {evidence_hit: {min: 0.5, allowed_drop: 0.02}}}"


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Limits:
    """What a metric must reach: `minimum` and `maximum` are inclusive.

    `allowed_drop` is how much worse than the baseline it may be in any case; None for the file's own.
    """

    minimum: Annotated[float | None, Field(alias="min", allow_inf_nan=False)] = None
    maximum: Annotated[float | None, Field(alias="max", allow_inf_nan=False)] = None
    allowed_drop: Annotated[float, Ge(0), Field(allow_inf_nan=False)] | None = None


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Gate:
    """Limits by suite and metric; `baseline` is a file beside the gate's, "" for thresholds alone."""

    suites: Annotated[Mapping[str, Mapping[str, Limits | None]], Field(min_length=1)]
    baseline: str = ""
    allowed_drop: Annotated[float, Ge(0), Field(allow_inf_nan=False)] = field(default=DEFAULT_ALLOWED_DROP)

    def limits_of(self, suite: str) -> Mapping[str, Limits]:
        """The limits of each metric of a suite; a metric named without any is held to the baseline."""
        return {name: limits or Limits() for name, limits in self.suites[suite].items()}

    def allowed_drop_of(self, limits: Limits) -> float:
        """How much worse than the baseline a metric with these limits may be."""
        return self.allowed_drop if limits.allowed_drop is None else limits.allowed_drop


def read_gate(path: Path) -> Gate:
    """The gate in a YAML file; InvalidRequestError names the file, the key at fault and the remedy."""
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidRequestError(f"{path} is missing; write one, for example: {_EXAMPLE}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequestError(
            f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from error
    except yaml.YAMLError as error:
        # A mark says where, for all errors but those of single characters.
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise InvalidRequestError(f"{path}{place} is no YAML: {problem}; mend that line") from error
    try:
        return TypeAdapter(Gate).validate_python(tree)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise InvalidRequestError(
            f"{path}, {key}: {first['msg']}; known are suites, baseline, allowed_drop, and for each metric "
            f"min, max, allowed_drop, for example: {_EXAMPLE}",
            key,
        ) from error
