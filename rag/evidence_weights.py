"""How what is known of a candidate becomes one strength, and how a strength becomes a score."""

import math
from dataclasses import dataclass

from rag.evidence_features import Column, SentenceFeatures


@dataclass(frozen=True, slots=True)
class SentenceWeights:
    """How features mix into a strength (the weights sum to 1), and how that becomes a score.

    A strength of `even` scores .5: as likely with questions that the collection answers as with those whose
    gold document was taken out of it. `slope` is how fast the score leaves .5 (a logistic function).
    """

    coverage: float
    around: float
    meaning: float
    retrieval: float
    even: float
    slope: float
    reading: float = 0.0
    relevance: float = 0.0

    def strengths(self, features: SentenceFeatures) -> Column:
        """One strength from 0 to 1 per candidate, comparable within one question."""
        return (
            self.coverage * features.words.coverage
            + self.around * features.words.around
            + self.meaning * features.meaning
            + self.retrieval * features.words.retrieval
            + self.reading * features.reading
            + self.relevance * features.relevance
        )

    def score(self, strength: float) -> float:
        """From 0 to 1, comparable between questions and languages."""
        return 1 / (1 + math.exp(-self.slope * (strength - self.even)))


# Fitted on train splits; docs/measurements-answers.md has the sets, the figures and what did not help.
WITH_MEANING = SentenceWeights(0.3, 0.15, 0.35, 0.2, even=0.62, slope=12.5)
WORDS_ALONE = SentenceWeights(0.45, 0.35, 0.0, 0.2, even=0.50, slope=18.0)

# With a reader: the weights above, with .5 (.4 where words alone are read) for reading and .2 for relevance
# beside them; `even` and `slope` fitted to that. Development questions, docs/measurements-answers.md.
READ_WITH_MEANING = SentenceWeights(
    0.176, 0.088, 0.206, 0.118, even=0.372, slope=11.75, reading=0.294, relevance=0.118
)
READ_WORDS_ALONE = SentenceWeights(
    0.281, 0.219, 0.0, 0.125, even=0.374, slope=15.54, reading=0.250, relevance=0.125
)
