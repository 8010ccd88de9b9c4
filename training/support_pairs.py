"""Claims beside passages for the support head: borne out, borne out in part, or not at all.

Most are made from plain text. One fact of a sentence is altered, and both wordings are put beside both the
passage as it stands and the passage with the altered sentence in place of its own. So neither the claim nor
the passage tells anything by itself, nor whether the claim is a quotation: only comparing facts does. Claims
that people judged (WiCE, ExpertQA) and statements made of questions and their answers come with them.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from evals.altered_facts import altered
from evals.rewording import both_reworded, reworded
from evals.sets.stretches import READERS, Stretch, Whole, can_be_claimed, stretches
from ingest.text_document import TextDocument
from rag.domain import SupportLabel
from rag.tokens import question_tokens
from training.consistency import consistent
from training.examples import Example, Task
from training.held_out import is_test_answer, is_test_article
from training.support_claims import LONGEST, ideal_answers, judged_claims, stated_answers

VERBATIM_SHARE = 0.25  # of claims; what is quoted word for word is told without a model when serving
ALTERED_PASSAGE_SHARE = 0.6
REMOVED_SHARE = 0.2
TOPICAL_SHARE = 0.25
JOINED_SHARE = 0.15

LONGEST_CLAIM = {"en": 600, "zh": 150}  # characters: about the 160 tokens of a claim that training reads
SLACK = 20  # characters by which an altered passage may be longer than the one that it was


@dataclass(frozen=True, slots=True)
class Quota:
    """How many stretches of a set are used, how many of one document, and how many sentences of each."""

    stretches: int
    of_one: int
    sentences: int


QUOTAS = {
    "squad_slice": Quota(550, 3, 2),
    "covid_qa": Quota(420, 14, 2),
    "cuad": Quota(700, 6, 2),
    "policyqa": Quota(450, 2, 2),
    "medquad": Quota(650, 1, 2),
    "bioasq": Quota(650, 1, 2),
    "fastapi_en": Quota(200, 5, 2),
    "cmrc2018": Quota(750, 2, 2),
    "drcd": Quota(450, 2, 2),
    "laws_zh": Quota(800, 2, 2),
    "fastapi_zh": Quota(200, 4, 2),
}


def support_examples(root: Path, random_source: random.Random) -> Iterator[Example]:
    """Every kind of pair, set after set, of train documents alone.

    What was made not to be borne out but stands in the passage all the same, as 1 in 300 does, is left out,
    and so are claims or passages that are too long, copies, and pairs that came out with two labels.
    """
    made = chain(
        *(_of_set(name, root, random_source) for name in QUOTAS),
        stated_answers(root, random_source),
        ideal_answers(root, random_source),
        judged_claims(root),
    )
    kept = [example for example in made if _fits(example) and not _is_quoted_wrongly(example)]
    yield from consistent(kept)


def _fits(example: Example) -> bool:
    longest = LONGEST[example.language] + SLACK
    return len(example.question) <= LONGEST_CLAIM[example.language] and len(example.passage) <= longest


def _is_quoted_wrongly(example: Example) -> bool:
    is_supported = example.label == SupportLabel.SUPPORTED
    return not is_supported and _folded(example.question) in _folded(example.passage)


def _of_set(name: str, root: Path, random_source: random.Random) -> Iterator[Example]:
    quota = QUOTAS[name]
    wholes = list(train_wholes(name, root))
    random_source.shuffle(wholes)
    cut = 0
    for whole in wholes:
        longest = LONGEST[whole.language]
        found = list(stretches(whole, quota.of_one, random_source, longest))[: quota.stretches - cut]
        cut += len(found)
        for stretch in found:
            yield from of_stretch(stretch, found, quota, random_source)
        if cut >= quota.stretches:
            return


def train_wholes(name: str, root: Path) -> Iterator[Whole]:
    """The documents of a set that may train, those of laws without articles that are test elsewhere."""
    for whole in READERS[name](root):
        if whole.is_test:
            continue
        if name == "laws_zh":
            yield replace(whole, text="\n".join(_train_articles(whole, root)))
        elif name != "medquad" or not is_test_answer(root, TextDocument(whole.uri, whole.title, whole.text)):
            yield whole


def _train_articles(law: Whole, root: Path) -> Iterator[str]:
    for line in law.text.splitlines():
        _, _, text = line.partition(" ")
        if not is_test_article(root, law.group, text):
            yield line


def of_stretch(
    stretch: Stretch, neighbours: Sequence[Stretch], quota: Quota, random_source: random.Random
) -> Iterator[Example]:
    """The pairs of one stretch; `neighbours` are others of its document, itself among them."""
    chosen = [sentence for sentence in stretch.sentences if can_be_claimed(sentence, stretch.whole.language)]
    random_source.shuffle(chosen)
    for sentence in chosen[: quota.sentences]:
        yield from _altered_pairs(stretch, sentence, random_source)
        yield from _topical_pairs(stretch, sentence, neighbours, random_source)
    if len(chosen) > 1 and random_source.random() < JOINED_SHARE:
        yield from _joined_pairs(stretch, chosen[0], chosen[1], random_source)


def _altered_pairs(stretch: Stretch, sentence: str, random_source: random.Random) -> Iterator[Example]:
    """The sentence and its alteration, beside the passage and the passage that says the altered one."""
    language = stretch.whole.language
    change = altered(sentence, language, [stretch.text], random_source)
    if change is None:
        return
    true, false = _worded(sentence, change.text, language, random_source)
    if _folded(true) == _folded(false):
        return
    source = f"altered:{stretch.whole.source}"
    yield _pair(stretch.whole, source, true, stretch.text, SupportLabel.SUPPORTED)
    yield _pair(stretch.whole, source, false, stretch.text, SupportLabel.UNSUPPORTED)
    if random_source.random() < ALTERED_PASSAGE_SHARE:
        passage = stretch.text.replace(sentence, change.text)
        yield _pair(stretch.whole, source, false, passage, SupportLabel.SUPPORTED)
        yield _pair(stretch.whole, source, true, passage, SupportLabel.UNSUPPORTED)


def _worded(sentence: str, other: str, language: str, random_source: random.Random) -> tuple[str, str]:
    """Both as they stand, or reworded by the same draws."""
    if random_source.random() < VERBATIM_SHARE:
        return sentence, other
    return both_reworded(sentence, other, language, random_source) or (sentence, other)


def _topical_pairs(
    stretch: Stretch, sentence: str, neighbours: Sequence[Stretch], random_source: random.Random
) -> Iterator[Example]:
    """The sentence beside its passage without it, and beside the passage of the document most like it."""
    language, source = stretch.whole.language, f"topical:{stretch.whole.source}"
    worded = reworded(sentence, language, random_source) or sentence
    if random_source.random() < REMOVED_SHARE:
        rest = _without(stretch.text, sentence)
        if len(rest) > len(sentence):
            yield _pair(stretch.whole, source, worded, rest, SupportLabel.UNSUPPORTED)
            yield _pair(stretch.whole, source, worded, stretch.text, SupportLabel.SUPPORTED)
    others = [other for other in neighbours if sentence not in other.text and not _overlap(other, stretch)]
    if others and random_source.random() < TOPICAL_SHARE:
        wanted = set(question_tokens(sentence))
        nearest = max(others, key=lambda other: len(wanted.intersection(question_tokens(other.text))))
        yield _pair(stretch.whole, source, worded, nearest.text, SupportLabel.UNSUPPORTED)


def _overlap(one: Stretch, other: Stretch) -> bool:
    return not set(one.sentences).isdisjoint(other.sentences)


def _joined_pairs(stretch: Stretch, one: str, other: str, random_source: random.Random) -> Iterator[Example]:
    """Two sentences as one claim: both said, or only one of them said, which is support in part."""
    language, source = stretch.whole.language, f"joined:{stretch.whole.source}"
    change = altered(other, language, [stretch.text], random_source)
    if change is None:
        return
    true, false = _worded(other, change.text, language, random_source)
    first = reworded(one, language, random_source) or one
    goes_first = random_source.random() < 0.5

    def joined(text: str) -> str:
        return ("" if language == "zh" else " ").join((first, text) if goes_first else (text, first))

    yield _pair(stretch.whole, source, joined(true), stretch.text, SupportLabel.SUPPORTED)
    if _folded(true) != _folded(false):
        yield _pair(stretch.whole, source, joined(false), stretch.text, SupportLabel.PARTIAL)
    rest = _without(stretch.text, other)
    yield _pair(stretch.whole, source, joined(true), rest, SupportLabel.PARTIAL)


def _without(text: str, sentence: str) -> str:
    """A text without a sentence, and without the blank that would tell where it stood."""
    return re.sub(" {2,}", " ", text.replace(sentence, "")).strip()


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".。")


def _pair(whole: Whole, source: str, claim: str, passage: str, label: SupportLabel) -> Example:
    """Without the title: who asks for support has none."""
    return Example(
        task=Task.SUPPORT,
        language=whole.language,
        source=source,
        group=whole.group,
        question=claim,
        title="",
        passage=passage,
        label=str(label),
    )
