import hashlib
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.discover import Difference, Discovery, FoundFile, NotIngested, StoredFile, compare, discover
from rag.errors import InvalidRequestError, NotFoundError

LIMIT = 1000


def write(root: Path, uri: str, content: str = "text") -> Path:
    path = root / uri
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def uris(discovery: Discovery) -> list[str]:
    return [file.uri for file in discovery.found]


def reasons(entries: tuple[NotIngested, ...]) -> dict[str, str]:
    return {entry.uri: entry.reason for entry in entries}


def test_files_are_found_sorted_with_the_hash_of_their_bytes(tmp_path: Path) -> None:
    for uri in ("b/two.txt", "合同/一.md", "a.txt"):
        write(tmp_path, uri, uri)
    discovery = discover(tmp_path, LIMIT)
    assert uris(discovery) == ["a.txt", "b/two.txt", "合同/一.md"]
    first = discovery.found[0]
    assert (first.size, first.revision) == (5, hashlib.sha256(b"a.txt").hexdigest())
    assert discovery == discover(tmp_path, LIMIT)


def test_hidden_files_and_folders_are_skipped(tmp_path: Path) -> None:
    write(tmp_path, ".git/config")
    write(tmp_path, ".env")
    write(tmp_path, "a.txt")
    discovery = discover(tmp_path, LIMIT)
    assert uris(discovery) == ["a.txt"]
    assert reasons(discovery.skipped) == {".git": "hidden", ".env": "hidden"}


def test_patterns_of_the_caller_and_of_the_ignore_file_exclude(tmp_path: Path) -> None:
    write(tmp_path, ".attestignore", "# ours\n*.bak\n/drafts/\n!keep.bak\n")
    for uri in ("a.txt", "a.bak", "keep.bak", "drafts/x.txt", "deep/drafts/y.txt", "old/z.txt"):
        write(tmp_path, uri)
    discovery = discover(tmp_path, LIMIT, exclude=["old"])
    assert uris(discovery) == ["a.txt", "deep/drafts/y.txt", "keep.bak"]
    assert set(reasons(discovery.skipped)) == {"a.bak", "drafts", "old"}


def test_a_link_out_of_the_root_is_reported_and_not_followed(tmp_path: Path) -> None:
    secret = write(tmp_path, "outside/secret.txt")
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").symlink_to(secret)
    (root / "folder").symlink_to(secret.parent)
    discovery = discover(root, LIMIT)
    assert uris(discovery) == []
    assert set(reasons(discovery.failed)) == {"file", "folder"}
    assert all("leaves the folder" in reason for reason in reasons(discovery.failed).values())


def test_cycles_of_links_end_and_every_real_file_is_found_once(tmp_path: Path) -> None:
    write(tmp_path, "a/one.txt")
    write(tmp_path, "b/two.txt")
    (tmp_path / "a" / "to_b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "to_a").symlink_to(tmp_path / "a")
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "again.txt").symlink_to(tmp_path / "a" / "one.txt")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    discovery = discover(tmp_path, LIMIT)
    assert uris(discovery) == ["a/one.txt", "b/two.txt"]
    assert reasons(discovery.skipped)["again.txt"] == "a link to a/one.txt"
    assert set(reasons(discovery.failed)) == {"self"}


def test_a_link_to_a_hidden_folder_inside_the_root_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "..data/a.txt")
    (tmp_path / "current").symlink_to(tmp_path / "..data")
    assert uris(discover(tmp_path, LIMIT)) == ["current/a.txt"]


def test_a_file_above_the_limit_is_reported_without_being_read(tmp_path: Path) -> None:
    write(tmp_path, "big.txt", "x" * 1001)
    write(tmp_path, "fits.txt", "x" * 1000)
    discovery = discover(tmp_path, LIMIT)
    assert uris(discovery) == ["fits.txt"]
    assert reasons(discovery.failed) == {"big.txt": "it has 1,001 bytes, more than the limit of 1,000"}


def test_pipes_and_sockets_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        discovery = discover(tmp_path, LIMIT)
    assert set(reasons(discovery.failed)) == {"pipe", "socket"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_reported(tmp_path: Path) -> None:
    write(tmp_path, "closed.txt").chmod(0)
    write(tmp_path, "folder/a.txt")
    (tmp_path / "folder").chmod(0)
    discovery = discover(tmp_path, LIMIT)
    (tmp_path / "folder").chmod(0o700)
    assert set(reasons(discovery.failed)) == {"closed.txt", "folder"}


def test_a_file_whose_name_is_no_text_is_reported(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))).write_text("x")
    discovery = discover(tmp_path, LIMIT)
    assert [entry.reason for entry in discovery.failed] == ["its name is not valid UTF-8; rename it"]
    assert discovery.failed[0].uri.encode("utf-8") == b"caf?.txt"


def test_a_missing_root_and_a_root_that_is_a_file_are_errors(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        discover(tmp_path / "nowhere", LIMIT)
    with pytest.raises(InvalidRequestError, match="is a file"):
        discover(write(tmp_path, "a.txt"), LIMIT)


def found(uri: str, revision: str = "r1") -> FoundFile:
    return FoundFile(uri, Path(uri), 1, revision)


def test_files_are_told_apart_by_bytes_and_recipe() -> None:
    files = (found("new"), found("same"), found("edited", "r2"), found("old recipe"))
    stored = [
        StoredFile("same", "r1", "1"),
        StoredFile("edited", "r1", "1"),
        StoredFile("old recipe", "r1", "0"),
        StoredFile("gone", "r1", "1"),
    ]
    assert compare(Discovery(files, (), ()), stored, "1") == Difference(
        new=(files[0],), changed=(files[2], files[3]), unchanged=(files[1],), vanished=("gone",)
    )


def test_a_document_whose_file_or_folder_could_not_be_read_has_not_vanished() -> None:
    failed = (NotIngested("closed", "cannot be read"), NotIngested("a.txt", "cannot be read"))
    stored = [StoredFile(uri, "r1", "1") for uri in ("closed/x/y.txt", "a.txt", "closed.txt", "excluded.txt")]
    difference = compare(Discovery((), (NotIngested("excluded.txt", "excluded"),), failed), stored, "1")
    assert difference.vanished == ("closed.txt", "excluded.txt")


NAMES = st.lists(st.sampled_from(["a", "b/c", "b/d", "e", "f"]), unique=True)


@given(NAMES, NAMES)
def test_every_file_is_in_exactly_one_part_of_the_difference(now: list[str], before: list[str]) -> None:
    stored = [StoredFile(uri, "r1", "1") for uri in before]
    difference = compare(Discovery(tuple(found(uri) for uri in now), (), ()), stored, "1")
    parts = [*difference.new, *difference.changed, *difference.unchanged]
    assert sorted(file.uri for file in parts) == sorted(now)
    assert set(difference.vanished) == set(before) - set(now)
