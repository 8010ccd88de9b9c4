"""Which calibrator speaks for a collection: its own, fitted on its own questions, or the shipped one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import structlog

from rag.calibrator import Calibrator, Threshold, calibrator_from_json, calibrator_to_json
from rag.calibrator_soundness import require_sound
from rag.domain import UnsupportedPolicy
from rag.errors import InvalidRequestError
from rag.store import Store
from rag.store.calibration import InstalledCalibrator

SHIPPED = "extractive.json"
LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Assurance:
    """What is known of a collection's answers.

    `calibrator` is None where none was fitted on this pipeline. Only a collection's own calibrator
    certifies. `max_risk`, `domain` and `unsupported_sentences` are the collection's settings.
    """

    calibrator: Calibrator | None
    is_own: bool
    max_risk: float | None = None
    domain: str = ""
    unsupported_sentences: UnsupportedPolicy | None = None


def threshold_in_force(calibrator: Calibrator, max_risk: float, domain: str, language: str) -> Threshold:
    """The threshold for an answer in this language from a collection of this domain: the domain's goes before
    the language's, and that before the one of all."""
    return calibrator.threshold_for(max_risk, (f"domain:{domain}", f"language:{language}"))


@dataclass(frozen=True, slots=True)
class Installation:
    """A calibrator that was installed for a collection; `calibrator` is None where it cannot be read.

    `is_fitting` says whether it was fitted on the pipeline in question: another one's speaks for answers of
    that one alone.
    """

    calibrator: Calibrator | None
    installed_at: str
    removed_at: str | None
    is_fitting: bool


class Calibrators:
    """Finds the calibrator of a collection that was fitted on the pipeline of this fingerprint."""

    def __init__(self, store: Store, pipeline: str, shipped: Calibrator | None) -> None:
        self._store = store
        self._pipeline = pipeline
        self._shipped = shipped
        self._parsed: dict[int, dict[int, Calibrator | None]] = {}  # by collection: what its rows say

    def of(self, collection: str, pipeline: str = "") -> Assurance:
        """The collection's newest calibrator of its own for a pipeline, else the shipped one if it fits that.

        `pipeline` is a fingerprint, "" for that of a question that sets nothing: a collection may have one
        for quoted answers and others for a language model's. One cheap read; an installed file is read and
        parsed once. A name without a collection, as "" for passages that are given, gets the shipped one.
        """
        wanted = pipeline or self._pipeline
        shipped = self._shipped if self._shipped is not None and self._shipped.pipeline == wanted else None
        settings = self._store.calibration.settings(collection) if collection else None
        if settings is None:
            return Assurance(shipped, is_own=False)
        own = self._own(settings.collection_id, settings.installed, wanted)
        return Assurance(
            own or shipped,
            is_own=own is not None,
            max_risk=settings.max_risk,
            domain=settings.domain,
            unsupported_sentences=settings.unsupported_sentences,
        )

    def install(self, collection_id: int, calibrator: Calibrator) -> Installation:
        """Make it a collection's own; InvalidRequestError where its numbers could break an answer."""
        require_sound(calibrator)
        installed = self._store.calibration.install(collection_id, calibrator_to_json(calibrator))
        return self._installation(installed, self._pipeline)

    def installations(self, collection_id: int, pipeline: str = "") -> list[Installation]:
        """The calibrators that were installed for a collection, newest first; `pipeline` as in `of`."""
        history = self._store.calibration.history(collection_id)
        return [self._installation(item, pipeline or self._pipeline) for item in history]

    def _installation(self, installed: InstalledCalibrator, pipeline: str) -> Installation:
        parsed = _parsed(installed.json, installed.row)
        return Installation(
            calibrator=parsed,
            installed_at=installed.created_at,
            removed_at=installed.removed_at,
            is_fitting=parsed is not None and parsed.pipeline == pipeline,
        )

    def _own(self, collection_id: int, rows: Sequence[int], pipeline: str) -> Calibrator | None:
        """The first of a collection's calibrators that fits a pipeline."""
        known = self._parsed.get(collection_id, {})
        parsed = {row: known[row] if row in known else self._read(row) for row in rows}
        self._parsed[collection_id] = parsed
        return next(
            (item for item in parsed.values() if item is not None and item.pipeline == pipeline), None
        )

    def _read(self, row: int) -> Calibrator | None:
        text = self._store.calibration.json(row)
        return None if text is None else _parsed(text, row)


def _parsed(text: str, row: int) -> Calibrator | None:
    """An installed calibrator, or None where a version of Attest before or after this one wrote it."""
    try:
        return calibrator_from_json(text, f"installed calibrator {row}")
    except InvalidRequestError as error:
        LOG.warning("an installed calibrator cannot be read and is not used", row=row, error=str(error))
        return None


@lru_cache(maxsize=1)
def shipped_calibrator() -> Calibrator | None:
    """The calibrator that comes with Attest, fitted on public sets; None in a build without one."""
    file = resources.files("rag") / "calibration" / SHIPPED
    return calibrator_from_json(file.read_bytes(), SHIPPED) if file.is_file() else None
