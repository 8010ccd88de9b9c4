"""Who words the answers of a run, and how: the extractive generator, or a language model that is required."""

from dataclasses import dataclass

from rag.decoding import GREEDY, AnswerMode, Decoding, GeneratorChoice
from rag.decoding_request import decoding_from_json
from rag.domain import Question
from rag.errors import InvalidRequestError
from rag.fallback import NO_MODEL
from rag.pipeline import Pipeline
from rag.system import System


@dataclass(frozen=True, slots=True)
class Wording:
    """Who words every answer of a run; `profile`, `mode` and `decoding` are for a language model.

    A run never falls back: its answers are all of one pipeline, or it says that they are not there.
    """

    generator: GeneratorChoice = GeneratorChoice.EXTRACTIVE
    profile: str = "general"
    mode: AnswerMode = AnswerMode.JSON
    decoding: Decoding = GREEDY

    def __post_init__(self) -> None:
        """InvalidRequestError for a profile, a mode or a decoding that nobody would heed."""
        is_set = (self.profile, self.mode, self.decoding) != ("general", AnswerMode.JSON, GREEDY)
        if is_set and not self.is_a_models:
            raise InvalidRequestError(
                "profile, mode and decoding are for a language model; ask with --generator vllm, or leave "
                "them out",
                "generator",
            )

    @property
    def is_a_models(self) -> bool:
        """Whether a language model words the answers."""
        return self.generator is GeneratorChoice.VLLM

    def question(self, text: str = "", collection: str = "") -> Question:
        """A question that is to be answered so."""
        return Question(
            text,
            collection,
            generator=self.generator,
            profile=self.profile,
            mode=self.mode,
            decoding=self.decoding,
        )

    def pipeline_of(self, system: System) -> Pipeline:
        """The pipeline that answers so; InvalidRequestError where no language model is configured."""
        if not self.is_a_models:
            return system.pipeline
        if system.chat is None:
            raise InvalidRequestError(NO_MODEL, "generator")
        return system.chat

    def fingerprint_in(self, system: System) -> str:
        """The fingerprint of such answers.

        ModelUnavailableError where a language model's server is down, InvalidRequestError for a profile that
        is not there.
        """
        return self.pipeline_of(system).fingerprint_for(self.question())


EXTRACTIVE = Wording()
"""Sentences of the documents themselves."""


def wording_of(generator: str, profile: str, mode: AnswerMode, decoding: str) -> Wording:
    """What the options of a command say; InvalidRequestError names the one that cannot be."""
    return Wording(GeneratorChoice(generator), profile, mode, decoding_from_json(decoding))
