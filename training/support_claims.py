"""Claims that people wrote or judged beside their passages: WiCE, ExpertQA, BioASQ, answers as statements."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evals.altered_facts import altered
from evals.data import data_file, is_held_out, read_rows
from evals.questions import EvalQuestion
from evals.sets import claims, longform, span_sets
from evals.sets.squad_layout import Asked, SpanLayout
from rag.domain import SupportLabel
from rag.sentences import sentences
from rag.tokens import index_tokens, question_tokens
from training.examples import Example, Task
from training.held_out import bioasq_record, bioasq_test_records, folded
from training.statements import kind_asked, statement

LONGEST = {"en": 1_200, "zh": 260}
"""The longest passage in characters: with its claim it nearly fits the 384 tokens that training shows."""

SHORTEST_SNIPPET = 150  # characters
LEAST_COVERAGE = 0.85  # of an ideal answer's words that stand in a snippet, to call it borne out
STATED = {"squad_slice": 1_200, "covid_qa": 300, "cmrc2018": 1_200, "drcd": 600}
"""How many statements are made of each set's questions and answers."""

_LAYOUTS = {
    "squad_slice": span_sets.SQUAD_SLICE,
    "covid_qa": span_sets.COVID_QA,
    "cmrc2018": span_sets.CMRC2018,
    "drcd": span_sets.DRCD,
}


def judged_claims(root: Path) -> Iterator[Example]:
    """WiCE's and ExpertQA's claims of train documents, with their passages as stretches.

    WiCE's come with what bears them out and its surroundings too, and with the article without it.
    """
    for asked in claims.load_wice(root).questions:
        if not asked.is_test:
            yield from _with_and_without_its_evidence(asked)
    for asked in claims.load_wice_chunks(root).questions:
        if not asked.is_test:
            yield _judged("wice", asked, _best_part(asked.text, [asked.passages[0].text]))
    experts = claims.load_expertqa(root).questions
    cited_in_test = {folded(passage.text) for q in experts if q.is_test for passage in q.passages}
    for asked in experts:
        texts = [passage.text for passage in asked.passages if folded(passage.text) not in cited_in_test]
        if texts and not asked.is_test:
            yield _judged("expertqa", asked, _best_part(asked.text, texts))
    yield from _partly_supported(root)


def _with_and_without_its_evidence(asked: EvalQuestion) -> Iterator[Example]:
    """The claim beside each set of sentences that bears it out, and beside the article without all of them.

    Sets that are too long are left out, and so is the whole claim where no sentence bears it out.
    """
    lines = asked.passages[0].text.split("\n")
    sets = [[int(number) for number in numbers.split()] for numbers in asked.metadata["sentences"].split("|")]
    for chosen in filter(None, sets):
        if sum(len(lines[i]) for i in chosen) <= LONGEST["en"]:
            yield _judged("wice", asked, _around(lines, chosen))
    bearing = {number for chosen in sets for number in chosen}
    rest = _best_part(asked.text, ["\n".join(line for i, line in enumerate(lines) if i not in bearing)])
    if bearing and rest:
        yield replace(_judged("wice", asked, rest), label=str(SupportLabel.UNSUPPORTED))


def _judged(source: str, asked: EvalQuestion, passage: str) -> Example:
    return Example(
        task=Task.SUPPORT, language="en", source=source, group=asked.group, question=asked.text, title="",
        passage=passage, label=asked.gold.label,
    )  # fmt: skip


def _best_part(claim: str, texts: Sequence[str]) -> str:
    """Of all texts the run of sentences, at most LONGEST characters, with most of the claim's words."""
    wanted = set(question_tokens(claim))
    best, most = "", -1
    for text in texts:
        spans = sentences(text, "en")
        held = [wanted.intersection(index_tokens(span.of(text))) for span in spans]
        for first, span in enumerate(spans):
            last = first
            while last + 1 < len(spans) and spans[last + 1].end - span.start <= LONGEST["en"]:
                last += 1
            shared = len(set[str]().union(*held[first : last + 1]))
            if shared > most:
                best, most = text[span.start : spans[last].end][: LONGEST["en"]], shared
    return best


@dataclass(frozen=True, slots=True)
class _Meta:
    claim_title: str


@dataclass(frozen=True, slots=True)
class _TokenRow:
    claim: str
    evidence: list[str]
    supporting_sentences: list[list[int]]
    meta: _Meta


def _partly_supported(root: Path) -> Iterator[Example]:
    """WiCE's own train claims, all supported in part, with what supports them and its surroundings."""
    for row in read_rows(data_file(root, "wice/non_supported_tokens_train.jsonl"), _TokenRow):
        chosen = row.supporting_sentences[0]
        is_short = sum(len(row.evidence[number]) for number in chosen) <= LONGEST["en"]
        if not chosen or not is_short or is_held_out(row.meta.claim_title):
            continue
        yield Example(
            task=Task.SUPPORT, language="en", source="wice", group=row.meta.claim_title, question=row.claim,
            title="", passage=_around(row.evidence, chosen), label=str(SupportLabel.PARTIAL),
        )  # fmt: skip


def _around(lines: Sequence[str], chosen: Sequence[int]) -> str:
    """The chosen lines with their neighbours, ever farther ones, up to LONGEST characters."""
    kept = set(chosen)
    for distance in range(1, 6):
        for number in chosen:
            for near in (number - distance, number + distance):
                size = sum(len(lines[i]) for i in kept)
                if 0 <= near < len(lines) and size + len(lines[near]) <= LONGEST["en"]:
                    kept.add(near)
    return "\n".join(lines[number] for number in sorted(kept))


def ideal_answers(root: Path, random_source: random.Random) -> Iterator[Example]:
    """Sentences of BioASQ's ideal answers beside a snippet that has nearly all their words, and altered."""
    asked = longform.load_bioasq(root)
    tested = bioasq_test_records(root)
    texts = {
        text.uri: text.text
        for text in (asked.corpus.texts if asked.corpus else ())
        if bioasq_record(text.metadata) not in tested and len(text.text) >= SHORTEST_SNIPPET
    }
    for question in asked.questions:
        if question.is_test:
            continue
        snippets = [texts[uri] for uri in question.gold.documents if uri in texts]
        for answer in question.gold.free_answers[:1]:
            for span in sentences(answer, "en")[:3]:
                sentence = span.of(answer)
                yield from _beside_its_snippet(question.group, sentence, snippets, random_source)


def _beside_its_snippet(
    group: str, sentence: str, snippets: Sequence[str], random_source: random.Random
) -> Iterator[Example]:
    wanted = set(question_tokens(sentence))
    if len(wanted) < 5 or not snippets:
        return
    best = max(snippets, key=lambda text: len(wanted.intersection(index_tokens(text))))
    if len(wanted.intersection(index_tokens(best))) < LEAST_COVERAGE * len(wanted) or sentence in best:
        return
    true = Example(
        task=Task.SUPPORT, language="en", source="ideal:bioasq", group=group, question=sentence, title="",
        passage=best[:1_100], label=str(SupportLabel.SUPPORTED),
    )  # fmt: skip
    yield true
    if change := altered(sentence, "en", [best, *snippets[:3]], random_source):
        yield replace(true, question=change.text, label=str(SupportLabel.UNSUPPORTED))


def stated_answers(root: Path, random_source: random.Random) -> Iterator[Example]:
    """Questions with their answers as statements, true ones and ones with another answer of the paragraph."""
    for name, most in STATED.items():
        layout = _LAYOUTS[name]
        by_text: dict[str, list[Asked]] = {}
        for asked in layout.read(root).asked:
            if asked.is_answerable and not asked.source.is_test:
                by_text.setdefault(asked.source.uri, []).append(asked)
        made = [pair for same in by_text.values() for pair in _stated(layout, same, random_source)]
        random_source.shuffle(made)
        for pair in made[:most]:
            yield from pair


def _stated(
    layout: SpanLayout, same: Sequence[Asked], random_source: random.Random
) -> Iterator[list[Example]]:
    for asked in same:
        answer = asked.answers[0].strip(" .。，,")
        if len(answer) > 60 or statement(asked.text, answer, layout.language) is None:
            continue
        passage = _passage_of(asked, layout.language, random_source)
        wrong = [
            other.answers[0].strip(" .。，,")
            for other in same
            if kind_asked(other.text, layout.language) == kind_asked(asked.text, layout.language)
            and not any(text in answer or answer in text for text in other.answers)
            and other.answers[0] in passage
        ]
        change = altered(answer, layout.language, [passage], random_source)
        options = [text for text in wrong if len(text) <= 60] + ([change.text] if change else [])
        if options:
            true, false = (
                statement(asked.text, text, layout.language) or ""
                for text in (answer, random_source.choice(options))
            )
            example = Example(
                task=Task.SUPPORT, language=layout.language, source=f"stated:{layout.name}",
                group=asked.source.document, question=true, title="", passage=passage,
                label=str(SupportLabel.SUPPORTED),
            )  # fmt: skip
            yield [example, replace(example, question=false, label=str(SupportLabel.UNSUPPORTED))]


def _passage_of(asked: Asked, language: str, random_source: random.Random) -> str:
    """The paragraph, or of a long one the sentences around the answer, now more before it and now behind."""
    text, mark = asked.source.text, asked.marks[0]
    if len(text) <= LONGEST[language]:
        return text
    spans = sentences(text, language)
    mark_end = mark.start + len(mark.text)
    holding = [i for i, span in enumerate(spans) if span.start < mark_end and mark.start < span.end]
    first, last = holding[0], holding[-1]
    while True:
        wider = [(first - 1, last), (first, last + 1)]
        fitting = [
            (one, other)
            for one, other in wider
            if one >= 0 and other < len(spans) and spans[other].end - spans[one].start <= LONGEST[language]
        ]
        if not fitting:
            return text[spans[first].start : spans[last].end]
        first, last = random_source.choice(fitting)
