"""Right and wrong passages that our own search ranks high, for train questions asked of whole collections.

What the reader meets in service are the first hits of `rag.retrieve`, so its relevance head is trained on
those. A wrong hit teaches only where it is surely wrong:

- where annotators marked the answers, a hit without a mark is wrong; one that holds a part of a mark is left
  out, and so is one that states an expected answer elsewhere: of 23 such (squad_slice, cuad, drcd) that were
  read, about 5 answered after all;
- where they judged only what they saw, what an unjudged hit holds is not told to the span head;
- a hit that says nearly what a right one says (a dated version of an article, a longer cut of an abstract)
  is left out;
- of a long gold document only the chunk asked for is right, its others are left out;
- so are hits on the subject of a right one, where sets have several answers on a subject;
- so is every text that is kept for tests, or for the other side of train and development: ranks are counted
  without them, as if the collection held nothing else.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import TypeAlias

import structlog

from evals.ask import gold_places, occurrences
from evals.questions import EvalQuestion
from evals.suites import suite_named
from rag.domain import Chunk, Document, Hit, Question
from rag.errors import NotFoundError
from rag.passages import passage_of
from rag.system import System
from rag.tokens import index_tokens
from training.examples import Example, Task
from training.ranking_texts import DOCUMENT, KnownText, Side, grouped_by_document, known_texts, side_of

LOG = structlog.get_logger()

RANKS = 30
HITS_READ = {Side.TRAIN: 60, Side.DEVELOPMENT: 300}  # one document in ten is of development
GOLD_HITS_READ = 200  # of the gold documents alone, where none of theirs is among the first hits
SAME_WORDING = 0.8  # share of the smaller one's tokens from which two passages say the same
TEXTS_KEPT = 512


@dataclass(frozen=True, slots=True)
class Band:
    """How many wrong hits are taken of those ranked from `first` to `last`, both included."""

    count: int
    first: int
    last: int


class Judged(StrEnum):
    """What a suite's gold says of the chunks of a gold document, and of the others."""

    MARKS = "marks"  # every place of the answer is marked: the others do not answer
    SOME_MARKS = "some marks"  # another chunk may answer too
    DOCUMENT = "document"  # the documents are as short as an answer
    OPENING = "opening"  # a long document begins with the answer
    SECTION = "section"  # the question's id ends in the anchor of the heading that is asked for


@dataclass(frozen=True, slots=True)
class RankingSource:
    """A suite, how many of its train questions are asked (None: all), and what is taken of their hits."""

    suite: str
    judged: Judged
    questions: int | None
    golds: int
    bands: tuple[Band, ...]


FOUR = (Band(2, 1, 5), Band(1, 6, 12), Band(1, 13, 30))
SIX = (Band(3, 1, 6), Band(1, 7, 12), Band(2, 13, 30))
THREE = (Band(2, 1, 8), Band(1, 9, 30))
# Where a question has many right passages and not all were judged, the first unjudged ones often answer too.
BELOW_THE_FIRST = (Band(1, 6, 15), Band(2, 16, 30))

RANKING_SOURCES: tuple[RankingSource, ...] = (
    RankingSource("reading/squad_slice", Judged.MARKS, 900, 1, FOUR),
    # Of 19 unmarked chunks of the gold paper that were read, 4 answered too; of 19 of other papers, one did.
    RankingSource("reading/covid_qa", Judged.SOME_MARKS, None, 1, FOUR),
    RankingSource("reading/bioasq", Judged.SOME_MARKS, None, 2, FOUR),
    RankingSource("document/cuad", Judged.MARKS, 1000, 2, FOUR),
    RankingSource("document/policyqa", Judged.SOME_MARKS, 400, 1, BELOW_THE_FIRST),
    RankingSource("retrieval/bioasq", Judged.DOCUMENT, None, 3, BELOW_THE_FIRST),
    RankingSource("longform/medquad", Judged.OPENING, 1500, 1, THREE),
    RankingSource("reading/cmrc2018", Judged.MARKS, 1200, 1, FOUR),
    RankingSource("reading/drcd", Judged.MARKS, 500, 1, FOUR),
    RankingSource("retrieval/stard", Judged.DOCUMENT, None, 3, SIX),
    RankingSource("retrieval/fastapi", Judged.SECTION, 500, 1, THREE),
)

Spans: TypeAlias = tuple[tuple[int, int], ...] | None
Same: TypeAlias = Sequence[EvalQuestion]
"""Questions of one wording and scope: what is right for one is right for all."""


@dataclass(frozen=True, slots=True)
class _Sure:
    """A hit of which it is known whether it answers."""

    hit: Hit
    is_right: bool
    spans: Spans


def ranking_examples(
    suite_name: str,
    root: Path,
    system: System,
    collection: str,
    *,
    random_source: Random,
    limit: int | None,
) -> Iterator[Example]:
    """Each train question beside right and wrong hits of `collection`, which holds the suite's corpus.

    A question none of whose right chunks is whole in the collection gives nothing. NotFoundError where
    RANKING_SOURCES has no such suite.
    """
    source = _source_named(suite_name)
    data = suite_named(suite_name).load(root)
    known = known_texts(root, data)
    asked_alike = _asked_alike(grouped_by_document(data, known))
    chosen = asked_alike
    if limit is not None and limit < len(asked_alike):
        chosen = random_source.sample(asked_alike, limit)
    finder = _Finder(system, collection, source.judged, known)
    for same in chosen:
        sure = finder.first_hits(same)
        right, wrong = [item for item in sure if item.is_right], [item for item in sure if not item.is_right]
        right = right or finder.right_of_its_documents(same)
        if right:
            taken = [right[0], *_some(right[1:], source.golds - 1, random_source)]
            taken += _wrong_of(wrong, right, source.bands, random_source)
            yield from (_example(suite_name, same[0], item) for item in taken)
    LOG.info("searched", suite=suite_name, asked=len(chosen), **finder.left_out)


def _source_named(suite_name: str) -> RankingSource:
    for source in RANKING_SOURCES:
        if source.suite == suite_name:
            return source
    known = ", ".join(source.suite for source in RANKING_SOURCES)
    raise NotFoundError(f"no ranking examples are made of {suite_name!r}; known: {known}")


def _asked_alike(questions: Sequence[EvalQuestion]) -> list[Same]:
    """The train questions by wording and scope, in the order of the first; none that test asks too."""
    groups: dict[tuple[str, str], list[EvalQuestion]] = {}
    for question in questions:
        if question.is_answerable:
            wording = " ".join(question.text.casefold().split())
            groups.setdefault((wording, repr(sorted(question.scope.items()))), []).append(question)
    return [same for same in groups.values() if not any(question.is_test for question in same)]


class _Finder:
    """Searches one collection and says of each hit whether it answers; what is unsure is not among them."""

    def __init__(
        self, system: System, collection: str, judged: Judged, known: Mapping[str, KnownText]
    ) -> None:
        self.left_out: Counter[str] = Counter()
        """How many hits were not shown, by the side they are on."""
        self._system = system
        self._collection = collection
        self._judged = judged
        self._known = known
        self._text = lru_cache(TEXTS_KEPT)(system.store.text)

    def first_hits(self, same: Same) -> list[_Sure]:
        """Those of the first hits that are surely right or surely wrong, best first."""
        found = self._sure_among(same, same[0].scope, HITS_READ[side_of(same[0].group)])
        return [item for item in found if item.hit.rank <= RANKS]

    def right_of_its_documents(self, same: Same) -> list[_Sure]:
        """The right chunks when the gold documents alone are searched, best first."""
        golds = {self._known[uri].document for asked in same for uri in asked.gold.documents}
        found = self._sure_among(same, {DOCUMENT: {"$in": sorted(golds)}}, GOLD_HITS_READ)
        return [item for item in found if item.is_right]

    def _sure_among(self, same: Same, scope: Mapping[str, object], depth: int) -> list[_Sure]:
        hits = self._shown(same[0], scope, depth)
        if self._judged in (Judged.MARKS, Judged.SOME_MARKS):
            documents = {hit.chunk.document.id: hit.chunk.document for hit in hits}
            places = {id_: self._places(same, document) for id_, document in documents.items()}
            found = [self._by_marks(same, hit, places[hit.chunk.document.id]) for hit in hits]
        else:
            found = [self._by_document(same, hit) for hit in hits]
        golds = {self._known[uri].subject for asked in same for uri in asked.gold.documents} - {""}
        sure = [item for item in found if item]
        return [item for item in sure if item.is_right or self._known_of(item.hit).subject not in golds]

    def _shown(self, asked: EvalQuestion, scope: Mapping[str, object], depth: int) -> list[Hit]:
        """The first hits on the question's own side, ranked from 1 as if there were no other texts."""
        found = self._system.search(Question(asked.text, self._collection, depth, filters=scope))
        own = side_of(asked.group)
        sides = [self._known_of(hit).side for hit in found.hits]
        shown = [hit for hit, side in zip(found.hits, sides, strict=True) if side is own]
        self.left_out.update(side.value for side in sides if side is not own)
        return [replace(hit, rank=rank) for rank, hit in enumerate(shown, start=1)]

    def _known_of(self, hit: Hit) -> KnownText:
        return self._known[hit.chunk.document.uri]

    def _places(self, same: Same, document: Document) -> set[tuple[int, int]]:
        text_of = partial(self._text, document.id)
        return {(p.start, p.end) for asked in same for p in gold_places(asked, document.uri, text_of)}

    def _by_document(self, same: Same, hit: Hit) -> _Sure | None:
        chunk = hit.chunk
        asked = [item for item in same if chunk.document.uri in item.gold.documents]
        if not asked:
            return _Sure(hit, is_right=False, spans=None)
        match self._judged:
            case Judged.OPENING:
                is_asked_for = chunk.ordinal == 0
            case Judged.SECTION:
                is_asked_for = any(f"#{item.id.rpartition('#')[2]} }}" in chunk.text for item in asked)
            case _:
                is_asked_for = True
        return _Sure(hit, is_right=True, spans=None) if is_asked_for else None

    def _by_marks(self, same: Same, hit: Hit, places: set[tuple[int, int]]) -> _Sure | None:
        chunk = hit.chunk
        within = [(start, end) for start, end in places if chunk.start <= start and end <= chunk.end]
        if within:
            spans = tuple((start - chunk.start, end - chunk.start) for start, end in sorted(within))
            return _Sure(hit, is_right=True, spans=spans)
        if any(start < chunk.end and chunk.start < end for start, end in places):
            return None
        answers = {answer for asked in same for answer in asked.gold.answers}
        if any(occurrences(answer, chunk.text, as_words=True) for answer in answers):
            return None
        if self._judged is Judged.MARKS:
            return _Sure(hit, is_right=False, spans=())
        is_judged = any(chunk.document.uri in asked.gold.documents for asked in same)
        return None if is_judged else _Sure(hit, is_right=False, spans=None)


def _wrong_of(
    wrong: Sequence[_Sure], right: Sequence[_Sure], bands: Sequence[Band], random_source: Random
) -> Iterator[_Sure]:
    """Wrong hits by the bands of their ranks, none that says nearly what a right one says."""
    told = [frozenset(index_tokens(item.hit.chunk.text)) for item in right]
    for band in bands:
        within = [item for item in wrong if band.first <= item.hit.rank <= band.last]
        drawn = random_source.sample(within, len(within))
        yield from islice((item for item in drawn if not _says_the_same(item.hit.chunk, told)), band.count)


def _says_the_same(chunk: Chunk, told: Sequence[frozenset[str]]) -> bool:
    """Whether a passage is little more, or little less, than one of those told."""
    tokens = frozenset(index_tokens(chunk.text))
    return any(len(tokens & other) >= SAME_WORDING * min(len(tokens), len(other)) for other in told)


def _some(items: Sequence[_Sure], count: int, random_source: Random) -> list[_Sure]:
    return random_source.sample(items, min(count, len(items)))


def _example(suite_name: str, asked: EvalQuestion, item: _Sure) -> Example:
    passage = passage_of(item.hit.chunk)
    return Example(
        task=Task.READ,
        language=asked.language,
        source=suite_name,
        group=asked.group,
        question=asked.text,
        title=passage.title,
        passage=passage.text,
        spans=item.spans,
        relevance=1.0 if item.is_right else 0.0,
    )
