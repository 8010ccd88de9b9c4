"""From a question that its passage answers, the same question where it is not answered, and look-alikes.

Two kinds of examples: other passages, found by overlap, and adversarial ones after SQuAD v2.0, where the
passage looks as if it answered. Words are exchanged in the question, in the passage, or in both: after the
last the passage answers again, so that no exchange is in itself a sign of an unanswerable question.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from rag.domain import Span
from rag.sentences import sentences
from rag.tokens import index_tokens, question_tokens
from training.changes import Change, places, replaced, reversals, swaps
from training.examples import Example
from training.stretches import Stretch

_SHORTEST_LEFT = {"en": 120, "zh": 40}  # characters of a passage that lost its answering sentence
_ANSWERING_SHARE = 0.7  # of a long answer's tokens: a passage that has as many may answer in other words
_LIKE_SHARE = 0.5  # of a question's tokens: a sentence that has more may answer the exchanged question
_REMOVABLE = 0.5  # share of the positives: nearly every sentence can be removed, and what is left is easy


class Kind(StrEnum):
    """What an example is made of; the first two and `BOTH_CHANGED` are answered by their passages."""

    ANSWERED = "answered"
    BOTH_CHANGED = "both changed"
    OTHER_PASSAGE = "other passage"
    ABSENT_CLAUSE = "absent clause"
    QUESTION_SWAPPED = "question swapped"
    QUESTION_REVERSED = "question reversed"
    PASSAGE_SWAPPED = "passage swapped"
    PASSAGE_REVERSED = "passage reversed"
    SENTENCE_REMOVED = "sentence removed"


@dataclass(frozen=True, slots=True)
class Made:
    """An example and how it came about."""

    kind: Kind
    example: Example


@dataclass(frozen=True, slots=True)
class Positive:
    """An answered example with what its neighbourhood must know of it.

    `answers`: every annotator's answer. `marks`: where they stand in the texts of the set, by uri. `avoided`:
    uris of texts that may answer the question too. `nearby`: texts whose names may be put into the question;
    `titles`: those of other documents, which may stand there for the own title.
    """

    example: Example
    answers: tuple[str, ...]
    marks: tuple[tuple[str, Span], ...] = ()
    avoided: frozenset[str] = frozenset()
    nearby: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()


def other_passage(
    positive: Positive, stretches: Sequence[Stretch], random_source: random.Random
) -> Example | None:
    """The question beside one of the first three of these passages that do not answer it, if there is one."""
    fitting: list[Stretch] = []
    for stretch in stretches:
        if _may_stand_beside(stretch, positive):
            fitting.append(stretch)
        if len(fitting) == 3:
            break
    if not fitting:
        return None
    chosen = random_source.choice(fitting)
    return replace(positive.example, title=chosen.title, passage=chosen.text, spans=(), relevance=0.0)


def _may_stand_beside(stretch: Stretch, positive: Positive) -> bool:
    if stretch.uri in positive.avoided or stretch.text == positive.example.passage:
        return False
    for uri, mark in positive.marks:
        if uri == stretch.uri and mark.start < stretch.end and stretch.start < mark.end:
            return False
    return not any(states(stretch.text, answer) for answer in positive.answers)


def states(text: str, answer: str) -> bool:
    """Whether a text has the answer, or most of the words of a long one."""
    if answer.lower() in text.lower():
        return True
    wanted = set(index_tokens(answer))
    if len(wanted) < 3:
        return False
    return len(wanted & set(index_tokens(text))) >= _ANSWERING_SHARE * len(wanted)


def adversarial(
    positive: Positive, count: int, random_source: random.Random, *, may_change: bool = True
) -> Iterator[Made]:
    """Up to `count` unanswerable examples of different kinds; `may_change` allows to exchange words."""
    kinds: dict[Kind, float] = {}
    if not may_change or random_source.random() < _REMOVABLE:
        kinds[Kind.SENTENCE_REMOVED] = 0.8
    if may_change:
        kinds |= {
            Kind.QUESTION_SWAPPED: 3.0,
            Kind.QUESTION_REVERSED: 2.0,
            Kind.PASSAGE_SWAPPED: 2.0,
            Kind.PASSAGE_REVERSED: 0.7,
        }
    for kind in _shuffled(kinds, random_source):
        if count <= 0:
            return
        example = _MAKERS[kind](positive, random_source)
        if example:
            count -= 1
            yield Made(kind, example)


def _shuffled(weights: dict[Kind, float], random_source: random.Random) -> list[Kind]:
    """The kinds in random order, heavier ones earlier on average."""
    return sorted(weights, key=lambda kind: random_source.random() ** (1 / weights[kind]), reverse=True)


def changed_on_both_sides(positive: Positive, random_source: random.Random) -> Example | None:
    """Question and passage with the same words exchanged: still answered, at the places that move along."""
    for change in _changes(positive, random_source):
        changed = _passage_changed(positive.example, change)
        if changed is None:
            continue
        question = change.in_question(changed.question)
        if question != changed.question:
            return replace(changed, question=question)
    return None


def _changes(positive: Positive, random_source: random.Random) -> list[Change]:
    changes = [*_swaps(positive, random_source), *_reversals(positive, random_source)]
    random_source.shuffle(changes)
    return changes


def _swaps(positive: Positive, random_source: random.Random) -> list[Change]:
    example = positive.example
    texts = (example.passage, *positive.nearby)
    found = list(swaps(example.question, texts, example.language, random_source))
    other = next((title for title in positive.titles if not _share_words(title, example.title)), "")
    if other and places(example.title, example.question):
        found.append(Change(example.title, other, is_swap=True))
        random_source.shuffle(found)
    return found


def _share_words(title: str, other: str) -> bool:
    """Whether two titles may name the same: they share a word, in Chinese two characters in a row."""
    return any(len(token) > 1 for token in set(index_tokens(title)) & set(index_tokens(other)))


def _reversals(positive: Positive, random_source: random.Random) -> list[Change]:
    return reversals(positive.example.question, positive.example.language, random_source)


def question_swapped(positive: Positive, random_source: random.Random) -> Example | None:
    """The question about another name, year or number than the one that the passage speaks of.

    One that the passage has not (it says "he") is left: without the title nobody could tell.
    """
    for change in _swaps(positive, random_source):
        if places(change.old, positive.example.passage) and _is_unanswered(positive, change):
            return _unanswered(positive.example, question=change.in_question(positive.example.question))
    return None


def question_reversed(positive: Positive, random_source: random.Random) -> Example | None:
    """The question with a word turned into its opposite."""
    for change in _reversals(positive, random_source):
        if not places(change.new, positive.example.passage):
            return _unanswered(positive.example, question=change.in_question(positive.example.question))
    return None


def _is_unanswered(positive: Positive, change: Change) -> bool:
    """Whether no sentence that has the new name may answer the question about it."""
    example = positive.example
    if change.is_swap and places(change.new, example.title):
        return False
    wanted = set(question_tokens(example.question)) - set(index_tokens(change.old))
    answering = answering_sentences(example)
    for sentence in _sentences(example.passage, example.language):
        text = sentence.of(example.passage)
        if places(change.new, text):
            shared = wanted & set(index_tokens(text))
            if sentence in answering or len(shared) > _LIKE_SHARE * len(wanted):
                return False
    return True


def passage_swapped(positive: Positive, random_source: random.Random) -> Example | None:
    """The passage with the name, year or number that the question asks about replaced by another one."""
    return _changed_passage(positive, _swaps(positive, random_source))


def passage_reversed(positive: Positive, random_source: random.Random) -> Example | None:
    """The passage with a word of the answering sentence turned into its opposite."""
    return _changed_passage(positive, _reversals(positive, random_source))


def _changed_passage(positive: Positive, changes: Sequence[Change]) -> Example | None:
    for change in changes:
        changed = _passage_changed(positive.example, change)
        if changed:
            return _unanswered(changed)
    return None


def _passage_changed(example: Example, change: Change) -> Example | None:
    """The example with the passage's words exchanged; None unless the one answering sentence has them.

    A swap is made wherever the old name stands, a reversal in the answering sentence alone. The title goes
    where it has the old name.
    """
    answering = answering_sentences(example)
    if len(answering) != 1 or not example.spans:
        return None
    found = places(change.old, example.passage)
    inside = [place for place in found if answering[0].start <= place.start < answering[0].end]
    if not inside or places(change.new, answering[0].of(example.passage)):
        return None
    changed = found if change.is_swap else inside[:1]
    if any(start < place.end and place.start < end for place in changed for start, end in example.spans):
        return None
    spans = tuple(
        (_moved(start, changed, change), _moved(end, changed, change)) for start, end in example.spans
    )
    title = "" if places(change.old, example.title) else example.title
    return replace(example, passage=replaced(example.passage, changed, change.new), spans=spans, title=title)


def _moved(place: int, changed: Sequence[Span], change: Change) -> int:
    """Where a place is after the exchanges before it."""
    return place + sum(len(change.new) - len(change.old) for span in changed if span.end <= place)


def sentence_removed(positive: Positive, _random_source: random.Random) -> Example | None:
    """The passage without the sentences that answer; None where little is left or the answer stands again."""
    example = positive.example
    answering = answering_sentences(example)
    left = replaced(example.passage, answering, "").strip()
    if len(left) < _SHORTEST_LEFT[example.language] or not answering:
        return None
    if any(states(left, answer) for answer in positive.answers):
        return None
    return replace(example, passage=left, spans=(), relevance=0.0)


@lru_cache(maxsize=1000)
def _sentences(passage: str, language: str) -> list[Span]:
    return sentences(passage, language)


def answering_sentences(example: Example) -> list[Span]:
    """The sentences of the passage that a span lies in or touches, in order."""
    return [
        sentence
        for sentence in _sentences(example.passage, example.language)
        if any(start < sentence.end and sentence.start < end for start, end in example.spans or ())
    ]


def _unanswered(example: Example, question: str = "") -> Example:
    return replace(example, question=question or example.question, spans=(), relevance=None)


_MAKERS: dict[Kind, Callable[[Positive, random.Random], Example | None]] = {
    Kind.QUESTION_SWAPPED: question_swapped,
    Kind.QUESTION_REVERSED: question_reversed,
    Kind.PASSAGE_SWAPPED: passage_swapped,
    Kind.PASSAGE_REVERSED: passage_reversed,
    Kind.SENTENCE_REMOVED: sentence_removed,
}
