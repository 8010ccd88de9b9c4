"""The whole way, from run folders to a file, through the command."""

from pathlib import Path

import pytest
import typer
from synthetic_samples import STARTED_AT, samples, write_run
from typer.testing import CliRunner, Result

from evals.calibrate.calibration import calibrate_on, require_same_pipeline, scored
from evals.calibrate.commands import calibrate
from evals.calibrate.estimates import design_effect
from evals.calibrate.samples import Sample, Samples, samples_from_runs
from evals.records import RunFolder
from rag.calibrator import POOLED, Calibrator, Certificate, Threshold, calibrator_to_json, load_calibrator
from rag.errors import ConflictError, InvalidRequestError

APP = typer.Typer()
APP.command()(calibrate)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    home = tmp_path_factory.mktemp("runs")
    return [
        write_run(home / "one", samples(1000)),
        write_run(home / "two", samples(700, suite="reading/two", seed=1, language="zh")),
    ]


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(item) for item in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def made(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("made") / "calibrator.json"
    result = _run(*runs, "--out", out)
    assert result.exit_code == 0
    return out, result.output


def test_runs_become_a_calibrator_whose_probabilities_are_those_that_drew_the_labels(
    made: tuple[Path, str],
) -> None:
    calibrator = load_calibrator(made[0])
    assert (calibrator.pipeline, calibrator.created_at) == ("p1", STARTED_AT)
    for signal, truth in ((-1.0, 0.269), (0.0, 0.5), (2.0, 0.881)):
        found = calibrator.probability({"good": signal, "half": signal, "noise": 0.0}, "en")
        assert found == pytest.approx(truth, abs=0.06)


def test_the_file_names_its_sets_and_every_answer_is_in_one_part(made: tuple[Path, str]) -> None:
    calibrator = load_calibrator(made[0])
    assert [
        (used.suite, used.fit + used.calibrate + used.tune + used.certify) for used in calibrator.sets
    ] == [("reading/one", 1000), ("reading/two", 700)]
    assert calibrator.n_calibration == sum(used.fit + used.calibrate for used in calibrator.sets)
    assert sum(point.n for point in calibrator.reliability) == sum(used.certify for used in calibrator.sets)


def test_thresholds_are_certified_and_fall_with_the_risk(made: tuple[Path, str]) -> None:
    pooled = [item for item in load_calibrator(made[0]).thresholds if item.group == POOLED]
    assert [item.target_risk for item in pooled] == [0.05, 0.1, 0.2, 0.3]
    certified = [item for item in pooled if item.certificate]
    assert len(certified) >= 2
    assert [item.value for item in certified] == sorted((item.value for item in certified), reverse=True)
    for item in certified:
        assert item.certificate is not None
        assert item.certificate.wrong < item.target_risk * item.certificate.accepted


def test_the_command_shows_sets_scales_certificates_and_estimates(made: tuple[Path, str]) -> None:
    for expected in ("answers used", "by Brier score", "thresholds", "smECE", "AUROC", "reading/two"):
        assert expected in made[1]


def test_the_same_runs_give_the_same_bytes_and_another_seed_does_not(
    runs: list[Path], made: tuple[Path, str]
) -> None:
    found = samples_from_runs([RunFolder(path) for path in runs])
    again, other = (calibrate_on(found, confidence_level=0.9, seed=seed).calibrator for seed in (0, 1))
    assert calibrator_to_json(again).encode() == made[0].read_bytes()
    assert other.id != again.id


def _samples(answers: list[Sample], pipeline: str = "p1") -> Samples:
    return Samples(tuple(answers), pipeline, {answers[0].suite: "x"}, STARTED_AT, {})


def test_few_answers_of_ones_own_refine_a_calibrator_that_keeps_its_weights(made: tuple[Path, str]) -> None:
    base = load_calibrator(made[0])
    own = _samples(samples(300, suite="own/handbook", seed=5))
    found = calibrate_on(own, confidence_level=0.9, seed=0, base=require_same_pipeline(base, own))
    assert found.calibrator.stackers == base.stackers
    assert found.calibrator.sets[0].fit == 0
    assert found.calibrator.sets[0].certify == pytest.approx(150, abs=4)
    assert any(item.certificate for item in found.calibrator.thresholds)


def test_a_calibrator_for_other_collections_carries_no_certificate() -> None:
    own = _samples(samples(2000, seed=6))
    certified = calibrate_on(own, confidence_level=0.9, seed=0).calibrator
    found = calibrate_on(own, confidence_level=0.9, seed=0, is_for_others=True).calibrator
    assert any(threshold.certificate for threshold in certified.thresholds)
    assert not any(threshold.certificate for threshold in found.thresholds)
    assert found.n_calibration > certified.n_calibration  # what a proof would have taken


def test_weights_of_another_pipeline_are_refused(made: tuple[Path, str]) -> None:
    with pytest.raises(ConflictError, match="pipeline p1, these answers were given by p2"):
        require_same_pipeline(load_calibrator(made[0]), _samples(samples(1), pipeline="p2"))


def test_too_few_answers_are_refused(tmp_path: Path) -> None:
    found = samples_from_runs([RunFolder(write_run(tmp_path / "a", samples(99)))])
    with pytest.raises(InvalidRequestError, match="99 answers are too few"):
        calibrate_on(found, confidence_level=0.9, seed=0)


def test_the_design_effect_is_the_size_of_documents_whose_answers_are_all_alike(
    made: tuple[Path, str],
) -> None:
    calibrator: Calibrator = load_calibrator(made[0])
    # 100 documents of 4 answers each; in every fourth document all four are wrong.
    answers = [
        Sample("x/one", f"one:{number // 4}", "en", "", {}, (number // 4) % 4 > 0) for number in range(400)
    ]
    threshold = Threshold(POOLED, 0.3, 0.0, 1.0, Certificate(0.9, 400, 400, 100))
    effect = design_effect(threshold, answers, scored(calibrator, answers))
    assert effect == pytest.approx(4, rel=0.02)
    independent = [Sample("x/one", f"one:{n}", "en", "", {}, n % 4 > 0) for n in range(400)]
    assert design_effect(threshold, independent, scored(calibrator, independent)) == pytest.approx(
        1, rel=0.01
    )
