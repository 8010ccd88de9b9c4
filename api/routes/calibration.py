"""Calibration: show how far answers can be trusted, install a collection's own calibrator, remove it."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from api.calibration import CalibrationOut, InstalledOut, calibration_of, installed_of
from api.fields import CollectionName, UploadedCalibrator
from api.routes.collections import Name
from api.routes.running import RunningSystem, problems
from rag.calibration_report import calibration_report
from rag.errors import NotFoundError

router = APIRouter(prefix="/v1", tags=["calibration"])


@router.get("/calibration", summary="Show a collection's calibration", responses=problems(404))
def show(
    system: RunningSystem,
    collection: Annotated[CollectionName, Query(description="the collection's name")],
) -> CalibrationOut:
    """Says whether scores are probabilities here and which risks are certified, with the curve, the
    thresholds and their certificates, and what people said of the answers."""
    return calibration_of(calibration_report(system, collection))


@router.put(
    "/collections/{name}/calibrator",
    summary="Install a collection's own calibrator",
    responses=problems(404, 409),
)
def install(name: Name, calibrator: UploadedCalibrator, system: RunningSystem) -> InstalledOut:
    """Puts a file that `attest eval calibrate` wrote in force for the collection, from the next question
    on. One that was fitted on another pipeline is kept, reported as not calibrated, and not used."""
    collection = system.store.collection(name)
    return installed_of(system.pipeline.calibrators.install(collection.id, calibrator))


@router.delete(
    "/collections/{name}/calibrator",
    summary="Remove a collection's own calibrator",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404),
)
def remove(name: Name, system: RunningSystem) -> None:
    """Goes back to the calibrator that comes with Attest; the removed one stays in the history."""
    collection = system.store.collection(name)
    if not system.store.calibration.remove(collection.id):
        raise NotFoundError(
            f"the collection {name!r} has no calibrator of its own; PUT one to this path to install it"
        )
