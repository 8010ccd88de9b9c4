"""The tables of docs/results.md are set from runs alone."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from synthetic_runs import header, mixed_records

from evals.bench.results_table import BEGIN, END, placed, results
from evals.data import DataError
from evals.records import METRICS_FILE, Record, RunFolder
from evals.score import score

Figures = Mapping[str, tuple[float, float, float, int]]


def run_of(path: Path, suite: str, figures: Figures, **changed: object) -> RunFolder:
    folder = RunFolder(path)
    folder.begin(header(suite, 4, **changed))
    written = {
        name: dict(zip(("value", "low", "high", "n"), item, strict=True)) for name, item in figures.items()
    }
    (path / METRICS_FILE).write_text(json.dumps(written), encoding="utf-8")
    return folder


def answered(path: Path, suite: str, records: list[Record]) -> RunFolder:
    folder = RunFolder(path)
    folder.begin(header(suite, len(records)))
    list(folder.append(iter(records)))
    score(folder)
    return folder


def test_a_cell_has_value_interval_and_its_own_n_where_that_differs(tmp_path: Path) -> None:
    figures = {"nDCG@10": (0.5, 0.25, 0.75, 4), "R@10": (1.0, 1.0, 1.0, 3)}
    run = run_of(tmp_path / "a", "retrieval/stard", figures, limit=4)
    text = results([run])
    assert "| suite | run with | n | `nDCG@10` | `R@10` |" in text
    run_with = "| `retrieval/stard` | `--split test --limit 4` | 4 |"
    assert f"{run_with} 0.500 (0.250–0.750) | 1.000 (1.000–1.000), n = 3 |" in text
    assert "Confidence" not in text


def test_rows_stand_in_the_order_of_the_suites_under_their_task(tmp_path: Path) -> None:
    figures = {"nDCG@10": (0.5, 0.5, 0.5, 4)}
    names = ["retrieval/stard", "retrieval/bioasq"]
    text = results([run_of(tmp_path / str(i), name, figures) for i, name in enumerate(names)])
    assert text.index("### retrieval/") < text.index("`retrieval/bioasq`") < text.index("`retrieval/stard`")


def test_answers_of_several_suites_are_pooled_and_none_is_lost(tmp_path: Path) -> None:
    records = mixed_records(40)
    runs = [
        answered(tmp_path / "a", "reading/squad2", records),
        answered(tmp_path / "b", "reading/drcd", records),
    ]
    text = results(runs)
    assert f"| **all pooled** |  | {2 * len(records)} |" in text
    assert "AUROC, mean over 2 suites: " in text
    assert "**language zh**" in text


def test_a_run_that_was_not_scored_is_named_with_the_remedy(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(header("retrieval/stard"))
    with pytest.raises(DataError, match="attest eval score"):
        results([folder])


def test_only_what_is_between_the_marks_of_a_page_changes() -> None:
    page = f"# Results\n\n{BEGIN}\nold\n{END}\n\nend\n"
    once = placed(page, "new\n")
    assert once == f"# Results\n\n{BEGIN}\n\nnew\n\n{END}\n\nend\n"
    assert placed(once, "new\n") == once


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(DataError, match="lacks the lines"):
        placed("# Results\n", "new\n")
