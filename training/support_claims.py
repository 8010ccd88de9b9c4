"""Claims that people wrote or judged beside their passages: WiCE, ExpertQA, BioASQ, answers as statements."""

import random
import re
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

LONGEST = 1_400  # characters of a judged claim's passage, as WiCE's own stretches have
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
    """WiCE's and ExpertQA's claims of train documents, with their passages as stretches."""
    for asked in claims.load_wice_chunks(root).questions:
        if not asked.is_test:
            yield _judged("wice", asked, asked.passages[0].text)
    for asked in claims.load_expertqa(root).questions:
        if not asked.is_test:
            yield _judged("expertqa", asked, _best_part(asked))
    yield from _partly_supported(root)


def _judged(source: str, asked: EvalQuestion, passage: str) -> Example:
    return Example(
        task=Task.SUPPORT, language="en", source=source, group=asked.group, question=asked.text, title="",
        passage=passage, label=asked.gold.label,
    )  # fmt: skip


def _best_part(asked: EvalQuestion) -> str:
    """Of all passages the run of sentences, at most LONGEST characters, with most of the claim's words."""
    wanted = set(question_tokens(asked.text))
    best, most = "", -1
    for passage in asked.passages:
        spans = sentences(passage.text, "en")
        held = [wanted.intersection(index_tokens(span.of(passage.text))) for span in spans]
        for first, span in enumerate(spans):
            last = first
            while last + 1 < len(spans) and spans[last + 1].end - span.start <= LONGEST:
                last += 1
            shared = len(set[str]().union(*held[first : last + 1]))
            if shared > most:
                best, most = passage.text[span.start : spans[last].end][:LONGEST], shared
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
        if not chosen or is_held_out(row.meta.claim_title):
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
                if 0 <= near < len(lines) and size + len(lines[near]) <= LONGEST:
                    kept.add(near)
    return "\n".join(lines[number] for number in sorted(kept))


def ideal_answers(root: Path, random_source: random.Random) -> Iterator[Example]:
    """Sentences of BioASQ's ideal answers beside a snippet that has nearly all their words, and altered."""
    asked = longform.load_bioasq(root)
    texts = {text.uri: text.text for text in asked.corpus.texts} if asked.corpus else {}
    for question in asked.questions:
        if question.is_test:
            continue
        snippets = [texts[uri] for uri in question.gold.documents if len(texts[uri]) >= 150]
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
        passage = _passage_of(asked)
        wrong = [
            other.answers[0].strip(" .。，,")
            for other in same
            if _kind(other.text, layout.language) == _kind(asked.text, layout.language)
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
                group=asked.source.document, question=true, title=asked.source.title, passage=passage,
                label=str(SupportLabel.SUPPORTED),
            )  # fmt: skip
            yield [example, replace(example, question=false, label=str(SupportLabel.UNSUPPORTED))]


def _passage_of(asked: Asked) -> str:
    """The paragraph, or of a long one the surroundings of the answer."""
    text, mark = asked.source.text, asked.marks[0]
    if len(text) <= LONGEST:
        return text
    window_start = max(0, mark.start - 500)
    window = text[window_start : mark.start + len(mark.text) + 500]
    spans = sentences(window, "en")[1:-1]
    return window[spans[0].start : spans[-1].end] if spans else window


_CHINESE_ASKED = re.compile(
    "哪一年|哪年|什么时候|什麼時候|何时|何時|哪一天|哪里|哪裡|哪裏|何处|何處|哪个国家|哪個國家|哪个城市|哪一个|哪一個|哪个|哪個"
    "|哪位|哪一位|哪一|谁|誰|多少|几|幾|什么|什麼|何"
)
_CHINESE_VAGUE = re.compile(
    "为什么|為什麼|为何|為何|怎么|怎麼|如何|哪些|什么样|是否|吗|嗎|哪几|哪三|哪两|任何|几何|幾何|以及|分别|分別"
)
_CHINESE_KINDS = (
    ("时|時|年|天", "time"),
    ("谁|誰|位", "person"),
    ("哪里|哪裡|处|處|国|國|城市", "place"),
    ("多少|几|幾", "number"),
)
_SUBJECT_ASKED = re.compile(
    r"^(?:Who|What|Which(?: \w+){1,3}) "
    r"(?P<rest>(?!(?:is|was|are|were|did|does|do|has|had|can|could|will|would) )"
    r"\w+(?:ed|s|d|t|n|ew|ote|ame|ook|ade|on)\b.*)\?$"
)
_NAMED = re.compile(
    r"^(?:What|Who) (?P<verb>is|was|are|were) (?P<subject>(?:the|a|an|one|another) [^?]{5,90})\?$"
)
_WHEN_OR_WHERE = re.compile(
    r"^(?:When|Where|In (?:what|which) (?:year|city|country|state)|On (?:what|which) (?:day|date)) "
    r"(?P<verb>was|is|were|are) (?P<subject>(?:the |a )?[\w' -]{2,60}?) "
    r"(?P<participle>\w+(?:ed|orn|nown|ade|uilt|ritten|eld|ound))(?P<rest>[^?]*)\?$"
)
_HOW_MANY = re.compile(
    r"^How many (?P<things>[\w -]{3,40}?) (?P<rest>(?:were|are|was|is|have|had|has)\b[^?]*)\?$"
)


def statement(question: str, answer: str, language: str) -> str | None:
    """The question with its answer as a statement; None where no template fits."""
    if language == "zh":
        return _chinese_statement(question, answer)
    if found := _NAMED.match(question):
        return f"{found['subject'][0].upper()}{found['subject'][1:]} {found['verb']} {answer}."
    if found := _HOW_MANY.match(question):
        return f"{_capitalised(answer)} {found['things']} {found['rest']}."
    if found := _WHEN_OR_WHERE.match(question):
        place = (
            answer
            if re.match(r"(?i)(?:in|on|at|by|from|during|near|after|before)\b", answer)
            else f"in {answer}"
        )
        subject = _capitalised(found["subject"])
        return f"{subject} {found['verb']} {found['participle']}{found['rest']} {place}."
    if found := _SUBJECT_ASKED.match(question):
        return f"{_capitalised(answer)} {found['rest']}."
    return None


def _chinese_statement(question: str, answer: str) -> str | None:
    found = _CHINESE_ASKED.search(question)
    if not found or _CHINESE_VAGUE.search(question) or len(_CHINESE_ASKED.findall(question)) > 1:
        return None
    rest = question[found.end() :].rstrip("？?。 ")
    if (
        found[0] in ("几", "幾", "多少", "哪个", "哪個", "哪一", "什么", "什麼", "何", "哪一个", "哪一個")
        and rest
    ):
        unit = rest[:2]
        if answer.endswith(rest):
            rest = ""
        elif unit[:1] and answer.endswith(unit[:1]):
            rest = rest[1:]
        elif found[0] not in ("多少", "几", "幾"):
            return None
    return f"{question[: found.start()]}{answer}{rest}。"


def _kind(question: str, language: str) -> str:
    """What is asked for, so that another question's answer could stand in the place of this one's."""
    if language == "zh":
        found = _CHINESE_ASKED.search(question)
        asked = found[0] if found else ""
        return next((kind for pattern, kind in _CHINESE_KINDS if re.search(pattern, asked)), asked)
    words = 2 if question.startswith(("How", "In ", "On ")) else 1
    return " ".join(question.split()[:words])


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
