"""Answers are logged behind the requests, and none is lost while the database can be written again."""

import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from rag import answer_log
from rag.answer_log import AnswerLog
from rag.errors import ConflictError, NotFoundError, StoreUnavailableError
from rag.feedback import LoggedAnswer
from rag.store import Store

LATER = datetime.now(UTC) + timedelta(days=1)


def answer(number: int, asked_at: datetime = LATER) -> LoggedAnswer:
    return LoggedAnswer(
        id=str(number),
        collection="c",
        asked_at=asked_at.isoformat(timespec="milliseconds"),
        language="zh",
        generator="extractive",
        pipeline="p",
        is_answered=True,
        score=0.5,
        signals={"support_maximum": 0.5},
        sentences=1,
    )


@pytest.fixture
def log(sqlite_store: Store) -> AnswerLog:
    """A log that writes only when it is told to."""
    sqlite_store.create_collection("c")
    return AnswerLog(sqlite_store, days=365)


def count(store: Store) -> int:
    return store.answers.counts(store.collection("c").id).answered


def test_an_answer_is_written_with_the_next_flush(log: AnswerLog, sqlite_store: Store) -> None:
    log.add(answer(1))
    assert count(sqlite_store) == 0
    log.flush()
    log.flush()
    assert count(sqlite_store) == 1


def test_closing_writes_what_is_waiting(log: AnswerLog, sqlite_store: Store) -> None:
    for number in (1, 2):
        log.start()
        log.add(answer(number))
        log.close()
        assert count(sqlite_store) == number


def test_adding_waits_for_no_writer(
    log: AnswerLog, sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = threading.Event()
    let_go = threading.Event()

    class Slow:
        def log(self, _answers: object) -> None:
            writes.set()
            let_go.wait(30)

    monkeypatch.setattr(sqlite_store, "answers", Slow())
    with ThreadPoolExecutor(1) as pool:
        log.add(answer(1))
        flushing = pool.submit(log.flush)
        assert writes.wait(30)
        log.add(answer(2))  # returns, although the database is being written
        assert not flushing.done()
        let_go.set()


def test_a_locked_database_loses_no_answer_and_is_warned_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.store.engine.LOCK_WAIT_SECONDS", 0)
    store = Store.open(f"sqlite:///{tmp_path / 'locked.db'}")
    store.create_collection("c")
    log = AnswerLog(store, days=365)
    with (
        closing(sqlite3.connect(tmp_path / "locked.db", isolation_level=None)) as other,
        structlog.testing.capture_logs() as lines,
    ):
        other.execute("BEGIN IMMEDIATE")
        log.add(answer(1))
        with pytest.raises(StoreUnavailableError):
            log.flush()
        log.close()
        log.close()
        other.execute("ROLLBACK")
    assert [line["log_level"] for line in lines] == ["warning", "warning", "warning"]
    assert [line["answers"] for line in lines if "answers" in line] == [1, 1]
    log.add(answer(2))
    log.flush()
    assert count(store) == 2
    store.close()


def test_where_too_many_wait_the_oldest_make_room(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_log, "PENDING", 3)
    owner = sqlite_store.create_collection("c")
    log = AnswerLog(sqlite_store, days=365)
    for number in range(5):
        log.add(answer(number))
    log.flush()
    kept = [str(number) for number in range(5) if is_kept(sqlite_store, number)]
    assert kept == ["2", "3", "4"]
    assert sqlite_store.answers.counts(owner.id).answered == 3


def is_kept(store: Store, number: int) -> bool:
    with store.engine.connect() as connection:
        query = "SELECT count(*) FROM answer_log WHERE id = ?"
        return bool(connection.exec_driver_sql(query, (str(number),)).scalar_one())


def test_many_threads_lose_and_double_nothing(log: AnswerLog, sqlite_store: Store) -> None:
    def add(number: int) -> None:
        log.add(answer(number))
        if number % 7 == 0:
            log.flush()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(400)))
    log.flush()
    assert count(sqlite_store) == 400


def test_a_log_that_is_off_keeps_nothing(sqlite_store: Store) -> None:
    sqlite_store.create_collection("c")
    log = AnswerLog(sqlite_store, days=365, is_on=False)
    log.start()
    log.add(answer(1))
    log.close()
    assert count(sqlite_store) == 0


def test_a_log_that_is_off_forgets_old_answers_all_the_same(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_log, "WRITE_EVERY_SECONDS", 0.001)
    forgets = threading.Event()
    monkeypatch.setattr(type(sqlite_store.answers), "forget_before", lambda *_: forgets.set())
    log = AnswerLog(sqlite_store, days=30, is_on=False)
    log.start()
    assert forgets.wait(30)
    log.close()


def test_an_answer_that_the_database_refuses_holds_up_no_other(log: AnswerLog, sqlite_store: Store) -> None:
    for number in range(5):
        log.add(answer(number))
    log.add(replace(answer(5), score=float("nan")))  # SQLite takes it for NULL
    for number in range(6, 9):
        log.add(answer(number))
    with structlog.testing.capture_logs() as lines:
        log.flush()
    assert [line["id"] for line in lines] == ["5"]
    assert count(sqlite_store) == 8
    assert not log.is_pending("5")


def test_no_error_of_the_store_loses_an_answer_or_ends_the_thread(
    log: AnswerLog, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_log, "WRITE_EVERY_SECONDS", 0.001)
    monkeypatch.setattr(answer_log, "FORGET_EVERY_SECONDS", 0)
    stored = sqlite_store.answers
    forgets, fails, writes = threading.Event(), threading.Event(), threading.Event()

    class Failing:
        def log(self, answers: Sequence[LoggedAnswer]) -> None:
            if not fails.is_set():
                fails.set()
                raise NotFoundError("not now")
            stored.log(answers)
            writes.set()

        def forget_before(self, _moment: str) -> None:
            forgets.set()
            raise ConflictError("not now")

    monkeypatch.setattr(sqlite_store, "answers", Failing())
    log.start()
    assert forgets.wait(30)
    log.add(answer(1))
    assert writes.wait(30)
    log.close()
    assert fails.is_set()
    monkeypatch.undo()
    assert count(sqlite_store) == 1


def test_whoever_waits_for_anothers_write_is_told_to_try_again_and_closing_ends_too(
    log: AnswerLog, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_log, "FLUSH_WAIT_SECONDS", 0)
    monkeypatch.setattr(answer_log, "CLOSE_WAIT_SECONDS", 0)
    writes, let_go = threading.Event(), threading.Event()

    class Slow:
        def log(self, _answers: object) -> None:
            writes.set()
            let_go.wait(30)

    monkeypatch.setattr(sqlite_store, "answers", Slow())
    log.add(answer(1))
    with ThreadPoolExecutor(1) as pool, structlog.testing.capture_logs() as lines:
        flushing = pool.submit(log.flush)
        assert writes.wait(30)
        assert log.is_pending("1")
        with pytest.raises(StoreUnavailableError, match="Try again"):
            log.flush()
        log.close()
        let_go.set()
        flushing.result(30)
    assert [line["answers"] for line in lines if "answers" in line] == [1]
    assert not log.is_pending("1")


def test_old_answers_are_forgotten(sqlite_store: Store) -> None:
    sqlite_store.create_collection("c")
    log = AnswerLog(sqlite_store, days=30)
    for number, days in enumerate((-29, -31)):
        moment = datetime.now(UTC) + timedelta(days=60)
        log.add(answer(number, moment))
        log.flush()
        with sqlite_store.engine.begin() as connection:
            old = (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="milliseconds")
            connection.exec_driver_sql("UPDATE answer_log SET asked_at = ? WHERE id = ?", (old, str(number)))
    log.forget_old()
    assert is_kept(sqlite_store, 0)
    assert not is_kept(sqlite_store, 1)
