from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import judged_as, made, unanswerable
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from evals.data import DataError
from evals.metrics.answerability import answerability
from evals.metrics.catalogue import CATALOGUE, metrics_of
from evals.metrics.decision import decisions
from evals.metrics.statistic import Metric
from evals.metrics.verification import verification
from evals.questions import Gold
from evals.records import Record


def values(metrics: list[Metric]) -> dict[str, float]:
    return {m.name: float(m.statistic(np.ones((1, len(m.counted))))[0]) for m in metrics}


def claim(name: str, label: str, said: str, score: float) -> Record:
    return replace(made(name), gold=Gold(label=label), predicted=said, confidence=score, status="answered")


def test_accuracy_is_what_was_handled_rightly() -> None:
    records = [
        judged_as("right", 0.9, True),
        judged_as("wrong", 0.8, False),
        judged_as("right but held back", 0.1, True, status="abstained"),
        unanswerable("refused", 0.1),
        unanswerable("answered", 0.9, "answered"),
        replace(unanswerable("failed", 0.0, ""), error="E: lost"),
    ]
    found = values(list(decisions(records)))
    assert found["accuracy"] == 2 / 6
    assert found["coverage"] == 3 / 6
    assert found["risk"] == pytest.approx(2 / 3)


def test_risk_is_not_defined_where_nothing_was_answered() -> None:
    assert np.isnan(values(list(decisions([unanswerable("q", 0.1)])))["risk"])


def test_abstention_recall_at_ten_percent_by_hand() -> None:
    # Ten answerable at .1, .2, ... 1: one may be refused, so the threshold may rise to .2.
    answerable = [judged_as(f"a{i}", (i + 1) / 10, True) for i in range(10)]
    records = [*answerable, *[unanswerable(f"u{i}", c) for i, c in enumerate((0.05, 0.15, 0.2, 0.9))]]
    found = values(list(answerability(records)))
    assert found["abstention_recall@0.1"] == 0.5  # .05 and .15; at .2 an answerable one would go with it
    assert found["abstention_recall"] == 1.0
    assert found["false_abstention"] == 0.0


def test_answerability_needs_both_kinds() -> None:
    assert not list(answerability([judged_as("q", 0.5, True)]))
    assert not list(answerability([unanswerable("q", 0.5)]))


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3, 0.7]), st.booleans()), min_size=2))
def test_answerability_auroc_is_scikit_learns(items: list[tuple[float, bool]]) -> None:
    if len({kind for _, kind in items}) < 2:
        return
    records = [
        judged_as(str(i), c, True) if kind else unanswerable(str(i), c) for i, (c, kind) in enumerate(items)
    ]
    found = values(list(answerability(records)))
    wanted = roc_auc_score([kind for _, kind in items], [c for c, _ in items])
    assert found["answerability_AUROC"] == pytest.approx(wanted)
    assert 0.0 <= found["abstention_recall@0.1"] <= 1.0


labels = st.sampled_from(["supported", "partial", "unsupported"])


@given(st.lists(st.tuples(labels, labels, st.sampled_from([0.1, 0.5, 0.9])), min_size=1))
def test_verdicts_are_measured_as_by_scikit_learn(items: list[tuple[str, str, float]]) -> None:
    found = values(list(verification([claim(str(i), *item) for i, item in enumerate(items)])))
    gold, said = [item[0] for item in items], [item[1] for item in items]
    recalls = [
        np.mean([s == label for g, s in zip(gold, said, strict=True) if g == label])
        for label in sorted(set(gold))
    ]
    assert found["accuracy"] == pytest.approx(np.mean([g == s for g, s in zip(gold, said, strict=True)]))
    if len(set(gold)) == 3:
        assert found["balanced_accuracy_labels"] == pytest.approx(balanced_accuracy_score(gold, said))
        assert found["balanced_accuracy_labels"] == pytest.approx(np.mean(recalls))
    binary = [g == "supported" for g in gold]
    if len(set(binary)) == 2:
        wanted = balanced_accuracy_score(binary, [s == "supported" for s in said])
        assert found["balanced_accuracy"] == pytest.approx(wanted)
        assert found["support_AUROC"] == pytest.approx(roc_auc_score(binary, [item[2] for item in items]))


def test_a_failed_claim_is_never_right() -> None:
    failed = replace(claim("q", "unsupported", "unsupported", 0.9), error="E: lost")
    found = values(list(verification([failed, claim("r", "supported", "supported", 0.9)])))
    assert found["accuracy"] == found["balanced_accuracy"] == 0.5
    assert found["support_AUROC"] == 0.0


@pytest.mark.parametrize("is_answerable", [True, False])
def test_a_failed_question_is_taken_for_the_wrong_kind(is_answerable: bool) -> None:
    records = [judged_as("a", 0.9, True), unanswerable("u", 0.1)]
    failed = replace(unanswerable("f", 0.5, ""), is_answerable=is_answerable, error="E: lost")
    assert values(list(answerability(records)))["answerability_AUROC"] == 1.0
    assert values(list(answerability([*records, failed])))["answerability_AUROC"] == 0.5


@pytest.mark.parametrize("task", list(CATALOGUE))
def test_the_share_of_failed_questions_is_a_metric_of_every_task(task: str) -> None:
    records = [made("a"), replace(made("b"), error="E: lost")]
    assert values(list(metrics_of(task, records)))["failed"] == 0.5


def test_every_task_has_its_metrics_by_name() -> None:
    record = judged_as("q", 0.5, True)
    assert "accuracy" in values(list(metrics_of("choice", [record])))
    assert set(values(list(metrics_of("reading", [made("q", "x", ("x",))])))) >= {
        "EM",
        "F1",
        "evidence_hit",
        "risk",
    }
    assert set(values(list(metrics_of("longform", [made("q", "x", ("x",))])))) >= {"F1", "ROUGE-L", "BLEU"}


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(DataError, match="'juggling'"):
        metrics_of("juggling", [made()])
