"""What the store keeps of answers, feedback and calibrators, on SQLite and on PostgreSQL."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from rag.domain import UnsupportedPolicy
from rag.errors import ConflictError, InvalidRequestError, NotFoundError
from rag.feedback import LoggedAnswer, Verdict
from rag.store import Store
from rag.store.calibration import CalibrationSettings

ANSWER = LoggedAnswer(
    id="a",
    collection="合同",
    asked_at="2999-01-01T00:00:00.000+00:00",
    language="zh",
    generator="extractive",
    pipeline="p",
    is_answered=True,
    score=0.75,
    signals={"support_maximum": 0.75},
    sentences=2,
)


def logged(store: Store, ids: Sequence[str], **changes: object) -> int:
    owner = store.create_collection("合同")
    store.answers.log([replace(ANSWER, id=name, **changes) for name in ids])  # type: ignore[arg-type]
    return owner.id


def test_verdicts_become_samples_oldest_answer_first(store: Store) -> None:
    owner = logged(store, ["b", "a", "c", "d"])
    store.calibration.change(owner, domain="legal")
    store.answers.log([replace(ANSWER, id="0", asked_at="2999-01-02T00:00:00.000+00:00")])
    for answer_id, verdict in (("0", "correct"), ("b", "wrong"), ("a", "wrong"), ("a", "correct")):
        store.answers.add_feedback(answer_id, Verdict(verdict))
    store.answers.add_feedback("d", Verdict.CORRECT, sentence=1)  # says nothing of sentence 2
    samples = store.answers.samples(owner)
    assert [(sample.answer_id, sample.is_correct) for sample in samples] == [
        ("a", True),
        ("b", False),
        ("0", True),
    ]
    first = samples[0]
    assert (first.language, first.domain, first.pipeline, first.score) == ("zh", "legal", "p", 0.75)
    assert first.signals == {"support_maximum": 0.75}


def test_feedback_is_listed_as_it_was_given_page_by_page(store: Store) -> None:
    owner = logged(store, ["a"])
    given = [store.answers.add_feedback("a", Verdict.WRONG, sentence=2, comment="应为三个月 😀")]
    given.append(store.answers.add_feedback("a", Verdict.CORRECT))
    assert store.answers.feedback(owner) == given
    assert store.answers.feedback(owner, after=given[0].id, limit=1) == given[1:]
    assert (given[0].sentence, given[0].comment, given[1].sentence) == (2, "应为三个月 😀", None)
    assert store.answers.feedback(store.create_collection("other").id) == []


def test_feedback_on_what_is_not_in_the_log_is_refused(store: Store) -> None:
    logged(store, ["a"])
    with pytest.raises(NotFoundError, match="ATTEST_ANSWER_LOG"):
        store.answers.add_feedback("b", Verdict.CORRECT)
    with pytest.raises(InvalidRequestError, match=r"\[3\]"):
        store.answers.add_feedback("a", Verdict.CORRECT, sentence=3)


def test_an_abstention_takes_a_verdict_and_is_no_sample(store: Store) -> None:
    owner = logged(store, ["a"], is_answered=False, sentences=0)
    store.answers.add_feedback("a", Verdict.WRONG)
    with pytest.raises(InvalidRequestError):
        store.answers.add_feedback("a", Verdict.WRONG, sentence=1)
    assert store.answers.samples(owner) == []
    counts = store.answers.counts(owner)
    assert (counts.answered, counts.abstained) == (0, 1)


def test_answers_and_feedback_go_with_their_collection(store: Store) -> None:
    logged(store, ["a"])
    store.answers.add_feedback("a", Verdict.CORRECT)
    store.delete_collection("合同")
    again = store.create_collection("合同")
    with pytest.raises(NotFoundError):
        store.answers.add_feedback("a", Verdict.CORRECT)
    assert store.answers.samples(again.id) == []


def test_an_answer_is_kept_once_and_only_with_the_collection_it_was_asked_of(store: Store) -> None:
    owner = logged(store, ["a"])
    early = replace(ANSWER, id="early", asked_at="2000-01-01T00:00:00.000+00:00")
    store.answers.log([ANSWER, early, replace(ANSWER, id="b", collection="gone")])
    assert store.answers.counts(owner).answered == 1


def test_more_answers_than_a_statement_takes_are_kept(store: Store) -> None:
    owner = logged(store, [str(number) for number in range(1201)])
    assert store.answers.counts(owner).answered == 1201


def test_answers_before_a_moment_are_forgotten_with_their_feedback(store: Store) -> None:
    owner = logged(store, ["a"])
    store.answers.log([replace(ANSWER, id="later", asked_at="2999-06-01T00:00:00.000+00:00")])
    store.answers.add_feedback("a", Verdict.CORRECT)
    assert store.answers.forget_before("2999-03-01T00:00:00.000+00:00") == 1
    assert store.answers.feedback(owner) == []
    assert store.answers.counts(owner).answered == 1


def test_feedback_of_many_at_once_is_all_kept(store: Store) -> None:
    owner = logged(store, ["a"])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.answers.add_feedback("a", Verdict.WRONG), range(40)))
    assert len(store.answers.feedback(owner)) == 40


def test_the_newest_calibrator_that_was_not_removed_is_in_force(store: Store) -> None:
    owner = store.create_collection("合同").id
    calibration = store.calibration
    assert calibration.settings("合同") == CalibrationSettings(owner, None, "", ())
    calibration.install(owner, "first")
    installed = calibration.install(owner, "second")
    newest, oldest = calibration.history(owner)
    assert (newest.json, newest.removed_at, newest) == ("second", None, installed)
    assert calibration.settings("合同") == CalibrationSettings(owner, None, "", (newest.row, oldest.row))
    assert calibration.json(newest.row) == "second"
    assert calibration.remove(owner)
    assert calibration.settings("合同") == CalibrationSettings(owner, None, "", ())
    assert [item.json for item in calibration.history(owner, limit=1)] == ["second"]


def test_a_collections_calibrators_go_with_it(store: Store) -> None:
    owner = store.create_collection("合同").id
    store.calibration.install(owner, "first")
    row = store.calibration.history(owner)[0].row
    store.delete_collection("合同")
    assert store.calibration.json(row) is None
    assert store.calibration.settings("合同") is None
    with pytest.raises(ConflictError):
        store.calibration.install(owner, "second")


def test_a_collections_settings_are_checked_and_kept(store: Store) -> None:
    owner = store.create_collection("c").id
    store.calibration.change(owner, max_risk=0.05, domain="medical", unsupported_sentences="flag")
    kept = store.collection("c")
    assert (kept.max_risk, kept.domain) == (0.05, "medical")
    store.calibration.change(owner, max_risk=None)
    store.calibration.change(owner)
    kept = store.collections()[0]
    assert (kept.max_risk, kept.domain) == (None, "medical")
    for risk in (0, 1, float("nan")):
        with pytest.raises(InvalidRequestError):
            store.calibration.change(owner, max_risk=risk, domain="legal")
    with pytest.raises(InvalidRequestError, match="medical"):
        store.calibration.change(owner, max_risk=0.1, domain="cooking")
    with pytest.raises(InvalidRequestError, match="drop, flag, abstain"):
        store.calibration.change(owner, unsupported_sentences="say")
    assert store.collection("c") == kept
    assert kept.unsupported_sentences is UnsupportedPolicy.FLAG
    store.calibration.change(owner, unsupported_sentences=None)
    assert store.collection("c").unsupported_sentences is None
