"""How far passages bear a claim out, told by a reader beside words, names, numbers and meaning.

The reader sees what `rag.support` does not: who did what to whom, a denial, an exchanged name or unit. The
words see what the reader was taught little of: whole articles, and evidence spread over many sentences. Their
log odds are added, the reader's at a fifth. On development claims (`evals/bench/support_weights.py`) it tells
sentences with one fact altered from true ones better (n 300: AUROC .84 by words, .88 so) and costs little on
Wikipedia's claims (WiCE, n 63: .75 and .72); at equal weights it would cost .14 there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.domain import Claim, Support, SupportLabel
from rag.odds import log_odds
from rag.ports import SupportScorer


class ClaimReader(Protocol):
    """A reader that was taught verdicts on claims."""

    @property
    def version(self) -> str:
        """Changes whenever the same claim may be read otherwise."""
        ...

    def support_probabilities(self, claims: Sequence[Claim]) -> NDArray[np.float64]:
        """Shape (claims, 3): supported, partial, unsupported."""
        ...


@dataclass(frozen=True, slots=True)
class ReadSupportWeights:
    """A logistic function of two log odds; from `supported` and `partial` on, a score earns these labels."""

    words: float
    reading: float
    supported: float
    partial: float

    def verdict(self, by_words: float, by_reading: float) -> Support:
        """The label and the score from 0 to 1, of two scores from 0 to 1."""
        strength = self.words * log_odds(by_words) + self.reading * log_odds(by_reading)
        score = 1 / (1 + math.exp(-strength))
        if score >= self.supported:
            return Support(SupportLabel.SUPPORTED, score)
        return Support(SupportLabel.PARTIAL if score >= self.partial else SupportLabel.UNSUPPORTED, score)


WEIGHTS = ReadSupportWeights(words=1.0, reading=0.2, supported=0.55, partial=0.425)


class ReadSupport:
    """Scores claims in batches by a scorer of words and a reader; a quotation needs no reading."""

    def __init__(self, words: SupportScorer, reader: ClaimReader) -> None:
        self._words = words
        self._reader = reader

    @property
    def version(self) -> str:
        """Both scorers' versions."""
        return f"{self._words.version}+{self._reader.version}"

    def support(self, claims: Sequence[Claim]) -> list[Support]:
        """One verdict per claim, in order; what stands in a passage word for word scores 1."""
        by_words = self._words.support(claims)
        read = [i for i, verdict in enumerate(by_words) if 0 < verdict.score < 1]
        probabilities = self._reader.support_probabilities([claims[i] for i in read])
        verdicts = list(by_words)
        for i, row in zip(read, probabilities, strict=True):
            verdicts[i] = WEIGHTS.verdict(by_words[i].score, float(row[0]))
        return verdicts
