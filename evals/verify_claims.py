"""A claim and its passages go through the support scorer; the verdict becomes the claim's record."""

from dataclasses import replace

from evals.ask import blank
from evals.questions import EvalQuestion
from evals.records import Record
from rag.domain import Claim
from rag.ports import SupportScorer
from rag.stopwatch import Stopwatch


def verify(asked: EvalQuestion, scorer: SupportScorer) -> Record:
    """The record of a claim: `predicted` is the verdict, `confidence` the score that it is supported."""
    watch = Stopwatch()
    with watch.stage("verify"):
        verdict = scorer.support([Claim(asked.text, tuple(passage.text for passage in asked.passages))])[0]
    return replace(
        blank(asked),
        status="answered",
        predicted=str(verdict.label),
        confidence=verdict.score,
        timings_ms=watch.milliseconds(),
    )
