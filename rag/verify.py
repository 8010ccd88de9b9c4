"""What a model wrote is checked, sentence by sentence, against the passages it names."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rag.cite import quote
from rag.domain import Claim, DraftSentence, Hit, Passage, Quotation, SupportLabel
from rag.language import language_of
from rag.marks import Written, WrittenSentence
from rag.narrow import narrow
from rag.ports import Reader, SupportScorer
from rag.support import latin_words_of, names_of, numbers_of

MOST_SOURCES = 3  # of a sentence, as ALCE cites
SHORTEST_CLAIM = {
    "en": 12,
    "zh": 6,
}  # characters: a shorter stretch stands in nearly any text and says nothing

LEAST_ANSWERABLE = 0.02  # of a sentence, as the reader sees it; docs/measurements-answers.md


class UnsupportedPolicy(StrEnum):
    """What becomes of an answer with sentences that its sources do not bear out."""

    DROP = "drop"  # they are left out
    ABSTAIN = "abstain"  # then nothing is answered


@dataclass(frozen=True, slots=True)
class Verified:
    """The sentences that may be said, in order, and why others may not: counts by reason.

    `unmarked`: no source was named; `altered`: a number or a name of it stands in none of them;
    `unsupported`: they do not bear it out; `beside_the_question`: they do, and it answers something else.
    """

    sentences: tuple[DraftSentence, ...]
    unmarked: int = 0
    altered: int = 0
    unsupported: int = 0
    beside_the_question: int = 0

    @property
    def dropped(self) -> int:
        """How many may not be said."""
        return self.unmarked + self.altered + self.unsupported + self.beside_the_question


@dataclass(frozen=True, slots=True)
class _Checked:
    written: WrittenSentence
    quotations: tuple[Quotation, ...]
    hits: tuple[Hit, ...]

    @property
    def claim(self) -> Claim:
        return Claim(self.written.text, tuple(quote(item).cited_text for item in self.quotations))


def verify(
    question: str, written: Written, hits: Sequence[Hit], scorer: SupportScorer, reader: Reader
) -> Verified:
    """Narrow every sentence to what bears it out; keep those that are borne out and answer the question.

    The reader sees the sentence alone: what else its source speaks of makes it no answer.
    """
    named = [item for item in written.sentences if item.sources and _is_a_claim(item.text)]
    checked = [_checked(item, hits) for item in named]
    intact = [item for item in checked if item.quotations and not _is_altered(item)]
    verdicts = scorer.support([item.claim for item in intact])
    supported = [
        (item, verdict)
        for item, verdict in zip(intact, verdicts, strict=True)
        if verdict.label is SupportLabel.SUPPORTED
    ]
    read = reader.read(question, [Passage("", item.written.text) for item, _ in supported])
    kept = [
        DraftSentence(item.written.text, item.quotations, verdict.score * reading.answerable, verdict)
        for (item, verdict), reading in zip(supported, read, strict=True)
        if reading.answerable >= LEAST_ANSWERABLE
    ]
    altered = sum(bool(item.quotations) for item in checked) - len(intact)
    return Verified(
        tuple(kept),
        unmarked=len(written.sentences) - len(named),
        altered=altered,
        unsupported=len(named) - altered - len(supported),
        beside_the_question=len(supported) - len(kept),
    )


def _is_a_claim(text: str) -> bool:
    letters = "".join(character for character in text if character.isalnum())
    return len(letters) >= SHORTEST_CLAIM.get(language_of(text), SHORTEST_CLAIM["en"])


def _checked(written: WrittenSentence, hits: Sequence[Hit]) -> _Checked:
    found: list[tuple[Quotation, Hit]] = []
    for place, number in enumerate(written.sources[:MOST_SOURCES]):
        hit = hits[number - 1]
        quotation = narrow(written.text, hit.chunk, written.quote if place == 0 else "")
        if quotation is not None:
            found.append((quotation, hit))
    return _Checked(written, tuple(item for item, _ in found), tuple(hit for _, hit in found))


def _is_altered(item: _Checked) -> bool:
    """Whether it has a number that no quotation has, or a name that its sources have nowhere."""
    quoted = "\n".join(quote(quotation).cited_text for quotation in item.quotations)
    around = "\n".join(_with_titles(hit) for hit in item.hits)
    text = unicodedata.normalize("NFKC", item.written.text)
    return bool(numbers_of(text) - numbers_of(quoted)) or bool(names_of(text) - latin_words_of(around))


def _with_titles(hit: Hit) -> str:
    chunk = hit.chunk
    return "\n".join((chunk.document.title, *chunk.section, chunk.text))
