"""An operator's own questions, asked of a collection that is there already.

Fields: `question`; `answer` or `answers`, expected wordings, any one of which is right; `passages`, texts
that a right answer quotes, word for word, each perhaps with its document; `documents`, uris of those that
hold the answer; `answerable`, true unless said; `id`, the line's number unless given; `language`, told from
the question; `domain`; `group`, what questions are about that must not be parted between fitting and testing:
the document where one is named, else the question itself. Whatever else is there becomes metadata.

In CSV a list is separated by "|". An answerable question needs an answer, a passage or a document to be
judged by; where a passage is given it decides, else the answer's own words must be quoted, else a document.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evals.data import DataError, hash_of, is_held_out
from evals.questions import ANY_DOCUMENT, ANYWHERE, EvalQuestion, Gold, Mark, QuestionSet
from evals.sets.own_file import Problems, Row, read_file
from rag.domain import DOMAINS
from rag.language import language_of

LAYOUT = "own-1"

_KNOWN = frozenset(
    """question answer answers id passages documents answerable language domain group""".split()  # noqa: SIM905 (a list of strings reads worse)
)


@dataclass(frozen=True, slots=True)
class _Passage:
    text: str
    document: str


def load_own(path: Path) -> QuestionSet:
    """The questions of a .jsonl or .csv file, without a corpus; DataError lists what is wrong."""
    problems = Problems(path)
    rows = read_file(path, problems)
    if not rows and not problems.found:
        raise DataError(f"{path} names columns and asks nothing; write at least one question below them")
    questions = tuple(_question(_Fields(row, problems)) for row in rows)
    _require_distinct(questions, rows, problems)
    problems.raise_any()
    return QuestionSet(questions, None, hash_of([path], LAYOUT))


class _Fields:
    """A row's values by their types; what is of another type is noted and read as if it were not there."""

    def __init__(self, row: Row, problems: Problems) -> None:
        self.line = row.line
        self._values: Mapping[str, object] = row.values
        self._problems = problems

    def problem(self, name: str, text: str) -> None:
        self._problems.add(self.line, name, text)

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str) -> str:
        """A text without blanks around it; a whole number counts as one."""
        value = self._values.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            self.problem(name, f"{_shown(value)} is no text; put it in double quotes")
            return ""
        return str(value).strip()

    def flag(self, name: str) -> bool:
        value = self._values.get(name, True)
        if not isinstance(value, bool):
            self.problem(name, f"{_shown(value)} is neither true nor false")
            return True
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, or one text."""
        return tuple(text for item in self._list(name) if (text := self._text_of(name, item)))

    def passages(self) -> Iterator[_Passage]:
        """Texts, or objects with `text` and perhaps `document`."""
        for item in self._list("passages"):
            if isinstance(item, dict):
                text = self._text_of("passages.text", item.get("text"))
                document = item.get("document")
                named = "" if document is None else self._text_of("passages.document", document)
            else:
                text, named = self._text_of("passages", item), ""
            if text:
                yield _Passage(text, named)

    def others(self) -> dict[str, str]:
        """Every field without a meaning of its own; what is no text, as JSON."""
        return {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in self._values.items()
            if name not in _KNOWN and value is not None
        }

    def _list(self, name: str) -> list[object]:
        value = self._values.get(name)
        if value is None:
            return []
        return value if isinstance(value, list) else [value]

    def _text_of(self, name: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            self.problem(name, f"{_shown(value)} is no text or an empty one; write a text or a list of texts")
            return ""
        return value.strip()


def _question(fields: _Fields) -> EvalQuestion:
    text = fields.text("question")
    if not text:
        fields.problem("question", "is missing or empty; every line asks one question")
    name = fields.text("id") or f"line-{fields.line}"
    is_answerable = fields.flag("answerable")
    gold = _gold(fields)
    _require_sense(fields, gold, is_answerable=is_answerable)
    group = fields.text("group") or (gold.documents[0] if len(gold.documents) == 1 else name)
    return EvalQuestion(
        id=name,
        text=text,
        gold=gold,
        language=fields.text("language") or language_of(text),
        domain=_domain(fields),
        group=group,
        is_test=is_held_out(group),
        is_answerable=is_answerable,
        metadata=fields.others(),
    )


def _gold(fields: _Fields) -> Gold:
    """A passage without a document of its own lies in one of the question's; where it has none, anywhere."""
    documents = fields.texts("documents")
    passages = list(fields.passages())
    marks = tuple(
        Mark(document, ANYWHERE, passage.text)
        for passage in passages
        for document in ([passage.document] if passage.document else documents or [ANY_DOCUMENT])
    )
    named = (*documents, *(passage.document for passage in passages if passage.document))
    return Gold(
        answers=fields.texts("answer") + fields.texts("answers"),
        documents=tuple(dict.fromkeys(named)),
        marks=marks,
        evidence=tuple(passage.text for passage in passages),
    )


def _require_sense(fields: _Fields, gold: Gold, *, is_answerable: bool) -> None:
    is_judged = any(fields.has(name) for name in ("answer", "answers", "passages", "documents"))
    if is_answerable and not is_judged:
        fields.problem("answer", "is missing; give answer, passages or documents, or say answerable: false")
    if not is_answerable and (gold.answers or gold.marks):
        fields.problem("answerable", "is false, yet there is an answer or a passage; drop one of the two")


def _domain(fields: _Fields) -> str:
    domain = fields.text("domain") or DOMAINS[0]
    if domain not in DOMAINS:
        fields.problem("domain", f"{domain!r} is none of {', '.join(DOMAINS)}")
    return domain


def _require_distinct(questions: tuple[EvalQuestion, ...], rows: list[Row], problems: Problems) -> None:
    first: dict[str, int] = {}
    for question, row in zip(questions, rows, strict=True):
        if question.id in first:
            before = first[question.id]
            problems.add(row.line, "id", f"{question.id!r} is that of line {before} too; ids must be unique")
        first.setdefault(question.id, row.line)


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)[:60]
