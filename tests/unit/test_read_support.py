"""Verdicts on claims by words and a reader together."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.domain import Claim, Support, SupportLabel
from rag.odds import log_odds
from rag.read_support import WEIGHTS, ReadSupport, ReadSupportWeights

QUOTED = Support(SupportLabel.SUPPORTED, 1.0)
NOTHING = Support(SupportLabel.UNSUPPORTED, 0.0)


@dataclass
class ScriptedWords:
    """Scores by the claim's text."""

    scores: dict[str, Support]
    version: str = "words"

    def support(self, claims: Sequence[Claim]) -> list[Support]:
        return [self.scores[claim.text] for claim in claims]


@dataclass
class ScriptedClaimReader:
    """The probability that a claim is supported, by its text."""

    supported: dict[str, float]
    version: str = "reader"
    asked: list[str] = field(default_factory=list)

    def support_probabilities(self, claims: Sequence[Claim]) -> NDArray[np.float64]:
        self.asked += [claim.text for claim in claims]
        rows = [(p, 0.0, 1 - p) for p in (self.supported[claim.text] for claim in claims)]
        return np.array(rows, np.float64).reshape(len(claims), 3)


def claim(text: str) -> Claim:
    return Claim(text, ("The tenant pays.",))


def test_a_quotation_and_a_claim_without_passages_need_no_reading() -> None:
    close = Support(SupportLabel.SUPPORTED, 0.8)
    words = ScriptedWords({"tenant": QUOTED, "nothing": NOTHING, "the tenant": close})
    reader = ScriptedClaimReader({"the tenant": 0.5})
    found = ReadSupport(words, reader).support([claim("tenant"), claim("the tenant"), claim("nothing")])
    assert reader.asked == ["the tenant"]
    assert (found[0], found[2]) == (QUOTED, NOTHING)


def test_of_a_claim_that_is_far_from_its_passages_the_words_decide() -> None:
    partial = Support(SupportLabel.PARTIAL, 0.5)
    reader = ScriptedClaimReader({})
    said = "the tenant moves out"
    assert ReadSupport(ScriptedWords({said: partial}), reader).support([claim(said)]) == [partial]
    assert reader.asked == []


def test_what_the_reader_denies_is_less_supported_than_what_it_affirms() -> None:
    alike = Support(SupportLabel.SUPPORTED, 0.8)
    words = ScriptedWords({"tenant pays": alike, "the tenant never pays": alike})
    reader = ScriptedClaimReader({"tenant pays": 0.95, "the tenant never pays": 0.02})
    claims = [claim("tenant pays"), claim("the tenant never pays")]
    affirmed, denied = ReadSupport(words, reader).support(claims)
    assert affirmed.label is SupportLabel.SUPPORTED
    assert denied.label is not SupportLabel.SUPPORTED
    assert denied.score < affirmed.score


def test_log_odds_are_mixed_and_labels_follow_the_score() -> None:
    weights = ReadSupportWeights(close=0.5, reading=0.5, supported=0.7, partial=0.5)
    verdicts = [weights.verdict(*scores) for scores in ((0.9, 0.9), (0.8, 0.5), (0.8, 0.05))]
    assert [verdict.label.value for verdict in verdicts] == ["supported", "partial", "unsupported"]
    # Log odds of .8 are ln 4 and of .05 minus ln 19: their mean is that of sqrt(4 / 19) to 1.
    assert [verdict.score for verdict in verdicts] == pytest.approx([0.9, 2 / 3, 0.3145], abs=1e-4)


def test_log_odds_are_finite_at_the_ends() -> None:
    assert log_odds(1.0) == pytest.approx(-log_odds(0.0)) == pytest.approx(6.91, abs=0.01)


def test_the_version_names_both_and_the_weights_and_no_claims_give_no_verdicts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scorer = ReadSupport(ScriptedWords({}), ScriptedClaimReader({}))
    before = scorer.version
    assert before.startswith("words+reader+")
    monkeypatch.setattr("rag.read_support.WEIGHTS", replace(WEIGHTS, close=0.9))
    assert scorer.version != before
    assert scorer.support([]) == []
