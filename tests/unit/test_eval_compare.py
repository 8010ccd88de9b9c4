from dataclasses import replace
from pathlib import Path

import pytest
from made_records import made
from synthetic_runs import header

from evals.compare import compare
from evals.data import DataError
from evals.records import Record, RunFolder


def run(path: Path, records: list[Record], **changed: object) -> RunFolder:
    folder = RunFolder(path)
    folder.begin(replace(header(questions=len(records)), **changed))  # type: ignore[arg-type]
    assert list(folder.append(iter(records))) == records
    return folder


def answers(n: int, *, right: int, language: str = "en") -> list[Record]:
    return [made(f"q{i:03}", "对" if i < right else "错", ("对",), language) for i in range(n)]


def test_each_metric_has_both_values_and_their_paired_difference(tmp_path: Path) -> None:
    found = compare(
        run(tmp_path / "a", answers(40, right=10)), run(tmp_path / "b", answers(40, right=30)[::-1])
    )
    (exact,) = [row for row in found.differences if row.name == "EM"]
    assert (exact.first, exact.second, exact.difference, exact.n) == (0.25, 0.75, 0.5, 40)
    assert 0.3 < exact.low < 0.5 < exact.high < 0.7
    assert exact.p < 0.01
    assert found.notes == ()


def test_a_metric_that_one_run_alone_has_is_named(tmp_path: Path) -> None:
    known = answers(4, right=2)
    refused = [replace(record, status="abstained", confidence=0.5) for record in known]
    found = compare(run(tmp_path / "a", known), run(tmp_path / "b", refused))
    assert "only the first run has risk" in found.notes
    assert any(note.startswith("only the second run has Brier") for note in found.notes)


def test_runs_of_different_suites_are_refused(tmp_path: Path) -> None:
    first = run(tmp_path / "a", answers(2, right=1))
    second = run(tmp_path / "b", answers(2, right=1), suite="reading/other")
    with pytest.raises(DataError, match=r"reading/handbook and .* of reading/other"):
        compare(first, second)


def test_runs_without_a_common_question_are_refused(tmp_path: Path) -> None:
    records = answers(4, right=2)
    with pytest.raises(DataError, match="share 0 questions"):
        compare(run(tmp_path / "a", records[:2]), run(tmp_path / "b", records[2:]))


def test_the_shared_questions_are_compared_with_a_note(tmp_path: Path) -> None:
    records = answers(6, right=3, language="zh")
    found = compare(run(tmp_path / "a", records[:5]), run(tmp_path / "b", records[1:], data_hash="other"))
    assert found.shared == 4
    assert "4 questions are shared and compared, of 5 in the first run and 5 in the second" in found.notes
    assert any("data differ" in note for note in found.notes)
    assert {row.difference for row in found.differences} == {0.0}
