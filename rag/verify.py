"""What a model wrote is checked, sentence by sentence, against the passages it names."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rag.chinese_names import chinese_names_of
from rag.cite import quote
from rag.domain import (
    Check,
    Claim,
    DraftSentence,
    Hit,
    Passage,
    Quotation,
    SupportLabel,
    UnsupportedSentence,
)
from rag.language import language_of
from rag.marks import Written, WrittenSentence
from rag.narrow import narrow
from rag.passages import passage_of
from rag.ports import Reader, SupportScorer
from rag.support import latin_words_of, names_of, numbers_of

MOST_SOURCES = 3  # of a sentence, as ALCE cites
SHORTEST_CLAIM = {
    "en": 12,
    "zh": 6,
}  # characters: a shorter stretch stands in nearly any text and says nothing

LEAST_ANSWERABLE = 0.02  # of a sentence, as the reader sees it; docs/measurements-answers.md


@dataclass(frozen=True, slots=True)
class Verified:
    """The sentences that may be said, and those that failed a check, each in the order they were written."""

    sentences: tuple[DraftSentence, ...]
    unsupported: tuple[UnsupportedSentence, ...] = ()

    def failures(self, check: Check) -> int:
        """How many failed this check."""
        return sum(item.failed is check for item in self.unsupported)


@dataclass(frozen=True, slots=True)
class _Checked:
    place: int  # among the sentences that were written
    written: WrittenSentence
    quotations: tuple[Quotation, ...]
    hits: tuple[Hit, ...]

    @property
    def claim(self) -> Claim:
        return Claim(self.written.text, tuple(quote(item).cited_text for item in self.quotations))

    @property
    def titled(self) -> Passage:
        return Passage(passage_of(self.hits[0].chunk).title, self.written.text)


def verify(
    question: str, written: Written, hits: Sequence[Hit], scorer: SupportScorer, reader: Reader
) -> Verified:
    """Narrow every sentence to what bears it out; keep those that are borne out and answer the question.

    The reader sees the sentence under the title and the headings of its first source, which tell what it is
    about; what else the source says makes it no answer.
    """
    checked = [_checked(place, item, hits) for place, item in enumerate(written.sentences)]
    failed = {item.place: check for item in checked if (check := _failed(item)) is not None}
    intact = [item for item in checked if item.place not in failed]
    verdicts = list(zip(intact, scorer.support([item.claim for item in intact]), strict=True))
    failed |= {
        i.place: Check.SUPPORT for i, verdict in verdicts if verdict.label is not SupportLabel.SUPPORTED
    }
    supported = [(item, verdict) for item, verdict in verdicts if item.place not in failed]
    read = reader.read(question, [item.titled for item, _ in supported])
    kept = []
    for (item, verdict), reading in zip(supported, read, strict=True):
        if reading.answerable < LEAST_ANSWERABLE:
            failed[item.place] = Check.QUESTION
        else:
            score = verdict.score * reading.answerable
            kept.append(DraftSentence(item.written.text, item.quotations, score, verdict))
    unsupported = [
        UnsupportedSentence(checked[place].written.text, failed[place]) for place in sorted(failed)
    ]
    return Verified(tuple(kept), tuple(unsupported))


def _failed(item: _Checked) -> Check | None:
    """The check that a sentence fails by its words alone."""
    if not item.written.sources or not _is_a_claim(item.written.text):
        return Check.SOURCE
    if not item.quotations:
        return Check.SUPPORT
    return Check.FACTS if _is_altered(item) else None


def _is_a_claim(text: str) -> bool:
    letters = "".join(character for character in text if character.isalnum())
    return len(letters) >= SHORTEST_CLAIM.get(language_of(text), SHORTEST_CLAIM["en"])


def _checked(place: int, written: WrittenSentence, hits: Sequence[Hit]) -> _Checked:
    found: list[tuple[Quotation, Hit]] = []
    for turn, number in enumerate(written.sources[:MOST_SOURCES]):
        hit = hits[number - 1]
        quotation = narrow(written.text, hit.chunk, written.quote if turn == 0 else "")
        if quotation is not None:
            found.append((quotation, hit))
    return _Checked(place, written, tuple(item for item, _ in found), tuple(hit for _, hit in found))


def _is_altered(item: _Checked) -> bool:
    """Whether it has a number that no quotation has, or a name that its sources have nowhere."""
    quoted = "\n".join(quote(quotation).cited_text for quotation in item.quotations)
    around = "\n".join(_with_titles(hit) for hit in item.hits)
    text, around = (unicodedata.normalize("NFKC", said) for said in (item.written.text, around))
    if numbers_of(text) - numbers_of(quoted) or names_of(text) - latin_words_of(around):
        return True
    return any(name not in around for name in chinese_names_of(text))


def _with_titles(hit: Hit) -> str:
    chunk = hit.chunk
    return "\n".join((chunk.document.title, *chunk.section, chunk.text))
