"""What the reader is shown: a question beside a passage, as token ids with their places in the passage.

Training and reading call the same code, so that a model is never asked what it was not taught.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenizers import Encoding, Tokenizer

from rag.domain import Passage
from rag.encodable import encodable
from rag.errors import ModelUnavailableError

LONGEST = 384
"""Tokens of a window when reading; training may ask for fewer."""

QUESTION_TOKENS = 64
CLAIM_TOKENS = 160
"""Tokens read of what is asked; a claim says more than a question, and its last words may be the wrong."""

TITLE_TOKENS = 32
OVERLAP = 64
"""Tokens that neighbouring windows of one passage share: as many as the longest answer."""

BESIDES = TITLE_TOKENS + OVERLAP + 5
"""Tokens of a window that are neither asked nor new: title, overlap, four special ones, one to go on."""

SHORTEST = QUESTION_TOKENS + BESIDES

OUTSIDE = (-1, -1)
"""The offsets of a token that is not of the passage."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of passage `row` beside the question: `[CLS] question [SEP] title [SEP] passage [SEP]`.

    Without a title its part and its `[SEP]` are left out. `types` are 0 up to the first `[SEP]` and 1 after
    it. `offsets[i]` is where token i stands in the passage's text, start and end, or OUTSIDE. The passage's
    tokens begin at `first_passage_token` and reach to the last but one.
    """

    row: int
    ids: tuple[int, ...]
    types: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    first_passage_token: int


class PairEncoder:
    """Makes windows with a BERT tokenizer; special tokens that stand in a text are plain characters to it."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        own = Tokenizer.from_str(tokenizer.to_str())  # a copy: the caller's may be shared
        own.no_truncation()
        own.no_padding()
        own.encode_special_tokens = True  # else a document could close its own part with "[SEP]"
        self._tokenizer = own
        self._first = _special_id(own, "[CLS]")
        self._separator = _special_id(own, "[SEP]")

    def windows(
        self,
        question: str,
        passages: Sequence[Passage],
        longest: int = LONGEST,
        asked_tokens: int = QUESTION_TOKENS,
    ) -> list[Window]:
        """The windows of each passage in order, none longer than `longest` tokens, at least one per passage.

        Of the question (or claim) the first `asked_tokens` are read, of the title the first 32. Neighbouring
        windows share 64 tokens, so that an answer of up to so many stands whole in one. ValueError where
        `longest` leaves a window no token of its own.
        """
        if longest < asked_tokens + BESIDES:
            raise ValueError(
                f"a window of {longest} tokens is too short: at least {asked_tokens + BESIDES} are needed"
            )
        texts = [question, *(p.title for p in passages), *(p.text for p in passages)]
        encodings = self._tokenizer.encode_batch(
            [encodable(text) for text in texts], add_special_tokens=False
        )
        asked = encodings[0].ids[:asked_tokens]
        titles, bodies = encodings[1 : len(passages) + 1], encodings[len(passages) + 1 :]
        return [
            window
            for row, (title, body) in enumerate(zip(titles, bodies, strict=True))
            for window in self._of_passage(row, asked, title.ids[:TITLE_TOKENS], body, longest)
        ]

    def _of_passage(
        self, row: int, asked: list[int], title: list[int], body: Encoding, longest: int
    ) -> Iterator[Window]:
        head = [self._first, *asked, self._separator]
        types_of_head = len(head)
        if title:
            head += [*title, self._separator]
        room = longest - len(head) - 1
        ids, offsets = body.ids, body.offsets
        for start in range(0, max(len(ids) - OVERLAP, 1), room - OVERLAP):
            part = slice(start, start + room)
            window = [*head, *ids[part], self._separator]
            yield Window(
                row=row,
                ids=tuple(window),
                types=(0,) * types_of_head + (1,) * (len(window) - types_of_head),
                offsets=(OUTSIDE,) * len(head) + tuple(offsets[part]) + (OUTSIDE,),
                first_passage_token=len(head),
            )


def _special_id(tokenizer: Tokenizer, token: str) -> int:
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ModelUnavailableError(
            f"The reader's tokenizer has no token {token}: use the tokenizer.json that came with its weights."
        )
    return found
