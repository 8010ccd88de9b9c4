"""Feedback: what people think of answers."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from api.calibration import FeedbackOut, FeedbackPage, feedback_of
from api.fields import CollectionName, Cursor
from api.requests import FeedbackRequest
from api.routes.running import RunningLog, RunningSystem, problems
from rag.feedback import Verdict

router = APIRouter(prefix="/v1/feedback", tags=["calibration"])


@router.post("", summary="Judge an answer", status_code=status.HTTP_201_CREATED, responses=problems(404, 409))
def give(request: FeedbackRequest, system: RunningSystem, log: RunningLog) -> FeedbackOut:
    """Keeps a verdict on an answer or on one of its sentences. Of several verdicts on the same the last
    counts; one wrong sentence makes the answer wrong."""
    if log.is_pending(request.answer_id):  # given a moment ago
        log.flush()
    given = system.store.answers.add_feedback(
        request.answer_id, Verdict(request.verdict), sentence=request.sentence, comment=request.comment
    )
    return feedback_of(given)


@router.get("", summary="List feedback", responses=problems(404))
def list_some(
    system: RunningSystem,
    collection: Annotated[CollectionName, Query(description="the collection's name")],
    after: Annotated[Cursor, Query(description="`next_after` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> FeedbackPage:
    """Lists the feedback on a collection's answers by id, page by page."""
    owner = system.store.collection(collection)
    found = system.store.answers.feedback(owner.id, after=after, limit=limit)
    return FeedbackPage(
        feedback=[feedback_of(item) for item in found],
        next_after=found[-1].id if len(found) == limit else None,
    )
