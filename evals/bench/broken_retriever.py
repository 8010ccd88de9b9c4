"""Retrieval is broken on purpose: the project's own gate must notice, and stay quiet where nothing is broken.

    python -m evals.bench.broken_retriever [--times 10] [--handbook-only] [--work DIR]

Asks what `.ci/gate` asks: the questions on docs/, and where ATTEST_DATA is there the small samples of the
suites. A first run writes the baseline that the others are held to, by the thresholds of evals/baselines/.
The unchanged pipeline must pass every time. Without the lexical side, and with embeddings that belong to
other chunks, the questions on docs/ alone must make the gate fail. The other breakages are reported: a
gate of a hundred questions cannot notice everything.

Exit status: 0 as expected, 1 otherwise.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from evals.bench.breakages import (
    Shuffled,
    as_it_is,
    with_worst_first,
    without_dense,
    without_lexical,
    without_the_best,
)
from evals.data import DataMissingError, data_root
from evals.gate.baseline import Standing, gated_metrics, read_baseline, standing_of, write_baseline
from evals.gate.limits import read_gate
from evals.gate.verdict import Finding, judge
from evals.questions import QuestionSet, Split
from evals.records import RunFolder
from evals.run import Selection, ask_all, bring_in, header_for
from evals.sets.own import load_own
from evals.suites import Suite, own_suite, suite_named
from evals.tasks import way_of_asking
from ingest.cached_embedder import CachedEmbedder
from ingest.embedding_cache import EmbeddingCache
from ingest.ingestion import Ingestion
from ingest.jobs import IngestOptions
from ingest.wiring import open_ingestion
from rag.ports import Embedder
from rag.settings import Settings
from rag.system import System
from rag.wiring import open_system

ROOT = Path(__file__).parents[2]
BASELINES = ROOT / "evals/baselines"
HANDBOOK = "handbook"  # a collection, and the gate over it


@dataclass(frozen=True, slots=True)
class Asked:
    """A suite's chosen questions and the collection they are asked of."""

    suite: Suite
    data: QuestionSet
    selection: Selection
    collection: str


@dataclass(frozen=True, slots=True)
class Breakage:
    """A way to break a system; `must_fail` is None where either verdict will do."""

    name: str
    apply: Callable[[System], System]
    must_fail: bool | None
    is_shuffled: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """What one gate said of one breakage; `failures` are the findings that failed it."""

    breakage: Breakage
    gate: str
    failures: tuple[Finding, ...]

    @property
    def expected(self) -> bool | None:
        """Whether the gate must fail; the samples need not: not every machine has their data."""
        must_fail = self.breakage.must_fail
        return None if must_fail and self.gate != HANDBOOK else must_fail

    @property
    def is_as_expected(self) -> bool:
        """Whether the gate did what it must."""
        return self.expected is None or self.expected == bool(self.failures)


BREAKAGES = (
    Breakage("lexical side off", without_lexical, must_fail=True),
    Breakage("dense side off", without_dense, must_fail=None),
    Breakage("embeddings shuffled", as_it_is, must_fail=True, is_shuffled=True),
    Breakage("ranking reversed", with_worst_first, must_fail=None),
    Breakage("best three dropped", without_the_best, must_fail=None),
)


def questions_on_docs() -> Sequence[Asked]:
    path = ROOT / "evals/handbook/questions.jsonl"
    return [Asked(own_suite(path), load_own(path), Selection(), HANDBOOK)]


def samples(data: Path) -> Sequence[Asked]:
    """The suites of samples.txt, each with its own corpus."""
    found = []
    for line in (BASELINES / "samples.txt").read_text(encoding="utf-8").splitlines():
        name, limit = line.split()
        suite = suite_named(name)
        loaded = suite.load(data)
        collection = loaded.corpus.collection if loaded.corpus else ""
        found.append(Asked(suite, loaded, Selection(Split.TEST, int(limit)), collection))
    return found


def fill(system: System, gates: dict[str, Sequence[Asked]]) -> None:
    """Bring in what the questions are asked of."""
    ingestion = open_ingestion(system)
    try:
        _report(f"corpora into {system.settings.home}")
        ingestion.ingest_folder(ROOT / "docs", HANDBOOK, IngestOptions(), lambda _: None)
        for asked in (asked for group in gates.values() for asked in group):
            _bring_in(ingestion, asked.data)
    finally:
        ingestion.close()


def _bring_in(ingestion: Ingestion, data: QuestionSet) -> None:
    if data.corpus is not None:
        bring_in(ingestion, data.corpus, lambda _: None)


def standings(system: System, group: Sequence[Asked], gate: Path, out: Path) -> list[Standing]:
    """Ask everything of one gate."""
    limits = read_gate(gate)
    found = []
    for asked in group:
        chosen = asked.selection.of(asked.suite, asked.data)
        folder = RunFolder(out / asked.suite.name)
        folder.begin(header_for(asked.suite, asked.selection, asked.data, chosen, system))
        ask = way_of_asking(asked.suite.task, system, asked.collection)
        for _ in ask_all(ask, chosen, folder, concurrency=1):
            pass
        found.append(standing_of(folder, gated_metrics(limits, asked.suite.name)))
    return found


def try_out(system: System, breakage: Breakage, name: str, group: Sequence[Asked], work: Path) -> Trial:
    """Ask of a broken system, and let the gate judge."""
    gate = work / f"{name}.yaml"
    out = work / "runs" / breakage.name.replace(" ", "-")
    shutil.rmtree(out, ignore_errors=True)
    with broken(system, breakage) as asked_of:
        found = standings(asked_of, group, gate, out)
    limits = read_gate(gate)
    findings = judge(limits, found, read_baseline(work / limits.baseline))
    trial = Trial(breakage, name, tuple(item for item in findings if item.verdict.is_failure))
    _report(f"{breakage.name}, {name}: {'fails' if trial.failures else 'passes'}")
    return trial


@contextmanager
def broken(system: System, breakage: Breakage) -> Iterator[System]:
    """The system in its broken state; indexes of its own are closed afterwards."""
    changed = breakage.apply(system)
    try:
        yield changed
    finally:
        if changed.indexes is not system.indexes:
            changed.indexes.close()


def write_baselines(system: System, gates: dict[str, Sequence[Asked]], work: Path) -> None:
    """The thresholds of the project, and a baseline from an unbroken run."""
    for name, group in gates.items():
        gate = work / f"{name}.yaml"
        shutil.copyfile(BASELINES / gate.name, gate)
        out = work / "runs/baseline"
        shutil.rmtree(out, ignore_errors=True)
        write_baseline(work / read_gate(gate).baseline, standings(system, group, gate, out))
        _report(f"baseline of {name}")


def run(gates: dict[str, Sequence[Asked]], work: Path, times: int) -> list[Trial]:
    whole = Settings(home=work / "whole", database_url="")
    shuffled = Settings(home=work / "shuffled", database_url="", embedding_cache_bytes=0)
    trials = []
    with open_system(whole) as system:
        fill(system, gates)
        fill_shuffled(shuffled, system, gates)
        write_baselines(system, gates, work)
        unchanged = [
            Breakage(f"unchanged {number}", as_it_is, must_fail=False) for number in range(1, times + 1)
        ]
        for breakage in (*unchanged, *BREAKAGES):
            settings = shuffled if breakage.is_shuffled else whole
            with open_system(settings, embedder=system.embedder) as opened:
                trials += [try_out(opened, breakage, name, group, work) for name, group in gates.items()]
    return trials


def fill_shuffled(settings: Settings, whole: System, gates: dict[str, Sequence[Asked]]) -> None:
    """The same corpora, every vector under another chunk; what was embedded once is not embedded again."""
    cache = EmbeddingCache(
        whole.settings.home / "cache" / "embeddings.db", whole.settings.embedding_cache_bytes
    )
    embedder: Embedder = Shuffled(CachedEmbedder(whole.embedder, cache))
    with open_system(settings, embedder=embedder) as system:
        fill(system, gates)


def show(trials: Sequence[Trial]) -> None:
    table = Table("retrieval", "gate", "verdict", "what failed, and how much better it got", "as expected")
    for trial in trials:
        failures = ", ".join(_shown(item) for item in trial.failures)
        verdict = "fails" if trial.failures else "passes"
        expected = "" if trial.expected is None else "yes" if trial.is_as_expected else "NO"
        table.add_row(trial.breakage.name, trial.gate, verdict, failures, expected)
    Console(width=150).print(table)


def _shown(item: Finding) -> str:
    suite = "" if item.suite.startswith("own/") else f"{item.suite} "
    by = f" {item.change.value:+.3f}" if item.change else f" {item.verdict}"
    return f"{suite}{item.metric}{by}"


def _report(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Break retrieval on purpose and see whether the gate says so."
    )
    parser.add_argument("--times", type=int, default=10, help="runs of the unchanged pipeline")
    parser.add_argument("--work", type=Path, default=Path(".attest/bench/broken"), help="keeps collections")
    parser.add_argument("--handbook-only", action="store_true", help="leave the samples of the suites out")
    arguments = parser.parse_args()
    gates: dict[str, Sequence[Asked]] = {HANDBOOK: questions_on_docs()}
    try:
        if not arguments.handbook_only:
            gates["suites"] = samples(data_root())
    except DataMissingError as error:
        _report(f"{error}: the samples of the suites are left out")
    arguments.work.mkdir(parents=True, exist_ok=True)
    trials = run(gates, arguments.work, arguments.times)
    show(trials)
    sys.exit(0 if all(trial.is_as_expected for trial in trials) else 1)


if __name__ == "__main__":
    main()
