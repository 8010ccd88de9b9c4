"""What can be measured: named retrieval sets and how each is split."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from evals.data import Query, is_held_out
from rag.errors import InvalidRequestError, NotFoundError


class Split(StrEnum):
    """Which questions are asked; nothing that tunes or trains may see `test`."""

    ALL = "all"
    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Suite:
    """A retrieval set below the data folder; without `is_test` it has no split."""

    name: str
    folder: str
    about: str
    is_test: Callable[[Query], bool] | None = None

    def select(
        self, queries: tuple[Query, ...], split: Split, limit: int | None, seed: int
    ) -> tuple[Query, ...]:
        """A split's questions, at most `limit`, in their order; which ones depends on ids and seed only."""
        if split is not Split.ALL and self.is_test is None:
            raise InvalidRequestError(f"{self.name} has no {split} split; leave --split at all", "split")
        is_test = self.is_test or (lambda _: False)
        chosen = [q for q in queries if split is Split.ALL or is_test(q) == (split is Split.TEST)]
        if limit is not None and limit < len(chosen):
            kept = set(sorted((q.id for q in chosen), key=lambda name: _shuffled(name, seed))[:limit])
            chosen = [q for q in chosen if q.id in kept]
        return tuple(chosen)


def _shuffled(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def _is_last_bioasq_year(query: Query) -> bool:
    return query.batch.startswith("10B")


def _is_held_out_question(query: Query) -> bool:
    return is_held_out(query.id)


SUITES = (
    Suite(
        "retrieval/bioasq",
        "bioasq/snippets_beir",
        "expert biomedical questions, English; batches 10B are test",
        _is_last_bioasq_year,
    ),
    Suite("retrieval/mtrag", "mtrag/mini_beir", "last turns of conversations, four domains, English"),
    Suite("retrieval/ir_cranfield", "ir_cranfield", "aeronautics abstracts, English"),
    Suite(
        "retrieval/stard",
        "stard/beir",
        "lay legal questions, statute articles, Chinese; test by hash of the question's id",
        _is_held_out_question,
    ),
)


def suite_named(name: str) -> Suite:
    """The suite of this name; NotFoundError names those there are."""
    for suite in SUITES:
        if suite.name == name:
            return suite
    known = ", ".join(suite.name for suite in SUITES)
    raise NotFoundError(f"there is no suite named {name!r}; known: {known}")
