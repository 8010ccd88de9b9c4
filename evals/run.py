"""A run: a suite's questions are asked of the system that serves, and a record of each is kept."""

import hashlib
import platform
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from evals.ask import failed
from evals.questions import Corpus, EvalQuestion, QuestionSet, Split
from evals.records import Header, Record, RunFolder
from evals.suites import Suite, select
from evals.tasks import Ask
from evals.wording import EXTRACTIVE, Wording
from ingest.ingestion import Ingestion
from ingest.pipeline import Report
from rag.calibrators import Assurance
from rag.errors import AttestError, ModelUnavailableError
from rag.prompt import template_hash
from rag.system import System

UNAVAILABLE_IN_A_ROW = 3
"""Questions that end a run: one alone may have hit a server that was being restarted."""
CODE = ("rag", "ingest", "api", "evals")
PACKAGES = (
    "attest-rag",
    "faiss-cpu",
    "faiss-gpu",
    "tantivy",
    "openvino",
    "numpy",
    "ir-measures",
    "scikit-learn",
    "mapie",
    "sacrebleu",
    "rouge-score",
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of a suite's questions are asked: a split, at most `limit` of it, or just these ids."""

    split: Split = Split.ALL
    limit: int | None = None
    seed: int = 0
    sample_ids: tuple[str, ...] = ()

    def of(self, suite: Suite, data: QuestionSet) -> tuple[EvalQuestion, ...]:
        """The questions, in the order of the set."""
        return select(
            suite.name,
            data.questions,
            self.split,
            limit=self.limit,
            seed=self.seed,
            sample_ids=self.sample_ids,
        )


def header_for(
    suite: Suite,
    selection: Selection,
    data: QuestionSet,
    questions: Sequence[EvalQuestion],
    system: System,
    *,
    collection: str = "",
    wording: Wording = EXTRACTIVE,
) -> Header:
    """The header of a run that starts now; `collection` is an operator's own, "" for that of the corpus.

    ModelUnavailableError where a language model is to word the answers and its server is down.
    """
    asked = collection or (data.corpus.collection if data.corpus else "")
    fingerprint = wording.fingerprint_in(system)
    assurance = system.pipeline.calibrators.of(asked, fingerprint)
    header = Header(
        suite=suite.name,
        task=suite.task.value,
        correct=suite.correct,
        split=selection.split.value,
        limit=selection.limit,
        seed=selection.seed,
        sample_ids=selection.sample_ids,
        questions=len(questions),
        data_hash=data.data_hash,
        pipeline=fingerprint,
        embedding_model=system.embedder.space.model,
        prompt_hash="",
        settings={"minimum_answer_score": f"{system.settings.minimum_answer_score:g}"},
        commit=_commit(),
        versions={"python": platform.python_version()} | _versions(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        collection=asked,
        calibrator=assurance.calibrator.id if assurance.calibrator else "",
    )
    return _with_model(header, system, wording, assurance) if wording.is_a_models else header


def _with_model(header: Header, system: System, wording: Wording, assurance: Assurance) -> Header:
    """The header of a run whose answers a language model words."""
    policy = assurance.unsupported_sentences or system.settings.unsupported_sentences
    return replace(
        header,
        generator=str(wording.generator),
        model=system.language_model.name if system.language_model else "",
        profile=wording.profile,
        mode=str(wording.mode),
        decoding=wording.decoding,
        prompt_hash=template_hash(system.profiles.rules_of(wording.profile), wording.mode),
        settings={**header.settings, "unsupported_sentences": str(policy)},
    )


def bring_in(ingestion: Ingestion, corpus: Corpus, report: Report) -> int:
    """Make the corpus' collection hold its texts; gives how many were stored now."""
    return ingestion.add_texts(corpus.texts, corpus.collection, source=corpus.name, report=report)


def ask_all(
    ask: Ask, questions: Sequence[EvalQuestion], folder: RunFolder, concurrency: int
) -> Iterator[Record]:
    """Ask what has no record yet or failed, `concurrency` at once; records are passed on in order.

    ModelUnavailableError where a model's server seems to be down: see `_while_models_answer`.
    """
    done = {record.id for record in folder.records() if not record.error}
    missing = [asked for asked in questions if asked.id not in done]
    pool = ThreadPoolExecutor(concurrency)
    try:
        records = folder.append(pool.map(lambda asked: _asked(ask, asked), missing))
        yield from _while_models_answer(records, folder)
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C only the questions in flight are finished


def _asked(ask: Ask, asked: EvalQuestion) -> Record:
    """The record; an error that Attest raises becomes part of it."""
    try:
        return ask(asked)
    except AttestError as error:
        return failed(asked, error)


def _while_models_answer(records: Iterator[Record], folder: RunFolder) -> Iterator[Record]:
    """Pass records on; ModelUnavailableError where so many in a row failed for want of a model.

    One that fails is asked again when the run is continued, so that nothing is lost by ending it here; going
    on would only count every question that is left as wrong.
    """
    in_a_row = 0
    for record in records:
        yield record
        in_a_row = in_a_row + 1 if record.error.startswith(ModelUnavailableError.__name__) else 0
        if in_a_row == UNAVAILABLE_IN_A_ROW:
            raise ModelUnavailableError(
                f"the run was stopped after {in_a_row} questions in a row without a model, the last with: "
                f"{record.error}. Start it again with --out {folder.path} to continue it"
            )


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    """The commit this code is at, with a digest of what is not in it; "" outside a git checkout."""
    return commit_of(Path(__file__).parents[1])


def commit_of(root: Path) -> str:
    """The commit of a checkout, with a digest of its changed and its new files; "" where it is none."""
    # New files of the packages only: a run's own folder may lie in the checkout, and grows while it is asked.
    folders = [name for name in CODE if (root / name).is_dir()]
    try:
        commit, changes = _git(root, "rev-parse", "HEAD"), _git(root, "diff", "HEAD")
        listed = _git(root, "ls-files", "-o", "-z", "--exclude-standard", "--", *folders) if folders else ""
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""
    new = [name for name in listed.split("\0") if (root / name).is_file()]
    if not changes and not new:
        return commit
    digest = hashlib.sha256(changes.encode())
    for name in sorted(new):
        digest.update(f"\0{name}\0".encode() + (root / name).read_bytes())
    return f"{commit}+{digest.hexdigest()[:8]}"


def _git(folder: Path, *arguments: str) -> str:
    # S603, S607: the arguments are the constants above; git is found on the user's own PATH.
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return done.stdout.strip()
