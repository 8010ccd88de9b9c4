"""Labelled reading examples from the train parts of the span sets and of BioASQ, with unanswerable ones."""

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evals.data import is_development
from evals.sets.span_sets import CMRC2018, COVID_QA, CUAD, DRCD, POLICYQA, SQUAD_SLICE
from evals.sets.squad_layout import Asked, Source, SpanData, SpanLayout
from rag.domain import Span
from training.bioasq import bioasq_examples
from training.changes import places
from training.consistency import consistent
from training.examples import Example, Task
from training.neighbours import Neighbours
from training.rewording import reworded
from training.stretches import Stretch, cut_around, tiles
from training.unanswerable import Kind, Made, Positive, adversarial, changed_on_both_sides, other_passage

_TITLED = 0.6  # share of examples with their document's title
_REWORDED = 0.15
_LONGEST_ANSWER = 600  # characters: a longer one leaves no room for what surrounds it
_MOST_POSITIVES = 5000  # of a set
_CANDIDATES = 12
# What speaks of something without its name; 其他 and 日本 do not.
_UNNAMED = re.compile(
    "[该該这這她]|(?<!其)[他它]|其(?![他它中余餘实實次])|(?<![因如彼从從])此|文中|文章|本[文书書片剧劇校作集曲法]"
)


@dataclass(frozen=True, slots=True)
class Share:
    """How many examples of each kind a positive of a set brings, on average.

    `by_document`: negatives come from the positive's own document, else from the whole set. `may_change`:
    its questions name something that could be exchanged; those of policyqa and cuad name nothing.
    """

    layout: SpanLayout
    other: float
    adversarial: float
    both: float
    absent: float = 0.0
    marks_each: int = 1
    by_document: bool = True
    may_change: bool = True


SHARES = (
    Share(SQUAD_SLICE, 0.5, 1.0, 0.3),
    Share(COVID_QA, 0.6, 0.6, 0.2, marks_each=2),
    Share(CUAD, 0.3, 0.2, 0.0, absent=0.4, marks_each=2, may_change=False),
    Share(POLICYQA, 0.4, 0.4, 0.0, may_change=False),
    Share(CMRC2018, 0.5, 1.0, 0.3, by_document=False),
    Share(DRCD, 0.5, 1.0, 0.3, by_document=False),
)


def span_examples(root: Path, random_source: random.Random) -> Iterator[Example]:
    """Every example of `made_examples`, without its kind, without copies and contradictions."""
    yield from consistent([made.example for made in made_examples(root, random_source)])


def made_examples(root: Path, random_source: random.Random) -> Iterator[Made]:
    """Answered and unanswered examples of all sets below the data folder, some reworded; DataMissingError."""
    for share in SHARES:
        for made in set_examples(share.layout.read(root), share, random_source):
            yield _finished(made, random_source)
    for made in bioasq_examples(root, random_source):
        yield _finished(made, random_source)


def _finished(made: Made, random_source: random.Random) -> Made:
    """The title left out, or the question reworded, at the same rate for every kind."""
    example = made.example
    if random_source.random() >= _TITLED:
        example = replace(example, title="")
    if random_source.random() < _REWORDED:
        question = reworded(example.question, example.language, random_source)
        example = replace(example, question=question)
    return Made(made.kind, example)


def set_examples(data: SpanData, share: Share, random_source: random.Random) -> Iterator[Made]:
    """The examples of one set: every train question that its text answers, and what is made of it."""
    neighbourhood = _Neighbourhood(data, share, random_source)
    positives = [
        positive
        for asked in data.asked
        if asked.is_answerable and not asked.source.is_test
        for positive in _positives(asked, data.layout, share, neighbourhood, random_source)
    ]
    if len(positives) > _MOST_POSITIVES and share.absent:
        positives = random_source.sample(positives, _MOST_POSITIVES)
    for positive in positives:
        yield Made(Kind.ANSWERED, positive.example)
        if random_source.random() < share.other:
            example = other_passage(positive, neighbourhood.near(positive), random_source)
            if example:
                yield Made(Kind.OTHER_PASSAGE, example)
        if random_source.random() < share.both:
            example = changed_on_both_sides(positive, random_source)
            if example:
                yield Made(Kind.BOTH_CHANGED, example)
        count = _rounded(share.adversarial, random_source)
        yield from adversarial(positive, count, random_source, may_change=share.may_change)
    wanted = round(share.absent * len(positives))
    yield from _absent_clauses(data, neighbourhood, wanted, random_source)


def _rounded(number: float, random_source: random.Random) -> int:
    """A whole number whose mean is the number given."""
    return int(number) + (random_source.random() < number - int(number))


class _Neighbourhood:
    """The train passages of a set: by document or, where documents are short, all together."""

    def __init__(self, data: SpanData, share: Share, random_source: random.Random) -> None:
        language = data.layout.language
        self._by_document = share.by_document
        self._stretches: dict[str, list[Stretch]] = defaultdict(list)
        self._texts: dict[str, list[str]] = defaultdict(list)
        self._indexes: dict[str, Neighbours] = {}
        self._answering: dict[tuple[str, str], set[str]] = defaultdict(set)
        for source in data.sources:
            if not source.is_test:
                key = self.key(source.document)
                for span in tiles(source.text, language, random_source):
                    text = span.of(source.text)
                    stretch = Stretch(source.uri, source.document, source.title, span.start, text)
                    self._stretches[key].append(stretch)
                    self._texts[source.document].append(text)
        for asked in data.asked:
            self._answering[asked.source.document, asked.text].add(asked.source.uri)

    def key(self, document: str) -> str:
        """Documents of the same key lend each other passages: never across the development split."""
        return document if self._by_document else str(is_development(document))

    def near(self, positive: Positive) -> list[Stretch]:
        """Passages that share words with the question, most alike first."""
        example = positive.example
        if not self._by_document and _UNNAMED.search(example.question):
            return []
        return self.search(example.question, example.group, _CANDIDATES)

    def search(self, question: str, document: str, count: int) -> list[Stretch]:
        """The passages most like the question that its document may borrow."""
        key = self.key(document)
        if key not in self._indexes:
            self._indexes[key] = Neighbours(self._stretches[key])
        return self._indexes[key].near(question, count)

    def avoided(self, asked: Asked) -> frozenset[str]:
        """Other texts of its document on which the same is asked."""
        others = self._answering[asked.source.document, asked.text] - {asked.source.uri}
        return frozenset(others)

    def alike(self, asked: Asked) -> list[Stretch]:
        """Passages of other documents that share words with the question; none where documents keep apart."""
        if self._by_document:
            return []
        found = self.search(asked.text, asked.source.document, 8)
        return [stretch for stretch in found if stretch.group != asked.source.document]

    def texts(self, asked: Asked, random_source: random.Random) -> tuple[str, ...]:
        """Some stretches of its document."""
        texts = self._texts[asked.source.document]
        return tuple(random_source.sample(texts, min(3, len(texts))))


def _positives(
    asked: Asked,
    layout: SpanLayout,
    share: Share,
    neighbourhood: _Neighbourhood,
    random_source: random.Random,
) -> Iterator[Positive]:
    """The question beside a stretch around one of its marks, and around another one far from it."""
    source = asked.source
    spans = sorted(
        {Span(mark.start, mark.start + len(mark.text)) for mark in asked.marks}, key=lambda s: s.start
    )
    short = [span for span in spans if span.end - span.start <= _LONGEST_ANSWER]
    alike = neighbourhood.alike(asked) if share.may_change else []
    nearby = (*neighbourhood.texts(asked, random_source), *(stretch.text for stretch in alike[:4]))
    seen: list[Span] = []
    for held in random_source.sample(short, len(short)):
        if len(seen) == share.marks_each:
            return
        if any(part.start <= held.start and held.end <= part.end for part in seen):
            continue
        part = cut_around(source.text, held, layout.language, random_source)
        seen.append(part)
        yield Positive(
            _example(asked, layout, part, _spans_in(part, spans, asked)),
            asked.answers,
            tuple((source.uri, span) for span in spans),
            neighbourhood.avoided(asked),
            nearby,
            tuple(stretch.title for stretch in alike),
        )


def _spans_in(part: Span, spans: Sequence[Span], asked: Asked) -> tuple[tuple[int, int], ...]:
    """The marks within a stretch, and where else in it an answer of two words or more stands; as offsets."""
    passage = part.of(asked.source.text)
    found = {
        (span.start - part.start, span.end - part.start)
        for span in spans
        if part.start <= span.start and span.end <= part.end
    }
    for answer in asked.answers:
        if len(answer.split()) > 1 or (not answer.isascii() and len(answer) >= 5):
            found.update((span.start, span.end) for span in places(answer, passage))
    return tuple(sorted(found))


def _example(asked: Asked, layout: SpanLayout, part: Span, spans: tuple[tuple[int, int], ...]) -> Example:
    source: Source = asked.source
    return Example(
        task=Task.READ,
        language=layout.language,
        source=layout.name,
        group=source.document,
        question=asked.text,
        title=source.title,
        passage=part.of(source.text),
        spans=spans,
        relevance=1.0 if spans else 0.0,
    )


def _absent_clauses(
    data: SpanData, neighbourhood: _Neighbourhood, count: int, random_source: random.Random
) -> Iterator[Made]:
    """Questions whose clause is not in the contract, beside the stretch that looks most like it."""
    absent = [asked for asked in data.asked if not asked.is_answerable and not asked.source.is_test]
    for asked in random_source.sample(absent, min(count, len(absent))):
        alike = neighbourhood.search(asked.text, asked.source.document, 4)
        if alike:
            stretch = random_source.choice(alike)
            part = Span(stretch.start, stretch.end)
            yield Made(Kind.ABSENT_CLAUSE, _example(asked, data.layout, part, ()))
