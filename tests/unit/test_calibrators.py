"""Which calibrator speaks for a collection, and which numbers are accepted from an operator."""

import json

import pytest
import structlog
from hand_made import PIPELINE, hand_made, threshold
from sqlalchemy import event, update

from rag.calibrator import POOLED, Certificate, Threshold, calibrator_from_json, calibrator_to_json
from rag.calibrator_soundness import require_sound
from rag.calibrators import Assurance, Calibrators, shipped_calibrator
from rag.errors import InvalidRequestError
from rag.store import Store
from rag.store.engine import writing
from rag.store.schema import calibrator as calibrator_table

SHIPPED = hand_made(name="shipped")


def test_the_shipped_calibrator_speaks_for_a_collection_without_its_own(sqlite_store: Store) -> None:
    sqlite_store.create_collection("c")
    calibrators = Calibrators(sqlite_store, PIPELINE, SHIPPED)
    for name in ("c", "", "absent"):
        assert calibrators.of(name) == Assurance(SHIPPED, is_own=False)


def test_a_calibrator_of_another_pipeline_speaks_for_nobody(sqlite_store: Store) -> None:
    owner = sqlite_store.create_collection("c")
    calibrators = Calibrators(sqlite_store, "fedcba9876543210", SHIPPED)
    assert calibrators.of("c").calibrator is None
    calibrators.install(owner.id, hand_made())
    assert calibrators.of("c") == Assurance(None, is_own=False)
    [installed] = calibrators.installations(owner.id)
    assert not installed.is_fitting


def test_a_collections_own_goes_before_the_shipped_one_until_it_is_removed(sqlite_store: Store) -> None:
    owner = sqlite_store.create_collection("c")
    sqlite_store.create_collection("other")
    calibrators = Calibrators(sqlite_store, PIPELINE, SHIPPED)
    for name in ("first", "second"):
        calibrators.install(owner.id, hand_made(name=name))
        assert calibrators.of("c") == Assurance(hand_made(name=name), is_own=True)
    assert calibrators.of("other").calibrator == SHIPPED
    assert sqlite_store.calibration.remove(owner.id)
    assert calibrators.of("c") == Assurance(SHIPPED, is_own=False)
    assert not sqlite_store.calibration.remove(owner.id)
    history = calibrators.installations(owner.id)
    assert [item.calibrator.id for item in history if item.calibrator] == ["second", "first"]
    assert all(item.removed_at for item in history)


def test_an_own_one_that_does_not_fit_leaves_the_shipped_one_in_force(sqlite_store: Store) -> None:
    owner = sqlite_store.create_collection("c")
    calibrators = Calibrators(sqlite_store, PIPELINE, SHIPPED)
    told = calibrators.install(owner.id, hand_made(pipeline="another"))
    assert [told] == calibrators.installations(owner.id)
    assert calibrators.of("c") == Assurance(SHIPPED, is_own=False)


def test_a_collection_has_one_calibrator_of_its_own_for_each_pipeline(sqlite_store: Store) -> None:
    owner = sqlite_store.create_collection("c")
    calibrators = Calibrators(sqlite_store, PIPELINE, SHIPPED)
    quoted, older, worded = (
        hand_made(PIPELINE, name="quoted"),
        hand_made("a-model", name="older"),
        hand_made("a-model", name="worded"),
    )
    for calibrator in (quoted, older, worded):
        calibrators.install(owner.id, calibrator)
    assert calibrators.of("c") == Assurance(quoted, is_own=True)
    assert calibrators.of("c", "a-model") == Assurance(worded, is_own=True)
    assert calibrators.of("c", "another-model") == Assurance(None, is_own=False)
    assert [item.is_fitting for item in calibrators.installations(owner.id, "a-model")] == [True, True, False]


def test_the_collections_settings_come_with_it(sqlite_store: Store) -> None:
    owner = sqlite_store.create_collection("c")
    sqlite_store.calibration.change(owner.id, max_risk=0.1, domain="legal")
    assert Calibrators(sqlite_store, PIPELINE, None).of("c") == Assurance(None, False, 0.1, "legal")


def test_a_question_costs_one_read_once_the_file_is_parsed(sqlite_store: Store) -> None:
    owner = sqlite_store.create_collection("c")
    calibrators = Calibrators(sqlite_store, PIPELINE, SHIPPED)
    calibrators.install(owner.id, hand_made())
    calibrators.of("c")
    statements: list[str] = []

    @event.listens_for(sqlite_store.engine, "before_cursor_execute")
    def _count(_c: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    first, second = calibrators.of("c"), calibrators.of("c")
    reads = [statement for statement in statements if statement.startswith("SELECT")]
    assert len(reads) == 2
    assert first.calibrator is second.calibrator


def test_a_file_that_another_version_wrote_is_not_used_and_stops_no_question(sqlite_store: Store) -> None:
    owner = sqlite_store.create_collection("c")
    calibrators = Calibrators(sqlite_store, PIPELINE, SHIPPED)
    calibrators.install(owner.id, hand_made())
    with writing(sqlite_store.engine) as connection:
        connection.execute(update(calibrator_table).values(json='{"version": 2}'))
    with structlog.testing.capture_logs() as lines:
        assert calibrators.of("c") == Assurance(SHIPPED, is_own=False)
        calibrators.of("c")
    assert [line["log_level"] for line in lines] == ["warning"]


BREAKING = [
    ("id", "", "id"),
    ("created_at", "yesterday", "created_at"),
    ("created_at", "2026-01-01T00:00:00", "created_at"),
    ("n_calibration", -1, "n_calibration"),
    ("stackers.all.intercept", float("nan"), "stackers.all.intercept"),
    ("stackers.all.weights.0.deviation", 1e-300, "deviation"),
    ("stackers.all.weights.0.coefficient", 1e300, "stackers.all.support_maximum"),
    ("scales.all", {"kind": "sigmoid", "slope": float("inf"), "intercept": 0}, "scales.all"),
    ("scales.all.y", [0.5, 1.5], "scales.all"),
    ("thresholds.0.target_risk", 1.0, "thresholds.0.target_risk"),
    ("thresholds.0.value", float("nan"), "thresholds.0.value"),
    ("thresholds.0.coverage", 2, "thresholds.0.coverage"),
    ("thresholds.0.certificate.confidence_level", 0, "thresholds.0.certificate"),
    ("thresholds.0.certificate.wrong", 101, "thresholds.0.certificate"),
    ("thresholds.0.certificate.wrong", 7, "7 wrong of 100 accepted do not prove a risk of 0.1"),
    (
        "thresholds.0.certificate",
        {"confidence_level": 0.9, "n": 9, "accepted": 0, "wrong": 0},
        "0 wrong of 0",
    ),
    ("thresholds.0.certificate.level", 0.99, "thresholds.0.certificate.level"),
    ("threshold", [], "threshold:"),
    ("stackers.all.weights.0.scale", 1, "stackers.all.weights.0.scale"),
    ("sets.0.fit", -1, "sets.0"),
    ("reliability.0.observed", float("nan"), "reliability.0"),
]


@pytest.mark.parametrize(("field", "value", "named"), BREAKING, ids=[str(i) for i in range(len(BREAKING))])
def test_numbers_that_could_break_an_answer_are_refused_naming_the_field(
    sqlite_store: Store, field: str, value: object, named: str
) -> None:
    owner = sqlite_store.create_collection("c")
    changed = changed_at(field, value)
    with pytest.raises(InvalidRequestError, match=named):
        Calibrators(sqlite_store, PIPELINE, None).install(
            owner.id, calibrator_from_json(changed, "the upload")
        )
    assert sqlite_store.calibration.history(owner.id) == []


def changed_at(field: str, value: object) -> str:
    tree = json.loads(calibrator_to_json(hand_made(thresholds=[threshold(0.1, 0.5, is_certified=True)])))
    *path, last = field.split(".")
    part = tree
    for step in path:
        part = part[int(step) if step.isdecimal() else step]
    part[last] = value
    return json.dumps(tree)


def test_the_shipped_calibrator_and_what_just_proves_its_risk_are_sound() -> None:
    shipped = shipped_calibrator()
    assert shipped is not None
    require_sound(shipped)
    assert calibrator_from_json(calibrator_to_json(shipped), "again") == shipped
    # 22 right answers of 22: 0.9 ** 22 is 0.0985, so 90 % sure; of 21 it is 0.109.
    enough, few = (Certificate(0.9, 30, accepted, 0) for accepted in (22, 21))
    require_sound(hand_made(thresholds=[Threshold(POOLED, 0.1, 0.5, 0.7, enough)]))
    with pytest.raises(InvalidRequestError, match="0 wrong of 21") as caught:
        require_sound(hand_made(thresholds=[Threshold(POOLED, 0.1, 0.5, 0.7, few)]))
    assert caught.value.field == "thresholds.0.certificate"
