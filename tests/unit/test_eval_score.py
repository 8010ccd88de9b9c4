import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_records import made, unanswerable

from evals.data import DataError
from evals.records import Header, Record, RunFolder
from evals.score import BREAKDOWN_FILE, score


def header(questions: int, suite: str = "reading/own", data_hash: str = "d") -> Header:
    return Header(
        suite=suite,
        task=suite.split("/", maxsplit=1)[0],
        correct="",
        split="test",
        limit=None,
        seed=0,
        sample_ids=(),
        questions=questions,
        data_hash=data_hash,
        pipeline="p",
        embedding_model="m",
        prompt_hash="",
        settings={},
        commit="c",
        versions={},
        started_at="2026-01-01",
    )


def run(path: Path, records: list[Record], questions: int | None = None) -> RunFolder:
    folder = RunFolder(path)
    folder.begin(header(len(records) if questions is None else questions))
    assert list(folder.append(iter(records))) == records
    return folder


RECORDS = [
    replace(made("1", "Paris", ("Paris",)), domain="travel"),
    replace(made("2", "北京市", ("北京",), "zh"), domain="travel"),
    replace(made("3", "", ("上海",), "zh"), domain="law"),
    replace(unanswerable("4", 0.2), domain="law"),
]


def test_the_file_has_value_interval_and_n_by_metric(tmp_path: Path) -> None:
    measured = score(run(tmp_path, RECORDS))
    written = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert list(written) == [item.name for item in measured]
    assert written["EM"] == {"value": 0.5, "low": 0.0, "high": 1.0, "n": 4}
    assert written["F1"]["value"] == pytest.approx((1 + 4 / 5 + 0 + 1) / 4)


def test_languages_and_domains_are_measured_apart(tmp_path: Path) -> None:
    score(run(tmp_path, RECORDS))
    written = json.loads((tmp_path / BREAKDOWN_FILE).read_text(encoding="utf-8"))
    assert written["language"]["zh"]["F1"]["value"] == pytest.approx(0.4)
    assert written["language"]["en"]["F1"]["n"] == 2
    assert list(written["domain"]) == ["law", "travel"]


def test_a_key_of_metadata_with_two_to_eight_values_is_measured_apart(tmp_path: Path) -> None:
    phrasings = ("keyword", "sentence", "keyword")
    records = [
        replace(made(f"{i}", "对", ("对",)), metadata={"phrasing": phrasing, "one": "x"})
        for i, phrasing in enumerate(phrasings)
    ]
    many = [replace(made(f"m{i}", "对", ("对",)), metadata={"line": str(i), "one": "x"}) for i in range(9)]
    score(run(tmp_path, [*records, *many]))
    written = json.loads((tmp_path / BREAKDOWN_FILE).read_text(encoding="utf-8"))
    assert list(written) == ["metadata:phrasing"]
    assert {name: part["EM"]["n"] for name, part in written["metadata:phrasing"].items()} == {
        "": 9,
        "keyword": 2,
        "sentence": 1,
    }


def test_one_language_and_one_domain_need_no_breakdown(tmp_path: Path) -> None:
    score(run(tmp_path, RECORDS[:1]))
    assert json.loads((tmp_path / BREAKDOWN_FILE).read_text(encoding="utf-8")) == {}


def test_scoring_again_gives_the_same_bytes_whatever_the_order(tmp_path: Path) -> None:
    files = ("metrics.json", BREAKDOWN_FILE)
    first, second = run(tmp_path / "a", RECORDS), run(tmp_path / "b", RECORDS[::-1])
    score(first)
    written = [(first.path / name).read_bytes() for name in files]
    score(first)
    score(second)
    assert [(first.path / name).read_bytes() for name in files] == written
    assert [(second.path / name).read_bytes() for name in files] == written


def test_a_run_that_is_not_finished_is_not_scored(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="4 of 5 questions"):
        score(run(tmp_path, RECORDS, questions=5))
    assert not (tmp_path / "metrics.json").exists()


def test_no_records_are_no_zero(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no records"):
        score(run(tmp_path, []))


def test_a_question_counted_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two records of '1'"):
        score(run(tmp_path, [RECORDS[0], RECORDS[0]]))
