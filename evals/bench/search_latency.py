"""Search latency over HTTP with one and with eight clients, and resident memory.

    python -m evals.bench.search_latency [--corpora laws] [--requests 400] [--home DIR] [--out FILE]

Starts `attest serve` on a free port of this machine and asks real questions: STARD's lay questions of the
laws, CUAD's categories of the contracts. The clients are threads of this process, so they share the cores
with the server. A corpus that the home does not hold yet is ingested first. Memory is measured in a process
of its own: what it grows by when a collection's indexes are opened and searched, the model loaded before.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from evals.bench.export_corpora import export, read_squad
from evals.data import data_root
from evals.sets.beir import load_retrieval_set
from rag.domain import Question
from rag.errors import NotFoundError
from rag.settings import Settings
from rag.store import Store
from rag.tokens import question_tokens
from rag.wiring import open_system

CLIENTS = (1, 8)
WARM_UP = 20
ATTEST = Path(sys.executable).with_name("attest")


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from a client's view over n requests, and requests a second."""

    corpus: str
    clients: int
    n: int
    p50: float
    p99: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident MiB: of a process with the model, then with the collection open too; and of the server."""

    corpus: str
    documents: int
    chunks: int
    vectors: int
    model: float
    opened: float
    server: float

    @property
    def per_100_000_chunks(self) -> float:
        """MiB that 100,000 chunks of this collection take."""
        return (self.opened - self.model) / self.chunks * 100_000


def questions_of(corpus: str) -> list[str]:
    """Real questions on a corpus, in a fixed order."""
    if corpus == "laws":
        return [query.text for query in load_retrieval_set(data_root() / "stard/beir").queries]
    articles = read_squad(data_root(), "cuad/cuad.squad.json")
    return sorted({asked.question for asked in articles[0].questions})


def ingest_missing(corpus: str, home: Path, documents: int | None) -> None:
    """Ingest the corpus into a collection of its name, unless it is there with all its documents."""
    folder = home.absolute() / "corpora" / corpus  # kept: a source is known by its path
    files = [path for path in folder.rglob("*") if path.is_file()] or export(corpus, folder, limit=documents)
    store = Store.open(Settings(home=home, database_url="").resolved_database_url())
    try:
        present = store.size(store.collection(corpus).id).documents
    except NotFoundError:
        present = 0
    finally:
        store.close()
    if present < len(files):
        command = [str(ATTEST), "ingest", str(folder), "--collection", corpus, "--home", str(home)]
        subprocess.run(command, check=True)


@contextmanager
def serving(home: Path, settings: Mapping[str, str] | None = None) -> Iterator[tuple[str, int]]:
    """Attest on a free port, `settings` added to the environment; gives its URL and process id."""
    command = [str(ATTEST), "serve", "--port", "0", "--home", str(home)]
    with started(command, home / "serve.log", settings or {}) as (url, pid):
        yield url, pid


@contextmanager
def started(command: Sequence[str], log: Path, settings: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """A server that prints its URL when it is ready; gives that and its process id, and ends it."""
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **settings}
        ) as server,
    ):
        try:
            url = next((w for line in server.stdout or () for w in line.split() if w.startswith("http")), "")
            if not url:
                raise RuntimeError(f"{command[0]} ended before it was ready; see {log}")
            yield url, server.pid
        finally:
            server.terminate()


def ask(client: httpx.Client, corpus: str, question: str) -> float:
    """Milliseconds of one search."""
    started = time.perf_counter()
    body = {"question": question, "collection": corpus, "top_k": 10, "rerank": False}
    response = client.post("/v1/search", json=body)
    response.raise_for_status()
    return (time.perf_counter() - started) * 1000


def measure(url: str, corpus: str, questions: Sequence[str], clients: int, requests: int) -> Latency:
    """`requests` searches shared out among clients that each wait for an answer before the next."""
    times: list[float] = []

    def work(number: int) -> None:
        share = requests // clients
        with httpx.Client(base_url=url, timeout=60) as client:
            for question in islice(cycle(questions), number * share, (number + 1) * share):
                times.append(ask(client, corpus, question))  # noqa: PERF401 - several threads append

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    percentiles = statistics.quantiles(times, n=100, method="inclusive")
    return Latency(corpus, clients, len(times), percentiles[49], percentiles[98], len(times) / elapsed)


def resident_mebibytes(pid: int | str = "self") -> float:
    """Resident memory of a process, from Linux's /proc."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/{pid}/status names no VmRSS: this needs Linux")


def memory_of(corpus: str, home: Path) -> Memory:
    """Open a collection in this process, which must be fresh, and see what it adds."""
    questions = questions_of(corpus)
    with open_system(Settings(home=home, database_url="")) as system:
        system.embedder.embed([questions[0]])
        question_tokens(questions[0])  # loads the dictionary of Chinese words, whatever the collection
        model = resident_mebibytes()
        for question in questions[:50]:
            system.search(Question(question, corpus, rerank=False))
        opened = resident_mebibytes()
        collection = system.store.collection(corpus)
        size = system.store.size(collection.id)
        vectors = len(system.store.embedded_ids(collection.id, system.embedder.space))
    return Memory(corpus, size.documents, size.chunks, vectors, model, opened, 0.0)


def memory_in_fresh_process(corpus: str, home: Path, server: float) -> Memory:
    command = [sys.executable, "-m", "evals.bench.search_latency", "--memory-of", corpus, "--home", str(home)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Memory(**{**json.loads(done.stdout.splitlines()[-1]), "server": server})


def run(corpus: str, home: Path, requests: int, documents: int | None) -> tuple[list[Latency], Memory]:
    ingest_missing(corpus, home, documents)
    questions = questions_of(corpus)
    with serving(home) as (url, pid):
        measure(url, corpus, questions, 1, WARM_UP)
        latencies = [measure(url, corpus, questions[WARM_UP:], count, requests) for count in CLIENTS]
        server = resident_mebibytes(pid)
    return latencies, memory_in_fresh_process(corpus, home, server)


def show(latencies: Sequence[Latency], memories: Sequence[Memory]) -> None:
    table = Table("corpus", "clients", "n", "p50 ms", "p99 ms", "searches/s", title="over HTTP, top 10")
    for item in latencies:
        times = (f"{item.p50:.1f}", f"{item.p99:.1f}", f"{item.per_second:.1f}")
        table.add_row(item.corpus, str(item.clients), str(item.n), *times)
    memory = Table("corpus", "documents", "chunks", "vectors", "MiB per 100,000 chunks", "server MiB")
    for held in memories:
        counts = (f"{n:,}" for n in (held.documents, held.chunks, held.vectors))
        memory.add_row(held.corpus, *counts, f"{held.per_100_000_chunks:.0f}", f"{held.server:.0f}")
    Console().print(table, memory)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure search latency (nothing reranked) and memory.")
    parser.add_argument("--corpora", nargs="+", choices=["laws", "contracts"], default=["laws"])
    parser.add_argument("--requests", type=int, default=400, help="for each number of clients")
    parser.add_argument("--home", type=Path, default=Path(".attest/bench/search"), help="keeps collections")
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    parser.add_argument("--documents", type=int, help="of a corpus that the home lacks; default all")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        print(json.dumps(asdict(memory_of(arguments.memory_of, arguments.home))))
        return
    results = [
        run(corpus, arguments.home, arguments.requests, arguments.documents) for corpus in arguments.corpora
    ]
    latencies = [item for found, _ in results for item in found]
    memories = [memory for _, memory in results]
    show(latencies, memories)
    if arguments.out:
        report = {"latencies": [asdict(item) for item in latencies], "memory": [asdict(m) for m in memories]}
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
