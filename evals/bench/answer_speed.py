"""Whole answers, from question to decision: what reranking more or fewer passages costs and gives.

    python -m evals.bench.answer_speed [--suite reading/bioasq] [--depths 0 10 20 30 50] [--limit 200]

One client asks in this process, over the suite's whole collection, which is ingested first where the home
lacks it. Depth is how many of the passages found are reranked; 0 leaves them in the order of the search,
and is all that is measured by default where the system has no reranker. Every question is asked at each
depth before the next one, in turning order, so that a busy moment hits all depths alike. Quality is that of
the same answers: `nDCG@10` of the documents of the ten passages kept, `passage_R@10`, `evidence_hit`.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, track
from rich.table import Table

from evals.ask import Asker
from evals.data import data_root
from evals.metrics.bootstrap import measure
from evals.metrics.catalogue import groups_of
from evals.metrics.citation import citations
from evals.metrics.ranking import passage_recall, ranking
from evals.metrics.statistic import Measured
from evals.questions import Corpus, EvalQuestion, Split
from evals.records import RankedDocument, Record
from evals.run import Selection, bring_in
from evals.suites import suite_named
from ingest.wiring import open_ingestion
from rag.errors import InvalidRequestError
from rag.settings import load_settings
from rag.system import System
from rag.wiring import open_system

DEPTHS = (0, 10, 20, 30, 50)
WARM_UP = 10
SHOWN = ("nDCG@10", "passage_R@10", "evidence_hit")


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: the milliseconds that it took, and its record."""

    milliseconds: float
    record: Record


@dataclass(frozen=True, slots=True)
class Depth:
    """What one depth of reranking costs and gives: times in milliseconds, stages by their median."""

    depth: int
    n: int
    p50: float
    p99: float
    stages: Mapping[str, float]
    quality: Mapping[str, Measured]


def ask(system: System, asker: Asker, asked: EvalQuestion) -> Answered:
    started = time.perf_counter()
    proposal = system.pipeline.propose(asker.question(asked))
    system.pipeline.decide(proposal)
    milliseconds = (time.perf_counter() - started) * 1000
    return Answered(milliseconds, asker.record(asked, proposal))


def depth_of(depth: int, answered: Sequence[Answered]) -> Depth:
    records = [with_documents(item.record) for item in answered]
    metrics = [*ranking(records), *passage_recall(records), *citations(records)]
    measured = measure([item for item in metrics if item.name in SHOWN], groups_of(records))
    percentiles = statistics.quantiles([item.milliseconds for item in answered], n=100, method="inclusive")
    stages = {
        stage: statistics.median(record.timings_ms.get(stage, 0.0) for record in records)
        for stage in dict.fromkeys(stage for record in records for stage in record.timings_ms)
    }
    quality = {item.name: item for item in measured}
    return Depth(depth, len(records), percentiles[49], percentiles[98], stages, quality)


def with_documents(record: Record) -> Record:
    """The record with its documents ranked by their best passage."""
    best: dict[str, float] = {}
    for chunk in record.chunks:
        best.setdefault(chunk.document, chunk.score)
    return replace(record, ranked=tuple(RankedDocument(name, score) for name, score in best.items()))


def at_depths(system: System, depths: Sequence[int]) -> Iterator[System]:
    """The system with each depth of reranking; nothing else differs."""
    configured = system.retriever.reranking
    if configured is None and any(depths):
        raise InvalidRequestError("this system has no reranker; measure it with --depths 0", "depths")
    for depth in depths:
        reranking = replace(configured, depth=depth) if configured and depth else None
        retriever = replace(system.retriever, reranking=reranking)
        yield replace(system, retriever=retriever, pipeline=replace(system.pipeline, retriever=retriever))


def depths_for(system: System, asked: Sequence[int] | None) -> Sequence[int]:
    """The depths that were asked for, else those that the system can measure."""
    if asked is not None or system.retriever.reranking:
        return DEPTHS if asked is None else asked
    Console(stderr=True).print("this system has no reranker: only depth 0 is measured")
    return (0,)


def measure_depths(
    system: System, collection: str, questions: Sequence[EvalQuestion], depths: Sequence[int]
) -> list[Depth]:
    ways = [(way, Asker(way, collection)) for way in at_depths(system, depths)]
    answered: dict[int, list[Answered]] = {depth: [] for depth in depths}
    system.refresh(collection)
    for asked in questions[:WARM_UP]:
        for way, asker in ways:
            ask(way, asker, asked)
    shown = track(questions, "questions", console=Console(stderr=True), transient=True)
    for turn, asked in enumerate(shown):
        for place in range(len(ways)):
            which = (turn + place) % len(ways)
            answered[depths[which]].append(ask(*ways[which], asked))
    return [depth_of(depth, found) for depth, found in answered.items()]


def collection_of(system: System, corpus: Corpus) -> str:
    """The collection that holds the corpus, ingested where it is missing."""
    ingestion = open_ingestion(system)
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("corpus", total=sum(len(text.text) for text in corpus.texts))
            bring_in(ingestion, corpus, lambda done: progress.update(bar, completed=done.characters_done))
    finally:
        ingestion.close()
    return corpus.collection


def show(suite: str, depths: Sequence[Depth]) -> None:
    stages = list(dict.fromkeys(stage for item in depths for stage in item.stages if stage != "total"))
    table = Table(title=f"{suite}, {depths[0].n} questions, one client; stages: median ms")
    for column in ("depth", "p50 ms", "p99 ms", *stages, *SHOWN):
        table.add_column(column, justify="right")
    for item in depths:
        times = (item.p50, item.p99, *(item.stages.get(stage, 0.0) for stage in stages))
        quality = [
            f"{found.value:.3f} ({found.low:.3f}-{found.high:.3f})" if found else "-"
            for found in map(item.quality.get, SHOWN)
        ]
        table.add_row(str(item.depth), *(f"{value:.1f}" for value in times), *quality)
    Console(width=200).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--suite", default="reading/bioasq", help="of a task that answers from a collection")
    parser.add_argument(
        "--depths", nargs="+", type=int, help="by default 0 10 20 30 50, or what can be measured"
    )
    parser.add_argument("--split", type=Split, choices=list(Split), default=Split.TEST)
    parser.add_argument("--limit", type=int, default=200, help="at most so many questions")
    parser.add_argument("--seed", type=int, default=0, help="chooses which")
    parser.add_argument("--home", type=Path, default=Path(".attest/evals"), help="keeps collections")
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    arguments = parser.parse_args()
    suite = suite_named(arguments.suite)
    data = suite.load(data_root())
    if data.corpus is None:
        parser.error(f"{suite.name} searches nothing; choose a suite of reading/ or document/")
    questions = Selection(arguments.split, arguments.limit, arguments.seed).of(suite, data)
    settings = load_settings(arguments.home).model_copy(update={"database_url": ""})
    with open_system(settings) as system:
        collection = collection_of(system, data.corpus)
        depths = measure_depths(system, collection, questions, depths_for(system, arguments.depths))
    show(suite.name, depths)
    if arguments.out:
        report = {"suite": suite.name, "depths": [asdict(item) for item in depths]}
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
