"""One question answered over HTTP: asked, logged, and put into the shape that goes out."""

from collections.abc import Callable

from api import present
from api.schemas import OutcomeOut
from rag.answer_log import AnswerLog
from rag.domain import Question
from rag.feedback import logged_answer
from rag.listener import Listener
from rag.system import System


def answering(
    system: System, log: AnswerLog, asked: Question, *, with_evidence: bool = False
) -> Callable[[Listener], OutcomeOut]:
    """The work for whoever listens."""

    def answer(listener: Listener) -> OutcomeOut:
        outcome = system.ask(asked, listener)
        log.add(logged_answer(outcome))
        return present.outcome_of(outcome, with_evidence=with_evidence)

    return answer
