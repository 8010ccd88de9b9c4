"""Sentences of documents, and the same with one fact altered, beside the passage they were taken from.

A sentence becomes two claims: as it is said (in its own words, or about half the time in slightly other
ones) it is supported, with one of its facts altered it is not. The two differ in that fact alone, so whatever
looks at words or at the topic scores them nearly alike. A document gives few sentences: many have a say.

Which stretches, sentences and facts is drawn from the names of the documents: every machine gets the same
claims from the same files. Split and grouped by document. An alteration is found by its form (see
`evals.altered_facts`): some are odd, and a few by chance still true, so no scorer reaches 1.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evals.altered_facts import Alteration, AlterationKind, altered
from evals.data import hash_of
from evals.questions import EvalQuestion, GivenPassage, Gold, QuestionSet
from evals.rewording import both_reworded
from evals.sets.stretches import READERS, Stretch, Whole, can_be_claimed, files_of, stretches
from rag.domain import SupportLabel

LAYOUT = "altered-1"

FIGURES = frozenset({AlterationKind.NUMBER, AlterationKind.UNIT, AlterationKind.DATE, AlterationKind.NAME})
FIGURES_SHARE = 0.7
"""How often a figure or a name is altered where a passage has one: nearly every sentence can be denied."""

VERBATIM, REWORDED = "verbatim", "reworded"


@dataclass(frozen=True, slots=True)
class Share:
    """How many sentences of a set on either side of the split, how many of one document, and its domain."""

    sentences: int
    of_one: int
    domain: str


# PolicyQA has few held-out policies, and few of their segments have two sentences.
SHARES = {
    "cuad": Share(190, 9, "legal"),
    "policyqa": Share(30, 40, "legal"),
    "medquad": Share(190, 1, "medical"),
    "bioasq": Share(190, 2, "medical"),
    "cmrc2018": Share(220, 1, "general"),
    "drcd": Share(160, 6, "general"),
    "laws_zh": Share(220, 3, "legal"),
}


def load_altered(root: Path) -> QuestionSet:
    """For each sentence the claim that is supported and the one that is not, in this order."""
    asked = [question for name, share in SHARES.items() for question in _of_set(root, name, share)]
    paths = [path for name in SHARES for path in files_of(root, name)]
    return QuestionSet(tuple(asked), None, hash_of(paths, LAYOUT))


def _of_set(root: Path, name: str, share: Share) -> Iterator[EvalQuestion]:
    """The documents of either side in an order drawn from their names, until there are sentences enough."""
    wholes = sorted(READERS[name](root), key=lambda whole: _source(whole, "order").random())
    for is_test in (False, True):
        left = share.sentences
        taken: dict[str, int] = {}
        for whole in wholes:
            if whole.is_test is not is_test or not left or taken.get(whole.group, 0) >= share.of_one:
                continue
            for pair in _of_whole(whole, name, share, taken.get(whole.group, 0)):
                yield from pair
                taken[whole.group] = taken.get(whole.group, 0) + 1
                left -= 1
                if not left:
                    break


def _of_whole(
    whole: Whole, name: str, share: Share, taken: int
) -> Iterator[tuple[EvalQuestion, EvalQuestion]]:
    """At most one sentence of each stretch of a document, half of them reworded."""
    source = _source(whole, "cut")
    for number, stretch in enumerate(stretches(whole, share.of_one - taken, source), start=taken):
        wording = source.choice((VERBATIM, REWORDED))
        sentences = [text for text in stretch.sentences if can_be_claimed(text, whole.language)]
        source.shuffle(sentences)
        made = [claims for text in sentences if (claims := _claims(stretch, text, wording, source))]
        figures = [claims for claims in made if claims.change.kind in FIGURES]
        chosen = figures if figures and source.random() < FIGURES_SHARE else made
        if chosen:
            yield _asked(stretch, f"{name}/{whole.uri}/{number}", share.domain, wording, chosen[0])


@dataclass(frozen=True, slots=True)
class _Claims:
    supported: str
    unsupported: str
    change: Alteration


def _claims(stretch: Stretch, sentence: str, wording: str, source: random.Random) -> _Claims | None:
    """The two claims; None where nothing can be altered, or nothing reworded, or rewording drops the fact."""
    language = stretch.whole.language
    change = altered(sentence, language, [stretch.text], source)
    if change is None:
        return None
    if wording == VERBATIM:
        return _Claims(sentence, change.text, change)
    worded = both_reworded(sentence, change.text, language, source)
    passage = _folded(stretch.text)
    if worded is None or any(_folded(text) in passage for text in worded):
        return None
    return _Claims(*worded, change)


def _asked(
    stretch: Stretch, name: str, domain: str, wording: str, claims: _Claims
) -> tuple[EvalQuestion, EvalQuestion]:
    whole = stretch.whole

    def question(text: str, label: SupportLabel) -> EvalQuestion:
        return EvalQuestion(
            id=f"{name}-{label}",
            text=text,
            gold=Gold(label=str(label)),
            language=whole.language,
            domain=domain,
            group=whole.group,
            is_test=whole.is_test,
            passages=(GivenPassage(f"{name}/passage", whole.title, stretch.text),),
            metadata={"set": whole.source, "wording": wording, "alteration": str(claims.change.kind)},
        )

    supported = question(claims.supported, SupportLabel.SUPPORTED)
    return supported, question(claims.unsupported, SupportLabel.UNSUPPORTED)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".。")


def _source(whole: Whole, purpose: str) -> random.Random:
    return random.Random(f"{LAYOUT}:{purpose}:{whole.source}:{whole.uri}")  # noqa: S311
