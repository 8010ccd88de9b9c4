"""What was made twice, or made to say two things of one pair, is no example."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from training.examples import Example

COMPARED = 300  # characters of a question or claim: a window may hold no more of it


def consistent(examples: Sequence[Example]) -> Iterator[Example]:
    """In order, each question or claim once beside a passage; none that has two verdicts there.

    What begins alike beside the same passage counts as one question. A title makes no other pair of it.
    """
    verdicts: dict[tuple[str, str], set[str | bool]] = defaultdict(set)
    for example in examples:
        verdict = _verdict(example)
        if verdict is not None:
            verdicts[example.question[:COMPARED], example.passage].add(verdict)
    seen: set[tuple[str, str]] = set()
    for example in examples:
        pair = example.question, example.passage
        if pair not in seen and len(verdicts[example.question[:COMPARED], example.passage]) < 2:
            seen.add(pair)
            yield example


def _verdict(example: Example) -> str | bool | None:
    """The label of a claim, whether a question has an answer, or None where that is not told."""
    if example.label is not None:
        return example.label
    return None if example.spans is None else bool(example.spans)
