"""How far passages bear a claim out, told by words, numbers and meaning, and by a reader of near quotations.

The reader sees what `rag.support` does not: who did what to whom, a denial, an exchanged name or unit. So of
a claim in nearly the words of one sentence, the reader tells whether a fact differs; of others, whose
evidence is spread or said otherwise, it was taught little, and the words decide. On development claims
(`evals/bench/support_weights.py`) sentences with one fact altered are told from true ones with an AUROC of
.98 so (n 302; by words .84). On claims of Wikipedia and of experts (n 84, 95) both lose where the reader is
asked of every claim.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.domain import Claim, Support, SupportLabel
from rag.odds import log_odds
from rag.ports import SupportScorer
from rag.support import share_in_one_sentence


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
    """Where one sentence holds the share `close` of a claim's words, the reader's log odds count with the
    share `reading`, the words' with the rest. From `supported` and `partial` on, a score earns these labels.
    """

    close: float
    reading: float
    supported: float
    partial: float

    def verdict(self, by_words: float, by_reading: float) -> Support:
        """The label and the score from 0 to 1 of a close claim, of two scores from 0 to 1."""
        strength = (1 - self.reading) * log_odds(by_words) + self.reading * log_odds(by_reading)
        return self.labelled(1 / (1 + math.exp(-strength)))

    def labelled(self, score: float) -> Support:
        """A score with its label."""
        if score >= self.supported:
            return Support(SupportLabel.SUPPORTED, score)
        return Support(SupportLabel.PARTIAL if score >= self.partial else SupportLabel.UNSUPPORTED, score)


WEIGHTS = ReadSupportWeights(close=0.66, reading=0.5, supported=0.54, partial=0.425)


class ReadSupport:
    """Scores claims in batches by a scorer of words and a reader; a quotation needs no reading."""

    def __init__(self, words: SupportScorer, reader: ClaimReader) -> None:
        self._words = words
        self._reader = reader

    @property
    def version(self) -> str:
        """Both scorers' versions and the weights."""
        weights = "/".join(f"{weight:g}" for weight in astuple(WEIGHTS))
        return f"{self._words.version}+{self._reader.version}+{weights}"

    def support(self, claims: Sequence[Claim]) -> list[Support]:
        """One verdict per claim, in order; what is whole sentences of a passage scores 1."""
        by_words = self._words.support(claims)
        read = [i for i, verdict in enumerate(by_words) if verdict.score < 1 and _is_close(claims[i])]
        probabilities = self._reader.support_probabilities([claims[i] for i in read])
        verdicts = [WEIGHTS.labelled(verdict.score) for verdict in by_words]
        for i, row in zip(read, probabilities, strict=True):
            verdicts[i] = WEIGHTS.verdict(by_words[i].score, float(row[0]))
        return verdicts


def _is_close(claim: Claim) -> bool:
    return share_in_one_sentence(claim) >= WEIGHTS.close
