"""question → retrieve → fuse → rerank → read/generate → cite → verify → calibrate → decide."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rag.calibrators import Assurance, Calibrators
from rag.cite import CitedText, cite
from rag.confidence import confidence_of
from rag.decide import decide
from rag.domain import Outcome, Question, Record, SearchResult
from rag.language import language_of
from rag.ports import Generator
from rag.retrieve import Retriever
from rag.signals import signals_of
from rag.stopwatch import Stopwatch

HITS_WEIGHED = 10
"""Hits that the answer and its signals come from; calibrators were fitted on signals of so many."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What could be answered and how likely it is right, before anyone decides whether to say it."""

    record: Record
    cited: CitedText
    assurance: Assurance


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How one question is answered; each line is a stage."""

    retriever: Retriever
    generator: Generator
    calibrators: Calibrators
    minimum_score: float
    fingerprint: str

    def answer(self, question: Question) -> Outcome:
        """An Answer whose every sentence is cited, or an Abstention."""
        return self.decide(self.propose(question))

    def propose(self, question: Question) -> Proposal:
        """Search, and propose an answer from what was found."""
        watch = Stopwatch()
        with watch.stage("retrieve"):
            found = self.retriever.search(
                replace(question, top_k=max(question.top_k, HITS_WEIGHED), rerank=True)
            )
        return self.propose_from(question, found, watch)

    def propose_from(self, question: Question, found: SearchResult, watch: Stopwatch) -> Proposal:
        """Propose an answer from what was found, by whatever way.

        How many hits the question wants shown changes neither the answer nor its signals.
        """
        weighed = replace(found, hits=found.hits[:HITS_WEIGHED])
        with watch.stage("generate"):
            draft = self.generator.draft(question.text, weighed.hits)
        with watch.stage("cite"):
            cited = cite(draft.sentences, draft.missing)
        with watch.stage("calibrate"):
            language = language_of(question.text)
            assurance = self.calibrators.of(question.collection)
            signals = signals_of(question.text, weighed, draft, cited.citations)
            confidence = confidence_of(signals, language, assurance.calibrator)
        record = Record(
            id=uuid.uuid4().hex,
            question=question,
            language=language,
            generator=self.generator.name,
            evidence=found.hits[: question.top_k],
            confidence=confidence,
            timings_ms=_timings(found, watch),
            warnings=found.warnings,
        )
        return Proposal(record, cited, assurance)

    def decide(self, proposal: Proposal) -> Outcome:
        """Say what was proposed, or abstain."""
        return decide(proposal.record, proposal.cited, proposal.assurance, self.minimum_score)


def _timings(found: SearchResult, watch: Stopwatch) -> Mapping[str, float]:
    """Milliseconds by stage; reranking, which the search does and times, counts apart from retrieving."""
    stages = watch.milliseconds()
    if "retrieve" not in stages or "rerank" not in found.timings_ms:
        return stages
    reranked = found.timings_ms["rerank"]
    first = {"retrieve": round(stages["retrieve"] - reranked, 3), "rerank": reranked}
    return {**first, **{name: value for name, value in stages.items() if name not in first}}
