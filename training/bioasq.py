"""BioASQ's train questions beside experts' snippets: answers stated in them word for word, and relevance."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evals.ask import occurrences
from evals.data import data_file, is_development, read_rows
from evals.questions import EvalQuestion
from evals.sets.bioasq import GOLDEN, snippets
from ingest.text_document import TextDocument
from training.examples import Example, Task
from training.held_out import bioasq_record, bioasq_test_records
from training.neighbours import Neighbours
from training.stretches import Stretch
from training.unanswerable import Kind, Made, Positive, adversarial, changed_on_both_sides, other_passage

_SNIPPETS_EACH = {"factoid": 4, "list": 4, "yesno": 2, "summary": 2}
_OTHER_SHARE = 0.5
_ADVERSARIAL_SHARE = 0.2
_BOTH_SHARE = 0.1
_SHORTEST, _LONGEST = 60, 1100  # characters of a snippet
_CANDIDATES = 20


@dataclass(frozen=True, slots=True)
class _Golden:
    """A factoid's exact answer comes as a text, as synonyms, or as a list of synonyms."""

    id: str
    type: str
    exact_answer: str | tuple[tuple[str, ...] | str, ...] = ()

    @property
    def answers(self) -> tuple[str, ...]:
        """Every synonym once, in order; "yes" and "no" are no words of a snippet."""
        if self.type not in {"factoid", "list"}:
            return ()
        exact = (self.exact_answer,) if isinstance(self.exact_answer, str) else self.exact_answer
        nested = [(answer,) if isinstance(answer, str) else answer for answer in exact]
        return tuple(dict.fromkeys(text.strip() for part in nested for text in part if text.strip()))


def bioasq_examples(root: Path, random_source: random.Random) -> Iterator[Made]:
    """Answered and unanswered examples of the train questions in file order."""
    asked = snippets(root)
    golden = {row.id: row for row in read_rows(data_file(root, GOLDEN), _Golden)}
    train = [question for question in asked.questions if not question.is_test and question.id in golden]
    texts = _train_texts(asked.corpus.texts if asked.corpus else (), bioasq_test_records(root))
    lenders = _lenders(train, texts)
    for question in train:
        for positive in _positives(question, golden[question.id], texts, random_source):
            yield Made(Kind.ANSWERED, positive.example)
            yield from _made_of(positive, lenders[is_development(question.group)], random_source)


def _train_texts(texts: tuple[TextDocument, ...], tested: frozenset[str]) -> dict[str, TextDocument]:
    """The snippets of a fitting length whose record may train."""
    return {
        text.uri: text
        for text in texts
        if bioasq_record(text.metadata) not in tested and _SHORTEST <= len(text.text) <= _LONGEST
    }


def _lenders(train: list[EvalQuestion], texts: dict[str, TextDocument]) -> dict[bool, Neighbours]:
    """The train snippets that questions may borrow, apart for the development split."""
    parts: dict[bool, dict[str, Stretch]] = defaultdict(dict)
    for question in train:
        for uri in question.gold.documents:
            if uri in texts:
                stretch = Stretch(uri, question.group, texts[uri].title, 0, texts[uri].text)
                parts[is_development(question.group)].setdefault(uri, stretch)
    return {part: Neighbours(list(parts[part].values())) for part in (False, True)}


def _positives(
    question: EvalQuestion, golden: _Golden, texts: dict[str, TextDocument], random_source: random.Random
) -> Iterator[Positive]:
    """The question beside some of its snippets; where none states an exact answer, nothing is told of spans.

    A snippet without the exact answer of a factoid or list may answer in other words: it is left out.
    """
    gold = [texts[uri] for uri in question.gold.documents if uri in texts]
    records = {bioasq_record(text.metadata) for text in gold}
    avoided = frozenset(uri for uri, text in texts.items() if bioasq_record(text.metadata) in records)
    avoided |= frozenset(question.gold.documents)
    random_source.shuffle(gold)
    count = 0
    for text in gold:
        found = {
            (span.start, span.end)
            for answer in golden.answers
            for span in occurrences(answer, text.text, as_words=True)
        }
        if golden.answers and not found:
            continue
        spans = tuple(sorted(found)) if golden.answers else None
        example = Example(
            task=Task.READ,
            language="en",
            source="bioasq",
            group=question.group,
            question=question.text,
            title=text.title,
            passage=text.text,
            spans=spans,
            relevance=1.0,
        )
        yield Positive(example, golden.answers, avoided=avoided, nearby=tuple(t.text for t in gold[:3]))
        count += 1
        if count == _SNIPPETS_EACH.get(golden.type, 0):
            return


def _made_of(positive: Positive, lender: Neighbours, random_source: random.Random) -> Iterator[Made]:
    if random_source.random() < _OTHER_SHARE:
        candidates = lender.near(positive.example.question, _CANDIDATES)
        example = other_passage(positive, candidates, random_source)
        if example:
            yield Made(Kind.OTHER_PASSAGE, example)
    if positive.example.spans is None:
        return
    if random_source.random() < _BOTH_SHARE:
        example = changed_on_both_sides(positive, random_source)
        if example:
            yield Made(Kind.BOTH_CHANGED, example)
    count = int(random_source.random() < _ADVERSARIAL_SHARE)
    yield from adversarial(positive, count, random_source)
