"""question → retrieve → fuse → rerank → read/generate → cite → verify → calibrate → decide."""

import uuid
from dataclasses import dataclass

from rag.cite import cite
from rag.confidence import confidence_of
from rag.decide import decide
from rag.domain import Outcome, Question, Record
from rag.language import language_of
from rag.ports import Generator
from rag.retrieve import Retriever
from rag.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How one question is answered; each line is a stage."""

    retriever: Retriever
    generator: Generator
    minimum_score: float

    def answer(self, question: Question) -> Outcome:
        """An Answer whose every sentence is cited, or an Abstention."""
        watch = Stopwatch()
        with watch.stage("retrieve"):
            found = self.retriever.search(question)
        with watch.stage("generate"):
            sentences = self.generator.draft(question.text, found.hits)
        with watch.stage("cite"):
            cited = cite(sentences)
        record = Record(
            id=uuid.uuid4().hex,
            question=question,
            language=language_of(question.text),
            generator=self.generator.name,
            evidence=found.hits,
            confidence=confidence_of(cited.citations, found.hits, question.text),
            timings_ms=watch.milliseconds(),
            warnings=found.warnings,
        )
        return decide(record, cited, self.minimum_score)
