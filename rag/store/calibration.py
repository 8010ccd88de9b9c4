"""How far a collection's answers are trusted: the risk accepted, and the calibrators of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from sqlalchemy import Engine, Row, insert, select, update

from rag.domain import DOMAINS, UnsupportedPolicy
from rag.errors import InvalidRequestError
from rag.store.commit import now
from rag.store.engine import reading, writing
from rag.store.schema import calibrator, collection


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """What a collection says of its answers; `installed`: rows of its own calibrators, newest first.

    `unsupported_sentences` is None where the server's policy holds.
    """

    collection_id: int
    max_risk: float | None
    domain: str
    installed: tuple[int, ...]
    unsupported_sentences: UnsupportedPolicy | None = None


@dataclass(frozen=True, slots=True)
class InstalledCalibrator:
    """A calibrator's file as it was installed; `removed_at` is None unless it was taken back."""

    row: int
    json: str
    created_at: str
    removed_at: str | None


class SettingsChange(TypedDict, total=False):
    """What is to change of a collection's settings; what is left out stays.

    `max_risk` is the risk of questions that name none, between 0 and 1, or None for no such risk; `domain` is
    one of DOMAINS, or "" for nothing special; `unsupported_sentences` is an UnsupportedPolicy, or None for
    the server's.
    """

    max_risk: float | None
    domain: str
    unsupported_sentences: str | None


class Calibration:
    """Of a collection's calibrators of one pipeline the newest that was not removed is in force; the others
    are history."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def change(self, collection_id: int, **changes: Unpack[SettingsChange]) -> None:
        """Change some settings in one transaction, or none where one of them makes no sense."""
        max_risk, domain = changes.get("max_risk"), changes.get("domain")
        if max_risk is not None and not 0 < max_risk < 1:
            raise InvalidRequestError("max_risk is between 0 and 1; 0.1 is one answer in ten", "max_risk")
        if domain and domain not in DOMAINS:
            raise InvalidRequestError(f"domain is one of {', '.join(DOMAINS)}, or empty", "domain")
        policy = changes.get("unsupported_sentences")
        if policy is not None and policy not in tuple(UnsupportedPolicy):
            raise InvalidRequestError(
                f"unsupported_sentences is one of {', '.join(UnsupportedPolicy)}, or null",
                "unsupported_sentences",
            )
        if changes:
            with writing(self._engine) as connection:
                statement = update(collection).where(collection.c.id == collection_id)
                connection.execute(statement.values(**changes))

    def install(self, collection_id: int, json: str) -> InstalledCalibrator:
        """Put a calibrator's file in force; ConflictError if the collection is gone."""
        values = {"collection_id": collection_id, "json": json, "created_at": now()}
        with writing(self._engine) as connection:
            row = connection.execute(insert(calibrator).values(values).returning(*calibrator.c)).one()
        return _installed_of(row)

    def remove(self, collection_id: int) -> bool:
        """Take every calibrator of a collection out of force; whether there was one."""
        in_force = (calibrator.c.collection_id == collection_id) & calibrator.c.removed_at.is_(None)
        with writing(self._engine) as connection:
            removed = connection.execute(update(calibrator).where(in_force).values(removed_at=now()))
            return removed.rowcount > 0

    def history(self, collection_id: int, *, limit: int = 20) -> Sequence[InstalledCalibrator]:
        """A collection's calibrators, newest first."""
        query = (
            select(calibrator)
            .where(calibrator.c.collection_id == collection_id)
            .order_by(calibrator.c.id.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [_installed_of(row) for row in connection.execute(query)]

    def settings(self, name: str) -> CalibrationSettings | None:
        """What a collection says of its answers, in one cheap read; None without such a collection."""
        is_own = (calibrator.c.collection_id == collection.c.id) & calibrator.c.removed_at.is_(None)
        query = (
            select(
                collection.c.id,
                collection.c.max_risk,
                collection.c.domain,
                collection.c.unsupported_sentences,
                calibrator.c.id.label("installed"),
            )
            .outerjoin(calibrator, is_own)
            .where(collection.c.name == name)
            .order_by(calibrator.c.id.desc())
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        if not rows:
            return None
        first = rows[0]
        installed = tuple(row.installed for row in rows if row.installed is not None)
        policy = policy_of(first.unsupported_sentences)
        return CalibrationSettings(first.id, first.max_risk, first.domain, installed, policy)

    def json(self, row: int) -> str | None:
        """The file of an installed calibrator; None if its collection was deleted meanwhile."""
        with reading(self._engine) as connection:
            return connection.execute(
                select(calibrator.c.json).where(calibrator.c.id == row)
            ).scalar_one_or_none()


def _installed_of(row: Row[*tuple[Any, ...]]) -> InstalledCalibrator:
    return InstalledCalibrator(row.id, row.json, row.created_at, row.removed_at)


def policy_of(stored: str | None) -> UnsupportedPolicy | None:
    """A collection's policy as it is stored; None where the server's holds."""
    return None if stored is None else UnsupportedPolicy(stored)
