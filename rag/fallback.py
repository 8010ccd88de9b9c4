"""Who words the answer: the language model where it can, else the extractive generator, which says so."""

from collections.abc import Mapping
from dataclasses import replace

import structlog

from rag.completion import sum_of_usage
from rag.decoding import GeneratorChoice
from rag.domain import Outcome, Question
from rag.errors import (
    ContextOverflowError,
    InvalidRequestError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from rag.listener import Listener
from rag.pipeline import Pipeline, Proposal
from rag.rewrite import Rewriter, by_rule
from rag.stopwatch import Stopwatch

LOG = structlog.get_logger()
NO_MODEL = (
    "no language model is configured; start a vLLM server and name it in ATTEST_LLM_URLS, or ask with "
    'generator "extractive"'
)
UNUSABLE = "nothing that it wrote passed the checks"
FELL_BACK = "the language model did not answer ({error}); these are sentences of the documents themselves"


def answer(
    question: Question,
    extractive: Pipeline,
    chat: Pipeline | None,
    rewriter: Rewriter | None,
    listener: Listener,
) -> Outcome:
    """An outcome of the generator that the question chooses, for a follow-up put into words of its own.

    A question that leaves the choice open is answered by the extractive generator where no language model is
    configured, and with a warning where it fails or nothing that it wrote may be said: the evidence is
    searched once. One that insists on the language model gets ModelUnavailableError, ModelTimeoutError or
    ContextOverflowError instead, or an abstention, and InvalidRequestError where none is configured.
    """
    is_required = question.generator is GeneratorChoice.VLLM
    if is_required and chat is None:
        raise InvalidRequestError(NO_MODEL, "generator")
    if question.generator is GeneratorChoice.EXTRACTIVE or chat is None or rewriter is None:
        return extractive.answer(by_rule(question), listener)
    watch = Stopwatch(listener.reached)
    asked = rewriter.standalone(question, watch, listener)
    found = chat.find(asked.question, watch)
    try:
        proposal = chat.propose_from(asked.question, found, watch, listener)
    except (ModelUnavailableError, ModelTimeoutError, ContextOverflowError) as failure:
        if is_required:
            raise
        error, usage, is_refused = str(failure), asked.usage, False
    else:
        if is_required or not proposal.is_unusable:
            return chat.decide(_with(proposal, usage=asked.usage))
        error, usage, is_refused = UNUSABLE, sum_of_usage(proposal.record.usage, asked.usage), True
    LOG.warning("answered without the language model", error=error)
    quoted = extractive.propose_from(asked.question, found, watch, listener)
    if is_refused:
        quoted = _uncertified(quoted)
    return extractive.decide(_with(quoted, FELL_BACK.format(error=error), usage=usage))


def _uncertified(proposal: Proposal) -> Proposal:
    """What takes the place of a refused answer: a certificate is about all questions as they come, and those
    that a language model fails on may be harder."""
    return replace(proposal, assurance=replace(proposal.assurance, is_own=False))


def _with(proposal: Proposal, *warnings: str, usage: Mapping[str, int]) -> Proposal:
    """The proposal with more warnings and with the tokens that were spent on the way to it."""
    record = proposal.record
    return replace(
        proposal,
        record=replace(
            record, warnings=(*record.warnings, *warnings), usage=sum_of_usage(record.usage, usage)
        ),
    )
