"""What several verdicts on one answer come to."""

import pytest

from rag.feedback import Feedback, Verdict, settled

C, W = Verdict.CORRECT, Verdict.WRONG


@pytest.mark.parametrize(
    ("given", "sentences", "verdict"),
    [
        ([], 2, None),
        ([(C, None)], 2, C),
        ([(C, None), (W, None)], 2, W),
        ([(W, None), (C, None)], 2, C),
        ([(W, 2)], 2, W),
        ([(C, 1)], 2, None),
        ([(C, 1), (C, 2)], 2, C),
        ([(C, 1), (W, 2)], 2, W),
        ([(W, 2), (C, 1)], 2, W),
        ([(W, 2), (C, 2)], 2, None),
        ([(W, 2), (C, None)], 2, C),
        ([(C, None), (W, 2)], 2, W),
        ([(C, None), (W, 2), (C, 2)], 2, C),
        ([(W, None), (C, 1)], 2, W),
        ([(W, None), (C, 1)], 1, C),
        ([(W, None)], 0, W),
    ],
)
def test_the_last_verdict_counts_and_one_wrong_sentence_makes_the_answer_wrong(
    given: list[tuple[Verdict, int | None]], sentences: int, verdict: Verdict | None
) -> None:
    rows = [Feedback(i, "a", item, sentence, "", "") for i, (item, sentence) in enumerate(given)]
    assert settled(rows, sentences) is verdict
