import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from evals.questions import Corpus, EvalQuestion, Gold, Mark, QuestionSet
from evals.verify.check import CanonicalTexts, check, split_by_set
from evals.verify.commands import verify_data
from ingest.text_document import TextDocument

TEXT = "Heparin\u00ad stops clots.\n被告付款八百元。"
GOOD = EvalQuestion(
    id="q1",
    text="what stops clots?",
    gold=Gold(answers=("Heparin",), documents=("d",), marks=(Mark("d", 0, "Heparin"),)),
    language="en",
    domain="medical",
    group="g1",
    is_test=False,
)


def data_of(*questions: EvalQuestion) -> QuestionSet:
    return QuestionSet(questions, Corpus("c", "0" * 64, (TextDocument("d", "", TEXT),)), "hash")


def test_a_sound_set_has_counts_and_no_defect() -> None:
    start = TEXT.index("八百元")
    chinese = replace(GOOD, id="q2", gold=Gold(documents=("d",), marks=(Mark("d", start, "八百元"),)))
    told = check("reading/x", data_of(GOOD, chinese), CanonicalTexts())
    assert (told.questions, told.train, told.test, told.groups, told.texts) == (2, 2, 0, 1, 1)
    assert (told.marks, told.marks_in_place, told.findable, told.found) == (2, 2, 2, 2)
    assert (told.defects, told.warnings) == ((), ())


def test_a_mark_beside_its_place_is_a_defect() -> None:
    beside = replace(GOOD, gold=replace(GOOD.gold, marks=(Mark("d", 1, "Heparin"),)))
    told = check("reading/x", data_of(beside), CanonicalTexts())
    assert told.defects == ("1 marks do not stand at their place",)
    assert told.found == 1  # scoring looks for the words, nearest to the place


def test_a_group_in_both_splits_and_an_id_used_twice_are_defects() -> None:
    told = check("reading/x", data_of(GOOD, replace(GOOD, is_test=True)), CanonicalTexts())
    assert told.defects == (
        "1 ids of questions are used more than once, such as q1",
        "1 groups are in train and in test, such as g1",
    )


def test_a_gold_that_scoring_cannot_find_and_a_document_without_text_are_warnings() -> None:
    lost = replace(GOOD, gold=Gold(answers=("warfarin",), documents=("d", "gone")))
    told = check("reading/x", data_of(lost), CanonicalTexts())
    assert told.defects == ()
    assert [warning.split(",")[0] for warning in told.warnings] == [
        "the gold of 1 questions is not found where scoring looks for it; they count as wrong",
        "1 gold documents have no text",
    ]


def test_a_mark_with_invisible_characters_is_found_after_cleaning() -> None:
    marked = replace(GOOD, gold=Gold(documents=("d",), marks=(Mark("d", 0, "Heparin\u00ad stops"),)))
    told = check("reading/x", data_of(marked), CanonicalTexts())
    assert (told.marks_in_place, told.found) == (1, 1)


def test_a_question_that_is_train_in_one_set_and_test_in_another_is_told() -> None:
    long = "56beb4343aeaaa14008c925b"
    told = list(split_by_set({"slice": {long: False, "1": False}, "xquad": {long: True, "1": True}}))
    assert told == ["1 questions of xquad, where they are test, are train in slice"]


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(verify_data)
    return app


def squad(root: Path, start: int = 0) -> None:
    asked = {"id": "q", "question": "Who?", "answers": [{"text": "Ann", "answer_start": start}]}
    data = {"data": [{"title": "T", "paragraphs": [{"context": "Ann did.", "qas": [asked]}]}]}
    (root / "squad").mkdir()
    (root / "squad/dev-v2.0.json.gz").write_bytes(gzip.compress(json.dumps(data).encode()))


def test_what_is_missing_is_named_once_and_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: typer.Typer
) -> None:
    squad(tmp_path)
    monkeypatch.setenv("ATTEST_DATA", str(tmp_path))
    done = CliRunner().invoke(command, ["reading/squad2", "reading/drcd", "paragraph/drcd"])
    assert done.exit_code == 0, done.output
    skipped = [line for line in done.output.splitlines() if line.startswith("skipped")]
    assert len(skipped) == 1
    assert skipped[0].startswith("skipped reading/drcd, paragraph/drcd: ")
    assert "reading/squad2" in done.output


def test_a_malformed_file_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: typer.Typer
) -> None:
    (tmp_path / "squad").mkdir()
    (tmp_path / "squad/dev-v2.0.json").write_text('{"data": [{}]}', encoding="utf-8")
    monkeypatch.setenv("ATTEST_DATA", str(tmp_path))
    done = CliRunner().invoke(command, ["reading/squad2"])
    assert done.exit_code == 1
    assert "data.0.paragraphs: Field required" in done.output


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("reading/squad2", 0, 5928),
        ("reading/drcd", 2636, 888),
        ("paragraph/xquad_zh", 353, 837),
        ("abstention/mtrag", 0, 460),
        ("retrieval/fastapi", 916, 189),
        ("removed/covid_qa", 947, 0),
    ],
)
def test_the_public_sets_are_sound(name: str, train: int, test: int, evaluation_data: Path) -> None:
    from evals.suites import suite_named

    told = check(name, suite_named(name).load(evaluation_data), CanonicalTexts())
    assert told.defects == ()
    assert told.marks_in_place == told.marks
    assert (told.train, told.test) == (train, test)
    assert told.found == told.findable
