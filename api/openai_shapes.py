"""The shapes of OpenAI's chat protocol, as far as its clients need them; `attest` holds the whole outcome."""

import time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import CollectionName
from api.requests import ChatMessage
from api.schemas import CitationOut, OutcomeOut
from rag.errors import InvalidRequestError


class StreamOptions(BaseModel):
    """What a stream ends with."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A conversation whose last message is the question; fields that Attest does not know are ignored.

    `model` names the collection that is asked. The system's own instructions are Attest's profiles.
    """

    model_config = ConfigDict(extra="ignore")

    model: CollectionName = Field(description="the collection that is asked")
    messages: list[ChatMessage] = Field(min_length=1, max_length=200)
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    max_risk: float | None = Field(default=None, gt=0, lt=1)

    def asked(self) -> str:
        """The question, which comes last; InvalidRequestError where it does not."""
        if self.messages[-1].role != "user" or not self.messages[-1].text.strip():
            raise InvalidRequestError("the last message must be the user's question", "messages")
        return self.messages[-1].text


class UrlCitation(BaseModel):
    """The stretch of the message that a source bears out, and the source."""

    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(BaseModel):
    """A citation, in OpenAI's words."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class ReplyMessage(BaseModel):
    """The answer, or why there is none."""

    role: Literal["assistant"] = "assistant"
    content: str
    annotations: list[Annotation]


class Choice(BaseModel):
    """The only choice."""

    index: int = 0
    message: ReplyMessage
    finish_reason: Literal["stop"] = "stop"
    logprobs: None = None


class Usage(BaseModel):
    """Tokens of a language model; 0 without one."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class ChatCompletion(BaseModel):
    """A whole reply."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    attest: OutcomeOut


class ModelCard(BaseModel):
    """A collection, as a model that can be asked."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["attest"] = "attest"


class ModelList(BaseModel):
    """Every collection, by name."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


def completion_of(outcome: OutcomeOut, collection: str) -> ChatCompletion:
    """An outcome as a reply: its answer, or the message of its abstention."""
    message = ReplyMessage(
        content=content_of(outcome),
        annotations=[note for citation in outcome.citations for note in annotations_of(citation)],
    )
    return ChatCompletion(
        id=f"chatcmpl-{outcome.id}",
        created=int(time.time()),
        model=collection,
        choices=[Choice(message=message)],
        usage=usage_of(outcome),
        attest=outcome,
    )


def content_of(outcome: OutcomeOut) -> str:
    """What a reader of the chat sees."""
    if outcome.answer is not None:
        return outcome.answer
    return outcome.abstention.message if outcome.abstention else ""


def annotations_of(citation: CitationOut) -> list[Annotation]:
    """One for each source of a sentence; the URL names the stored text and the characters quoted."""
    return [
        Annotation(
            url_citation=UrlCitation(
                start_index=citation.start,
                end_index=citation.end,
                title=source.document_title,
                url=f"/v1/documents/{source.document_id}/text?start={source.location.start_char_index}"
                f"&end={source.location.end_char_index}",
            )
        )
        for source in citation.sources
    ]


def usage_of(outcome: OutcomeOut) -> Usage:
    """The tokens of an outcome."""
    counted = outcome.usage or {}
    prompt, completion = counted.get("prompt_tokens", 0), counted.get("completion_tokens", 0)
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)
