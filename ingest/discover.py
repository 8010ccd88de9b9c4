"""A folder becomes a sorted list of its files, and their difference to what is stored."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gitignore_parser import parse_gitignore_str

from rag.errors import InvalidRequestError, NotFoundError

IGNORE_FILE = ".attestignore"
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to ingest: `uri` is its path below the root with "/", `revision` the sha256 of its bytes."""

    uri: str
    path: Path
    size: int
    revision: str


@dataclass(frozen=True, slots=True)
class NotIngested:
    """A file or folder that is not ingested, and why in words for the user."""

    uri: str
    reason: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a folder holds, sorted by uri: `skipped` on purpose, `failed` against the user's wish."""

    found: tuple[FoundFile, ...]
    skipped: tuple[NotIngested, ...]
    failed: tuple[NotIngested, ...]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What the store remembers of a file: its uri, the revision and the recipe it was ingested with."""

    uri: str
    revision: str
    recipe: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What an ingest has to do. A document whose file could not be looked at is in none of the four."""

    new: tuple[FoundFile, ...]
    changed: tuple[FoundFile, ...]
    unchanged: tuple[FoundFile, ...]
    vanished: tuple[str, ...]


def discover(root: Path, max_bytes: int, exclude: Sequence[str] = ()) -> Discovery:
    """Every file below `root`, each real file once, hidden and excluded ones left out.

    `exclude` and the lines of a `.attestignore` file in the root are .gitignore patterns. Links are
    followed inside the root only; larger files than `max_bytes` and special files are never read.
    Raises NotFoundError without a root, InvalidRequestError where it is no folder or cannot be read.
    """
    walk = _Walk(_checked_root(root), max_bytes, _exclusion(root, exclude))
    walk.run()
    return Discovery(
        found=tuple(sorted(walk.found, key=lambda file: file.uri)),
        skipped=tuple(sorted(walk.skipped, key=lambda entry: entry.uri)),
        failed=tuple(sorted(walk.failed, key=lambda entry: entry.uri)),
    )


def compare(discovery: Discovery, stored: Iterable[StoredFile], recipe: str) -> Difference:
    """Sort found files into new, changed (bytes or recipe) and unchanged; name the stored ones that are gone.

    What failed to be read, and everything below a folder that did, is not gone: it keeps its document.
    """
    remembered = {file.uri: file for file in stored}
    new: list[FoundFile] = []
    changed: list[FoundFile] = []
    unchanged: list[FoundFile] = []
    for file in discovery.found:
        known = remembered.pop(file.uri, None)
        if known is None:
            new.append(file)
        elif (known.revision, known.recipe) == (file.revision, recipe):
            unchanged.append(file)
        else:
            changed.append(file)
    unseen = {entry.uri for entry in discovery.failed}
    vanished = tuple(uri for uri in sorted(remembered) if unseen.isdisjoint(_with_parents(uri)))
    return Difference(tuple(new), tuple(changed), tuple(unchanged), vanished)


def _with_parents(uri: str) -> Iterator[str]:
    parts = uri.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts) + 1))


def _checked_root(root: Path) -> Path:
    try:
        resolved = root.resolve(strict=True)
        os.scandir(resolved).close()
    except FileNotFoundError:
        raise NotFoundError(f"The folder {root} does not exist; is it mounted?") from None
    except NotADirectoryError:
        raise InvalidRequestError(f"{root} is a file; name its folder.", field="folder") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        raise InvalidRequestError(f"The folder {root} cannot be read: {error}.", field="folder") from error
    return resolved


def _exclusion(root: Path, exclude: Sequence[str]) -> Callable[[Path], bool]:
    patterns = "\n".join(exclude)
    ignore_file = root / IGNORE_FILE
    if ignore_file.is_file():
        try:
            patterns = f"{ignore_file.read_text(encoding='utf-8-sig')}\n{patterns}"
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequestError(f"{ignore_file} cannot be read as UTF-8 text: {error}.") from error
    matches: Callable[[Path], bool] = parse_gitignore_str(patterns, base_dir=root.resolve())
    return matches


@dataclass
class _Walk:
    """One walk: real files and folders first, then links, so that each real file is found once."""

    root: Path
    max_bytes: int
    is_excluded: Callable[[Path], bool]
    found: list[FoundFile] = field(default_factory=list)
    skipped: list[NotIngested] = field(default_factory=list)
    failed: list[NotIngested] = field(default_factory=list)
    _links: list[Path] = field(default_factory=list)
    _seen: dict[Path, str] = field(default_factory=dict)

    def run(self) -> None:
        self._folder(self.root)
        # A followed link may bring new links to light; what was seen is not entered again, so this ends.
        while self._links:
            links, self._links = sorted(self._links), []
            for link in links:
                self._link(link)

    def _folder(self, folder: Path) -> None:
        """List one folder and those below it; a stack, for paths may be deeper than Python recurses."""
        pending = [folder]
        while pending:
            current = pending.pop()
            real = current.resolve()
            if real in self._seen:
                continue
            self._seen[real] = self._uri(current)
            try:
                with os.scandir(current) as entries:
                    names = sorted(entry.name for entry in entries)
            except OSError as error:
                self._fail(current, f"the folder cannot be read: {error.strerror}")
                continue
            pending.extend(child for name in names if (child := self._child(current / name)) is not None)

    def _child(self, path: Path) -> Path | None:
        """The path back where it is a folder to enter; files are taken, links kept for later."""
        if path.name.startswith("."):
            if path.name != IGNORE_FILE:
                self.skipped.append(NotIngested(self._uri(path), "hidden"))
            return None
        try:
            path.name.encode("utf-8")
            mode = path.lstat().st_mode
        except UnicodeEncodeError:
            self._fail(path, "its name is not valid UTF-8; rename it")
            return None
        except OSError as error:
            self._fail(path, f"it cannot be read: {error.strerror}")
            return None
        if self.is_excluded(path):
            self.skipped.append(NotIngested(self._uri(path), "excluded by a pattern"))
        elif stat.S_ISLNK(mode):
            self._links.append(path)
        elif stat.S_ISDIR(mode):
            return path
        else:
            self._file(path)
        return None

    def _link(self, link: Path) -> None:
        try:
            target = link.resolve(strict=True)
        except (OSError, RuntimeError):
            self._fail(link, "a link whose target does not exist or that leads to itself")
            return
        if not target.is_relative_to(self.root):
            self._fail(link, "a link that leaves the folder; copy the file into it")
        elif target in self._seen:
            original = self._seen[target] or "the folder itself"
            self.skipped.append(NotIngested(self._uri(link), f"a link to {original}"))
        elif target.is_dir():
            self._folder(link)
        else:
            self._file(link)

    def _file(self, path: Path) -> None:
        real = path.resolve()
        if real in self._seen:
            return
        try:
            size, revision = _hashed(path, self.max_bytes)
        except OSError as error:
            self._fail(path, f"it cannot be read: {error.strerror}")
        except _UnfitError as error:
            self._fail(path, str(error))
        else:
            self._seen[real] = self._uri(path)
            self.found.append(FoundFile(self._uri(path), path, size, revision))

    def _fail(self, path: Path, reason: str) -> None:
        self.failed.append(NotIngested(self._uri(path), reason))

    def _uri(self, path: Path) -> str:
        relative = "" if path == self.root else path.relative_to(self.root).as_posix()
        return relative.encode("utf-8", "replace").decode("utf-8")


class _UnfitError(Exception):
    """A file that must not be read; the message is the reason."""


def _hashed(path: Path, max_bytes: int) -> tuple[int, str]:
    """Size and sha256 of a regular file, read in blocks; what it is gets asked of the opened file itself."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise _UnfitError("it is not a regular file (a pipe, socket or device)")
    # Non-blocking, so that a pipe put in its place in between cannot hang the walk.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _UnfitError("it is not a regular file (a pipe, socket or device)")
        if status.st_size > max_bytes:
            raise _UnfitError(f"it has {status.st_size:,} bytes, more than the limit of {max_bytes:,}")
        digest = hashlib.sha256()
        size = 0
        while block := stream.read(_BLOCK):
            size += len(block)
            if size > max_bytes:
                raise _UnfitError(f"it grew beyond the limit of {max_bytes:,} bytes while it was read")
            digest.update(block)
    return size, digest.hexdigest()
