"""P(True): how likely a language model holds an answer to be right (Kadavath et al., arXiv:2207.05221)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rag.completion import Message
from rag.domain import Hit
from rag.language import language_of
from rag.listener import Listener
from rag.ports import ChatModel
from rag.prompt import evidence_and_question, undelimited
from rag.wording import Wording, shipped, spoken

SIGNAL = "model_p_true"
TRUE, FALSE = "true", "false"
UNKNOWN = 0.5  # where the model says neither among its likeliest words

_PROPOSED = {
    "en": "Proposed answer:\n<answer>\n{answer}\n</answer>\n\nTrue or False?",
    "zh": "拟答：\n<answer>\n{answer}\n</answer>\n\nTrue 还是 False？",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The signal that it gives, and the tokens that it took; neither where the model was not asked."""

    signals: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)


def truth_wording() -> Wording:
    """What the language model is told."""
    return shipped("tasks/truth")


def judge(model: ChatModel, question: str, answer: str, hits: Sequence[Hit], listener: Listener) -> Judgement:
    """Ask for one word on an answer and the hits that it cites; raises what `ChatModel.brief` does.

    `model_p_true` is the probability of True among True and False; 0 for no answer, of which none is asked.
    """
    if not answer:
        return Judgement({SIGNAL: 0.0})
    language = language_of(question)
    proposed = _PROPOSED[spoken(language)].format(answer=undelimited(answer, "answer"))
    told = f"{evidence_and_question(language, question, hits)}\n\n{proposed}"
    messages = [Message("system", truth_wording()[spoken(language)]), Message("user", told)]
    completion = model.brief(messages, 1, listener)
    return Judgement({SIGNAL: _share_of_true(completion.samples[0].first)}, completion.usage)


def _share_of_true(first: Mapping[str, float]) -> float:
    """Of the first words, however they are written: " True" is True."""
    mass = {TRUE: 0.0, FALSE: 0.0}
    for token, probability in first.items():
        word = token.strip().casefold()
        if word in mass:
            mass[word] += probability
    told = sum(mass.values())
    return mass[TRUE] / told if told else UNKNOWN
