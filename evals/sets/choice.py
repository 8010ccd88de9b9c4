"""Questions with options: MIRAGE's five medical examinations, PubMedQA with its abstracts, LegalBench.

`label` is the letter of the right option. MIRAGE and LegalBench are test, all of them; PubMedQA's official
test questions are.

LegalBench lies here without its instructions: each question brings its task's name and up to five solved
examples from the task's train rows. Left out are tasks whose answers are open (names, sums, several at once)
and those whose options are bare letters, for what they stand for is not in the files.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from evals.data import DataError, data_file, hash_of, read_json, read_rows
from evals.questions import EvalQuestion, GivenPassage, Gold, QuestionSet

LAYOUT = "choice-1"
EXAMPLES = 5
MOST_OPTIONS = 10
LONGEST_OPTION = 60  # characters; longer answers are worded freely
OPEN = "the task's answers are open"
UNWORDED = "the options are letters whose meaning the files do not give"
DECISIONS = ("yes", "no", "maybe")

_LETTER = re.compile(r"[A-Z]")
# The last two are steps on the way to the answer of the diversity tasks: together they give it away.
_NOT_ASKED = frozenset(("task", "split", "index", "answer", "parties_are_diverse", "aic_is_met"))
_OPTION_FIELD = re.compile(r"choice_\d+")


@dataclass(frozen=True, slots=True)
class _Exam:
    question: str
    options: dict[str, str]
    answer: str


@dataclass(frozen=True, slots=True)
class _Abstract:
    QUESTION: str
    CONTEXTS: list[str]
    LABELS: list[str]
    final_decision: str


def load_mirage(root: Path) -> QuestionSet:
    """7,663 questions without passages; `subset` in the metadata names the examination."""
    path = data_file(root, "mirage/mirage_rebuilt.json")
    exams: dict[str, dict[str, _Exam]] = read_json(path, dict[str, dict[str, _Exam]])
    asked = tuple(
        EvalQuestion(
            id=f"{subset}/{name}",
            text=exam.question,
            gold=Gold(label=_offered(exam.answer, exam.options, f"{path}: {subset}/{name}")),
            language="en",
            domain="medical",
            group=f"{subset}/{name}",
            is_test=True,
            choices=tuple(exam.options.values()),
            metadata={"subset": subset},
        )
        for subset, questions in exams.items()
        for name, exam in questions.items()
    )
    return QuestionSet(asked, None, hash_of([path], LAYOUT))


def load_pubmedqa(root: Path) -> QuestionSet:
    """Is it so: yes, no or maybe, judged from the parts of an abstract without its conclusion."""
    path = data_file(root, "pubmedqa/ori_pqal.json")
    test_path = data_file(root, "pubmedqa/test_ground_truth.json")
    tested = read_json(test_path, dict[str, str])
    asked = tuple(
        EvalQuestion(
            id=name,
            text=row.QUESTION,
            gold=Gold(label=_letter(row.final_decision, DECISIONS, f"{path}: {name}")),
            language="en",
            domain="medical",
            group=name,
            is_test=name in tested,
            passages=tuple(
                GivenPassage(f"{name}/{number}", title, text)
                for number, (title, text) in enumerate(zip(row.LABELS, row.CONTEXTS, strict=False))
            ),
            choices=DECISIONS,
        )
        for name, row in read_json(path, dict[str, _Abstract]).items()
    )
    return QuestionSet(asked, None, hash_of([path, test_path], LAYOUT))


def load_legalbench(root: Path) -> QuestionSet:
    """The test rows of tasks with worded options; `task` in the metadata, a group is a task."""
    path = data_file(root, "legalbench/legalbench_small.jsonl")
    tasks: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in read_rows(path, dict[str, str]):
        tasks[row["task"]].append(row)
    asked: list[EvalQuestion] = []
    left_out: dict[str, int] = defaultdict(int)
    for task, rows in tasks.items():
        tested = [row for row in rows if row["split"] != "train"]
        if reason := _unusable(rows):
            left_out[reason] += len(tested)
            continue
        solved = _examples([row for row in rows if row["split"] == "train"][:EXAMPLES], task)
        asked += [_legal(row, _options(row, rows), solved) for row in tested]
    return QuestionSet(tuple(asked), None, hash_of([path], LAYOUT), left_out)


def _unusable(rows: Sequence[Mapping[str, str]]) -> str:
    """Why a task cannot be asked as a choice; "" where it can."""
    if _own_options(rows[0]):
        return ""
    answers = {row["answer"] for row in rows}
    if all(_LETTER.fullmatch(answer) for answer in answers):
        return UNWORDED
    is_closed = len(answers) <= MOST_OPTIONS and 2 * len(answers) <= len(rows)
    is_short = all(len(answer) <= LONGEST_OPTION and "," not in answer for answer in answers)
    return "" if is_closed and is_short else OPEN


def _own_options(row: Mapping[str, str]) -> tuple[str, ...]:
    """The options that a row brings itself, in order."""
    return tuple(row[name] for name in sorted(row) if _OPTION_FIELD.fullmatch(name))


def _options(row: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    return _own_options(row) or tuple(sorted({item["answer"] for item in rows}))


def _right(row: Mapping[str, str]) -> str:
    """The wording of the right option; rows with options of their own name it by its number from 0."""
    own = _own_options(row)
    return own[int(row["answer"])] if own and row["answer"].isdigit() else row["answer"]


def _legal(
    row: Mapping[str, str], options: tuple[str, ...], examples: tuple[GivenPassage, ...]
) -> EvalQuestion:
    name = f"{row['task']}/{row['index']}"
    return EvalQuestion(
        id=name,
        text=f"{_in_words(row['task'])}\n{_fields(row)}",
        gold=Gold(label=_letter(_right(row), options, name)),
        language="en",
        domain="legal",
        group=row["task"],
        is_test=True,
        passages=examples,
        choices=options,
        metadata={"task": row["task"]},
    )


def _examples(rows: Sequence[Mapping[str, str]], task: str) -> tuple[GivenPassage, ...]:
    return tuple(
        GivenPassage(
            f"{task}/example-{number}",
            "A solved example of this task",
            f"{_fields(row)}\nRight answer: {_right(row)}",
        )
        for number, row in enumerate(rows)
    )


def _fields(row: Mapping[str, str]) -> str:
    """What a row says, a line for each field, but for its options and its answer."""
    shown = [name for name in row if name not in _NOT_ASKED and not _OPTION_FIELD.fullmatch(name)]
    return "\n".join(f"{name}: {row[name]}" for name in shown)


def _in_words(task: str) -> str:
    return " ".join(task.replace("_", " ").split())


def _letter(answer: str, options: Sequence[str], place: str) -> str:
    if answer not in options:
        raise DataError(f"{place}: the answer {answer!r} is none of {', '.join(options)}")
    return ascii_uppercase[options.index(answer)]


def _offered(letter: str, options: Mapping[str, str], place: str) -> str:
    """The letter by the order of the options, which are lettered from A."""
    if letter not in options:
        raise DataError(f"{place}: the answer {letter!r} names none of its options")
    return ascii_uppercase[list(options).index(letter)]
