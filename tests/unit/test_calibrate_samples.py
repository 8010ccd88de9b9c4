from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_samples import STARTED_AT, record, samples, write_run

from evals.calibrate.samples import Sample, samples_from_feedback, samples_from_runs, together
from evals.calibrate.split import SHARES, SHARES_WITHOUT_FIT, Parts, split
from evals.questions import Gold
from evals.records import RunFolder
from rag.errors import ConflictError, InvalidRequestError
from rag.feedback import FeedbackSample


def _given(
    answer_id: str, *, pipeline: str = "p1", signal: float = 0.5, right: bool = True
) -> FeedbackSample:
    return FeedbackSample(
        answer_id, f"2026-02-0{len(answer_id)}T00:00:00+00:00", "en", "", pipeline, 0.5, {"s": signal}, right
    )


def test_a_run_gives_its_signals_labels_and_clusters(tmp_path: Path) -> None:
    answers = samples(8)
    found = samples_from_runs([RunFolder(write_run(tmp_path / "a", answers))])
    assert found.items == tuple(answers)
    assert (found.pipeline, found.newest) == ("p1", STARTED_AT)
    assert found.correct == {"reading/one": "the gold span is cited"}
    assert found.left_out == {}


def test_what_cannot_be_fitted_on_is_left_out_and_counted(tmp_path: Path) -> None:
    answers = samples(4)
    extra = (
        record(10, answers[0], is_test=True),
        record(11, answers[0], error="OverloadedError: too many"),
        replace(record(12, answers[0]), signals={}),
        replace(record(13, answers[0]), gold=Gold()),
    )
    again = write_run(tmp_path / "b", answers[:1])
    found = samples_from_runs([RunFolder(write_run(tmp_path / "a", answers, extra=extra)), RunFolder(again)])
    assert len(found.items) == 4
    assert found.left_out == {
        "asked twice": 1,
        "failed": 1,
        "of a test split": 1,
        "whose gold cannot tell right from wrong": 1,
        "without signals": 1,
    }


def test_an_answer_without_a_sentence_is_a_wrong_one(tmp_path: Path) -> None:
    silent = replace(record(9, samples(1)[0]), sentences=(), answer="")
    found = samples_from_runs([RunFolder(write_run(tmp_path / "a", samples(4), extra=(silent,)))])
    assert len(found.items) == 5
    assert not found.items[-1].is_correct


def test_runs_of_two_pipelines_are_refused_by_name(tmp_path: Path) -> None:
    first = RunFolder(write_run(tmp_path / "a", samples(2), pipeline="p1"))
    second = RunFolder(write_run(tmp_path / "b", samples(2, suite="reading/two"), pipeline="p2"))
    with pytest.raises(ConflictError, match=r"a was made by pipeline p1 .*b by p2"):
        samples_from_runs([first, second])


def test_no_run_at_all_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="no run to fit on"):
        samples_from_runs([])


def test_feedback_on_another_pipeline_is_left_out_and_the_same_question_is_one_cluster() -> None:
    rows = [_given("a"), _given("bb", right=False), _given("ccc", signal=0.7), _given("d", pipeline="old")]
    found = samples_from_feedback(rows, "handbook", "p1")
    assert [item.is_correct for item in found.items] == [True, False, True]
    assert [item.cluster == found.items[0].cluster for item in found.items] == [True, True, False]
    assert found.left_out == {"of another pipeline": 1}
    assert found.newest == "2026-02-03T00:00:00+00:00"


def test_runs_and_feedback_of_one_pipeline_go_together(tmp_path: Path) -> None:
    runs = samples_from_runs([RunFolder(write_run(tmp_path / "a", samples(4)))])
    both = together(runs, samples_from_feedback([_given("a")], "handbook", "p1"))
    assert Counter(item.suite for item in both.items) == {"reading/one": 4, "feedback/handbook": 1}
    with pytest.raises(ConflictError, match="pipeline p1 and the feedback is on p2"):
        together(runs, samples_from_feedback([_given("a", pipeline="p2")], "handbook", "p2"))


def _sizes(parts: Parts) -> list[int]:
    return [len(parts.fit), len(parts.calibrate), len(parts.tune), len(parts.certify)]


def test_every_suite_contributes_its_share_to_every_part() -> None:
    answers = [*samples(1000), *samples(200, suite="reading/two", seed=1)]
    parts = split(answers, seed=0)
    for suite, n in (("reading/one", 1000), ("reading/two", 200)):
        of_suite = [[s for s in part if s.suite == suite] for part in (parts.fit, parts.certify)]
        assert [len(part) / n for part in of_suite] == pytest.approx([0.30, 0.35], abs=0.03)


def test_a_document_is_in_one_part_through_all_tasks_of_its_set() -> None:
    answers = [*samples(400), *samples(400, suite="paragraph/one", seed=1)]
    parts = split(answers, seed=3)
    clusters = [{s.cluster for s in part} for part in (parts.fit, parts.calibrate, parts.tune, parts.certify)]
    assert sum(map(len, clusters)) == len(set().union(*clusters)) == 100


def test_taking_over_the_weights_leaves_half_for_certifying() -> None:
    assert _sizes(split(samples(1000), 0, SHARES_WITHOUT_FIT)) == pytest.approx([0, 300, 200, 500], abs=4)
    assert sum(SHARES.values()) == pytest.approx(1) == sum(SHARES_WITHOUT_FIT.values())


def test_another_seed_deals_otherwise_and_the_same_one_alike() -> None:
    answers = samples(400)
    assert split(answers, 0) == split(answers, 0) != split(answers, 1)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20)), max_size=60), st.integers(0, 9))
def test_no_sample_is_lost_or_doubled(places: list[tuple[str, int]], seed: int) -> None:
    answers = [
        Sample(f"x/{s}", f"{s}:{d}", "en", "", {"n": float(i)}, True) for i, (s, d) in enumerate(places)
    ]
    parts = split(answers, seed)
    dealt = [*parts.fit, *parts.calibrate, *parts.tune, *parts.certify]
    assert sorted(s.signals["n"] for s in dealt) == sorted(s.signals["n"] for s in answers)
