"""What is said to a language model and what comes back."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """What one side of a chat says."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer with the log probabilities of its tokens; `is_whole` unless it was cut off.

    `first` has the likeliest first tokens with their probabilities, where they were asked for.
    """

    text: str
    log_probabilities: tuple[float, ...]
    is_whole: bool
    first: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completion:
    """The answers to one prompt, and the server's counts: "prompt_tokens" and "completion_tokens"."""

    samples: tuple[Sample, ...]
    usage: Mapping[str, int] = field(default_factory=dict)


def sum_of_usage(*counts: Mapping[str, int]) -> Mapping[str, int]:
    """Tokens of several requests together, by the names that a server gives them."""
    return dict(sum((Counter(item) for item in counts), Counter()))
