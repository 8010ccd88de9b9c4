import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_runs import mixed_records, ranking_records, record, write_run
from typer import Typer
from typer.testing import CliRunner, Result

from evals.gate.baseline import DRAWS, Baseline, Sampled, Standing, read_baseline, standing_of, write_baseline
from evals.gate.commands import gate
from evals.gate.limits import Gate, Limits, read_gate
from evals.gate.verdict import Verdict, change_of, judge
from evals.records import RankedDocument, Record, RunFolder
from rag.errors import InvalidRequestError

SUITE = "reading/handbook"
GATE = """
baseline: baseline.json
allowed_drop: 0.01
suites:
  reading/handbook:
    evidence_hit: {min: 0.1}
    AUROC:
    Brier: {max: 0.5}
"""


def a_standing(value: float, draws: Sequence[float], metric: str = "F1", questions: str = "same") -> Standing:
    sampled = Sampled(value, tuple(draws))
    return Standing(SUITE, questions, 100, "test", None, "c", {metric: sampled})


def verdict_of(before: Standing, now: Standing, metric: str = "F1", allowed: float = 0.01) -> Verdict:
    file = Gate({SUITE: {metric: Limits()}}, "baseline.json", allowed)
    return judge(file, [now], Baseline({SUITE: before}))[-1].verdict


def run_gate(*arguments: object) -> Result:
    app = Typer()
    app.command()(gate)
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


def wrong_more_often(records: Sequence[Record], every: int) -> list[Record]:
    """The same questions, of which every n-th has lost its quotation of the gold."""
    return [
        replace(item, gold_places=()) if number % every == 0 else item for number, item in enumerate(records)
    ]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gate, its baseline, and the run that it was written from in "run"."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "gate.yaml").write_text(GATE, encoding="utf-8")
    run = write_run(folder / "run", mixed_records(80), {}, suite=SUITE)
    done = run_gate(folder / "gate.yaml", run.path, "--update")
    assert done.exit_code == 0, done.output
    return folder


def test_an_unchanged_pipeline_passes_ten_times_out_of_ten(files: Path) -> None:
    outputs = {run_gate(files / "gate.yaml", files / "run").output for _ in range(10)}
    assert len(outputs) == 1
    assert "the gate passed: 3 checks" in outputs.pop()


def test_the_order_in_which_questions_were_answered_does_not_matter(files: Path, tmp_path: Path) -> None:
    turned = write_run(tmp_path / "run", mixed_records(80)[::-1], {}, suite=SUITE)
    metrics = ("evidence_hit", "AUROC")
    assert standing_of(turned, metrics) == standing_of(RunFolder(files / "run"), metrics)


def test_a_pipeline_that_lost_half_of_its_evidence_fails_and_shows_by_how_much(
    files: Path, tmp_path: Path
) -> None:
    worse = write_run(tmp_path / "worse", wrong_more_often(mixed_records(80), 2), {}, suite=SUITE)
    done = run_gate(files / "gate.yaml", worse.path)
    assert done.exit_code == 1
    row = next(line for line in done.output.splitlines() if "evidence_hit" in line)
    assert "worse: a drop of 0.01 is allowed" in row
    assert "-0." in row


def test_a_broken_ranking_fails(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text("baseline: b.json\nsuites: {retrieval/x: {nDCG@10: }}")
    records = ranking_records(60)
    good = write_run(tmp_path / "good", records, {}, suite="retrieval/x")
    shuffled = [
        replace(r, ranked=(*(RankedDocument(f"noise-{i}", 2.0) for i in range(5)), *r.ranked[:3]))
        for r in records
    ]
    broken = write_run(tmp_path / "broken", shuffled, {}, suite="retrieval/x")
    assert run_gate(tmp_path / "gate.yaml", good.path, "--update").exit_code == 0
    assert run_gate(tmp_path / "gate.yaml", good.path).exit_code == 0
    assert run_gate(tmp_path / "gate.yaml", broken.path).exit_code == 1


def test_a_drop_is_worse_only_beyond_noise_and_beyond_what_is_allowed() -> None:
    steady, noisy = [0.8] * DRAWS, [0.6, 1.0] * (DRAWS // 2)
    before = a_standing(0.8, steady)
    assert verdict_of(before, a_standing(0.7, [0.7] * DRAWS)) is Verdict.WORSE
    assert verdict_of(before, a_standing(0.7, [0.7] * DRAWS), allowed=0.1) is Verdict.PASSED
    assert verdict_of(before, a_standing(0.7, noisy)) is Verdict.WITHIN_NOISE
    assert verdict_of(before, a_standing(0.9, [0.9] * DRAWS)) is Verdict.PASSED


def test_what_two_runs_find_hard_alike_cancels_out() -> None:
    draws = [0.5 + i / 1000 for i in range(DRAWS)]
    change = change_of("F1", Sampled(0.7, tuple(draws)), Sampled(0.68, tuple(d - 0.02 for d in draws)))
    assert change.value == pytest.approx(-0.02)
    assert [change.low, change.high] == pytest.approx([-0.02, -0.02])


@pytest.mark.parametrize(
    "metric", ["risk", "Brier", "smECE", "AURC", "log_loss", "risk@full", "false_abstention", "failed"]
)
def test_a_rise_of_what_should_be_low_is_worse(metric: str) -> None:
    before, now = a_standing(0.1, [0.1] * DRAWS, metric), a_standing(0.3, [0.3] * DRAWS, metric)
    assert verdict_of(before, now, metric) is Verdict.WORSE
    assert verdict_of(now, before, metric) is Verdict.PASSED


def test_draws_without_a_value_are_left_out_of_the_interval() -> None:
    half: tuple[float | None, ...] = (None, 0.5) * (DRAWS // 2)
    change = change_of("F1", Sampled(0.5, half), Sampled(0.4, (0.4,) * DRAWS))
    assert [change.low, change.high] == pytest.approx([-0.1, -0.1])
    nothing = change_of("F1", Sampled(0.5, (None,) * DRAWS), Sampled(0.4, half))
    assert nothing.low == nothing.high == pytest.approx(-0.1)


def test_a_minimum_and_a_maximum_hold_without_a_baseline() -> None:
    file = Gate({SUITE: {"F1": Limits(minimum=0.5), "Brier": Limits(maximum=0.2), "EM": Limits()}})
    sampled = {"F1": 0.49, "Brier": 0.21}
    run = Standing(SUITE, "q", 1, "test", None, "c", {n: Sampled(v, ()) for n, v in sampled.items()})
    assert [finding.verdict for finding in judge(file, [run], None)] == [
        Verdict.BELOW_MINIMUM,
        Verdict.ABOVE_MAXIMUM,
        Verdict.MISSING,
    ]
    exact = replace(run, metrics={n: Sampled(v, ()) for n, v in {"F1": 0.5, "Brier": 0.2, "EM": 0.0}.items()})
    assert all(finding.verdict is Verdict.PASSED for finding in judge(file, [exact], None))


def test_a_suite_without_a_run_fails_and_says_so(files: Path) -> None:
    two = files / "two.yaml"
    two.write_text(GATE.replace("baseline: baseline.json", "") + "  retrieval/x: {R@10: {min: 0.1}}\n")
    done = run_gate(two, files / "run")
    assert done.exit_code == 1
    assert "no run of this suite was given" in done.output


def test_a_sample_of_other_questions_is_not_compared(files: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", mixed_records(79), {}, suite=SUITE)
    done = run_gate(files / "gate.yaml", other.path)
    assert done.exit_code == 1
    assert "other questions than the baseline's" in done.output
    changed = write_run(tmp_path / "changed", mixed_records(80), {}, suite=SUITE, data_hash="another")
    assert run_gate(files / "gate.yaml", changed.path).exit_code == 1


def test_an_unfinished_run_and_two_runs_of_a_suite_are_refused(files: Path, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "half", mixed_records(5), {}, suite=SUITE)
    lines = (folder.path / "records.jsonl").read_text().splitlines(keepends=True)
    (folder.path / "records.jsonl").write_text("".join(lines[:3]))
    done = run_gate(files / "gate.yaml", folder.path)
    assert (done.exit_code, "has 3 of 5 questions" in done.output) == (2, True)
    done = run_gate(files / "gate.yaml", files / "run", files / "run")
    assert (done.exit_code, f"two runs of {SUITE}" in done.output) == (2, True)


def test_the_baseline_holds_no_text_and_no_question(files: Path) -> None:
    text = (files / "baseline.json").read_text()
    assert "notice" not in text
    assert "q-0000" not in text
    assert len(text) < 3 * 4500
    known = read_baseline(files / "baseline.json").suites[SUITE]
    assert known == standing_of(RunFolder(files / "run"), ("evidence_hit", "AUROC", "Brier"))


def test_a_baseline_keeps_each_metric_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    write_baseline(
        path, [a_standing(0.5, [0.5] * DRAWS), replace(a_standing(0.1, [0.1] * DRAWS), suite="a/b")]
    )
    assert len(path.read_text().splitlines()) == 6
    assert list(json.loads(path.read_text())["suites"]) == ["a/b", SUITE]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("suites: {a/b: {F1: {minimum: 0.5}}}", r"suites\.a/b\.F1\.minimum: Unexpected"),
        ("suites: {a/b: {F1: {min: high}}}", r"suites\.a/b\.F1\.min: Input should be a valid number"),
        ("suites: {a/b: {F1: {min: .nan}}}", r"suites\.a/b\.F1\.min: Input should be a finite"),
        (
            "suites: {a/b: {F1: {allowed_drop: -1}}}",
            r"suites\.a/b\.F1\.allowed_drop: .*greater than or equal",
        ),
        ("suites: {a/b: 3}", r"suites\.a/b: Input should be"),
        ("suites: {}", r"suites: "),
        ("base: x\nsuites: {a/b: {F1: }}", r"base: Unexpected"),
        ("", r"the whole file: "),
        ("suites: [", r"line 1 is no YAML"),
        ("\x00", r"is no YAML"),
        ("!!python/object:os.system {}", r"is no YAML"),
    ],
)
def test_a_malformed_gate_names_file_key_and_remedy(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidRequestError, match=rf"gate\.yaml.*{expected}"):
        read_gate(path)
    assert run_gate(path, tmp_path).exit_code == 2


def test_missing_files_are_named_with_a_remedy(tmp_path: Path) -> None:
    done = run_gate(tmp_path / "gate.yaml", tmp_path)
    assert (done.exit_code, "is missing; write one" in done.output) == (2, True)
    (tmp_path / "gate.yaml").write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in run_gate(tmp_path / "gate.yaml", tmp_path).output
    (tmp_path / "gate.yaml").write_text(GATE)
    run = write_run(tmp_path / "run", [record(1), record(2, is_right=False)], {}, suite=SUITE)
    done = run_gate(tmp_path / "gate.yaml", run.path)
    assert (done.exit_code, "write it with" in done.output) == (2, True)
    (tmp_path / "baseline.json").write_text('{"suites": {"a": 1}}')
    assert run_gate(tmp_path / "gate.yaml", run.path).exit_code == 2


def test_update_needs_every_suite_and_a_named_baseline(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text("suites: {reading/handbook: {F1: }}")
    done = run_gate(path, files / "run", "--update")
    assert (done.exit_code, "names no baseline" in done.output) == (2, True)
    path.write_text("baseline: b.json\nsuites: {reading/handbook: {F1: }, a/b: {F1: }}")
    done = run_gate(path, files / "run", "--update")
    assert (done.exit_code, "a/b has none" in done.output) == (2, True)
    assert not (tmp_path / "b.json").exists()


def test_losing_all_of_a_language_is_no_noise_even_where_two_documents_hold_it(tmp_path: Path) -> None:
    # Of 40 English documents and two Chinese ones drawn together, one draw in seven would have no Chinese.
    english = [replace(record(n), group=f"en-{n}") for n in range(40)]
    chinese = [replace(record(n, language="zh"), group=f"zh-{n % 2}") for n in range(40, 60)]
    lost = [replace(item, gold_places=()) for item in chinese]
    before = write_run(tmp_path / "before", [*english, *chinese], {}, suite=SUITE)
    after = write_run(tmp_path / "after", [*english, *lost], {}, suite=SUITE)
    known, now = (standing_of(folder, ["evidence_hit"]) for folder in (before, after))
    assert verdict_of(known, now, "evidence_hit") is Verdict.WORSE
