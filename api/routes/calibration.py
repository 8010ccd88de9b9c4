"""Calibration: show how far answers can be trusted, install a collection's own calibrator, remove it."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from api.calibration import CalibrationOut, InstalledOut, calibration_of, installed_of
from api.fields import CollectionName, Fingerprint, UploadedCalibrator
from api.routes.collections import Name
from api.routes.running import RunningSystem, problems
from rag.calibration_report import calibration_report
from rag.errors import NotFoundError

router = APIRouter(prefix="/v1", tags=["calibration"])


@router.get("/calibration", summary="Show a collection's calibration", responses=problems(404))
def show(
    system: RunningSystem,
    collection: Annotated[CollectionName, Query(description="the collection's name")],
    pipeline: Annotated[
        Fingerprint,
        Query(description="that of a language model's answers, as a calibrator's file names it"),
    ] = "",
) -> CalibrationOut:
    """Says whether scores are probabilities here and which risks are certified, with the curve, the
    thresholds and their certificates, and what people said of the answers. Of quoted answers, unless a
    pipeline is named."""
    return calibration_of(calibration_report(system, collection, pipeline))


@router.put(
    "/collections/{name}/calibrator",
    summary="Install a collection's own calibrator",
    responses=problems(404, 409),
)
def install(name: Name, calibrator: UploadedCalibrator, system: RunningSystem) -> InstalledOut:
    """Puts a file that `attest eval calibrate` wrote in force for the collection, from the next question
    on. It speaks for answers of the pipeline that it was fitted on alone, so that one for quoted answers and
    others for a language model's can stand beside each other."""
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
