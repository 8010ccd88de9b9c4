"""Collections: make, list, show, change, delete."""

from dataclasses import asdict
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Response, status

from api import present
from api.fields import CollectionName
from api.requests import CollectionChange, CollectionRequest
from api.routes.running import RunningSystem, problems
from api.schemas import CollectionList, CollectionOut, CollectionWithSize

router = APIRouter(prefix="/v1/collections", tags=["collections"])
Name = Annotated[CollectionName, Path(description="the collection's name", examples=["contracts"])]


@router.post("", summary="Make a collection", status_code=status.HTTP_201_CREATED, responses=problems(409))
def create(request: CollectionRequest, system: RunningSystem, response: Response) -> CollectionOut:
    """Makes a new, empty collection."""
    made = system.store.create_collection(request.name)
    response.headers["Location"] = f"/v1/collections/{quote(made.name)}"
    return present.collection_of(made)


@router.get("", summary="List collections", responses=problems())
def list_all(system: RunningSystem) -> CollectionList:
    """Lists every collection by name."""
    return CollectionList(collections=[present.collection_of(item) for item in system.store.collections()])


@router.get("/{name}", summary="Show a collection", responses=problems(404))
def show(name: Name, system: RunningSystem) -> CollectionWithSize:
    """Shows one collection and how much it holds."""
    collection = system.store.collection(name)
    size = system.store.size(collection.id)
    return CollectionWithSize(**present.collection_of(collection).model_dump(), **asdict(size))


@router.patch("/{name}", summary="Change a collection's settings", responses=problems(404))
def change(name: Name, request: CollectionChange, system: RunningSystem) -> CollectionOut:
    """Sets what holds for every question of the collection that does not say otherwise."""
    collection = system.store.collection(name)
    system.store.calibration.change(collection.id, **request.model_dump(exclude_unset=True))
    return present.collection_of(system.store.collection(name))


@router.delete(
    "/{name}",
    summary="Delete a collection",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404),
)
def delete(name: Name, system: RunningSystem) -> None:
    """Deletes a collection with all its documents and indexes. This is final."""
    system.delete_collection(name)
