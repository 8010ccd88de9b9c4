"""How each task puts a question to the system."""

from collections.abc import Callable
from typing import TypeAlias

from evals.ask import Asker
from evals.choose import choose, configured_chooser
from evals.questions import EvalQuestion
from evals.records import Record
from evals.suites import Task
from evals.verify_claims import verify
from rag.system import System

Ask: TypeAlias = Callable[[EvalQuestion], Record]


def way_of_asking(task: Task, system: System, collection: str) -> Ask:
    """What turns a question of this task into its record; InvalidRequestError where a model is missing."""
    asker = Asker(system, collection)
    match task:
        case Task.RETRIEVAL:
            return asker.search
        case Task.READING | Task.DOCUMENT | Task.ABSTENTION | Task.REMOVED | Task.LONGFORM | Task.OWN:
            return asker.answer
        case Task.PARAGRAPH | Task.EVIDENCE:
            return asker.answer_from_passages
        case Task.VERIFICATION:
            return lambda asked: verify(asked, system.support)
        case Task.CHOICE:
            chooser = configured_chooser()
            return lambda asked: choose(asked, chooser)
