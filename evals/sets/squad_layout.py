"""Span sets in SQuAD's layout: articles of paragraphs, questions on them, answers by text and offset."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

from evals.data import DataError, data_file, hash_of, read_json
from evals.questions import Mark

LAYOUT = "squad-2"

NO_TEXT = "the question is empty"
NOWHERE = "none of its answers stands in the text"
YES_OR_NO = "answered by yes or no"
DISAGREEMENT = "its annotators disagree whether, or with what kind of answer, the text answers it"

Name = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)]
"""An id; some sets write it as a number."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An annotator's answer; -1 and "" mean none, -1 and a text one that is no span, such as YES."""

    text: str
    answer_start: int

    @property
    def is_verdict(self) -> bool:
        """Whether it says yes or no instead of marking a span."""
        return self.answer_start < 0 and self.text.strip() in {"YES", "NO"}

    @property
    def is_span(self) -> bool:
        """Whether it gives words of the text; their place may be wrong."""
        return bool(self.text.strip()) and not self.is_verdict


@dataclass(frozen=True, slots=True)
class SpanQuestion:
    """A question on its paragraph; CAIL writes `is_impossible` as a text."""

    id: Name
    question: str
    answers: tuple[Answer, ...] = ()
    is_impossible: bool = False
    category: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text and the questions on it."""

    context: str
    qas: tuple[SpanQuestion, ...]
    id: Name = ""
    casename: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """A document; in some sets it is one paragraph, the whole text. Sets name it by different fields."""

    paragraphs: tuple[Paragraph, ...]
    title: Name = ""
    docid: Name = ""
    source: str = ""
    caseid: Name = ""
    domain: str = ""


@dataclass(frozen=True, slots=True)
class _Squad:
    data: tuple[Article, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A text that is asked about; `document` is the article, paper, contract or case that it is part of."""

    uri: str
    title: str
    document: str
    text: str
    is_test: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a source. Every mark stands in the source's text at its place; none if unanswerable."""

    id: str
    text: str
    source: Source
    answers: tuple[str, ...]
    marks: tuple[Mark, ...]

    @property
    def is_answerable(self) -> bool:
        """Whether the source answers it."""
        return bool(self.answers)


@dataclass(frozen=True, slots=True)
class SpanData:
    """A set as it was read, in file order; `hash` covers its files and this layout."""

    layout: "SpanLayout"
    sources: tuple[Source, ...]
    asked: tuple[Asked, ...]
    left_out: Mapping[str, int]
    hash: str


@dataclass(frozen=True, slots=True)
class SpanLayout:
    """How a set names its texts and parts them; `files` are its files and which of their articles are test.

    `uri` gets an article, a paragraph and its number in the article; `document` and `is_test` get an article.
    `lists_plausible`: an unanswerable question may come with a span that seems to answer it.
    `longest_given`: a text of more characters is cut where it is given with its question; only TeleQuAD has
    longer ones (16 of 328), and SQuAD's longest has 4,063.
    """

    name: str
    files: Mapping[str, Callable[[Article], bool]]
    language: str
    domain: str
    document: Callable[[Article], str] = lambda article: article.title
    uri: Callable[[Article, Paragraph, int], str] = lambda article, _, number: f"{article.title}/{number}"
    title: Callable[[Article, Paragraph], str] = lambda article, _: article.title.replace("_", " ")
    question: Callable[[SpanQuestion], str] = lambda asked: asked.question.strip()
    metadata: Mapping[str, str] = field(default_factory=dict)
    lists_plausible: bool = False
    longest_given: int = 6000

    def read(self, root: Path) -> SpanData:
        """The set below the data folder; DataMissingError or DataError names the file."""
        paths = [data_file(root, name) for name in self.files]
        sources: list[Source] = []
        asked: list[Asked] = []
        left_out: Counter[str] = Counter()
        for path, is_test in zip(paths, self.files.values(), strict=True):
            for article in read_json(path, _Squad).data:
                for source, paragraph in self._sources(article, is_test=is_test(article)):
                    sources.append(source)
                    for question in paragraph.qas:
                        told = self._asked(question, source)
                        if isinstance(told, Asked):
                            asked.append(told)
                        else:
                            left_out[told] += 1
        for what, names in (("texts", [s.uri for s in sources]), ("questions", [q.id for q in asked])):
            if twice := [name for name, count in Counter(names).items() if count > 1]:
                raise DataError(f"{paths[0].parent}: two {what} are named {twice[0]!r}; names must be unique")
        return SpanData(self, tuple(sources), tuple(asked), left_out, hash_of(paths, LAYOUT + self.name))

    def _sources(self, article: Article, *, is_test: bool) -> Iterator[tuple[Source, Paragraph]]:
        for number, paragraph in enumerate(article.paragraphs):
            source = Source(
                uri=self.uri(article, paragraph, number),
                title=self.title(article, paragraph),
                document=self.document(article),
                text=paragraph.context,
                is_test=is_test,
            )
            yield source, paragraph

    def _asked(self, question: SpanQuestion, source: Source) -> "Asked | str":
        """The question, or the reason why it is left out."""
        text = self.question(question)
        if not text:
            return NO_TEXT
        spans = [answer for answer in question.answers if answer.is_span]
        if question.is_impossible:
            if spans and not self.lists_plausible:
                return DISAGREEMENT
            return Asked(question.id, text, source, (), ())
        marks = tuple(dict.fromkeys(_marks(spans, source)))
        if not marks:
            return YES_OR_NO if any(answer.is_verdict for answer in question.answers) else NOWHERE
        if 2 * len(spans) <= len(question.answers):
            return DISAGREEMENT
        return Asked(question.id, text, source, tuple(dict.fromkeys(a.text.strip() for a in spans)), marks)


def _marks(answers: Sequence[Answer], source: Source) -> Iterator[Mark]:
    """Where the answers stand: at the place given, else where the same words stand nearest to it."""
    for answer in answers:
        words = answer.text.strip()
        start = answer.answer_start + answer.text.index(words)
        if start < 0 or not source.text.startswith(words, start):
            start = nearest(words, source.text, start)
        if start >= 0:
            yield Mark(source.uri, start, words)


def nearest(words: str, text: str, place: int) -> int:
    """Where `words` stand exactly, nearest to `place`; -1 for nowhere. On a tie the earlier place."""
    before = text.rfind(words, 0, max(place, 0) + len(words))
    after = text.find(words, max(place, 0))
    places = [found for found in (before, after) if found >= 0]
    return min(places, key=lambda found: abs(found - place), default=-1)
