"""How each task puts a question to the system."""

from collections.abc import Callable
from typing import TypeAlias

from evals.ask import Asker
from evals.choose import choose, configured_chooser
from evals.questions import EvalQuestion
from evals.records import Record
from evals.suites import Task
from evals.verify_claims import verify
from evals.wording import EXTRACTIVE, Wording
from rag.errors import InvalidRequestError
from rag.system import System

Ask: TypeAlias = Callable[[EvalQuestion], Record]


WORDLESS = (Task.RETRIEVAL, Task.VERIFICATION, Task.CHOICE)
"""Tasks in which no answer is worded."""


def require_answers(task: Task, wording: Wording) -> None:
    """InvalidRequestError where a language model is to word answers and the task has none."""
    if wording.is_a_models and task in WORDLESS:
        raise InvalidRequestError(
            f"no answer is worded in a {task} suite, so no language model is asked; leave --generator out, "
            f"or choose another suite than {', '.join(f'{item}/' for item in WORDLESS)}",
            "generator",
        )


def way_of_asking(task: Task, system: System, collection: str, wording: Wording = EXTRACTIVE) -> Ask:
    """What turns a question of this task into its record; InvalidRequestError where a model is missing."""
    asker = Asker(system, collection, wording)
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
