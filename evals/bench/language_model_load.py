"""What the API adds to answers in a language model's words, alone and under load, and whether memory is flat.

    python -m evals.bench.language_model_load [--requests 200] [--clients 32] [--rounds 8] [--streams 5000]

Starts `attest serve` on a free port, beside a scripted language model in a process of its own
(`evals.bench.scripted_llm`) that takes `--seconds` for each answer. The collection is the handbook (docs/),
each line of it a document of its own, and nothing is reranked: what is read quickly shows better what the API
adds. Every question differs. Servers and clients share the cores of this machine.

One client: what an answer takes from the client's view, less the stages of `timings_ms` and less what the
language model's server says it took, is what the API adds. It is shown in three parts: outside the pipeline
(HTTP, threads, shaping the answer), between its stages, and the client of the language model (prompt, its
libraries, the way to the server).

Many clients: two things say what the stages allow. *Alone* is measured: as many threads ask the same pipeline
in a process without the API. Both answer in turns, so that a busy moment hits both, twice as many questions
as clients a turn. *By one client* is computed: with `busy` the mean of all stages but the language model's,
and `model` the mean of that one, both of the one client above, min(1 / busy, clients / (busy + model))
answers a second; the models that search and verify then work for one question at a time and use every core
for it, while the language model serves all at once. As it is of another moment, it means less on a busy
machine.

Memory: resident memory of the server, sampled each second over `--streams` streamed answers for those clients
at once; its least-squares slope and its range after the first fifth.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Self

import httpx
from rich.console import Console
from rich.progress import track
from rich.table import Table

from evals.bench.search_latency import ATTEST, resident_mebibytes, serving, started
from evals.sets.own import load_own
from rag.decoding import GeneratorChoice
from rag.domain import Question
from rag.settings import load_settings
from rag.wiring import open_system

ROOT = Path(__file__).parents[2]
COLLECTION = "handbook"
SHORTEST_LINE = 40  # characters
WARM_UP = 20
TURNS = 2  # questions of each client in a round
WARM_UP_SHARE = 0.2  # of the streamed answers: caches fill
SECONDS_BETWEEN_SAMPLES = 1.0
MODULE = "evals.bench.language_model_load"


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer from the client's view, or why there is none; the language model's own milliseconds."""

    milliseconds: float
    timings: Mapping[str, float]
    is_said: bool = False
    failure: str = ""
    spent: float = 0.0

    @property
    def outside(self) -> float:
        return self.milliseconds - self.timings["total"]

    @property
    def between(self) -> float:
        return self.timings["total"] - sum(stages_of(self.timings).values())

    @property
    def beyond_stages(self) -> float:
        return self.outside + self.between

    @property
    def asking(self) -> float:
        return self.timings["prompt"] + self.timings["model"] - self.spent

    @property
    def added(self) -> float:
        return self.beyond_stages + self.asking


@dataclass(frozen=True, slots=True)
class Overhead:
    """What the API adds for one client, in milliseconds: the whole and, by their medians, its parts."""

    streamed: bool
    n: int
    said: int
    wall: float
    stages: Mapping[str, float]
    beyond_stages: float
    added_p50: float
    added_p95: float
    outside: float
    between: float
    asking: float


@dataclass(frozen=True, slots=True)
class Round:
    """Answers a second of the API and of the stages alone, one after the other."""

    answers: int
    failures: Mapping[str, int]
    api: float
    alone: float

    @property
    def ratio(self) -> float:
        return self.api / self.alone


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident MiB of the server over streamed answers; what follows the samples is after the warm-up."""

    streams: int
    said: int
    failures: Mapping[str, int]
    seconds: float
    samples: Sequence[tuple[int, float]]
    first: float
    last: float
    per_1_000: float
    spread: float


def stages_of(timings: Mapping[str, float]) -> Mapping[str, float]:
    return {name: value for name, value in timings.items() if name != "total"}


def questions(count: int, round_name: str) -> Iterator[str]:
    """Those on the handbook, again and again, no two alike."""
    known = [asked.text for asked in load_own(ROOT / "evals/handbook/questions.jsonl").questions]
    for number, text in enumerate(islice(cycle(known), count)):
        yield f"{text} ({round_name} {number})"


def ask(client: httpx.Client, question: str, *, streamed: bool) -> Answered:
    """One answer in the language model's words."""
    body = {"question": question, "collection": COLLECTION, "generator": "vllm", "stream": streamed}
    began = time.perf_counter()
    try:
        response = client.post("/v1/query", json=body)
        milliseconds = (time.perf_counter() - began) * 1000
        outcome = outcome_of(response, streamed=streamed)
    except (httpx.HTTPError, ValueError) as error:
        return Answered(
            (time.perf_counter() - began) * 1000, {}, failure=f"{type(error).__name__} {error}"[:90]
        )
    return Answered(milliseconds, outcome["timings_ms"], outcome["status"] != "abstained")


def outcome_of(response: httpx.Response, *, streamed: bool) -> Any:
    """The outcome that was sent; ValueError or HTTPError where none was."""
    response.raise_for_status()
    if not streamed:
        return response.json()
    name, _, data = response.text.strip().rpartition("\n\n")[2].partition("\n")
    if name != "event: outcome":
        raise ValueError(f"{name} {data}")
    return json.loads(data.removeprefix("data: "))


def one_client(url: str, model_url: str, count: int) -> dict[bool, list[Answered]]:
    """Answers one after the other, whole (False) and streamed (True) in turns: a busy moment hits both."""
    found: dict[bool, list[Answered]] = {False: [], True: []}
    with httpx.Client(base_url=url, timeout=120) as client, httpx.Client(base_url=model_url) as model:
        for question in questions(WARM_UP, "warm-up"):
            ask(client, question, streamed=False)
        model.get("/spent")
        asked = list(questions(2 * count, "one client"))
        for number, question in enumerate(shown(asked, "one client")):
            answered = ask(client, question, streamed=number % 2 == 1)
            if answered.failure:
                raise RuntimeError(answered.failure)
            spent = sum(model.get("/spent").json())
            found[number % 2 == 1].append(replace(answered, spent=spent))
    return found


def overhead_of(answered: Sequence[Answered], *, streamed: bool) -> Overhead:
    added = statistics.quantiles([item.added for item in answered], n=20, method="inclusive")
    return Overhead(
        streamed=streamed,
        n=len(answered),
        said=sum(item.is_said for item in answered),
        wall=statistics.median(item.milliseconds for item in answered),
        stages={
            name: statistics.median(item.timings[name] for item in answered)
            for name in stages_of(answered[0].timings)
        },
        beyond_stages=statistics.median(item.beyond_stages for item in answered),
        added_p50=added[9],
        added_p95=added[18],
        outside=statistics.median(item.outside for item in answered),
        between=statistics.median(item.between for item in answered),
        asking=statistics.median(item.asking for item in answered),
    )


def allowed(answered: Sequence[Answered], clients: int) -> float:
    """Answers a second that many clients can get by what one client's answers spent on their stages."""
    model = statistics.mean(item.timings["model"] for item in answered) / 1000
    stages = statistics.mean(sum(stages_of(item.timings).values()) for item in answered) / 1000
    busy = stages - model
    return min(1 / busy, clients / (busy + model))


def by_clients(
    url: str, clients: int, asked: Sequence[str], name: str, *, streamed: bool
) -> Iterator[Answered]:
    """Answers as so many clients get them at once, each asking when it has its last one."""
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    with (
        httpx.Client(base_url=url, timeout=300, limits=limits) as client,
        ThreadPoolExecutor(clients) as executor,
    ):
        found = executor.map(lambda question: ask(client, question, streamed=streamed), asked)
        yield from shown(found, name, len(asked))


def one_round(url: str, alone: "Alone", clients: int, number: int) -> Round:
    """The API and the stages alone, the one first in even rounds, the other in odd ones."""
    count = TURNS * clients
    before = alone.rate(count, number) if number % 2 else None
    asked = list(questions(count, f"round {number}"))
    began = time.perf_counter()
    answered = list(by_clients(url, clients, asked, f"{clients} clients, round {number}", streamed=False))
    api = count / (time.perf_counter() - began)
    return Round(count, failures_of(answered), api, before or alone.rate(count, number))


def failures_of(answered: Sequence[Answered]) -> Mapping[str, int]:
    return Counter(item.failure for item in answered if item.failure)


class Alone:
    """A process that has the pipeline and no API; it answers as many questions as it is told to."""

    def __init__(self, home: Path, settings: Mapping[str, str], clients: int) -> None:
        command = [sys.executable, "-m", MODULE, "--alone", "--home", str(home), "--clients", str(clients)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **settings},
        )

    def rate(self, count: int, number: int) -> float:
        """Answers a second over so many."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("it was started without pipes")
        self._process.stdin.write(f"{count} {number}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.communicate()


def answer_alone(home: Path, clients: int) -> None:
    """What that process does: for each line of its input, a count and a number, print answers a second."""
    with open_system(load_settings(home)) as system, ThreadPoolExecutor(clients) as executor:
        system.warm()

        def answer(text: str) -> None:
            system.ask(Question(text, COLLECTION, generator=GeneratorChoice.VLLM))

        list(executor.map(answer, questions(WARM_UP, "warm-up, alone")))
        for line in sys.stdin:
            count, number = map(int, line.split())
            began = time.perf_counter()
            list(executor.map(answer, questions(count, f"alone {number}")))
            print(count / (time.perf_counter() - began), flush=True)


def memory_over(url: str, pid: int, clients: int, streams: int) -> Memory:
    """Resident memory while so many answers are streamed."""
    samples: list[tuple[int, float]] = []
    answered: list[Answered] = []
    is_over = threading.Event()

    def sample() -> None:
        while not is_over.wait(SECONDS_BETWEEN_SAMPLES):
            samples.append((len(answered), resident_mebibytes(pid)))

    sampler = threading.Thread(target=sample, name="memory")
    sampler.start()
    began = time.perf_counter()
    try:
        asked = list(questions(streams, "stream"))
        for item in by_clients(url, clients, asked, "streamed answers", streamed=True):
            answered.append(item)  # noqa: PERF402  # the sampler counts them meanwhile
    finally:
        is_over.set()
        sampler.join()
    return memory_of(samples, answered, time.perf_counter() - began)


def memory_of(samples: Sequence[tuple[int, float]], answered: Sequence[Answered], seconds: float) -> Memory:
    warm = [item for item in samples if item[0] >= WARM_UP_SHARE * len(answered)]
    counts, held = [count for count, _ in warm], [mebibytes for _, mebibytes in warm]
    return Memory(
        streams=len(answered),
        said=sum(item.is_said for item in answered),
        failures=failures_of(answered),
        seconds=seconds,
        samples=samples,
        first=held[0],
        last=held[-1],
        per_1_000=statistics.linear_regression(counts, held).slope * 1000,
        spread=max(held) - min(held),
    )


def shown(items: Any, name: str, total: int | None = None) -> Any:
    """The items, with a progress bar."""
    return track(items, name, total=total, console=Console(stderr=True), transient=True)


@contextmanager
def scripted_model(home: Path, seconds: float) -> Iterator[str]:
    """The URL of a language model that quotes the sources."""
    command = [sys.executable, "-m", "evals.bench.scripted_llm", "--seconds", str(seconds)]
    with started(command, home / "scripted_llm.log", {}) as (url, _):
        yield url


def bring_in_handbook(home: Path) -> None:
    """Ingest every line of prose of the handbook as a document of its own."""
    folder = home / "lines"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for page in sorted((ROOT / "docs").glob("*.md")):
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines()):
            if len(line) >= SHORTEST_LINE and not line.startswith("|"):
                (folder / f"{page.stem}-{number:03}.txt").write_text(line, encoding="utf-8")
    command = [str(ATTEST), "ingest", str(folder), "--collection", COLLECTION, "--home", str(home)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def show_overheads(overheads: Sequence[Overhead]) -> None:
    stages = list(overheads[0].stages)
    table = Table(
        title=f"one client, {overheads[0].n} answers; medians in ms; added: beyond stages and server"
    )
    times = ("beyond stages", "added p50", "added p95", "outside", "between", "asking")
    columns = ("answer", "said", "whole", *stages, *times)
    for column in columns:
        table.add_column(column, justify="right")
    for item in overheads:
        values = (item.wall, *(item.stages[name] for name in stages), item.beyond_stages)
        parts = (item.added_p50, item.added_p95, item.outside, item.between, item.asking)
        name = "streamed" if item.streamed else "whole"
        table.add_row(name, str(item.said), *(f"{value:.1f}" for value in (*values, *parts)))
    Console(width=200).print(table)


def show_rounds(rounds: Sequence[Round], clients: int, by_one_client: float) -> None:
    table = Table(
        "round", "answers", "failed", "API/s", "stages alone/s", "ratio", title=f"{clients} clients at once"
    )
    for number, item in enumerate(rounds):
        rates = (f"{item.api:.2f}", f"{item.alone:.2f}", f"{item.ratio:.3f}")
        table.add_row(str(number), str(item.answers), str(sum(item.failures.values())), *rates)
    console = Console(width=200)
    console.print(table)
    ratio = statistics.median(item.ratio for item in rounds)
    api = statistics.median(item.api for item in rounds)
    console.print(
        f"median ratio {ratio:.3f}; by one client's stages {by_one_client:.2f}/s are allowed, "
        f"ratio {api / by_one_client:.3f}"
    )
    for item in rounds:
        show_failures(item.failures)


def show_memory(memory: Memory, clients: int) -> None:
    table = Table(title=f"resident MiB of the server, {clients} clients, streamed answers")
    for column in ("answers", "said", "failed", "seconds", "warm", "end", "per 1,000 answers", "max - min"):
        table.add_column(column, justify="right")
    counts = (memory.streams, memory.said, sum(memory.failures.values()), round(memory.seconds))
    held = (memory.first, memory.last, memory.per_1_000, memory.spread)
    table.add_row(*(f"{count:,}" for count in counts), *(f"{value:.2f}" for value in held))
    Console(width=200).print(table)
    show_failures(memory.failures)


def show_failures(failures: Mapping[str, int]) -> None:
    for failure, count in failures.items():
        Console(width=200).print(f"{count} x {failure}", style="red")


def measure(home: Path, clients: int, arguments: argparse.Namespace) -> dict[str, object]:
    """Measure and show what was asked for; the figures."""
    report: dict[str, object] = {}
    with scripted_model(home, arguments.seconds) as model_url:
        settings = {"ATTEST_LLM_URLS": json.dumps([model_url]), "ATTEST_RERANK_DEPTH": "0"}
        with serving(home, settings) as (url, pid):
            if arguments.requests:
                answered = one_client(url, model_url, arguments.requests)
                overheads = [overhead_of(found, streamed=way) for way, found in answered.items()]
                show_overheads(overheads)
                report["overheads"] = [asdict(item) for item in overheads]
            if arguments.requests and arguments.rounds:
                with Alone(home, settings, clients) as alone:
                    rounds = [one_round(url, alone, clients, number) for number in range(arguments.rounds)]
                report["by_one_client"] = by_one_client = allowed(answered[False], clients)
                show_rounds(rounds, clients, by_one_client)
                report["rounds"] = [asdict(item) for item in rounds]
            if arguments.streams:
                memory = memory_over(url, pid, clients, arguments.streams)
                show_memory(memory, clients)
                report["memory"] = asdict(memory)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--requests", type=int, default=200, help="of one client, each way; 0 leaves speed out"
    )
    parser.add_argument("--clients", type=int, default=32, help="at once")
    parser.add_argument("--rounds", type=int, default=8, help="of many clients; 0 leaves them out")
    parser.add_argument("--streams", type=int, default=5000, help="streamed answers; 0 leaves memory out")
    parser.add_argument("--seconds", type=float, default=0.5, help="that the language model takes")
    parser.add_argument("--home", type=Path, default=Path(".attest/bench/language_model"))
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    home, clients = arguments.home.absolute(), arguments.clients
    if arguments.alone:
        answer_alone(home, clients)
        return
    bring_in_handbook(home)
    report = measure(home, clients, arguments)
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
