"""Sentences of documents, and the same with one fact altered, beside a passage that says one of the two.

A sentence becomes two claims, in its own words or about half the time in slightly other ones: as it is said,
and with one of its facts altered. Beside the passage it was taken from the first is supported; for half of
the sentences the altered one stands in the passage instead, and it is the one that is supported. The two
differ in that fact alone, so whatever looks at words or at the topic scores them nearly alike, and which of
them is odd tells nothing. A document gives few sentences: many have a say.

Measured on the claims of the development documents alone, no passage seen (logistic regression on runs of
one to three words or characters, five folds by document, n 1,200 in each language): .52 of the English and
.51 of the Chinese labels are right. While every passage was as written it was .65 and .61.

Which stretches, sentences and facts is drawn from the names of the documents: every machine gets the same
claims from the same files. Split and grouped by document. An alteration is found by its form (see
`evals.altered_facts`): some are odd, and a few by chance still true, so no scorer reaches 1.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evals.altered_facts import AlterationKind, altered
from evals.data import hash_of
from evals.questions import EvalQuestion, GivenPassage, Gold, QuestionSet
from evals.rewording import both_reworded
from evals.sets.stretches import READERS, Stretch, Whole, can_be_claimed, files_of, stretches
from rag.domain import SupportLabel

LAYOUT = "altered-2"

FIGURES = frozenset({AlterationKind.NUMBER, AlterationKind.UNIT, AlterationKind.DATE, AlterationKind.NAME})
FIGURES_SHARE = 0.7
"""How often a figure or a name is altered where a passage has one: nearly every sentence can be denied."""

VERBATIM, REWORDED = "verbatim", "reworded"
AS_WRITTEN, ALTERED = "as written", "altered"
"""What the passage says: the document's sentence, or the altered one in its place."""


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
    """The documents of either side in an order drawn from their names, until there are sentences enough.

    Two texts of CMRC and some of MedQuAD have no title, so no group: they belong to neither side.
    """
    named = [whole for whole in READERS[name](root) if whole.group]
    wholes = sorted(named, key=lambda whole: _source(whole, "order").random())
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
        says = source.choice((AS_WRITTEN, ALTERED))
        made = [claims for text in sentences if (claims := claims_of(stretch, text, wording, says, source))]
        figures = [claims for claims in made if claims.kind in FIGURES]
        chosen = figures if figures and source.random() < FIGURES_SHARE else made
        if chosen:
            yield _asked(stretch, f"{name}/{whole.uri}/{number}", share.domain, chosen[0])


@dataclass(frozen=True, slots=True)
class Claims:
    """Two claims that differ in one fact; `wording` and `says` tell how they and the passage were made."""

    supported: str
    unsupported: str
    passage: str
    kind: AlterationKind
    wording: str
    says: str


def claims_of(
    stretch: Stretch, sentence: str, wording: str, says: str, source: random.Random
) -> Claims | None:
    """The two claims about one sentence of a stretch, and the passage that bears out the first of them.

    None where nothing can be altered, or nothing reworded, or rewording drops the fact.
    """
    language = stretch.whole.language
    change = altered(sentence, language, [stretch.text], source)
    if change is None:
        return None
    words = _in_words(sentence, change.text, wording, language, source)
    if words is None:
        return None
    if says == AS_WRITTEN:
        (supported, unsupported), passage = words, stretch.text
    else:
        (unsupported, supported), passage = words, stretch.text.replace(sentence, change.text)
    said = _folded(passage)
    if _folded(unsupported) in said or (wording == REWORDED and _folded(supported) in said):
        return None
    return Claims(supported, unsupported, passage, change.kind, wording, says)


def _in_words(
    sentence: str, other: str, wording: str, language: str, source: random.Random
) -> tuple[str, str] | None:
    """The sentence and the altered one, in this order, as they are or reworded alike."""
    return (sentence, other) if wording == VERBATIM else both_reworded(sentence, other, language, source)


def _asked(stretch: Stretch, name: str, domain: str, claims: Claims) -> tuple[EvalQuestion, EvalQuestion]:
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
            passages=(GivenPassage(f"{name}/passage", whole.title, claims.passage),),
            metadata={
                "set": whole.source,
                "wording": claims.wording,
                "says": claims.says,
                "alteration": str(claims.kind),
            },
        )

    supported = question(claims.supported, SupportLabel.SUPPORTED)
    return supported, question(claims.unsupported, SupportLabel.UNSUPPORTED)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".。")


def _source(whole: Whole, purpose: str) -> random.Random:
    return random.Random(f"{LAYOUT}:{purpose}:{whole.source}:{whole.uri}")  # noqa: S311
