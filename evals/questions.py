"""What an eval asks: questions with their gold, and the texts they are asked of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ingest.text_document import TextDocument


class Split(StrEnum):
    """Which questions are asked; nothing that trains, tunes or calibrates may see `test`.

    `development` is the part of `train` that the reader was not trained on: what it says of the others, it
    has seen before.
    """

    ALL = "all"
    TRAIN = "train"
    DEVELOPMENT = "development"
    TEST = "test"


ANY_DOCUMENT = ""
ANYWHERE = -1


@dataclass(frozen=True, slots=True)
class Mark:
    """Where an annotator marked an answer: `start` counts code points in the text as given to ingestion.

    A mark whose `document` is ANY_DOCUMENT or whose `start` is ANYWHERE is known by its words alone.
    """

    document: str
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Gold:
    """What a right answer must say or rest on; which parts a set has depends on its task.

    `answers`: expected answers, any one of which is right. `documents`: uris of those that hold the answer.
    `marks`: where it stands in them, any one of which will do. `evidence`: the sentences it rests on, one
    text for each annotator's choice, any one of which will do. `free_answers`: expected answers in words that
    stand in no document, an expert's own: answers are compared with them, quotations are not.
    `label`: the right letter of a choice, or the right verdict on a claim.
    """

    answers: tuple[str, ...] = ()
    free_answers: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    evidence: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class GivenPassage:
    """A passage that comes with its question, for tasks that retrieve nothing."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """A question and its gold.

    `group` is the document (article, contract, statute question) that decides the split and within which
    questions are not independent. `scope` is a filter (see `rag.filters`) on what is searched. `history` has
    the user's earlier questions of a conversation, oldest first.
    """

    id: str
    text: str
    gold: Gold
    language: str
    domain: str
    group: str
    is_test: bool
    is_answerable: bool = True
    scope: Mapping[str, object] = field(default_factory=dict)
    passages: tuple[GivenPassage, ...] = ()
    choices: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Corpus:
    """The texts that questions are asked of; suites of equal name and hash share a collection."""

    name: str
    hash: str
    texts: tuple[TextDocument, ...]

    @property
    def collection(self) -> str:
        """The collection that holds exactly this version of the corpus."""
        return f"{self.name}-{self.hash[:12]}"


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A set's questions in file order, and their corpus; None where every question brings its passages.

    `left_out` counts the questions of the files that are not asked, by the reason in words.
    """

    questions: tuple[EvalQuestion, ...]
    corpus: Corpus | None
    data_hash: str
    left_out: Mapping[str, int] = field(default_factory=dict)
