"""What was answered and what people said of it: signals and verdicts, no word of a question or a document."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, delete, func, insert, select

from rag.errors import InvalidRequestError, NotFoundError
from rag.feedback import Feedback, FeedbackSample, LoggedAnswer, Verdict, settled
from rag.store.commit import now
from rag.store.engine import reading, writing
from rag.store.schema import answer_log, collection, feedback

ROWS_PER_STATEMENT = 500
ANSWERED, ABSTAINED = "answered", "abstained"


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """How many outcomes of a collection are in the log."""

    answered: int
    abstained: int


class Answers:
    """The log of answers and the feedback on them. Both go with their collection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def log(self, answers: Sequence[LoggedAnswer]) -> None:
        """Keep these answers; those that are kept already or whose collection is gone are left out."""
        with writing(self._engine) as connection:
            for first in range(0, len(answers), ROWS_PER_STATEMENT):
                part = answers[first : first + ROWS_PER_STATEMENT]
                if new := list(_rows_of(connection, part)):
                    connection.execute(insert(answer_log), new)

    def forget_before(self, moment: str) -> int:
        """Delete the answers asked before a moment in UTC, ISO 8601, and their feedback; gives how many."""
        with writing(self._engine) as connection:
            return connection.execute(delete(answer_log).where(answer_log.c.asked_at < moment)).rowcount

    def add_feedback(
        self, answer_id: str, verdict: Verdict, *, sentence: int | None = None, comment: str = ""
    ) -> Feedback:
        """Keep a verdict on an answer, or on the sentence with this marker.

        NotFoundError for an answer that is not in the log, InvalidRequestError for a marker it has not.
        """
        given = {"answer_id": answer_id, "verdict": str(verdict), "sentence": sentence, "comment": comment}
        with writing(self._engine) as connection:
            sentences = connection.execute(
                select(answer_log.c.sentences).where(answer_log.c.id == answer_id)
            ).scalar_one_or_none()
            if sentences is None:
                raise NotFoundError(
                    f"there is no answer {answer_id!r} in the log; another server process has not written it "
                    "yet: try again in a second; or it was never given, is older than "
                    "ATTEST_ANSWER_LOG_DAYS, its collection was deleted, or ATTEST_ANSWER_LOG is off"
                )
            if sentence is not None and sentence > sentences:
                raise InvalidRequestError(
                    f"the answer has {sentences} cited sentences, none with the marker [{sentence}]; name "
                    "one of them, or leave sentence out to judge the whole",
                    "sentence",
                )
            statement = insert(feedback).values(**given, created_at=now()).returning(*feedback.c)
            return _feedback_of(connection.execute(statement).one())

    def feedback(self, collection_id: int, *, after: int = 0, limit: int = 100) -> list[Feedback]:
        """A page of the feedback on a collection's answers, by id, those after the id `after`."""
        query = _feedback_on(collection_id).where(feedback.c.id > after).order_by(feedback.c.id).limit(limit)
        with reading(self._engine) as connection:
            return [_feedback_of(row) for row in connection.execute(query)]

    def samples(self, collection_id: int) -> list[FeedbackSample]:
        """The answers of a collection whose verdict is settled, oldest first; abstentions are left out."""
        query = (
            _feedback_on(collection_id)
            .join(collection, collection.c.id == answer_log.c.collection_id)
            .add_columns(*_SAMPLE_COLUMNS)
            .where(answer_log.c.status == ANSWERED)
            .order_by(answer_log.c.asked_at, answer_log.c.id, feedback.c.id)
        )
        with reading(self._engine) as connection:
            found = connection.execute(query).all()
        samples = []
        for _, rows in groupby(found, key=lambda row: row.answer_id):
            same = list(rows)
            if verdict := settled([_feedback_of(row) for row in same], same[0].sentences):
                samples.append(_sample_of(same[0], verdict))
        return samples

    def counts(self, collection_id: int) -> AnswerCounts:
        """How many answers and abstentions of a collection are in the log."""
        query = (
            select(answer_log.c.status, func.count().label("outcomes"))
            .where(answer_log.c.collection_id == collection_id)
            .group_by(answer_log.c.status)
        )
        with reading(self._engine) as connection:
            by_status = {row.status: row.outcomes for row in connection.execute(query)}
        return AnswerCounts(by_status.get(ANSWERED, 0), by_status.get(ABSTAINED, 0))


_SAMPLE_COLUMNS = (
    answer_log.c.asked_at,
    answer_log.c.language,
    collection.c.domain,
    answer_log.c.pipeline,
    answer_log.c.score,
    answer_log.c.signals,
    answer_log.c.sentences,
)


def _rows_of(connection: Connection, answers: Sequence[LoggedAnswer]) -> list[Mapping[str, object]]:
    """Rows for those answers that are new and whose collection is there since before they were asked."""
    names = {answer.collection for answer in answers}
    known = {
        row.name: row
        for row in connection.execute(
            select(collection.c.name, collection.c.id, collection.c.created_at).where(
                collection.c.name.in_(names)
            )
        )
    }
    ids = [answer.id for answer in answers]
    kept = set(connection.execute(select(answer_log.c.id).where(answer_log.c.id.in_(ids))).scalars())
    rows: list[Mapping[str, object]] = []
    for answer in answers:
        owner = known.get(answer.collection)
        if owner is None or answer.asked_at < owner.created_at or answer.id in kept:
            continue
        values = asdict(answer)
        del values["collection"]
        status = ANSWERED if values.pop("is_answered") else ABSTAINED
        rows.append(values | {"collection_id": owner.id, "status": status})
    return rows


def _feedback_on(collection_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(*feedback.c)
        .join(answer_log, answer_log.c.id == feedback.c.answer_id)
        .where(answer_log.c.collection_id == collection_id)
    )


def _feedback_of(row: Row[*tuple[Any, ...]]) -> Feedback:
    fields = row._mapping
    return Feedback(
        id=fields["id"],
        answer_id=fields["answer_id"],
        verdict=Verdict(fields["verdict"]),
        sentence=fields["sentence"],
        comment=fields["comment"],
        created_at=fields["created_at"],
    )


def _sample_of(row: Row[*tuple[Any, ...]], verdict: Verdict) -> FeedbackSample:
    fields = row._mapping
    return FeedbackSample(
        answer_id=fields["answer_id"],
        asked_at=fields["asked_at"],
        language=fields["language"],
        domain=fields["domain"],
        pipeline=fields["pipeline"],
        score=fields["score"],
        signals=fields["signals"],
        is_correct=verdict is Verdict.CORRECT,
    )
