"""The commands of `attest eval` on an operator's own questions, with the packaged model."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evals.commands import eval_
from evals.data import DataError
from evals.judge import is_correct
from evals.records import RunFolder
from evals.suites import SUITES
from ingest.text_document import TextDocument
from ingest.wiring import open_ingestion
from rag.errors import ConflictError, InvalidRequestError, NotFoundError
from rag.settings import load_settings
from rag.wiring import open_system

TEXTS = (
    TextDocument(
        "lease.txt",
        "Lease",
        "The tenant pays a deposit of three monthly rents. The landlord insures the building against fire. "
        "Either party may terminate the lease with six months of written notice.",
    ),
    TextDocument(
        "合同.txt", "劳动合同", "试用期为三个月。员工每年享有十五天带薪年假。加班工资按照一点五倍支付。"
    ),
)
QUESTIONS = (
    {"id": "deposit", "question": "How much deposit does the tenant pay?", "answer": "three monthly rents"},
    {
        "id": "fire",
        "question": "Who insures the building against fire?",
        "answers": ["The landlord"],
        "documents": ["lease.txt"],
    },
    {"id": "年假", "question": "员工每年有多少天带薪年假？", "passages": ["十五天带薪年假"]},
    {"id": "eiffel", "question": "How tall is the Eiffel tower?", "answerable": False},
)


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(eval_, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    with open_system(load_settings(folder)) as system:
        ingestion = open_ingestion(system)
        ingestion.add_texts(TEXTS, "own", source="test", report=lambda _: None)
        ingestion.close()
    return folder


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("questions") / "lease.jsonl"
    lines = (json.dumps(item, ensure_ascii=False) for item in QUESTIONS)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def ask(questions: Path, home: Path, out: Path, *options: str) -> Result:
    return invoke("run", questions, "--collection", "own", "--home", home, "--out", out, *options)


@pytest.fixture(scope="module")
def finished(home: Path, questions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that is done."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    result = ask(questions, home, out)
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to change."""
    return shutil.copytree(finished, tmp_path / "copied")


def test_own_questions_are_asked_judged_and_measured(finished: Path) -> None:
    records = {record.id: record for record in RunFolder(finished).records()}
    assert list(records) == ["deposit", "fire", "年假", "eiffel"]
    assert records["年假"].answer == "员工每年享有十五天带薪年假。"
    assert [is_correct(record) for record in records.values()] == [True, True, True, False]
    assert not records["eiffel"].is_answered
    metrics = json.loads((finished / "metrics.json").read_text(encoding="utf-8"))
    shown = sum(record.is_answered for record in records.values())
    assert metrics["evidence_hit"]["value"] == pytest.approx(shown / 3, abs=1e-6)
    assert metrics["evidence_hit"]["n"] == 3
    assert metrics["coverage"]["n"] == 4
    breakdown = json.loads((finished / "breakdown.json").read_text(encoding="utf-8"))
    assert breakdown["language"].keys() == {"en", "zh"}


def test_the_header_names_the_file_and_its_rule(finished: Path) -> None:
    header = RunFolder(finished).header()
    assert (header.suite, header.task, header.split, header.questions) == ("own/lease", "own", "all", 4)
    assert "a passage of the gold lies inside a cited sentence" in header.correct
    assert header.collection == "own"


def test_a_file_whose_suffix_is_in_capitals_is_a_file_of_questions(questions: Path) -> None:
    loud = questions.with_suffix(".JSONL")
    shutil.copy(questions, loud)
    refused = invoke("run", loud, "--out", loud.parent / "out")
    assert "need --collection" in str(refused.exception)


def test_scoring_again_gives_the_same_files(copied: Path) -> None:
    names = ("metrics.json", "breakdown.json")
    before = [(copied / name).read_bytes() for name in names]
    for name in names:
        (copied / name).unlink()
    for _ in range(2):
        result = invoke("score", copied)
        assert result.exit_code == 0
        assert "evidence_hit" in result.output
        assert [(copied / name).read_bytes() for name in names] == before


def test_a_run_that_is_continued_asks_only_what_is_missing(
    copied: Path, questions: Path, home: Path, finished: Path
) -> None:
    lines = (copied / "records.jsonl").read_bytes().splitlines(keepends=True)
    (copied / "records.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:30])
    result = ask(questions, home, copied)
    assert result.exit_code == 0
    assert "continuing: 2 of 4 questions have their record" in result.output
    assert (copied / "records.jsonl").read_bytes().startswith(b"".join(lines[:2]))
    for name in ("metrics.json", "breakdown.json"):
        assert (copied / name).read_bytes() == (finished / name).read_bytes()


def test_an_unfinished_run_is_not_scored(copied: Path) -> None:
    lines = (copied / "records.jsonl").read_bytes().splitlines(keepends=True)
    (copied / "records.jsonl").write_bytes(lines[0])
    result = invoke("score", copied)
    assert isinstance(result.exception, DataError)
    assert "1 of 4 questions" in str(result.exception)


def test_another_selection_is_another_run(copied: Path, questions: Path, home: Path) -> None:
    result = ask(questions, home, copied, "--limit", "2")
    assert isinstance(result.exception, ConflictError)
    assert "limit was None and is 2" in str(result.exception)


def test_one_question_can_be_asked_alone_and_an_unknown_one_is_named(
    tmp_path: Path, questions: Path, home: Path
) -> None:
    assert ask(questions, home, tmp_path, "--sample-id", "年假", "--concurrency", "2").exit_code == 0
    assert [record.id for record in RunFolder(tmp_path).records()] == ["年假"]
    refused = ask(questions, home, tmp_path / "other", "--sample-id", "nobody")
    assert isinstance(refused.exception, NotFoundError)
    assert not (tmp_path / "other").exists()


def test_two_runs_are_compared_question_by_question(finished: Path, copied: Path, tmp_path: Path) -> None:
    result = invoke("compare", finished, copied)
    assert result.exit_code == 0
    assert "own/lease" in result.output
    assert "note:" not in result.output
    lines = (copied / "records.jsonl").read_bytes().splitlines(keepends=True)
    (copied / "records.jsonl").write_bytes(b"".join(lines[:3]))
    fewer = invoke("compare", finished, copied)
    assert "note: 3 questions are shared and compared, of 4 in the first run and 3" in fewer.output


def test_own_questions_need_a_collection_and_a_suite_brings_its_own(questions: Path, tmp_path: Path) -> None:
    alone = invoke("run", questions, "--out", tmp_path / "out")
    assert isinstance(alone.exception, InvalidRequestError)
    assert "need --collection" in str(alone.exception)
    both = invoke("run", "reading/drcd", "--collection", "own", "--out", tmp_path / "out")
    assert isinstance(both.exception, InvalidRequestError)
    assert "brings its own collection" in str(both.exception)
    unknown = invoke("run", "reading/nothing", "--out", tmp_path / "out")
    assert isinstance(unknown.exception, NotFoundError)


def test_a_collection_that_is_not_there_is_refused_before_anything_is_written(
    questions: Path, home: Path, tmp_path: Path
) -> None:
    result = invoke("run", questions, "--collection", "absent", "--home", home, "--out", tmp_path / "out")
    assert isinstance(result.exception, NotFoundError)
    assert "no collection named 'absent'" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_missing_data_is_one_line_and_status_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTEST_DATA", str(tmp_path / "none"))
    result = invoke("run", "retrieval/mtrag", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert "ATTEST_DATA" in result.output


def test_the_list_names_every_suite() -> None:
    result = CliRunner(env={"COLUMNS": "300"}).invoke(eval_, ["list"])
    shown = [line.split()[0] for line in result.output.splitlines()[1:]]
    assert shown == [suite.name for suite in SUITES]


def test_help_names_every_command() -> None:
    shown = invoke("--help").output
    for command in ("list", "run", "score", "compare", "calibrate", "report", "gate", "verify-data"):
        assert command in shown
