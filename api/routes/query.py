"""Ask and search."""

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import present
from api.answering import answering
from api.disconnect import while_connected
from api.requests import PassagesRequest, QueryRequest, SearchRequest, said_before
from api.routes.running import RunningLog, RunningSystem, problems
from api.schemas import OutcomeOut, SearchOut
from api.stream import streamed
from rag.decoding import AnswerMode, GeneratorChoice
from rag.domain import Question

router = APIRouter(prefix="/v1", tags=["questions"])


@router.post(
    "/query",
    summary="Ask a question",
    responses=problems(404, 409),
    response_model=OutcomeOut,
    response_description="An answer whose every sentence is cited, or an abstention; with `stream` as events",
)
async def query(
    request: QueryRequest, http: Request, system: RunningSystem, log: RunningLog
) -> OutcomeOut | Response:
    """Answers from a collection's documents. A question that they do not answer gives an abstention,
    which is an outcome and no error. A client that goes away ends the work on its question.

    With `stream` there are events `progress` (the stage that begins), then, once it is decided that it is
    said, `answer.delta` and `citation` for each sentence, and `outcome` with everything; after a failure
    `error` with the problem. Nothing that was sent is ever taken back."""
    question = _question_of(request)
    asked = replace(
        question,
        conversation=said_before(request.conversation),
        max_risk=request.max_risk,
        require_certificate=request.require_certificate,
        generator=GeneratorChoice(request.generator),
        profile=request.profile,
        mode=AnswerMode(request.mode),
        decoding=request.decoding.decoding(),
    )

    answer = answering(system, log, asked, with_evidence="evidence" in request.include)
    return await (streamed(http, answer) if request.stream else while_connected(http, answer))


@router.post(
    "/search",
    summary="Search without answering",
    responses=problems(404, 409),
    response_description="Passages, best first",
)
def search(request: SearchRequest, system: RunningSystem) -> SearchOut:
    """Finds the passages that bear on a question, by meaning and by words."""
    return present.search_of(system.search(replace(_question_of(request), rerank=request.rerank)))


def _question_of(request: PassagesRequest) -> Question:
    return Question(
        text=request.question,
        collection=request.collection,
        top_k=request.top_k,
        filters=request.filters,
        neighbours=request.neighbours,
    )
