"""What tells the weights of a model from others of the same name."""

import hashlib
from pathlib import Path

from rag.errors import ModelUnavailableError

CONTENT_SUFFIXES = (".json", ".txt", ".model", ".safetensors", ".bin")
OTHER_FORMATS = ("onnx", "openvino")


def model_version(name: str, *, owner: str, setting: str) -> str:
    """The contents of the folder `name`, or the commit of the model `name` in the hub's local cache.

    A name without an owner is one of `owner`. `setting` is where the operator named the model:
    ModelUnavailableError says so where its files are not to be found.
    """
    folder = Path(name)
    if folder.is_dir():
        return f"sha256 {_content_hash(folder)}"
    return f"commit {name} {_hub_commit(name, owner, setting)}"


def _content_hash(folder: Path) -> str:
    """The sha256 over the names and contents of the files that make up the model."""
    content = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.suffix in CONTENT_SUFFIXES and path.is_file() and relative.parts[0] not in OTHER_FORMATS:
            with path.open("rb") as file:
                content.update(relative.as_posix().encode() + hashlib.file_digest(file, "sha256").digest())
    return content.hexdigest()


def _hub_commit(name: str, owner: str, setting: str) -> str:
    """The commit in the hub's local cache, whose layout is `snapshots/COMMIT/FILE`."""
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - only for models from a hub

    repository = name if "/" in name else f"{owner}/{name}"
    for filename in ("modules.json", "config.json"):
        cached = try_to_load_from_cache(repository, filename)
        if isinstance(cached, str):
            return Path(cached).parent.name
    raise ModelUnavailableError(
        f"The version of the model {name!r} cannot be told: its files are not in the hub's cache. "
        f"Download it and give the path of its folder as {setting}."
    )
