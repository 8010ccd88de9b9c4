"""`kill -9` at random instants of `attest eval run`: run again, it ends with the results of a run left alone.

    python -m evals.bench.kill_eval [--suite reading/drcd] [--limit 60] [--kills 8] [--seed 0] [--home DIR]

The reference is run once, undisturbed. The victim begins with an empty home, so that kills strike the ingest
of the corpus too, and is started again after each kill until it is whole; where kills are left, the next
round begins with an empty run folder (and, every second time, an empty home). Half of the kills come at a
random time, half right after a random record was written; after some, the last line is torn by hand, as a
machine that loses power may leave it. At the end of each round metrics.json and breakdown.json must equal
the reference's byte for byte, the records in all but their times, and `attest eval score`, twice, must write
the same files.

Exit status: 0 all equal, 1 otherwise. The instants depend on the machine; all choices on the seed.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evals.records import HEADER_FILE, METRICS_FILE, RECORDS_FILE, Record, RunFolder
from evals.score import BREAKDOWN_FILE

ATTEST = Path(sys.executable).with_name("attest")
TIMED_SHARE = 0.5
TORN_SHARE = 0.3
CONCURRENCIES = (1, 3)  # how many questions are asked at once must not show in the results
LOOKS_PER_SECOND = 500


@dataclass(slots=True)
class Findings:
    """How often what was struck, and what was wrong."""

    struck: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    torn: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.struck.total()

    def expect(self, what: str, *, holds: bool) -> None:
        if not holds:
            self.violations.append(f"round {self.rounds}: {what}")


@dataclass(frozen=True, slots=True)
class Bench:
    """A suite's run that is left alone, and one that is not."""

    root: Path
    suite: str
    limit: int
    chance: random.Random
    findings: Findings

    @property
    def victim(self) -> RunFolder:
        return RunFolder(self.root / "victim")

    @property
    def reference(self) -> RunFolder:
        return RunFolder(self.root / "reference")

    def run_reference(self) -> float:
        """Run undisturbed, from an empty home; gives the seconds it took."""
        for folder in (self.reference.path, self.root / "reference-home"):
            shutil.rmtree(folder, ignore_errors=True)
        started = time.monotonic()
        process = self._start(self.reference.path, self.root / "reference-home", concurrency=1)
        if process.wait() != 0:
            raise SystemExit(f"the undisturbed run failed: {_last_words(self.reference.path)}")
        return time.monotonic() - started

    def run_victim(self, kills: int, seconds: float) -> None:
        """One round: kill and start again until the run is whole."""
        shutil.rmtree(self.victim.path, ignore_errors=True)
        home = self.root / "victim-home"
        if self.findings.rounds % 2 == 0:
            shutil.rmtree(home, ignore_errors=True)
        while True:
            process = self._start(self.victim.path, home, self.chance.choice(CONCURRENCIES))
            if self.findings.kills < kills and self._reach_instant(process, seconds):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                self.findings.struck[self._place()] += 1
                self._tear()
                continue
            status = process.wait()
            words = _last_words(self.victim.path) if status else ""
            self.findings.expect(f"the next start ended with status {status}: {words}", holds=status == 0)
            return

    def check(self) -> None:
        """Compare the victim, now whole, with the reference, and score it again twice."""
        expected = _figures(self.reference)
        self.findings.expect("its figures differ", holds=_figures(self.victim) == expected)
        same = _without_times(self.victim) == _without_times(self.reference)
        self.findings.expect("its records differ in more than their times", holds=same)
        for _ in range(2):
            command = [str(ATTEST), "eval", "score", str(self.victim.path)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            self.findings.expect("scored again, it differs", holds=_figures(self.victim) == expected)

    def _start(self, out: Path, home: Path, concurrency: int) -> subprocess.Popen[bytes]:
        command = [str(ATTEST), "eval", "run", self.suite, "--limit", str(self.limit), "--out", str(out)]
        options = ["--home", str(home), "--concurrency", str(concurrency)]
        with out.with_suffix(".log").open("wb") as log:
            return subprocess.Popen(
                [*command, *options], start_new_session=True, stdout=log, stderr=subprocess.STDOUT
            )

    def _reach_instant(self, process: subprocess.Popen[bytes], seconds: float) -> bool:
        """Wait for the instant to kill at; False where the process ended before it."""
        timed = self.chance.random() < TIMED_SHARE
        awaited = self.chance.uniform(0, seconds / 2)
        records = self.victim.path / RECORDS_FILE
        size = _size(records)
        steps = self.chance.randint(1, max(1, self.limit // 4))  # so that a round takes several kills
        deadline = time.monotonic() + awaited
        while process.poll() is None:
            if timed and time.monotonic() >= deadline:
                return True
            if not timed and _size(records) != size:
                size, steps = _size(records), steps - 1
                if steps <= 0:
                    return True
            time.sleep(1 / LOOKS_PER_SECOND)
        return False

    def _place(self) -> str:
        if not (self.victim.path / HEADER_FILE).exists():
            return "before the header"
        n = (self.victim.path / RECORDS_FILE).read_bytes().count(b"\n") if self._has_records else 0
        if n == 0:
            return "before the first record"
        return "after the last record" if n >= self.limit else "while asking"

    def _tear(self) -> None:
        """Cut the last line at a random place, as if it had not reached the disk."""
        if not self._has_records or self.chance.random() >= TORN_SHARE:
            return
        records = self.victim.path / RECORDS_FILE
        lines = records.read_bytes().splitlines(keepends=True)
        if lines:
            kept = lines[-1][: self.chance.randrange(len(lines[-1]))]
            records.write_bytes(b"".join(lines[:-1]) + kept)
            self.findings.torn += 1

    @property
    def _has_records(self) -> bool:
        return (self.victim.path / RECORDS_FILE).exists()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _figures(folder: RunFolder) -> Sequence[bytes]:
    """The files of figures; b"" for one that is missing."""
    paths = [folder.path / name for name in (METRICS_FILE, BREAKDOWN_FILE)]
    return [path.read_bytes() if path.exists() else b"" for path in paths]


def _without_times(folder: RunFolder) -> Sequence[Record]:
    return [replace(record, timings_ms={}) for record in folder.records()]


def _last_words(folder: Path) -> str:
    return folder.with_suffix(".log").read_text(errors="replace").strip()[-300:]


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill a run of a suite at random instants and continue it.")
    parser.add_argument("--suite", default="reading/drcd")
    parser.add_argument("--limit", type=int, default=60, help="questions asked")
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--home", type=Path, default=Path(".attest/bench/kill-eval"))
    arguments = parser.parse_args()
    root = arguments.home.absolute()
    root.mkdir(parents=True, exist_ok=True)
    findings = Findings()
    chance = random.Random(arguments.seed)  # noqa: S311 - instants, no secrets
    bench = Bench(root, arguments.suite, arguments.limit, chance, findings)
    seconds = bench.run_reference()
    while findings.rounds == 0 or (findings.kills < arguments.kills and not findings.violations):
        bench.run_victim(arguments.kills, seconds)
        findings.rounds += 1
        bench.check()
    struck = ", ".join(f"{n} {place}" for place, n in sorted(findings.struck.items()))
    verdict = "; ".join(findings.violations) or "figures and records equal those of the undisturbed run"
    print(
        f"{arguments.suite}, {arguments.limit} questions: {findings.kills} kills in {findings.rounds} rounds "
        f"({struck}; {findings.torn} lines torn by hand): {verdict}"
    )
    sys.exit(1 if findings.violations else 0)


if __name__ == "__main__":
    main()
