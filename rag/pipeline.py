"""question → retrieve → fuse → rerank → read/generate → cite → verify → calibrate → decide."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rag.calibrators import Assurance, Calibrators
from rag.cite import CitedText, cite
from rag.confidence import confidence_of
from rag.decide import decide
from rag.domain import Draft, Outcome, Question, Record, SearchResult, UnsupportedPolicy
from rag.follow_up import in_full
from rag.language import language_of
from rag.listener import Listener
from rag.ports import Generator
from rag.retrieve import Retriever
from rag.signals import signals_of
from rag.stopwatch import Stopwatch

HITS_WEIGHED = 10
"""Hits that the answer and its signals come from; calibrators were fitted on signals of so many."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What could be answered and how likely it is right, before anyone decides whether to say it.

    `is_unusable` is as in `Draft`.
    """

    record: Record
    cited: CitedText
    assurance: Assurance
    is_unusable: bool = False


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How one question is answered; each line is a stage.

    `fingerprint_for` tells what makes the signals of two answers comparable; `unsupported_sentences` is for
    collections that say nothing of them.
    """

    retriever: Retriever
    generator: Generator
    calibrators: Calibrators
    minimum_score: float
    fingerprint_for: Callable[[Question], str]
    unsupported_sentences: UnsupportedPolicy = UnsupportedPolicy.DROP

    @property
    def fingerprint(self) -> str:
        """That of a question that sets nothing."""
        return self.fingerprint_for(Question("", ""))

    def answer(self, question: Question, listener: Listener | None = None) -> Outcome:
        """An Answer whose every sentence is cited, or an Abstention."""
        return self.decide(self.propose(question, listener))

    def propose(self, question: Question, listener: Listener | None = None) -> Proposal:
        """Search, and propose an answer from what was found."""
        listener = listener or Listener()
        watch = Stopwatch(listener.reached)
        return self.propose_from(question, self.find(question, watch), watch, listener)

    def find(self, question: Question, watch: Stopwatch) -> SearchResult:
        """The evidence for an answer, reranked."""
        with watch.stage("retrieve"):
            return self.retriever.search(
                replace(
                    question,
                    text=in_full(question),
                    top_k=max(question.top_k, HITS_WEIGHED),
                    rerank=True,
                )
            )

    def propose_from(
        self, question: Question, found: SearchResult, watch: Stopwatch, listener: Listener | None = None
    ) -> Proposal:
        """Propose an answer from what was found, by whatever way.

        How many hits the question wants shown changes neither the answer nor its signals.
        """
        weighed = replace(found, hits=found.hits[:HITS_WEIGHED])
        with watch.stage("generate"):
            draft = self.generator.draft(question, weighed.hits, listener or Listener())
        with watch.stage("cite"):
            cited = cite(draft.sentences, draft.missing, draft.unsupported)
        with watch.stage("calibrate"):
            language = language_of(question.text)
            fingerprint = self.fingerprint_for(question)
            assurance = self.calibrators.of(question.collection, fingerprint)
            signals = signals_of(question.text, weighed, draft, cited.citations)
            confidence = confidence_of(signals, language, assurance.calibrator)
        record = Record(
            id=uuid.uuid4().hex,
            question=question,
            language=language,
            generator=self.generator.name,
            evidence=found.hits[: question.top_k],
            confidence=confidence,
            timings_ms=_timings(found, draft, watch),
            warnings=(*found.warnings, *draft.warnings),
            pipeline=fingerprint,
            model=draft.model,
            usage=draft.usage,
        )
        return Proposal(record, cited, assurance, draft.is_unusable)

    def decide(self, proposal: Proposal) -> Outcome:
        """Say what was proposed, or abstain."""
        policy = proposal.assurance.unsupported_sentences or self.unsupported_sentences
        return decide(proposal.record, proposal.cited, proposal.assurance, self.minimum_score, policy)


def _timings(found: SearchResult, draft: Draft, watch: Stopwatch) -> Mapping[str, float]:
    """Milliseconds by stage; reranking, which the search does and times, counts apart from retrieving, and so
    do the stages that a generator times."""
    reranking = {name: value for name, value in found.timings_ms.items() if name == "rerank"}
    inside = {"retrieve": reranking, "generate": draft.timings_ms}
    told: dict[str, float] = {}
    for name, value in watch.milliseconds().items():
        parts = inside.get(name, {})
        told[name] = round(value - sum(parts.values()), 3)
        told |= parts
    return told
