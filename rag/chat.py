"""The generator behind a language model: prompt → complete → read marks or JSON → verify → sentences."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rag.cite import cite
from rag.completion import Completion, Message, Sample, sum_of_usage
from rag.decoding import AnswerMode, Decoding
from rag.domain import Check, Draft, Hit, Question
from rag.errors import ContextOverflowError
from rag.follow_up import in_full
from rag.language import language_of
from rag.listener import Listener
from rag.marks import Written, read_json, read_marks
from rag.ports import ChatModel, Generator, Reader, SupportScorer
from rag.profiles import Profiles
from rag.prompt import answer_schema, prompt, template_hash
from rag.rewrite import follow_up_wording
from rag.stopwatch import Stopwatch
from rag.tokens import index_tokens
from rag.truth import Judgement, judge, truth_wording
from rag.verify import Verified, verify
from rag.wording import hash_of

HALF = "the language model's answer was cut off at {tokens} tokens; its last sentence is left out"
SHORTER = "only the first {count} of {found} passages fit into what the language model reads"


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One sample, read and verified."""

    sample: Sample
    written: Written
    verified: Verified

    @property
    def worth(self) -> tuple[float, float]:
        """The share of its sentences that are borne out, then how far they answer in the mean."""
        sentences = self.verified.sentences
        said = len(self.written.sentences)
        mean = sum(item.score for item in sentences) / len(sentences) if sentences else 0.0
        return (len(sentences) / said if said else 0.0, mean)


class ChatGenerator:
    """Asks a language model and says only what its sources bear out.

    Of several samples the best supported is kept (the reranking of ALCE, arXiv:2305.14627). The extractive
    generator answers too: how far the two agree is a signal, as are the reader's own.
    """

    name = "vllm"

    def __init__(
        self,
        model: ChatModel,
        support: SupportScorer,
        reader: Reader,
        extractive: Generator,
        profiles: Profiles,
    ) -> None:
        self._model = model
        self._reader = reader
        self._support = support
        self._extractive = extractive
        self._profiles = profiles

    def version_for(self, question: Question) -> str:
        """The model, the template, the decoding without its seed, and what verifies."""
        decoding = replace(question.decoding, seed=None)
        rules = self._profiles.rules_of(question.profile)
        tasks = [follow_up_wording(), *([truth_wording()] if decoding.p_true else [])]
        template = f"{template_hash(rules, question.mode)} {hash_of(*tasks)}"
        checks = f"{self._support.version} {self._reader.version}"
        return f"3 {self._model.name} {template} {decoding} {checks}"

    def draft(self, asked: Question, hits: Sequence[Hit], listener: Listener | None = None) -> Draft:
        """The supported sentences of the model's best sample, none where it has none or there are no hits."""
        listener = listener or Listener()
        watch = Stopwatch(listener.reached)
        with watch.stage("extract"):
            extracted = self._extractive.draft(asked, hits, listener)
        if not hits:
            return replace(extracted, model=self._model.name)
        with watch.stage("prompt"):
            messages, shown = self._fitting(asked, hits)
        with watch.stage("model"):
            completion = self._complete(asked, messages, len(shown), listener)
        with watch.stage("verify"):
            candidates = [self._candidate(asked, sample, shown) for sample in completion.samples]
        best = max(candidates, key=lambda item: item.worth)
        judgement = self._judged(asked, best, shown, watch, listener)
        sentences = best.verified.sentences
        agreement = {"agreement": _agreement(" ".join(item.text for item in sentences), extracted)}
        return Draft(
            sentences,
            signals={**extracted.signals, **_signals(best, candidates), **agreement, **judgement.signals},
            unsupported=best.verified.unsupported,
            is_unusable=not sentences and not any(item.written.says_no_answer for item in candidates),
            model=self._model.name,
            usage=sum_of_usage(completion.usage, judgement.usage),
            timings_ms={name: value for name, value in watch.milliseconds().items() if name != "total"},
            warnings=(*_shortage(len(shown), len(hits)), *_warnings(best, asked.decoding)),
        )

    def _judged(
        self, asked: Question, best: _Candidate, shown: Sequence[Hit], watch: Stopwatch, listener: Listener
    ) -> Judgement:
        """What the model holds of the answer, seeing the hits that it cites, where that is asked for."""
        if not asked.decoding.p_true:
            return Judgement()
        sentences = best.verified.sentences
        cited = {item.chunk.id for sentence in sentences for item in sentence.quotations}
        hits = [hit for hit in shown if hit.chunk.id in cited]
        with watch.stage("p_true"):
            return judge(self._model, in_full(asked), cite(sentences).text, hits, listener)

    def _fitting(self, asked: Question, hits: Sequence[Hit]) -> tuple[list[Message], Sequence[Hit]]:
        """The prompt with as many hits, best first, as the model reads beside its answer."""
        room = self._model.context_tokens() - asked.decoding.max_tokens
        language = language_of(asked.text)
        rules = self._profiles.rules_of(asked.profile)
        for count in range(len(hits), 0, -1):
            messages = prompt(rules, asked.mode, language, in_full(asked), hits[:count])
            if self._model.count_tokens(messages) <= room:
                return messages, hits[:count]
        raise ContextOverflowError(
            f"the question with one passage and an answer of {asked.decoding.max_tokens} tokens is longer "
            f"than the {self._model.context_tokens()} tokens that {self._model.name} reads; ask for fewer "
            "max_tokens"
        )

    def _complete(
        self, asked: Question, messages: Sequence[Message], sources: int, listener: Listener
    ) -> Completion:
        schema = answer_schema(sources) if asked.mode is AnswerMode.JSON else None
        return self._model.complete(messages, asked.decoding, schema, listener)

    def _candidate(self, asked: Question, sample: Sample, shown: Sequence[Hit]) -> _Candidate:
        if asked.mode is AnswerMode.JSON:
            written = read_json(sample.text, len(shown), is_whole=sample.is_whole)
        else:
            language = language_of(sample.text)
            written = read_marks(sample.text, len(shown), language, is_whole=sample.is_whole)
        if written.says_no_answer:
            written = replace(written, sentences=())
        verified = verify(in_full(asked), written, shown, self._support, self._reader)
        return _Candidate(sample, written, verified)


def _shortage(shown: int, found: int) -> tuple[str, ...]:
    return () if shown == found else (SHORTER.format(count=shown, found=found),)


def _warnings(best: _Candidate, decoding: Decoding) -> tuple[str, ...]:
    return () if best.sample.is_whole else (HALF.format(tokens=decoding.max_tokens),)


def _signals(best: _Candidate, candidates: Sequence[_Candidate]) -> Mapping[str, float]:
    """`model_*`: probabilities of tokens (geometric mean, least), shares of sentences and of samples."""
    logs = best.sample.log_probabilities
    written = len(best.written.sentences)
    others = [_tokens(item) for item in candidates if item is not best]
    return {
        "model_token_mean": math.exp(sum(logs) / len(logs)) if logs else 0.0,
        "model_token_minimum": math.exp(min(logs)) if logs else 0.0,
        "model_supported_share": len(best.verified.sentences) / written if written else 0.0,
        "model_marks_out_of_range": math.log1p(best.written.out_of_range),
        "model_altered": math.log1p(best.verified.failures(Check.FACTS)),
        "model_beside_the_question": math.log1p(best.verified.failures(Check.QUESTION)),
        "model_samples_agree": _mean([_overlap(_tokens(best), other) for other in others], default=1.0),
    }


def _agreement(said: str, extracted: Draft) -> float:
    """The share of the extractive answer's words, of its short answers where known, that are said."""
    quoted = [
        (item.focus or item.span).moved(-item.chunk.start).of(item.chunk.text)
        for sentence in extracted.sentences
        for item in sentence.quotations
    ]
    wanted = frozenset(index_tokens("\n".join(quoted)))
    return len(wanted & frozenset(index_tokens(said))) / len(wanted) if wanted else 0.0


def _tokens(candidate: _Candidate) -> frozenset[str]:
    return frozenset(index_tokens(" ".join(item.text for item in candidate.verified.sentences)))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """The Jaccard index, 1 where both are empty."""
    return len(one & other) / len(one | other) if one | other else 1.0


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
