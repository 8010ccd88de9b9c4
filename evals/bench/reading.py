"""The reader given the paragraph, as SQuAD defines it, beside the best sentence by meaning and by words.

    python -m evals.bench.reading SET [SET ...] [--split test] [--limit N] [--seed N] [--ways reader ...]

A set is what follows paragraph/ in `attest eval list`: squad2, telequad, covid_qa, policyqa, cuad, cmrc2018,
drcd, bioasq... Every question is read beside its whole paragraph (of a long document, the lines around the
gold), and nothing is searched. The sentence ways answer with the best sentence of the paragraph: by the
cosine of its vector with the question's, or by the share of the question's words that it has; that number
also orders questions by how answerable they seem. F1 and EM are those of what is proposed to the answerable
questions. `--split development` asks of the train documents that training does not see: covid_qa has no test
ones.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from rich.progress import track
from rich.table import Table

from evals.data import data_root
from evals.metrics.statistic import Measured
from evals.questions import EvalQuestion, Split
from evals.reading import ReadingFigures, ShortAnswer, figures_of, read_answer
from evals.run import Selection
from evals.suites import Task, suite_named
from rag.domain import Vectors
from rag.language import language_of
from rag.ports import Embedder
from rag.sentences import sentences
from rag.settings import load_settings
from rag.system import System
from rag.tokens import index_tokens, question_tokens
from rag.wiring import open_system

Answerer: TypeAlias = Callable[[EvalQuestion], ShortAnswer]

READER, MEANING, WORDS = WAYS = ("reader", "meaning", "words")


@dataclass(frozen=True, slots=True)
class Row:
    """What one way of answering reached on one set."""

    set_name: str
    way: str
    figures: ReadingFigures


def by_meaning(embedder: Embedder) -> Answerer:
    """The sentence whose vector is nearest to the question's, and their cosine."""
    sentences_of = lru_cache(64)(partial(embedded_sentences, embedder))  # sets ask of one text in a row

    def answer(asked: EvalQuestion) -> ShortAnswer:
        question = embedder.embed([asked.text])[0]
        parts = [sentences_of(given.text) for given in asked.passages]
        scored = [
            ShortAnswer(text, float(cosine))
            for texts, vectors in parts
            for text, cosine in zip(texts, vectors @ question, strict=True)
        ]
        return best_of(scored)

    return answer


def embedded_sentences(embedder: Embedder, text: str) -> tuple[list[str], Vectors]:
    texts = sentence_texts(text)
    return texts, embedder.embed(texts)


def by_words(asked: EvalQuestion) -> ShortAnswer:
    """The sentence with the largest share of the question's words, and that share."""
    wanted = frozenset(question_tokens(asked.text))
    texts = [text for given in asked.passages for text in sentence_texts(given.text)]
    shares = [len(wanted & frozenset(index_tokens(text))) / max(len(wanted), 1) for text in texts]
    return best_of([ShortAnswer(text, share) for text, share in zip(texts, shares, strict=True)])


def best_of(scored: Sequence[ShortAnswer]) -> ShortAnswer:
    return max(scored, key=lambda answer: answer.score, default=ShortAnswer("", 0.0))


def sentence_texts(text: str) -> list[str]:
    return [span.of(text) for span in sentences(text, language_of(text))]


def ways_of(system: System, names: Sequence[str] | None) -> Mapping[str, Answerer]:
    """The ways of these names, else all."""
    known: dict[str, Answerer] = {
        READER: partial(read_answer, system.reader),
        MEANING: by_meaning(system.embedder),
        WORDS: by_words,
    }
    return {name: known[name] for name in names or known}


def questions_of(set_name: str, selection: Selection) -> Sequence[EvalQuestion]:
    """A set's questions with their passages; InvalidRequestError where none is left."""
    suite = suite_named(f"{Task.PARAGRAPH}/{set_name}")
    return selection.of(suite, suite.load(data_root()))


def rows_of(set_name: str, questions: Sequence[EvalQuestion], ways: Mapping[str, Answerer]) -> Iterator[Row]:
    for way, answer in ways.items():
        shown = track(questions, f"{set_name}, {way}", console=Console(stderr=True), transient=True)
        yield Row(set_name, way, figures_of(questions, [answer(asked) for asked in shown]))


def show(rows: Sequence[Row]) -> None:
    table = Table(title="given the paragraph; 95 % intervals by document")
    for column in ("set", "way", "documents", "n", "EM", "F1", "best F1", "answerability AUROC"):
        table.add_column(column, justify="left" if column in {"set", "way"} else "right")
    for row in rows:
        figures = row.figures
        measured = (figures.exact_match, figures.f1, figures.best_f1, figures.answerability)
        counts = (f"{figures.documents:,}", f"{figures.questions:,}")
        table.add_row(row.set_name, row.way, *counts, *(cell(item) for item in measured))
    Console(width=160).print(table)


def cell(item: Measured | None) -> str:
    return f"{item.value:.3f} ({item.low:.3f}-{item.high:.3f})" if item else "-"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", metavar="SET")
    parser.add_argument("--split", type=Split, choices=list(Split), default=Split.TEST)
    parser.add_argument("--limit", type=int, help="at most so many questions of each set")
    parser.add_argument("--seed", type=int, default=0, help="chooses which, with --limit")
    parser.add_argument("--ways", nargs="+", choices=WAYS, help="by default all that the system has")
    parser.add_argument("--home", type=Path, default=Path(".attest/evals"))
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    arguments = parser.parse_args()
    selection = Selection(arguments.split, arguments.limit, arguments.seed)
    rows: list[Row] = []
    with open_system(load_settings(arguments.home)) as system:
        ways = ways_of(system, arguments.ways)
        for name in arguments.sets:
            questions = questions_of(name, selection)
            rows += rows_of(name, questions, ways)
    show(rows)
    if arguments.out:
        report = json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False)
        arguments.out.write_text(report + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
