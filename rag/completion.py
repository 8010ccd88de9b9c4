"""What is said to a language model and what comes back."""

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
    """One answer with the log probabilities of its tokens; `is_whole` unless it was cut off."""

    text: str
    log_probabilities: tuple[float, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Completion:
    """The answers to one prompt, and the server's counts: "prompt_tokens" and "completion_tokens"."""

    samples: tuple[Sample, ...]
    usage: Mapping[str, int] = field(default_factory=dict)
