"""What a suite's data must satisfy: defects are ours, warnings are known faults of the data."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from evals.ask import gold_places
from evals.questions import Corpus, EvalQuestion, QuestionSet
from ingest.clean import clean
from ingest.parse import Layout, ParsedDocument
from ingest.text_document import TextDocument

SHORT_ID = 12
"""Characters below which two sets may use one id by chance."""


@dataclass(frozen=True, slots=True)
class SuiteCheck:
    """A suite's counts and what is wrong with it.

    `marks_in_place` counts the marks that stand verbatim at their offset in the text as given. `findable` are
    the questions that are scored by where their gold stands, `found` those of them whose gold is found.
    """

    suite: str
    questions: int
    train: int
    test: int
    unanswerable: int
    groups: int
    texts: int
    marks: int
    marks_in_place: int
    findable: int
    found: int
    defects: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CanonicalTexts:
    """Texts after cleaning, as ingestion stores them; suites of one corpus clean it once."""

    cleaned: dict[tuple[str, str], str] = field(default_factory=dict)

    def of(self, corpus: Corpus, text: TextDocument) -> str:
        """The canonical text of one of the corpus' texts."""
        key = (corpus.collection, text.uri)
        if key not in self.cleaned:
            parsed = ParsedDocument(text.title, "text/plain", Layout.LINES, text.text)
            self.cleaned[key] = clean(parsed).text
        return self.cleaned[key]


def check(suite: str, data: QuestionSet, canonical: CanonicalTexts) -> SuiteCheck:
    """Look at every question of a suite."""
    questions = data.questions
    given = _given_texts(data)
    marks = [mark for asked in questions for mark in asked.gold.marks]
    in_place = sum(given.get(mark.document, "").startswith(mark.text, mark.start) for mark in marks)
    findable = [asked for asked in questions if _is_findable(asked)]
    stored = {text.uri: text for text in data.corpus.texts} if data.corpus else {}
    found = sum(_is_found(asked, data.corpus, stored, canonical) for asked in findable)
    return SuiteCheck(
        suite=suite,
        questions=len(questions),
        train=sum(not asked.is_test for asked in questions),
        test=sum(asked.is_test for asked in questions),
        unanswerable=sum(not asked.is_answerable for asked in questions),
        groups=len({asked.group for asked in questions}),
        texts=len(data.corpus.texts) if data.corpus else 0,
        marks=len(marks),
        marks_in_place=in_place,
        findable=len(findable),
        found=found,
        defects=tuple(_defects(data, misplaced=len(marks) - in_place)),
        warnings=tuple(_warnings(data, given, lost=len(findable) - found)),
    )


def split_by_set(checked: Mapping[str, Mapping[str, bool]]) -> Iterator[str]:
    """Pairs of sets in which one question is train in one and test in the other, a sentence a pair.

    `checked` tells of each set which question ids are test. Short ids are passed over.
    """
    trained = defaultdict(set)
    for name, is_test in checked.items():
        for question_id in is_test:
            if not is_test[question_id] and len(question_id) >= SHORT_ID:
                trained[question_id].add(name)
    pairs = Counter(
        (other, name)
        for name, is_test in checked.items()
        for question_id in is_test
        if is_test[question_id]
        for other in trained.get(question_id, ())
    )
    for (train, test), count in sorted(pairs.items()):
        yield f"{count} questions of {test}, where they are test, are train in {train}"


def _given_texts(data: QuestionSet) -> dict[str, str]:
    """Every text that is asked about, by its uri: the corpus and the passages given."""
    texts = {text.uri: text.text for text in data.corpus.texts} if data.corpus else {}
    return texts | {passage.id: passage.text for asked in data.questions for passage in asked.passages}


def _is_findable(asked: EvalQuestion) -> bool:
    gold = asked.gold
    return asked.is_answerable and bool(gold.documents) and bool(gold.marks or gold.answers)


def _is_found(
    asked: EvalQuestion,
    corpus: Corpus | None,
    stored: Mapping[str, TextDocument],
    canonical: CanonicalTexts,
) -> bool:
    """Whether the gold is found as scoring looks for it: in canonical texts, or in the passages as given."""
    passages = {passage.id: passage.text for passage in asked.passages}
    for uri in asked.gold.documents:
        text = passages.get(uri, "")
        if corpus and uri in stored:
            text = canonical.of(corpus, stored[uri])
        if next(gold_places(asked, uri, partial(str, text)), None) is not None:
            return True
    return False


def _defects(data: QuestionSet, *, misplaced: int) -> Iterator[str]:
    questions = data.questions
    if not questions:
        yield "it has no question"
    if misplaced:
        yield f"{misplaced} marks do not stand at their place"
    if twice := _twice(asked.id for asked in questions):
        yield f"{len(twice)} ids of questions are used more than once, such as {twice[0]}"
    if data.corpus and (twice := _twice(text.uri for text in data.corpus.texts)):
        yield f"{len(twice)} uris of texts are used more than once, such as {twice[0]}"
    train = {asked.group for asked in questions if not asked.is_test}
    if both := sorted(train & {asked.group for asked in questions if asked.is_test}):
        yield f"{len(both)} groups are in train and in test, such as {both[0]}"
    if blank := [asked.id for asked in questions if not asked.text.strip()]:
        yield f"{len(blank)} questions have no text, such as {blank[0]}"


def _warnings(data: QuestionSet, given: Mapping[str, str], *, lost: int) -> Iterator[str]:
    for reason, count in data.left_out.items():
        yield f"{count} questions are left out: {reason}"
    if lost:
        yield f"the gold of {lost} questions is not found where scoring looks for it; they count as wrong"
    wanted = {uri for asked in data.questions for uri in asked.gold.documents}
    if given and (missing := sorted(wanted - set(given))):
        yield f"{len(missing)} gold documents have no text, such as {missing[0]}"
    sides = defaultdict(set)
    for asked in data.questions:
        for mark in asked.gold.marks:
            sides[given.get(mark.document, "")].add(asked.is_test)
    if both := sum(len(kinds) > 1 for kinds in sides.values()):
        yield f"{both} texts are train under one name and test under another"


def _twice(names: Iterator[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)
