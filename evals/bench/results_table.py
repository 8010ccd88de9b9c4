"""The tables of docs/results.md, from folders of finished runs.

`python -m evals.bench.results_table RUN... --write docs/results.md` sets them between the page's two marks;
without `--write` they are printed.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from evals.data import DataError
from evals.metrics.confidence import RISKS
from evals.metrics.statistic import Measured
from evals.records import METRICS_FILE, Header, Record, RunFolder
from evals.score import METADATA, Part, measure_records, scorable
from evals.suites import SUITES, Task
from rag.errors import AttestError

BEGIN = "<!-- results: begin -->"
END = "<!-- results: end -->"

# Short answers are compared by sentence: a quotation is longer than the words that annotators mark.
_ANSWERS = ("evidence_hit", "EM", "F1", "F1_sentence", "accuracy", "coverage", "risk", "quote_exists")
_REFUSALS = ("accuracy", "coverage", "risk", "abstention_recall", "false_abstention")
COLUMNS: Mapping[Task, tuple[str, ...]] = {
    Task.RETRIEVAL: ("nDCG@10", "R@10", "R@100", "MRR@10"),
    Task.READING: (*_ANSWERS, "F1_span", "relevance_AUROC"),
    Task.DOCUMENT: (*_ANSWERS, "F1_span", "relevance_AUROC"),
    Task.PARAGRAPH: (*_ANSWERS, "F1_span@full", "best_F1", "best_F1_span", "answerability_AUROC"),
    Task.EVIDENCE: ("EM", "F1", "evidence_hit", "evidence_F1", "citation_recall", "citation_precision"),
    Task.VERIFICATION: ("accuracy", "balanced_accuracy", "balanced_accuracy_labels", "support_AUROC"),
    Task.ABSTENTION: (*_REFUSALS, "abstention_recall@0.1", "answerability_AUROC"),
    Task.REMOVED: (*_REFUSALS, "abstention_recall@0.1", "answerability_AUROC"),
    Task.LONGFORM: ("accuracy", "F1", "ROUGE-L", "BLEU", "citation_recall", "citation_precision", "coverage"),
    Task.OWN: (*_ANSWERS, "abstention_recall", "false_abstention"),
    Task.CHOICE: ("accuracy", "coverage", "risk"),
}
CONFIDENCE = ("smECE", "AUROC", "Brier", "log_loss", "AURC", "risk@full")
COVERAGE = tuple(f"{name}@{risk:.2g}" for risk in RISKS for name in ("coverage", "oracle"))
POOLED = frozenset((Task.READING, Task.DOCUMENT))
"""Tasks whose answers are pooled: those of one question to a collection or to one of its documents."""


@dataclass(frozen=True, slots=True)
class Figure:
    """An entry of metrics.json."""

    value: float
    low: float
    high: float
    n: int


Figures = Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: its name, how it was run, its number of questions and its metrics."""

    name: str
    options: str
    n: int
    figures: Figures


def main() -> None:
    """Print the tables, or write them into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of finished runs")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="set the tables between the page's marks")
    given = parser.parse_args()
    try:
        text = results([RunFolder(path) for path in given.runs])
        if given.write is None:
            print(text)
        else:
            page = placed(given.write.read_text(encoding="utf-8"), text)
            given.write.write_text(page, encoding="utf-8")
    except AttestError as error:
        raise SystemExit(f"error: {error}") from error


def placed(page: str, text: str) -> str:
    """The page with `text` between its marks; DataError where it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise DataError(f"the page lacks the lines {BEGIN} and {END}; put them where the tables belong")
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def results(folders: Sequence[RunFolder]) -> str:
    """Every task's table, in the order of the suites, then confidence."""
    order = [suite.name for suite in SUITES]
    headers = {folder: folder.header() for folder in folders}
    known = sorted(folders, key=lambda f: (_place(order, headers[f].suite), headers[f].split))
    blocks = []
    for task in Task:
        rows = [_row(folder, headers[folder]) for folder in known if headers[folder].task == task]
        if rows:
            blocks += [f"### {task.value}/", table(rows, COLUMNS[task])]
    answering = [folder for folder in known if headers[folder].task in POOLED]
    if answering:
        rows = [_row(folder, headers[folder]) for folder in answering] + list(pooled(answering))
        blocks += ["### Confidence", table(rows, CONFIDENCE), mean_over_suites(rows[: len(answering)])]
        blocks += ["### Coverage at a risk, beside the oracle's", table(rows, COVERAGE)]
    blocks.append(_made_with(list(headers.values())))
    return "\n\n".join(blocks) + "\n"


def _place(order: Sequence[str], suite: str) -> int:
    return order.index(suite) if suite in order else len(order)


def _row(folder: RunFolder, header: Header) -> Row:
    path = folder.path / METRICS_FILE
    if not path.exists():
        raise DataError(f"{path} is missing; make it with `attest eval score {folder.path}`")
    figures = TypeAdapter(dict[str, Figure]).validate_json(path.read_bytes())
    return Row(f"`{header.suite}`", _options(header), header.questions, figures)


def _options(header: Header) -> str:
    limit = f" --limit {header.limit}" if header.limit is not None else ""
    seed = f" --seed {header.seed}" if header.seed else ""
    return f"`--split {header.split}{limit}{seed}`"


def pooled(folders: Sequence[RunFolder]) -> Iterator[Row]:
    """All records of runs as one, then by language and by domain; equal documents of a set are one group."""
    records = [record for folder in folders for record in _named_apart(folder)]
    scores = measure_records(Task.READING, records)
    yield _pooled_row("all pooled", scores.measured)
    for part in scores.parts:
        if part.by.startswith(METADATA):  # a set's own, which says nothing of the others
            continue
        yield _pooled_row(_part_name(part), part.measured)


def _named_apart(folder: RunFolder) -> Iterator[Record]:
    """A run's records, with names that no other set's documents and no other suite's questions have."""
    suite = folder.header().suite
    for record in scorable(folder):
        group = record.group or record.id
        yield replace(record, id=f"{suite}:{record.id}", group=f"{suite.rpartition('/')[2]}:{group}")


def _pooled_row(name: str, measured: Sequence[Measured]) -> Row:
    figures = {item.name: Figure(item.value, item.low, item.high, item.n) for item in measured}
    judged = figures.get("risk@full")
    return Row(f"**{name}**", "", judged.n if judged else 0, figures)


def _part_name(part: Part) -> str:
    return f"{part.by} {part.name}"


def mean_over_suites(rows: Sequence[Row]) -> str:
    """The plain mean of the suites' AUROC: pooling alone rewards telling suites apart."""
    found = [row.figures["AUROC"].value for row in rows if "AUROC" in row.figures]
    mean = f"{sum(found) / len(found):.3f}" if found else "–"
    return f"AUROC, mean over {len(found)} suites: {mean}."


def table(rows: Sequence[Row], metrics: Sequence[str]) -> str:
    """A Markdown table; metrics that no row has are left out."""
    shown = [name for name in metrics if any(name in row.figures for row in rows)]
    lines = [
        f"| suite | run with | n | {' | '.join(f'`{name}`' for name in shown)} |",
        f"|---|---|--:|{'--:|' * len(shown)}",
    ]
    for row in rows:
        cells = " | ".join(_cell(row.figures.get(name), row.n) for name in shown)
        lines.append(f"| {row.name} | {row.options} | {row.n:,} | {cells} |")
    return "\n".join(lines)


def _cell(figure: Figure | None, n: int) -> str:
    """Value (low–high), and n where it is not the row's."""
    if figure is None:
        return "–"
    own = "" if figure.n == n else f", n = {figure.n:,}"
    return f"{figure.value:.3f} ({figure.low:.3f}–{figure.high:.3f}){own}"


def _made_with(headers: Sequence[Header]) -> str:
    """Which code, where that is known, and pipeline made the runs; more than one of either is said."""
    commits = ", ".join(f"`{name}`" for name in sorted({_short(item.commit) for item in headers} - {""}))
    pipelines = ", ".join(f"`{name}`" for name in sorted({item.pipeline for item in headers}))
    return f"Runs of {f'commit {commits}, ' if commits else ''}pipeline {pipelines}."


def _short(commit: str) -> str:
    """A commit's first digits; a plus where the code had changes that are not in it."""
    return commit[:12] + "+" * ("+" in commit)


if __name__ == "__main__":
    main()
