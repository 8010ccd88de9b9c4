"""How far passages bear a claim out, told by words, names, numbers and meaning: no trained head.

Four features of a claim: `coverage`, the share of its words, rare ones weighing more, that the best window of
up to three sentences holds; `meaning`, the best cosine with such a window; and how many of its names and of
its numbers the passages lack altogether. A logistic function of them is the score.

Supported or not, AUROC and balanced accuracy with 95 % intervals by article: on WiCE's test articles with the
whole article (n 69) .87 (.78-.94) and .75 (.65-.85), with a stretch of 1,400 characters (n 207) .83 (.74-.91)
and .70 (.61-.80); coverage alone .79, .59 and .79, .70; cosine alone .59, .51 and .59, .55. ExpertQA has no
test questions here; across 10 folds by question (n 1,042) .60 and .60, coverage alone .54 and .53, cosine
alone .62 and .58: whether a source is about the right thing, words tell badly. Both sets are English.

Limits: it reads no grammar. "A sued B" is borne out by "B sued A", a changed name is noticed only where it
is written in Latin capitals and stands nowhere in the passages, and a denial is not noticed at all: whether
claim and window agree in having a "not" told nothing (AUROC .52), so nothing is ever called contradicted.
Chinese claims get the weights fitted on English words, for there are no Chinese labels to fit or check on.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rag.domain import Claim, Support, SupportLabel
from rag.fuse import dense_weight
from rag.language import language_of
from rag.ports import Embedder
from rag.sentences import sentences
from rag.tokens import index_tokens, is_unspaced, question_tokens

LONGEST_WINDOW = 3  # sentences
WINDOWS_EMBEDDED = {1: 3, 2: 2, 3: 1}  # how many of each length, best by their words
MOST_NAMES, MOST_NUMBERS = 4, 3  # more missing ones say nothing more
LONGEST_EMBEDDED = 1_500  # characters of a window; more than the model reads

_NAME = re.compile(r"(?<![A-Za-z\d\u00c0-\u024f])[A-Z\u00c0-\u00de][A-Za-z\d\u00c0-\u024f]+")
_LATIN_WORD = re.compile(r"[A-Za-z\d\u00c0-\u024f]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")

# Where a sentence begins; what follows one that ends in a stop; what follows one that lacks its stop.
_BEGINS = r"(?:\A|[。！？；：…\n]|[.!?;:]\s)[\s\"“‘'「『(（*_•·-]*"
_ENDS = dict.fromkeys("。！？；…", "") | dict.fromkeys(".!?;", r"(?!\w)")
_BEFORE_AN_END = r"(?=[\s\"”’'」』)）*_]*(?:\Z|[。！？；…\n]|[.!?;](?!\w)))"


@dataclass(frozen=True, slots=True)
class SupportWeights:
    """A logistic function of the features; from `supported` and `partial` on, a score earns these labels."""

    constant: float
    coverage: float
    meaning: float
    name: float
    number: float
    supported: float
    partial: float

    def verdict(self, evidence: "_Evidence", meaning: float) -> Support:
        """The label and the score from 0 to 1."""
        strength = (
            self.constant
            + self.coverage * evidence.coverage
            + self.meaning * meaning
            + self.name * evidence.names_missing
            + self.number * evidence.numbers_missing
        )
        score = 1 / (1 + math.exp(-strength))
        if score >= self.supported:
            return Support(SupportLabel.SUPPORTED, score)
        return Support(SupportLabel.PARTIAL if score >= self.partial else SupportLabel.UNSUPPORTED, score)


# Logistic regression on the train documents of WiCE (articles and stretches) and ExpertQA, each set and each
# side weighing the same; the labels' thresholds by balanced accuracy of out-of-fold scores, the same way.
WITH_MEANING = SupportWeights(-1.944, 0.889, 2.826, -0.472, -0.981, supported=0.55, partial=0.425)
WORDS_ALONE = SupportWeights(-0.428, 1.742, 0.0, -0.497, -0.947, supported=0.535, partial=0.425)


@dataclass(frozen=True, slots=True)
class _Window:
    coverage: float
    size: int
    text: str


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What the words say of a claim, and the windows worth embedding."""

    coverage: float
    names_missing: int
    numbers_missing: int
    windows: tuple[str, ...]


class WordSupport:
    """Scores claims in batches; where the embedder cannot read a claim, by words, names and numbers alone."""

    version = "2"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def support(self, claims: Sequence[Claim]) -> list[Support]:
        """One verdict per claim, in order; a claim that is whole sentences of a passage scores 1."""
        found = [_evidence(claim) for claim in claims]
        meanings = self._meanings(claims, found)
        return [
            _verdict(claim, evidence, meaning)
            for claim, evidence, meaning in zip(claims, found, meanings, strict=True)
        ]

    def _meanings(self, claims: Sequence[Claim], found: Sequence[_Evidence]) -> list[float | None]:
        """The best cosine of each claim with its windows; None where the embedder cannot read it."""
        readable = self._readable([claim.text for claim in claims])
        pairs = [
            (claim.text, evidence.windows) if can_read else ("", ())
            for claim, evidence, can_read in zip(claims, found, readable, strict=True)
        ]
        texts = list(dict.fromkeys(text for claim, windows in pairs if windows for text in (claim, *windows)))
        vectors = dict(zip(texts, self._embedder.embed(texts), strict=True)) if texts else {}
        return [
            float(max(np.dot(vectors[claim], vectors[window]) for window in windows)) if windows else None
            for claim, windows in pairs
        ]

    def _readable(self, texts: Sequence[str]) -> list[bool]:
        counts = self._embedder.count_tokens(texts) if texts else []
        return [dense_weight(count.unknown / max(count.tokens, 1)) > 0 for count in counts]


def _verdict(claim: Claim, evidence: _Evidence, meaning: float | None) -> Support:
    if _is_quoted(claim):
        return Support(SupportLabel.SUPPORTED, 1.0)
    if not evidence.windows:
        return Support(SupportLabel.UNSUPPORTED, 0.0)
    if meaning is None:
        return WORDS_ALONE.verdict(evidence, 0.0)
    return WITH_MEANING.verdict(evidence, meaning)


def _is_quoted(claim: Claim) -> bool:
    """Whether the claim is whole sentences of a passage, whatever the case and the blanks.

    A part of one may say the opposite: "liable for damages" stands in "not liable for damages".
    """
    words = claim.text.casefold().split()
    if not words:
        return False
    ends = _ENDS.get(words[-1][-1], _BEFORE_AN_END)
    pattern = re.compile(_BEGINS + r"\s+".join(map(re.escape, words)) + ends)
    return any(pattern.search(passage.casefold()) for passage in claim.passages)


def _evidence(claim: Claim) -> _Evidence:
    text = "\n".join(claim.passages)
    windows = sorted(_windows(claim), key=lambda window: (-window.coverage, window.size))
    return _Evidence(
        coverage=windows[0].coverage if windows else 0.0,
        names_missing=min(MOST_NAMES, len(names_of(claim.text) - latin_words_of(text))),
        numbers_missing=min(MOST_NUMBERS, len(numbers_of(claim.text) - numbers_of(text))),
        windows=tuple(
            window.text[:LONGEST_EMBEDDED]
            for size, count in WINDOWS_EMBEDDED.items()
            for window in [item for item in windows if item.size == size][:count]
        ),
    )


def _windows(claim: Claim) -> Iterator[_Window]:
    """Every run of one to three neighbouring sentences of each passage, with what it covers of the claim."""
    wanted = telling_tokens(claim.text)
    passages = [_sentences(passage) for passage in claim.passages]
    held = [[wanted.intersection(index_tokens(text)) for text in texts] for texts in passages]
    seen = Counter(token for tokens in held for shared in tokens for token in shared)
    count = sum(len(texts) for texts in passages)
    weights = {token: math.log(1 + count / (1 + seen[token])) for token in wanted}
    total = math.fsum(weights.values())  # exact, whatever the order of a set is in this process
    if not total:
        return
    for texts, tokens in zip(passages, held, strict=True):
        for size in range(1, LONGEST_WINDOW + 1):
            for start in range(len(texts) - size + 1):
                covered = frozenset[str]().union(*tokens[start : start + size])
                share = math.fsum(weights[token] for token in covered) / total
                yield _Window(share, size, " ".join(texts[start : start + size]))


def share_in_one_sentence(claim: Claim) -> float:
    """The largest share of the claim's words, from 0 to 1, that one sentence of its passages holds."""
    wanted = telling_tokens(claim.text)
    texts = [text for passage in claim.passages for text in _sentences(passage)]
    return max(
        (len(wanted.intersection(index_tokens(text))) / max(len(wanted), 1) for text in texts), default=0.0
    )


def telling_tokens(claim: str) -> frozenset[str]:
    """The claim's tokens, of Chinese only words and pairs: nearly any text holds most single characters."""
    tokens = frozenset(question_tokens(claim))
    return frozenset(token for token in tokens if len(token) > 1 or not is_unspaced(token)) or tokens


def _sentences(passage: str) -> list[str]:
    return [span.of(passage) for span in sentences(passage, language_of(passage))]


def names_of(claim: str) -> set[str]:
    """Capitalised words, in lower case; the first word of the claim may be capitalised for that alone."""
    return {found[0].casefold() for found in _NAME.finditer(claim) if found.start() > 0}


def latin_words_of(text: str) -> set[str]:
    """Words in Latin letters, in lower case."""
    return {word.casefold() for word in _LATIN_WORD.findall(text)}


def numbers_of(text: str) -> set[str]:
    """Numbers in digits, full-width ones too, without the marks that group thousands."""
    plain = unicodedata.normalize("NFKC", text)
    return {re.sub(r",(?=\d{3}(?!\d))", "", number) for number in _NUMBER.findall(plain)}
