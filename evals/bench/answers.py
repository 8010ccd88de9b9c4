"""How often the gold span lies in a cited sentence, and how often the system abstains.

    python -m evals.bench.answers [--sets covid_qa bioasq] [--questions 200] [--split test|train|all]

covid_qa: expert questions on whole papers, asked of all papers at once; a citation counts when its source is
the gold paper and contains the gold span, which is looked up in the canonical text by its words and, where
they occur more than once, by its place. bioasq: factoid questions whose exact answer stands in a gold
snippet, asked of all snippets; a citation counts when its source is a gold snippet and contains the answer.
Questions are chosen by the sha256 of their ids. The split is test where it has enough questions, else all.
"""

import argparse
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import binomtest

from evals.bench.export_corpora import read_squad
from evals.data import data_file, data_root, is_held_out, load_retrieval_set, read_rows
from evals.run import collection_name, texts_of
from evals.suites import Split, suite_named
from ingest.ingestion import TextDocument
from ingest.wiring import open_ingestion
from rag.domain import Answer, Outcome, Question, SourceSpan, Span
from rag.settings import Settings
from rag.system import System
from rag.wiring import open_system


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """A question and what must be cited: one of `answers`, in one of `documents`; `place` is from 0 to 1."""

    id: str
    text: str
    documents: tuple[str, ...]
    answers: tuple[str, ...]
    is_test: bool
    place: float | None = None


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions on a collection that must hold `texts`."""

    name: str
    collection: str
    texts: tuple[TextDocument, ...]
    questions: tuple[GoldQuestion, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """One outcome against its gold. Each claim is about the best citation; all False for an abstention."""

    id: str
    question: str
    is_answered: bool
    cites_document: bool
    touches_gold: bool
    contains_gold: bool
    answer: str
    score: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class _Factoid:
    id: str
    type: str
    exact_answer: str | tuple[tuple[str, ...] | str, ...] = ()


def covid_qa() -> QuestionSet:
    articles = read_squad(data_root(), "covid_qa/covid_qa.squad.json")
    texts = tuple(
        TextDocument(article.title, _first_line(article.text), article.text) for article in articles
    )
    questions = tuple(
        GoldQuestion(
            id=str(asked.id),
            text=asked.question,
            documents=(article.title,),
            answers=(gold.text.strip(),),
            is_test=is_held_out(article.title),
            place=gold.answer_start / len(article.text),
        )
        for article in articles
        for asked in article.questions
        for gold in asked.answers[:1]
    )
    return QuestionSet("covid_qa", "answers-covid_qa", texts, questions)


def _first_line(text: str) -> str:
    return text.lstrip().split("\n", 1)[0].strip()


def bioasq() -> QuestionSet:
    suite = suite_named("retrieval/bioasq")
    data = load_retrieval_set(data_root() / suite.folder)
    snippets = {passage.id: passage.text for passage in data.corpus}
    factoids = {
        row.id: _strings(row.exact_answer)
        for row in read_rows(data_file(data_root(), "bioasq/bioasq_golden.jsonl"), _Factoid)
        if row.type == "factoid"
    }
    questions = []
    for query in data.queries:
        gold_texts = [snippets[name] for name in query.gold]
        answers = factoids.get(query.id, ())
        stated = tuple(a for a in answers if any(_spans(a, text, as_words=True) for text in gold_texts))
        if stated:
            is_test = query.batch.startswith("10B")
            questions.append(GoldQuestion(query.id, query.text, query.gold, stated, is_test))
    return QuestionSet("bioasq", collection_name(suite, data), tuple(texts_of(data)), tuple(questions))


def _strings(exact: str | tuple[tuple[str, ...] | str, ...]) -> tuple[str, ...]:
    """An exact answer comes as a text, as synonyms, or as a list of synonyms."""
    answers = (exact,) if isinstance(exact, str) else exact
    nested = [(answer,) if isinstance(answer, str) else answer for answer in answers]
    return tuple(text.strip() for part in nested for text in part if text.strip())


SETS: dict[str, Callable[[], QuestionSet]] = {"covid_qa": covid_qa, "bioasq": bioasq}


def choose(
    questions: Sequence[GoldQuestion], wanted: int, split: Split | None
) -> tuple[Split, list[GoldQuestion]]:
    """At most `wanted` questions of a split; without one, of test where it has so many, else of all."""
    if split is None:
        split = Split.TEST if sum(q.is_test for q in questions) >= wanted else Split.ALL
    chosen = [q for q in questions if split is Split.ALL or q.is_test == (split is Split.TEST)]
    return split, sorted(chosen, key=lambda q: hashlib.sha256(q.id.encode()).hexdigest())[:wanted]


def _spans(wanted: str, text: str, *, as_words: bool) -> list[Span]:
    """Where `wanted` stands in `text`, whatever the case and the blanks; `as_words`: not within a word."""
    pattern = r"\s+".join(re.escape(word) for word in wanted.split())
    if as_words:
        pattern = rf"(?<!\w){pattern}(?!\w)"
    return [Span(*found.span()) for found in re.finditer(pattern, text, re.IGNORECASE)]


def gold_spans(question: GoldQuestion, text: str) -> list[Span]:
    """The gold spans in a document's canonical text: the one nearest to the known place, else all of them."""
    is_placed = question.place is not None  # annotators' marks may begin or end within a word
    found = [span for gold in question.answers for span in _spans(gold, text, as_words=not is_placed)]
    if question.place is None or not found:
        return found
    middle = question.place * len(text)
    return [min(found, key=lambda span: abs(span.start - middle))]


def judge(question: GoldQuestion, outcome: Outcome, text_of: Callable[[int], str]) -> Judged:
    """Hold an outcome against the gold."""
    sources = [s for c in outcome.citations for s in c.sources] if isinstance(outcome, Answer) else []
    right = [source for source in sources if source.document.uri in question.documents]
    return Judged(
        id=question.id,
        question=question.text,
        is_answered=isinstance(outcome, Answer),
        cites_document=bool(right),
        touches_gold=any(_touches(s, gold_spans(question, text_of(s.document.id))) for s in right),
        contains_gold=any(_contains(s, gold_spans(question, text_of(s.document.id))) for s in right),
        answer=outcome.text if isinstance(outcome, Answer) else f"({outcome.reason})",
        score=outcome.record.confidence.score,
        milliseconds=sum(outcome.record.timings_ms.values()),
    )


def _contains(source: SourceSpan, golds: Sequence[Span]) -> bool:
    return any(source.span.start <= gold.start and gold.end <= source.span.end for gold in golds)


def _touches(source: SourceSpan, golds: Sequence[Span]) -> bool:
    return any(source.span.start < gold.end and gold.start < source.span.end for gold in golds)


def judge_all(system: System, asked: QuestionSet, questions: Sequence[GoldQuestion]) -> Iterator[Judged]:
    """Bring the collection in and ask, one question after the other."""
    ingestion = open_ingestion(system)
    try:
        ingestion.add_texts(asked.texts, asked.collection, source=asked.name, report=lambda _: None)
    finally:
        ingestion.close()
    for question in questions:
        outcome = system.ask(Question(question.text, asked.collection))
        yield judge(question, outcome, system.store.text)


def is_findable(question: GoldQuestion, texts: Sequence[TextDocument]) -> bool:
    """Whether the gold span stands in the text as given; some of covid_qa do not."""
    by_uri = {text.uri: text.text for text in texts}
    return any(gold_spans(question, by_uri[uri]) for uri in question.documents)


def share(found: int, n: int) -> str:
    """A share with its 95 % Wilson interval."""
    if n == 0:
        return "-"
    interval = binomtest(found, n).proportion_ci(method="wilson")
    return f"{found / n:.3f} ({interval.low:.3f} to {interval.high:.3f}), {found} of {n}"


def show(title: str, judged: Sequence[Judged]) -> None:
    answered = [item for item in judged if item.is_answered]
    table = Table("measure", "share, 95 % interval, count", title=title)
    table.add_row("abstained", share(len(judged) - len(answered), len(judged)))
    for name, of in (("of all", judged), ("of answered", answered)):
        table.add_row(f"gold inside a cited span, {name}", share(_count(of, "contains_gold"), len(of)))
        table.add_row(f"gold touched by a cited span, {name}", share(_count(of, "touches_gold"), len(of)))
        table.add_row(f"gold document cited, {name}", share(_count(of, "cites_document"), len(of)))
    Console().print(table)


def _count(judged: Sequence[Judged], claim: str) -> int:
    return sum(getattr(item, claim) for item in judged)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure citations and abstention on gold spans.")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--questions", type=int, default=200, help="of each set")
    parser.add_argument(
        "--split", type=Split, choices=list(Split), help="default: test if large enough, else all"
    )
    parser.add_argument("--home", type=Path, default=Path(".attest/evals"), help="keeps the collections")
    parser.add_argument("--out", type=Path, help="a folder; one line of JSON per question goes there")
    arguments = parser.parse_args()
    with open_system(Settings(home=arguments.home, database_url="")) as system:
        for name in arguments.sets:
            asked = SETS[name]()
            findable = [q for q in asked.questions if is_findable(q, asked.texts)]
            split, chosen = choose(findable, arguments.questions, arguments.split)
            progress = Console(stderr=True)
            answers = track(judge_all(system, asked, chosen), name, total=len(chosen), console=progress)
            judged = list(answers)
            left_out = len(asked.questions) - len(findable)
            show(f"{name}, split {split}, n = {len(chosen)}; {left_out} spans not found in the text", judged)
            if arguments.out:
                arguments.out.mkdir(parents=True, exist_ok=True)
                lines = [json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in judged]
                (arguments.out / f"answers-{name}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
