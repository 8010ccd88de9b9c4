"""Decoding as it comes from outside, a request or a command line, checked before anything else sees it."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rag.decoding import MOST_SAMPLES, WIDEST_BEAM, Decoding
from rag.errors import InvalidRequestError
from rag.plain_text import plain_field, require_plain

StopText: TypeAlias = Annotated[str, plain_field(1, 100), AfterValidator(require_plain)]


class DecodingRequest(BaseModel):
    """How a language model chooses its words; greedy where nothing is set. The names are vLLM's."""

    model_config = ConfigDict(extra="forbid", strict=True)

    temperature: float = Field(default=0.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0, le=1000, description="0 leaves every token in")
    min_p: float = Field(default=0.0, ge=0, le=1)
    repetition_penalty: float = Field(default=1.0, gt=0, le=2)
    beam_width: int = Field(default=1, ge=1, le=WIDEST_BEAM, description="above 1: a beam search")
    samples: int = Field(
        default=1, ge=1, le=MOST_SAMPLES, description="answers to draw; the best supported one is kept"
    )
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    stop: list[StopText] = Field(default=[], max_length=8)
    max_tokens: int = Field(default=512, ge=1, le=4096)
    p_true: bool = Field(
        default=False,
        description="ask the language model too how likely its answer is right: the signal `model_p_true`",
    )

    def decoding(self) -> Decoding:
        """InvalidRequestError where two of them contradict each other."""
        return Decoding(**{**self.model_dump(), "stop": tuple(self.stop)})


def decoding_from_json(text: str) -> Decoding:
    """The decoding that a JSON object says, as in a request; InvalidRequestError names the field at fault."""
    try:
        return DecodingRequest.model_validate_json(text).decoding()
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(("decoding", *map(str, first["loc"])))
        raise InvalidRequestError(
            f'{field}: {first["msg"]}; write a JSON object such as {{"temperature": 0.7, "samples": 4}}',
            field,
        ) from error
