"""Who words an answer, and how a language model is asked to choose its words; recorded with the answer."""

from dataclasses import dataclass
from enum import StrEnum

from rag.errors import InvalidRequestError

MOST_SAMPLES = 8
WIDEST_BEAM = 8


class GeneratorChoice(StrEnum):
    """Who words the answer: a language model where one is configured and answers, or one of the two alone."""

    ANY = ""
    EXTRACTIVE = "extractive"
    VLLM = "vllm"


class AnswerMode(StrEnum):
    """How a language model names its sources."""

    MARKS = "marks"  # in the text, as [1]
    JSON = "json"  # by a schema that the server enforces: no source can be named that was not given


@dataclass(frozen=True, slots=True)
class Decoding:
    """Greedy as it stands. The names and the ranges are those of vLLM's sampling parameters.

    `top_k` 0 leaves every token in; `beam_width` above 1 searches that many beams and samples nothing;
    `samples` above 1 asks for so many answers, of which the best supported is kept. With `p_true` the model
    is asked, in one token more, whether that answer is right.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    beam_width: int = 1
    samples: int = 1
    seed: int | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int = 512
    p_true: bool = False

    def __post_init__(self) -> None:
        """InvalidRequestError for what a server would refuse, or would ignore without a word."""
        if self.samples > 1 and self.temperature == 0:
            raise InvalidRequestError(
                "several samples of a greedy answer are all the same; set a temperature above 0",
                "decoding.samples",
            )
        if self.beam_width > 1 and (self.samples > 1 or self.temperature > 0):
            raise InvalidRequestError(
                "a beam search samples nothing; leave temperature and samples out, or beam_width",
                "decoding.beam_width",
            )
        if self.temperature == 0 and (self.top_p < 1 or self.top_k > 0 or self.min_p > 0):
            raise InvalidRequestError(
                "at temperature 0 the likeliest token is taken and top_p, top_k and min_p change nothing; "
                "set a temperature above 0, or leave them out",
                "decoding.temperature",
            )


GREEDY = Decoding()
