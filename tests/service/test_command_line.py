"""The command `attest` as a user meets it: what it prints, and its exit status."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rag import cli
from rag.errors import AttestError


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "lease.md").write_text("# Lease\n\nThe tenant pays a deposit of three monthly rents.\n")
    (folder / "合同.txt").write_text("第一条 月租金为人民币三万元，承租人应当于每月五日前支付。\n")
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
    assert "The tenant pays a deposit of three monthly rents. [1]" in result.output
    assert "Lease (lease.md, characters 9-58)" in result.output
    assert "not calibrated" in result.output


def test_an_answer_as_json_has_the_shape_of_the_api(home: Path) -> None:
    outcome = json.loads(run(home, "ask", "月租金是多少？", "--collection", "c", "--json").output)
    assert (outcome["status"], outcome["language"], outcome["confidence"]["calibrated"]) == (
        "answered",
        "zh",
        False,
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


def test_a_deleted_document_is_not_answered_from(home: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("The password of the vault is swordfish.")
    run(home, "ingest", str(tmp_path), "--collection", "deleted")
    question = ("ask", "What is the password of the vault?", "--collection", "deleted")
    assert run(home, *question).exit_code == 0
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
