"""The command `attest` as a user meets it: what it prints, and its exit status."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from service.library import EMPLOYMENT, LEASE
from typer.testing import CliRunner, Result

from rag import cli
from rag.errors import AttestError
from rag.settings import load_settings
from rag.store import Store


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "lease.md").write_text(LEASE)
    (folder / "合同.txt").write_text(EMPLOYMENT)
    (folder / "prices.xlsx").write_text("not a workbook")
    home = tmp_path_factory.mktemp("home")
    result = run(home, "ingest", str(folder), "--collection", "c", "--strict")
    assert result.exit_code == 4
    return home


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.build(), [*arguments, "--home", str(home)])


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(cli.build(), ["--help"]).output
    assert all(command in shown for command in ("ask", "documents", "eval", "ingest", "serve"))


def test_an_ingest_reports_what_became_of_each_file(home: Path, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("One sentence for the index.")
    (tmp_path / "empty.txt").write_text("")
    result = run(home, "ingest", str(tmp_path), "--collection", "reported")
    assert result.exit_code == 0
    assert "0 unchanged, 1 indexed, 0 replaced, 0 removed, 1 failed" in result.output
    assert "failed: empty.txt: the file is empty" in result.output
    again = run(home, "ingest", str(tmp_path), "--collection", "reported", "--json")
    report = json.loads(again.output)
    assert (report["status"], report["unchanged"]) == ("done", 1)
    assert report["files"] == [{"uri": "empty.txt", "status": "failed", "reason": "the file is empty"}]


def test_an_answer_shows_its_quotation_and_place(home: Path) -> None:
    result = run(home, "ask", "How much deposit does the tenant pay?", "--collection", "c")
    assert result.exit_code == 0
    sentence = "The tenant pays a deposit of three monthly rents before the keys are handed over."
    start = LEASE.index(sentence)
    assert f"{sentence} [1]" in result.output
    place = f"Lease of the warehouse (lease.md, characters {start}-{start + len(sentence)})"
    assert place in result.output
    assert "the probability of being right, calibrated on n = " in result.output
    assert "certified:" not in result.output


def test_an_answer_as_json_has_the_shape_of_the_api(home: Path) -> None:
    outcome = json.loads(
        run(home, "ask", "员工每年享有多少天带薪年假？", "--collection", "c", "--json").output
    )
    assert (outcome["status"], outcome["language"], outcome["confidence"]["calibrated"]) == (
        "answered",
        "zh",
        True,
    )
    [citation] = outcome["citations"]
    location = citation["sources"][0]["location"]
    assert outcome["answer"][citation["start"] : citation["end"]] == citation["text"]
    [document] = [
        json.loads(line)
        for line in run(home, "documents", "list", "--collection", "c", "--json").output.splitlines()
        if "合同" in line
    ]
    text = json.loads(run(home, "documents", "show", str(document["id"]), "--json").output)["text"]
    cited = text[location["start_char_index"] : location["end_char_index"]]
    assert cited == citation["sources"][0]["cited_text"]


def test_an_abstention_is_no_error_unless_asked_for(home: Path) -> None:
    question = ("ask", "How tall is the Eiffel tower?", "--collection", "c")
    assert run(home, *question, "--strict").exit_code == 3
    result = run(home, *question)
    assert result.exit_code == 0
    assert result.output.startswith("No answer:")


def test_a_risk_can_be_named_and_a_certificate_required(home: Path) -> None:
    question = ("ask", "How much deposit does the tenant pay?", "--collection", "c", "--max-risk", "0.1")
    assert "note: " in run(home, *question).output
    refused = json.loads(run(home, *question, "--require-certificate", "--json").output)
    assert refused["abstention"]["reason"] == "not_certified"


def test_a_deleted_document_is_not_answered_from(home: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("The password of the vault is swordfish.")
    run(home, "ingest", str(tmp_path), "--collection", "deleted")
    question = ("ask", "What is the password of the vault?", "--collection", "deleted")
    assert "swordfish" in run(home, *question).output
    listed = run(home, "documents", "list", "--collection", "deleted").output
    assert run(home, "documents", "delete", listed.split()[0]).exit_code == 0
    result = run(home, *question)
    assert result.output.startswith("No answer:")
    assert "swordfish" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", "Why?", "--collection", "absent"], "no collection named 'absent'"),
        (["ask", " ", "--collection", "c"], "the question is empty"),
        (["ask", "Why?", "--collection", "c", "--filter", "{"], "--filter is not JSON"),
        (["ask", "Why?", "--collection", "c", "--filter", '{"a": {"$near": 1}}'], "unknown operator"),
        (["ask", "Why?", "--collection", "c", "--max-risk", "1.5"], "--max-risk is between 0 and 1"),
        (["documents", "show", "999"], "no document 999"),
        (["ingest", "/nonexistent-folder", "--collection", "c"], "nonexistent-folder"),
        (["ingest", "~nobody-of-this-name/x", "--collection", "c"], "cannot be resolved"),
    ],
)
def test_an_error_is_one_line_that_names_the_cause(home: Path, arguments: list[str], message: str) -> None:
    result = run(home, *arguments)
    assert isinstance(result.exception, AttestError)
    assert message in str(result.exception)


def test_errors_and_interrupts_end_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["attest", "ask", "Why?", "-c", "absent", "--home", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("error: there is no collection named 'absent'")


def test_a_warning_of_the_library_does_not_spoil_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    (tmp_path / "lease.md").write_text(LEASE)
    run(home, "ingest", str(tmp_path), "--collection", "warned")
    store = Store.open(load_settings(home).resolved_database_url())
    store.calibration.install(store.collection("warned").id, "{}")  # as another version might write it
    store.close()
    question = [
        "ask",
        "How much deposit does the tenant pay?",
        "--collection",
        "warned",
        "--json",
        "--home",
        str(home),
    ]
    monkeypatch.setattr("sys.argv", ["attest", *question])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["status"] in {"answered", "abstained"}
    assert "an installed calibrator cannot be read" in printed.err
