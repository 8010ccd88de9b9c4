"""`kill -9` at random instants of `attest ingest`: nothing is lost, doubled or half; the next start goes on.

    python -m evals.bench.kill_ingestion [--kills 50] [--seed 0] [--full] [--keep DIR]

Two homes ingest the same folder of contracts and laws: a reference that is left alone, and a victim that is
killed again and again until it has caught up. Then a third of the files change, some go and some come back,
and the next round begins. After each kill every document of the victim must be, to the last chunk, what it
was after the kill before or what the reference holds now; after each round, exactly what the reference
holds. Half of the kills strike the main process only, half the whole process group. Between kills, index
files are truncated at a random length or deleted; the indexes must then equal the store all the same.

Exit status: 0 no violation, 1 otherwise. The instants depend on the machine; all choices on the seed.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from evals.bench.export_corpora import export
from evals.bench.wholeness import (
    COLLECTION,
    Contents,
    Findings,
    check_indexes,
    check_search,
    contents_of,
    settings_of,
)
from ingest.jobs import JobLog
from rag.ports import Embedder
from rag.wiring import open_system

ATTEST = Path(sys.executable).with_name("attest")
SUBSET = {"contracts": 36, "laws": 60}  # several commits even when only a third has changed
CHECKED_SHARE = 0.5  # of the kills are followed by opening the indexes; the others meet the next start as is
DAMAGED_SHARE = 0.4  # of the kills are followed by damage to an index file
TIMED_SHARE = 0.5
WRITES_AWAITED = 12
CHANGED_SHARE = 0.33
ORPHAN_SECONDS = 30.0


def start_ingest(folder: Path, home: Path) -> subprocess.Popen[bytes]:
    """`attest ingest` at the head of a process group of its own."""
    command = [str(ATTEST), "ingest", str(folder), "--collection", COLLECTION, "--home", str(home), "--json"]
    log = (home.with_suffix(".log")).open("wb")
    return subprocess.Popen(command, start_new_session=True, stdout=log, stderr=subprocess.STDOUT)


def files_of(folder: Path) -> dict[str, str]:
    """The first digits of the sha256 of each file by its path below the folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in paths
    }


def change_files(folder: Path, aside: Path, number: int, chance: random.Random) -> None:
    """Bring back what was set aside; then change a third of the files and set one in ten aside."""
    for path in [path for path in aside.rglob("*") if path.is_file()]:
        path.replace(folder / path.relative_to(aside))
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    chance.shuffle(paths)
    gone = max(1, len(paths) // 10)
    for path in paths[:gone]:
        target = aside / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    for path in paths[gone : gone + max(1, int(len(paths) * CHANGED_SHARE))]:
        written = path.read_text(encoding="utf-8")
        path.write_text(f"{written}\n\nAmended, version {number}. 修订，第{number}版。\n", encoding="utf-8")


def kill(process: subprocess.Popen[bytes], findings: Findings, chance: random.Random) -> None:
    """SIGKILL the process or its whole group; what is left of the group must end by itself."""
    group = process.pid
    if chance.random() < 0.5:
        os.killpg(group, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    deadline = time.monotonic() + ORPHAN_SECONDS
    while _is_alive(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    is_gone = not _is_alive(group)
    findings.expect("no process outlives its parent", holds=is_gone, otherwise=f"group {group} lives on")
    if not is_gone:
        os.killpg(group, signal.SIGKILL)


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def damage_indexes(home: Path, chance: random.Random) -> str:
    """Truncate or delete an index file, or delete all; gives what was done."""
    folder = home / "indexes"
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    if not files:
        return "no index yet"
    action = chance.choices(["truncated", "deleted", "all deleted"], weights=[6, 3, 1])[0]
    victim = chance.choice(files)
    if action == "truncated":
        os.truncate(victim, chance.randrange(max(1, victim.stat().st_size)))
    elif action == "deleted":
        victim.unlink()
    else:
        shutil.rmtree(folder)
    return f"{action} {victim.suffix or victim.name}" if action != "all deleted" else action


def _place(done: int, of: int) -> str:
    if done == 0:
        return "with nothing done"
    return "with all done" if done == of else "with a part done"


def _is_running_after(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


@dataclass(frozen=True, slots=True)
class Bench:
    """One run: the folder that changes, the two homes, and a model of this process for its checks."""

    root: Path
    chance: random.Random
    embedder: Embedder
    findings: Findings

    @property
    def folder(self) -> Path:
        return self.root / "files"

    @property
    def reference(self) -> Path:
        return self.root / "reference"

    @property
    def victim(self) -> Path:
        return self.root / "victim"

    def bring_reference_up(self) -> tuple[Contents, float]:
        """What the folder should become, and the seconds that took."""
        started = time.monotonic()
        self.reference.mkdir(exist_ok=True)
        status = start_ingest(self.folder, self.reference).wait()
        seconds = time.monotonic() - started
        expected = contents_of(self.reference, self.embedder, self.findings)
        stored = {uri: digest.split(":")[0] for uri, digest in expected.items()}
        is_equal = status == 0 and stored == files_of(self.folder)
        self.findings.expect("reference equals the files", holds=is_equal, otherwise=f"status {status}")
        return expected, seconds

    def kill_until_done(self, expected: Contents, seconds: float, kills: int) -> None:
        """Start and kill the victim until a start runs through, or the kills are used up and one may."""
        findings, chance = self.findings, self.chance
        self.victim.mkdir(exist_ok=True)
        before = contents_of(self.victim, self.embedder, findings)
        while True:
            process = start_ingest(self.folder, self.victim)
            if findings.kills < kills and self._reach_instant(process, seconds):
                kill(process, findings, chance)
                findings.kills += 1
                before = self._check_after_kill(before, expected)
                continue
            status = process.wait()
            log = self.victim.with_suffix(".log").read_text(errors="replace")[-500:]
            findings.expect("the next start goes on", holds=status == 0, otherwise=f"status {status}: {log}")
            return

    def _reach_instant(self, process: subprocess.Popen[bytes], seconds: float) -> bool:
        """Wait for the instant to kill at; False where the process ended before it.

        Half of the instants are random times; half lie within a tenth of a second after a random one of the
        first dozen writes to the database, where a careless commit would break.
        """
        chance = self.chance
        if chance.random() < TIMED_SHARE:
            return _is_running_after(process, chance.uniform(0, seconds))
        log, seen = self.victim / "attest.db-wal", -1
        writes = chance.randint(1, WRITES_AWAITED)
        while writes and process.poll() is None:
            now = log.stat().st_mtime_ns if log.exists() else -1
            writes -= now != seen
            seen = now
            time.sleep(0.002)
        return _is_running_after(process, chance.uniform(0, 0.1))

    def _check_after_kill(self, before: Contents, expected: Contents) -> Contents:
        findings = self.findings
        now = contents_of(self.victim, self.embedder, findings)
        for uri in {*before, *expected, *now}:
            is_whole = now.get(uri) in {before.get(uri), expected.get(uri)}
            findings.expect("old or new, whole", holds=is_whole, otherwise=f"{uri} is {now.get(uri)}")
        done = sum(now.get(uri) == digest for uri, digest in expected.items())
        findings.instants[_place(done, len(expected))] += 1
        if self.chance.random() < DAMAGED_SHARE:
            findings.damages[damage_indexes(self.victim, self.chance)] += 1
        if now and self.chance.random() < CHECKED_SHARE:
            with open_system(settings_of(self.victim), embedder=self.embedder) as system:
                check_indexes(system, findings)
        return now

    def check_round(self, expected: Contents) -> None:
        """The victim caught up: it must hold what the reference does, with sound indexes and no open job."""
        findings = self.findings
        now = contents_of(self.victim, self.embedder, findings)
        differing = sorted(uri for uri in {*now, *expected} if now.get(uri) != expected.get(uri))
        findings.expect("equals the reference", holds=not differing, otherwise=f"{differing[:5]}")
        for is_damaged in (False, True):
            if is_damaged:
                findings.damages[damage_indexes(self.victim, self.chance)] += 1
            with open_system(settings_of(self.victim), embedder=self.embedder) as system:
                open_jobs = JobLog(system.store.engine).unfinished()
                findings.expect("no job left open", holds=not open_jobs, otherwise=f"{open_jobs}")
                check_indexes(system, findings)
                check_search(system, findings, self.chance)


def run(bench: Bench, kills: int) -> None:
    findings = bench.findings
    while findings.kills < kills:
        if findings.rounds:
            change_files(bench.folder, bench.root / "aside", findings.rounds, bench.chance)
        expected, seconds = bench.bring_reference_up()
        bench.kill_until_done(expected, seconds, kills)
        bench.check_round(expected)
        findings.rounds += 1
        print(f"round {findings.rounds}: {findings.kills} of {kills} kills", file=sys.stderr, flush=True)


def show(findings: Findings) -> None:
    table = Table("what", "count", title=f"{findings.kills} kills in {findings.rounds} rounds")
    for name, counts in (
        ("killed", findings.instants),
        ("index", findings.damages),
        ("check", findings.checks),
    ):
        for what, count in sorted(counts.items()):
            table.add_row(f"{name}: {what}", str(count))
    table.add_row("violations", str(len(findings.violations)))
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Kill the ingestion at random instants and check what is left."
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--full", action="store_true", help="all contracts and laws; takes hours on two cores"
    )
    parser.add_argument("--keep", type=Path, help="work in this empty folder and leave it there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = (arguments.keep or Path(scratch)).absolute()
        for corpus, size in SUBSET.items():
            export(corpus, root / "files" / corpus, limit=None if arguments.full else size)
        findings = Findings()
        with open_system(settings_of(root / "checks")) as own:
            run(Bench(root, random.Random(arguments.seed), own.embedder, findings), arguments.kills)  # noqa: S311
    show(findings)
    sys.exit(1 if findings.violations else 0)


if __name__ == "__main__":
    main()
