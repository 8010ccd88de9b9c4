"""OpenAI's chat protocol: any of its clients can ask a collection, which it sees as a model."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.responses import Response

from api.answering import answering
from api.disconnect import while_connected
from api.openai_shapes import (
    ChatCompletion,
    ChatRequest,
    ModelCard,
    ModelList,
    annotations_of,
    completion_of,
    usage_of,
)
from api.requests import said_before
from api.routes.running import RunningLog, RunningSystem, problems
from rag.domain import Question

router = APIRouter(prefix="/v1", tags=["OpenAI's protocol"])


@router.get(
    "/models",
    summary="List collections as models",
    responses=problems(),
    response_description="Every collection",
)
def models(system: RunningSystem) -> ModelList:
    """A client of OpenAI's protocol chooses a collection as it would choose a model."""
    return ModelList(
        data=[
            ModelCard(id=item.name, created=int(datetime.fromisoformat(item.created_at).timestamp()))
            for item in system.store.collections()
        ]
    )


@router.post(
    "/chat/completions",
    summary="Ask in OpenAI's protocol",
    responses=problems(404, 409),
    response_model=ChatCompletion,
    response_description="The answer, or why there is none; with `stream` as chunks",
)
async def complete(
    request: ChatRequest, http: Request, system: RunningSystem, log: RunningLog
) -> ChatCompletion | Response:
    """The last message is the question; a follow-up is put into words that can be understood alone. The field
    `attest` has the whole outcome: citations, confidence, evidence. What was sent in a stream is never taken
    back: chunks come once it is decided that the answer is said."""
    asked = Question(
        request.asked(),
        request.model,
        max_risk=request.max_risk,
        conversation=said_before(request.messages[:-1]),
    )

    outcome = await while_connected(http, answering(system, log, asked))
    whole = completion_of(outcome, request.model)
    if not request.stream:
        return whole
    return EventSourceResponse(_chunks(whole, include_usage=request.stream_options.include_usage))


async def _chunks(whole: ChatCompletion, *, include_usage: bool) -> AsyncIterator[bytes]:
    for delta in _deltas(whole):
        yield _chunk(whole, [{"index": 0, "delta": delta, "finish_reason": None}])
    end = {"attest": whole.attest.model_dump()}
    yield _chunk(whole, [{"index": 0, "delta": {}, "finish_reason": "stop"}], **end)
    if include_usage:
        yield _chunk(whole, [], usage=usage_of(whole.attest).model_dump())
    yield format_sse_event(data_str="[DONE]")


def _deltas(whole: ChatCompletion) -> Iterator[dict[str, Any]]:
    """The role, then each sentence with its annotations, or the message of an abstention."""
    outcome, content = whole.attest, whole.choices[0].message.content
    yield {"role": "assistant", "content": ""}
    told = 0
    for citation in outcome.citations:
        notes = [note.model_dump() for note in annotations_of(citation)]
        yield {"content": content[told : citation.end], "annotations": notes}
        told = citation.end
    if content[told:]:
        yield {"content": content[told:]}


def _chunk(whole: ChatCompletion, choices: list[dict[str, Any]], **more: object) -> bytes:
    head = {"id": whole.id, "object": "chat.completion.chunk", "created": whole.created, "model": whole.model}
    return format_sse_event(data_str=json.dumps({**head, "choices": choices, **more}, ensure_ascii=False))
