"""The bodies that come in over HTTP."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import (
    AnswerId,
    CollectionName,
    Comment,
    Filters,
    FolderPath,
    IgnorePattern,
    Marker,
    MessageText,
    NewCollectionName,
    ProfileName,
    QuestionText,
    Risk,
)
from rag.completion import Message
from rag.decoding_request import DecodingRequest


class RequestBody(BaseModel):
    """A body whose every field is known and of exactly its type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class PassagesRequest(RequestBody):
    """A question and where to look for what bears on it."""

    question: QuestionText = Field(examples=["When may the tenant end the lease?"])
    collection: CollectionName = Field(examples=["contracts"])
    filters: Filters = Field(
        default={},
        description="conditions on metadata: fields with a value or with $eq $ne $in $gt $gte $lt $lte, "
        "joined by $and $or $not; a filter that matches nothing finds nothing",
        examples=[{"year": {"$gte": 2020}}],
    )
    top_k: int = Field(default=10, ge=1, le=100, description="how many passages to find")
    neighbours: int = Field(
        default=0, ge=0, le=5, description="passages to give before and after each one found"
    )


class SearchRequest(PassagesRequest):
    """A question whose passages are wanted."""

    rerank: bool = Field(
        default=True,
        description="whether the best passages are put in a new order by how well they answer, which takes "
        "tenths of a second; without it a search takes milliseconds",
    )


class TextPart(BaseModel):
    """A part of a message; only text can be read."""

    type: Literal["text"]
    text: MessageText


class ChatMessage(BaseModel):
    """What one side said."""

    role: Literal["system", "developer", "user", "assistant"]
    content: MessageText | list[TextPart]

    @property
    def text(self) -> str:
        """Its text, parts joined."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content)


def said_before(messages: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """What the user and the assistant said, oldest first."""
    said = [(message.role, message.text) for message in messages]
    return tuple(Message(role, text) for role, text in said if role in ("user", "assistant") and text.strip())


class QueryRequest(PassagesRequest):
    """A question to be answered."""

    conversation: list[ChatMessage] = Field(
        default=[], max_length=200, description="what was said before, oldest first"
    )

    generator: Literal["", "extractive", "vllm"] = Field(
        default="",
        description="who words the answer: the language model where one is configured and some of what it "
        "writes is borne out, else sentences of the documents; or one of the two alone",
    )
    profile: ProfileName = Field(default="general", description="the rules that the language model gets")
    mode: Literal["marks", "json"] = Field(
        default="json", description="how the language model names its sources: in the text, or by a schema"
    )
    decoding: DecodingRequest = Field(default=DecodingRequest(), description="for the language model")

    max_risk: Risk | None = Field(
        default=None,
        description="the largest share of wrong answers that is accepted; the collection's own if left out",
        examples=[0.1],
    )
    require_certificate: bool = Field(
        default=False, description="abstain unless that risk is certified for the collection"
    )
    stream: bool = Field(
        default=False, description="send server-sent events: progress, then the answer once it is decided"
    )
    include: list[Literal["evidence"]] = Field(
        default=[], max_length=8, description='"evidence" sends the texts of the evidence too'
    )


class CollectionRequest(RequestBody):
    """A collection to be made."""

    name: NewCollectionName = Field(
        description="printable characters, no slash, no blank at either end", examples=["contracts"]
    )


class CollectionChange(RequestBody):
    """What is to change; a field that is left out stays as it is."""

    max_risk: Risk | None = Field(
        default=None,
        description="the risk of questions that name none; null for no such risk",
        examples=[0.1],
    )
    domain: Literal["", "general", "medical", "legal", "technical"] = Field(
        default="", description="what the documents are about, for thresholds by domain"
    )
    unsupported_sentences: Literal["drop", "flag", "abstain"] | None = Field(
        default=None,
        description="what becomes of a language model's sentences that nothing bears out: left out, shown "
        "apart from the answer, or nothing is answered; null: as the server is set",
    )


class FeedbackRequest(RequestBody):
    """What somebody thinks of an answer."""

    answer_id: AnswerId = Field(description="the `id` of the outcome")
    verdict: Literal["correct", "wrong"]
    sentence: Marker | None = Field(
        default=None, description="the number in a citation's marker; left out for the answer as a whole"
    )
    comment: Comment = Field(default="", description="kept as it is written; name nobody in it")


class IngestRequest(RequestBody):
    """A folder to be read by the server, below one of its ATTEST_INGEST_ROOTS."""

    folder: FolderPath = Field(examples=["/srv/documents/contracts"])
    collection: NewCollectionName = Field(description="made if it does not exist", examples=["contracts"])
    exclude: list[IgnorePattern] = Field(
        default=[], max_length=100, description=".gitignore-style patterns to leave out"
    )
    retry_failed: bool = Field(default=False, description="read files again that failed before")
    allow_empty: bool = Field(default=False, description="accept an empty folder, which removes all")
