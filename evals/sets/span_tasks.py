"""What a span set becomes: questions for a whole collection, for one document, or with their passage.

Every text is a document of the collection with the metadata `document` (its article, paper, contract or
case) and `paragraph` (its own uri).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evals.questions import Corpus, EvalQuestion, GivenPassage, Gold, Mark, QuestionSet
from evals.sets.squad_layout import Asked, SpanData, SpanLayout
from ingest.text_document import TextDocument
from rag.domain import Span

PASSAGE = 1500
"""Characters of a passage cut from a longer text."""

NO_GOLD_TO_CUT_AROUND = "unanswerable, and the text is too long to be given whole"
UNANSWERABLE = "unanswerable: asked in paragraph/ or abstention/"

Loader = Callable[[Path], QuestionSet]


def asked_of_all(layout: SpanLayout) -> Loader:
    """The answerable questions, asked of the whole collection."""
    return lambda root: _only_answerable(_of_collection(layout.read(root), _everywhere))


def asked_of_its_document(layout: SpanLayout) -> Loader:
    """The answerable questions, asked within their document."""
    return lambda root: _only_answerable(_of_collection(layout.read(root), _within))


def answerable_or_not(layout: SpanLayout) -> Loader:
    """Every question, asked of the whole collection."""
    return lambda root: _of_collection(layout.read(root), _everywhere)


def answerable_or_not_in_its_document(layout: SpanLayout) -> Loader:
    """Every question, asked within its document."""
    return lambda root: _of_collection(layout.read(root), _within)


def with_its_passage(layout: SpanLayout) -> Loader:
    """Every question with its text, or of a long text the lines around the first gold span."""
    return lambda root: _given(layout.read(root))


def _everywhere(_asked: Asked) -> Mapping[str, object]:
    return {}


def _within(asked: Asked) -> Mapping[str, object]:
    return {"document": asked.source.document}


def _of_collection(data: SpanData, scope: Callable[[Asked], Mapping[str, object]]) -> QuestionSet:
    texts = tuple(
        TextDocument(
            source.uri, source.title, source.text, {"document": source.document, "paragraph": source.uri}
        )
        for source in data.sources
        if source.text.strip()
    )
    questions = tuple(replace(_question(data, asked), scope=scope(asked)) for asked in data.asked)
    return QuestionSet(questions, Corpus(data.layout.name, data.hash, texts), data.hash, data.left_out)


def _only_answerable(data: QuestionSet) -> QuestionSet:
    questions = tuple(question for question in data.questions if question.is_answerable)
    dropped = len(data.questions) - len(questions)
    left_out = {**data.left_out, UNANSWERABLE: dropped} if dropped else data.left_out
    return replace(data, questions=questions, left_out=left_out)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A passage and where it starts in its source."""

    passage: GivenPassage
    start: int


def _given(data: SpanData) -> QuestionSet:
    questions = []
    for asked in data.asked:
        if cut := _cut(asked, data.layout.longest_given):
            documents = (cut.passage.id,) if asked.is_answerable else ()
            marks = tuple(_moved(asked.marks, cut))
            gold = Gold(answers=asked.answers, documents=documents, marks=marks)
            questions.append(replace(_question(data, asked), gold=gold, passages=(cut.passage,)))
    dropped = len(data.asked) - len(questions)
    left_out = {**data.left_out, NO_GOLD_TO_CUT_AROUND: dropped} if dropped else data.left_out
    return QuestionSet(tuple(questions), None, data.hash, left_out)


def _cut(asked: Asked, longest: int) -> _Cut | None:
    """The whole text, or a stretch of it named by its place; None without a gold to cut around."""
    source = asked.source
    if len(source.text) <= longest:
        return _Cut(GivenPassage(source.uri, source.title, source.text), 0)
    if not asked.marks:
        return None
    first = asked.marks[0]
    stretch = stretch_around(Span(first.start, first.start + len(first.text)), source.text)
    name = f"{source.uri}@{stretch.start}-{stretch.end}"
    passage = GivenPassage(name, source.title, stretch.of(source.text))
    return _Cut(passage, stretch.start)


def _moved(marks: Sequence[Mark], cut: _Cut) -> Iterator[Mark]:
    """The marks that lie in the passage, by their place in it."""
    for mark in marks:
        place = mark.start - cut.start
        if place >= 0 and cut.passage.text.startswith(mark.text, place):
            yield Mark(cut.passage.id, place, mark.text)


def stretch_around(span: Span, text: str, wanted: int = PASSAGE) -> Span:
    """Whole lines with `span` near their middle: as many as `wanted` characters hold, at least its own."""
    start = text.rfind("\n", 0, span.start) + 1
    end = _line_end(text, span.end)
    while True:
        longer_after = Span(start, _line_end(text, min(end + 1, len(text))))
        longer_before = Span(text.rfind("\n", 0, max(start - 1, 0)) + 1, end)
        sides = sorted((longer_after, longer_before), key=lambda side: _imbalance(side, span))
        fitting = [side for side in sides if side != Span(start, end) and side.end - side.start <= wanted]
        if not fitting:
            return Span(start, end)
        start, end = fitting[0].start, fitting[0].end


def _line_end(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found


def _imbalance(stretch: Span, span: Span) -> int:
    return abs((span.start - stretch.start) - (stretch.end - span.end))


def _question(data: SpanData, asked: Asked) -> EvalQuestion:
    documents = (asked.source.uri,) if asked.is_answerable else ()
    return EvalQuestion(
        id=asked.id,
        text=asked.text,
        gold=Gold(answers=asked.answers, documents=documents, marks=asked.marks),
        language=data.layout.language,
        domain=data.layout.domain,
        group=asked.source.document,
        is_test=asked.source.is_test,
        is_answerable=asked.is_answerable,
        metadata=data.layout.metadata,
    )
