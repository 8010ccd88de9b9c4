"""Which other passages look as if they answered a question: those that share its rarer words."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from rag.tokens import index_tokens, question_tokens
from training.stretches import Stretch

_COMMON = 0.3  # a token that stands in more of the passages says nothing and is costly to look up


class Neighbours:
    """An index of passages by their tokens, weighted by how few passages have them."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        self._stretches = stretches
        self._holders: dict[str, list[int]] = defaultdict(list)
        for number, stretch in enumerate(stretches):
            for token in dict.fromkeys(index_tokens(stretch.text)):
                self._holders[token].append(number)

    def near(self, question: str, count: int) -> list[Stretch]:
        """Up to `count` passages that share a token with the question, most alike first; ties by order."""
        scores: Counter[int] = Counter()
        total = len(self._stretches)
        for token in dict.fromkeys(question_tokens(question)):
            holders = self._holders.get(token, [])
            if len(holders) <= max(2.0, _COMMON * total):
                for number in holders:
                    scores[number] += math.log(1 + total / len(holders))  # type: ignore[assignment]
        best = sorted(scores, key=lambda number: (-scores[number], number))
        return [self._stretches[number] for number in best[:count]]
