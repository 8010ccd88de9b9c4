"""A follow-up question is worded so that it can be understood alone: by a language model, where there is one.

What it makes of the question is used only where it keeps what was asked, in words of the conversation;
otherwise, and where it fails, the question is asked as `rag.follow_up` has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from rag.completion import Message
from rag.domain import Question
from rag.errors import ContextOverflowError, ModelTimeoutError, ModelUnavailableError
from rag.follow_up import pointed_back_to, without_pointers
from rag.language import language_of
from rag.listener import Listener
from rag.ports import ChatModel
from rag.prompt import undelimited
from rag.stopwatch import Stopwatch
from rag.support import numbers_of
from rag.tokens import index_tokens, is_unspaced, question_tokens
from rag.wording import Wording, shipped, spoken

LOG = structlog.get_logger()
MOST_MESSAGES, MOST_CHARACTERS = 6, 1_000  # of the conversation that the model sees, the last; of each
MOST_TOKENS = 128  # of the rewritten question
LONGEST = 500  # characters of it
LEAST_KEPT = 0.6  # of the question's own words: with fewer it asks something else (年假 has half of 病假)
LEAST_SAID = 0.5  # of its words that stand in the conversation: with fewer it was made up

_LAST = {"en": "Last question: {question}", "zh": "最后一个问题：{question}"}


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question that can be understood alone, and the tokens of a language model that this took."""

    question: Question
    usage: Mapping[str, int] = field(default_factory=dict)


def follow_up_wording() -> Wording:
    """What the language model is told."""
    return shipped("tasks/follow_up")


def by_rule(asked: Question) -> Question:
    """A follow-up with the earlier question that it points back to; a first question as it is."""
    earlier = [message.content for message in asked.conversation if message.role == "user"]
    return replace(asked, before=pointed_back_to(asked.text, earlier))


class Rewriter:
    """Has a language model word a follow-up."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    def standalone(self, asked: Question, watch: Stopwatch, listener: Listener) -> Standalone:
        """A first question as it is; AbandonedError where the listener leaves."""
        if not asked.conversation:
            return Standalone(asked)
        with watch.stage("rewrite"):
            try:
                completion = self._model.brief(_messages(asked), MOST_TOKENS, listener)
            except (ModelUnavailableError, ModelTimeoutError, ContextOverflowError) as error:
                LOG.warning("a follow-up was not reworded by the language model", error=str(error))
                return Standalone(by_rule(asked))
        [sample] = completion.samples
        text = sample.text.strip().strip("\"'“”「」").strip()
        if not sample.is_whole or not is_plausible(text, asked):
            LOG.info("a follow-up was not reworded: what the language model wrote asks something else")
            return Standalone(by_rule(asked), completion.usage)
        return Standalone(replace(asked, text=text), completion.usage)


def is_plausible(text: str, asked: Question) -> bool:
    """Whether a text may be the question reworded: short, one line, the question kept, little made up."""
    if not 0 < len(text) <= LONGEST or len(text.splitlines()) > 1:
        return False
    if numbers_of(asked.text) - numbers_of(text):
        return False
    own = _words(without_pointers(asked.text))
    if own and _share(own, text) < LEAST_KEPT:
        return False
    said = "\n".join([asked.text, *(message.content for message in _seen(asked))])
    return _share(_words(text), said) >= LEAST_SAID


def _messages(asked: Question) -> list[Message]:
    language = spoken(language_of(asked.text))
    told = "\n".join(f'<message from="{item.role}">\n{item.content}\n</message>' for item in _seen(asked))
    last = _LAST[language].format(question=undelimited(asked.text, "message"))
    return [Message("system", follow_up_wording()[language]), Message("user", f"{told}\n\n{last}")]


def _seen(asked: Question) -> list[Message]:
    """The end of the conversation, in which nothing looks like the end of a message."""
    return [
        replace(item, content=undelimited(item.content[:MOST_CHARACTERS], "message"))
        for item in asked.conversation[-MOST_MESSAGES:]
    ]


def _words(text: str) -> frozenset[str]:
    """The words that carry a question; of a script without spaces its characters."""
    return frozenset(word for word in question_tokens(text) if len(word) == 1 or not is_unspaced(word))


def _share(words: frozenset[str], text: str) -> float:
    """The share of words that a text has; 0 for no words."""
    return len(words & frozenset(index_tokens(text))) / len(words) if words else 0.0
