import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from in_memory import WordEmbedder
from synthetic_runs import header

import evals.run
from evals.ask import blank
from evals.data import DataError
from evals.questions import EvalQuestion, Gold, QuestionSet, Split
from evals.records import CitedSentence, CitedSource, Record, RunFolder
from evals.run import Selection, ask_all, commit_of, header_for
from evals.score import score
from evals.suites import Suite
from rag.errors import ConflictError, StoreUnavailableError
from rag.settings import Settings
from rag.wiring import open_system

HEADER = header(questions=6)


def asked(number: int) -> EvalQuestion:
    gold = Gold(documents=(f"d{number}",))
    return EvalQuestion(f"q{number}", f"第{number}题？", gold, "zh", "general", f"g{number}", is_test=False)


QUESTIONS = tuple(asked(number) for number in range(6))


@dataclass
class Answering:
    """Answers at once, unless told to fail; remembers what it was asked."""

    failing: frozenset[str] = frozenset()
    questions: list[str] = field(default_factory=list)

    def __call__(self, question: EvalQuestion) -> Record:
        self.questions.append(question.id)
        if question.id in self.failing:
            raise StoreUnavailableError("the database is locked; try again")
        return replace(blank(question), status="answered", answer=f"答 {question.id}", confidence=0.5)


def run(folder: RunFolder, ask: Answering, stop_after: int | None = None, concurrency: int = 1) -> None:
    folder.begin(HEADER)
    for number, _ in enumerate(ask_all(ask, QUESTIONS, folder, concurrency), start=1):
        if number == stop_after:
            break


def contents(folder: RunFolder) -> tuple[bytes, ...]:
    score(folder)
    names = ("header.json", "records.jsonl", "metrics.json", "breakdown.json")
    return tuple((folder.path / name).read_bytes() for name in names)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_records_are_written_in_the_order_of_the_questions(tmp_path: Path, concurrency: int) -> None:
    folder = RunFolder(tmp_path)
    run(folder, Answering(), concurrency=concurrency)
    assert [record.id for record in folder.records()] == [question.id for question in QUESTIONS]


def test_as_many_questions_are_asked_at_once_as_was_said(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(HEADER)
    together = threading.Barrier(3, timeout=60)  # opens only when three are being asked

    def ask(question: EvalQuestion) -> Record:
        together.wait()
        return blank(question)

    assert len(list(ask_all(ask, QUESTIONS, folder, concurrency=3))) == 6


def test_a_question_that_fails_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    run(folder, Answering(failing=frozenset({"q2"})))
    errors = {record.id: record.error for record in folder.records() if record.error}
    assert errors == {"q2": "StoreUnavailableError: the database is locked; try again"}
    [failed] = [record for record in folder.records() if record.error]
    assert (failed.question, failed.gold, failed.is_answered) == ("第2题？", Gold(documents=("d2",)), False)


def test_a_fault_of_ours_ends_the_run_and_what_was_asked_before_stays(tmp_path: Path) -> None:
    def ask(question: EvalQuestion) -> Record:
        if question.id == "q2":
            raise ZeroDivisionError
        return blank(question)

    folder = RunFolder(tmp_path)
    folder.begin(HEADER)
    with pytest.raises(ZeroDivisionError):
        list(ask_all(ask, QUESTIONS, folder, concurrency=2))
    assert [record.id for record in folder.records()] == ["q0", "q1"]


def test_after_ctrl_c_only_the_question_in_flight_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled = threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            cancelled.set()
            super().shutdown(wait=wait)

    monkeypatch.setattr(evals.run, "ThreadPoolExecutor", Pool)
    ask = Answering()

    def slowly(question: EvalQuestion) -> Record:
        record = ask(question)
        if question.id != "q0":
            cancelled.wait()
        return record

    def interrupted(records: Iterator[Record]) -> None:
        next(records)
        raise KeyboardInterrupt

    folder = RunFolder(tmp_path)
    folder.begin(HEADER)
    with pytest.raises(KeyboardInterrupt):
        interrupted(ask_all(slowly, QUESTIONS, folder, concurrency=1))
    assert set(ask.questions) <= {"q0", "q1"}
    assert [record.id for record in folder.records()] == ["q0"]


@pytest.mark.parametrize("torn", [b"", b'{"id": "q3", "question": "que', "第".encode()[:2]])
def test_a_run_that_was_interrupted_ends_with_the_same_files(tmp_path: Path, torn: bytes) -> None:
    whole = RunFolder(tmp_path / "whole")
    run(whole, Answering())
    parts = RunFolder(tmp_path / "parts")
    run(parts, Answering(), stop_after=2)
    assert len(list(parts.records())) == 2
    with (parts.path / "records.jsonl").open("ab") as records:
        records.write(torn)
    ask = Answering()
    run(parts, ask)
    assert ask.questions == ["q2", "q3", "q4", "q5"]
    assert contents(parts) == contents(whole)


def test_a_finished_run_asks_nothing_again(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    run(folder, Answering())
    before = contents(folder)
    ask = Answering()
    run(folder, ask)
    assert ask.questions == []
    assert contents(folder) == before


def test_another_run_is_refused_and_the_difference_named(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(HEADER)
    later = replace(HEADER, started_at="2030-02-02T00:00:00+00:00")
    assert folder.begin(later) == HEADER
    with pytest.raises(ConflictError, match=r"seed was 0 and is 1; .*settings") as refused:
        folder.begin(replace(later, seed=1, settings={}))
    assert "started_at" not in str(refused.value)
    assert folder.header() == HEADER


@pytest.mark.parametrize("name", ["collection", "calibrator"])
def test_a_run_is_not_continued_on_another_collection_or_calibrator(tmp_path: Path, name: str) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(HEADER)
    with pytest.raises(ConflictError, match=f"{name} was '' and is 'other'"):
        folder.begin(replace(HEADER, **{name: "other"}))  # type: ignore[arg-type]


def test_a_header_of_before_collections_were_named_can_be_read(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(HEADER)
    written = json.loads((tmp_path / "header.json").read_bytes())
    del written["collection"], written["calibrator"]
    (tmp_path / "header.json").write_text(json.dumps(written))
    assert folder.header() == HEADER


def test_a_failed_question_is_asked_again_and_its_last_record_counts(tmp_path: Path) -> None:
    folder, whole = RunFolder(tmp_path / "mended"), RunFolder(tmp_path / "whole")
    run(folder, Answering(failing=frozenset({"q1", "q2"})))
    run(folder, Answering(failing=frozenset({"q2"})))
    ask = Answering()
    run(folder, ask)
    run(whole, Answering())
    assert ask.questions == ["q2"]
    assert list(folder.records()) == list(whole.records())
    assert score(folder) == score(whole)


def test_a_new_file_of_the_code_changes_the_commit_and_a_run_in_the_checkout_does_not(tmp_path: Path) -> None:
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "old.py").write_text("1")
    for words in ("init -q", "add .", "-c user.name=n -c user.email=e commit -qm first"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
    clean = commit_of(tmp_path)
    (tmp_path / "records.jsonl").write_text("{}")
    assert commit_of(tmp_path) == clean
    (tmp_path / "evals" / "new.py").write_text("1")
    once = commit_of(tmp_path)
    (tmp_path / "evals" / "new.py").write_text("2")
    assert len({clean, once, commit_of(tmp_path)}) == 3


def test_a_torn_last_line_names_the_remedy(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    run(folder, Answering(), stop_after=1)
    with (tmp_path / "records.jsonl").open("ab") as records:
        records.write(b'{"id": "q1", "ques')
    with pytest.raises(DataError, match=r"line 2, is torn: .* run the suite again into this folder"):
        list(folder.records())


def test_records_without_a_header_are_refused(tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").write_text("{}\n")
    with pytest.raises(ConflictError, match="no header"):
        RunFolder(tmp_path).begin(HEADER)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"header\.json is missing"):
        RunFolder(tmp_path).header()
    (tmp_path / "header.json").write_text('{"suite": 7}')
    with pytest.raises(DataError, match=r"header\.json is damaged"):
        RunFolder(tmp_path).header()
    assert list(RunFolder(tmp_path).records()) == []


def test_a_damaged_record_is_named_by_its_line(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    run(folder, Answering(), stop_after=1)
    with (tmp_path / "records.jsonl").open("a") as records:
        records.write('{"id": 7}\n')
    with pytest.raises(DataError, match="line 2"):
        list(folder.records())


def test_a_record_survives_its_line(tmp_path: Path) -> None:
    record = replace(
        blank(replace(QUESTIONS[0], id="一\u2028", gold=Gold(answers=("民法典", "the Code")))),
        signals={"support_maximum": 0.1 + 0.2},
        timings_ms={"retrieve": 1.5},
    )
    folder = RunFolder(tmp_path)
    folder.begin(HEADER)
    assert list(folder.append(iter([record]))) == [record]
    assert list(folder.records()) == [record]
    assert "民法典" in (tmp_path / "records.jsonl").read_text(encoding="utf-8")


def test_a_record_of_before_answers_had_a_focus_can_be_read(tmp_path: Path) -> None:
    source = CitedSource("lease", 0, 19, "Rent is due in May.", is_verbatim=True, focus="May")
    record = replace(
        blank(QUESTIONS[0]), sentences=(CitedSentence("Rent is due in May.", (source,), 0.5, "supported"),)
    )
    folder = RunFolder(tmp_path)
    folder.begin(HEADER)
    list(folder.append(iter([record])))
    lines = tmp_path / "records.jsonl"
    assert list(folder.records()) == [record]
    lines.write_text(lines.read_text(encoding="utf-8").replace(',"focus":"May"', ""), encoding="utf-8")
    [read] = folder.records()
    assert read.sentences[0].sources == (replace(source, focus=""),)


def test_the_header_says_what_was_asked_of_which_pipeline(tmp_path: Path) -> None:
    data = QuestionSet((*QUESTIONS, replace(asked(6), is_test=True)), None, "abc")
    suite = Suite("own/tiny", "about", "the answer is quoted", lambda _: data)
    selection = Selection(Split.TRAIN, limit=4, seed=3)
    questions = selection.of(suite, data)
    settings = Settings(home=tmp_path, minimum_answer_score=0.125)
    with open_system(settings, embedder=WordEmbedder()) as system:
        made = header_for(suite, selection, data, questions, system, collection="leases")
        assert made.pipeline == system.pipeline.fingerprint
        calibrator = system.pipeline.calibrators.of("leases").calibrator
        assert (made.collection, made.calibrator) == ("leases", calibrator.id if calibrator else "")
    assert (made.suite, made.task, made.correct) == ("own/tiny", "own", "the answer is quoted")
    assert (made.split, made.limit, made.seed, made.questions) == ("train", 4, 3, 4)
    assert (made.data_hash, made.embedding_model) == ("abc", "words")
    assert made.settings == {"minimum_answer_score": "0.125"}
    assert {"python", "numpy", "tantivy"} <= made.versions.keys()
