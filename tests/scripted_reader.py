"""A reader that sees what a test tells it: which words of which passage answer which question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rag.domain import AnswerSpan, Passage, Reading, Span

NOTHING = Reading(relevance=0.0, answerable=0.0, spans=())


@dataclass(frozen=True)
class Seen:
    """An answer in the first passage that holds these words."""

    words: str
    probability: float = 1.0
    answerable: float = 1.0
    relevance: float = 1.0


@dataclass
class ScriptedReader:
    """`script`: what is seen for each question; a passage with none of the words answers nothing."""

    script: Mapping[str, Sequence[Seen]]
    version: str = "scripted"
    asked: list[str] = field(default_factory=list)

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        self.asked.append(question)
        seen = self.script.get(question, ())
        return [
            _reading([item for item in seen if item.words in passage.text], passage) for passage in passages
        ]


def _reading(seen: Sequence[Seen], passage: Passage) -> Reading:
    if not seen:
        return NOTHING
    starts = [passage.text.index(item.words) for item in seen]
    spans = [
        AnswerSpan(Span(start, start + len(item.words)), item.probability)
        for start, item in zip(starts, seen, strict=True)
    ]
    best_first = tuple(sorted(spans, key=lambda span: -span.probability))
    return Reading(max(s.relevance for s in seen), max(s.answerable for s in seen), best_first)
