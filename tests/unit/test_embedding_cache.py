"""What was embedded once is found again; nothing that befalls the file fails an ingest."""

import multiprocessing
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from in_memory import SPACE, WordEmbedder
from structlog.testing import capture_logs

from ingest.cached_embedder import CachedEmbedder
from ingest.embedding_cache import EmbeddingCache
from ingest.ingestion import Ingestion
from ingest.text_document import TextDocument
from ingest.wiring import open_ingestion
from rag.domain import EmbeddingSpace, Question, Vectors
from rag.settings import Settings
from rag.system import System
from rag.wiring import open_system

MEBIBYTE = 1024 * 1024
OTHER_SPACE = EmbeddingSpace("words", "words-2", SPACE.dimension, SPACE.max_tokens)


class CountingEmbedder(WordEmbedder):
    def __init__(self, space: EmbeddingSpace = SPACE) -> None:
        super().__init__(space)
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return super().embed(texts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "embeddings.db"


@pytest.fixture
def cache(path: Path) -> EmbeddingCache:
    return EmbeddingCache(path, MEBIBYTE)


def vectors_of(count: int, first: int = 0) -> dict[str, bytes]:
    """Texts t0, t1 … with 1,000 bytes each."""
    return {f"t{number}": bytes([number % 256]) * 1000 for number in range(first, first + count)}


# What is found


def test_what_was_kept_is_found_by_another_start(path: Path, cache: EmbeddingCache) -> None:
    cache.keep(SPACE, {"the rent": b"12", "第一条\ud800": b"34"})
    found = EmbeddingCache(path, MEBIBYTE).find(SPACE, ["第一条\ud800", "the lease", "the rent"])
    assert found == {"the rent": b"12", "第一条\ud800": b"34"}


def test_another_space_never_hits(cache: EmbeddingCache) -> None:
    cache.keep(SPACE, {"the rent": b"12"})
    assert cache.find(OTHER_SPACE, ["the rent"]) == {}


def test_the_file_holds_no_text(path: Path, cache: EmbeddingCache) -> None:
    cache.keep(SPACE, {"the secret rent": b"12"})
    assert b"secret" not in path.read_bytes()


# The embedder in front of it


TEXTS = st.lists(st.lists(st.sampled_from(["rent", "lease", "dose", "court"])).map(" ".join))


@settings(deadline=None, max_examples=30)
@given(batches=st.lists(TEXTS, max_size=4))
def test_vectors_are_those_of_the_store_whether_found_or_computed(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]]
) -> None:
    cache = EmbeddingCache(tmp_path_factory.mktemp("cache") / "embeddings.db", MEBIBYTE)
    for texts in batches:
        expected = WordEmbedder().embed(texts).astype("<f2").astype(np.float32)
        np.testing.assert_array_equal(CachedEmbedder(WordEmbedder(), cache).embed(texts), expected)


def test_found_vectors_are_bit_for_bit_the_computed_ones(cache: EmbeddingCache) -> None:
    counting = CountingEmbedder()
    first = CachedEmbedder(counting, cache).embed(["the rent", "the lease"])
    again = CachedEmbedder(counting, cache).embed(["the lease", "a dose", "the rent", "the lease"])
    assert counting.texts == ["the rent", "the lease", "a dose"]
    np.testing.assert_array_equal(again[[2, 0, 3]], first[[0, 1, 1]])
    np.testing.assert_array_equal(again[1], WordEmbedder().embed(["a dose"])[0].astype("<f2"))
    assert again.dtype == np.float32


def test_no_text_gives_no_vector_of_the_right_width(cache: EmbeddingCache) -> None:
    assert CachedEmbedder(WordEmbedder(), cache).embed([]).shape == (0, SPACE.dimension)


def test_a_vector_of_another_length_is_computed_anew(cache: EmbeddingCache) -> None:
    cache.keep(SPACE, {"the rent": b"12"})
    vectors = CachedEmbedder(WordEmbedder(), cache).embed(["the rent"])
    np.testing.assert_array_equal(vectors, WordEmbedder().embed(["the rent"]).astype("<f2"))


# Size


def test_the_file_stays_below_its_limit_and_keeps_most_of_it(path: Path) -> None:
    cache = EmbeddingCache(path, 200_000)
    for batch in range(20):
        cache.keep(SPACE, vectors_of(20, first=20 * batch))
        assert path.stat().st_size <= 200_000
    kept = cache.find(SPACE, list(vectors_of(400)))
    assert 100 <= len(kept) <= 200
    assert list(kept) == list(vectors_of(len(kept), first=400 - len(kept)))  # the newest


def test_what_was_used_lately_stays(path: Path) -> None:
    cache = EmbeddingCache(path, 200_000)
    cache.keep(SPACE, vectors_of(1))
    for batch in range(20):
        assert list(cache.find(SPACE, ["t0"])) == ["t0"]
        cache.keep(SPACE, vectors_of(20, first=1 + 20 * batch))
    assert cache.find(SPACE, ["t1"]) == {}


def test_a_lower_limit_shrinks_the_file(path: Path) -> None:
    EmbeddingCache(path, MEBIBYTE).keep(SPACE, vectors_of(500))
    EmbeddingCache(path, 100_000).keep(SPACE, vectors_of(1, first=500))
    assert path.stat().st_size <= 100_000


def test_a_limit_too_small_for_anything_keeps_nothing(path: Path) -> None:
    cache = EmbeddingCache(path, 1)
    cache.keep(SPACE, vectors_of(3))
    assert cache.find(SPACE, ["t0", "t1", "t2"]) == {}


def test_a_limit_of_zero_deletes_what_is_there_and_keeps_nothing(path: Path, cache: EmbeddingCache) -> None:
    cache.keep(SPACE, vectors_of(1))
    off = EmbeddingCache(path, 0)
    off.keep(SPACE, vectors_of(1))
    assert off.find(SPACE, ["t0"]) == {}
    assert not path.exists()


def test_it_is_emptied_by_deleting_its_folder_while_it_is_in_use(path: Path, cache: EmbeddingCache) -> None:
    cache.keep(SPACE, vectors_of(1))
    path.unlink()
    path.parent.rmdir()
    assert cache.find(SPACE, ["t0"]) == {}
    cache.keep(SPACE, vectors_of(1))
    assert list(cache.find(SPACE, ["t0"])) == ["t0"]


# Damage


def kept_after(cache: EmbeddingCache) -> bool:
    """Whether the cache works from now on."""
    cache.find(SPACE, ["t0"])
    cache.keep(SPACE, vectors_of(1))
    return cache.find(SPACE, ["t0"]) == vectors_of(1)


@pytest.mark.parametrize(
    "damage", ["no database", "half of it", "zeros", "another format", "another program"]
)
def test_a_damaged_file_is_deleted_and_made_anew(path: Path, cache: EmbeddingCache, damage: str) -> None:
    cache.keep(SPACE, vectors_of(100))
    whole = path.read_bytes()
    match damage:
        case "no database":
            path.write_bytes(b"no database" * 1000)
        case "half of it":
            path.write_bytes(whole[: len(whole) // 2])
        case "zeros":
            path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
        case "another format":
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA user_version = 99")
        case _:
            path.unlink()
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("CREATE VIEW vector AS SELECT 1 AS key")
                connection.execute("PRAGMA user_version = 1")
    with capture_logs() as logs:
        assert kept_after(cache)
    assert all("embedding cache is damaged and was deleted" in line["event"] for line in logs)


def test_damage_that_cannot_even_be_reported_fails_nothing(path: Path, cache: EmbeddingCache) -> None:
    cache.keep(SPACE, vectors_of(1))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"CREATE TABLE vector", b"CREATE TABLE vect\x80r"))  # quoted in the message
    with capture_logs() as logs:
        assert kept_after(cache)
    assert "damaged" in logs[0]["event"]


def test_a_flipped_bit_never_becomes_a_vector(path: Path, cache: EmbeddingCache) -> None:
    vector = b"\x3c" * 1000
    cache.keep(SPACE, {"the rent": vector})
    data = bytearray(path.read_bytes())
    data[data.index(vector) + 500] ^= 1
    path.write_bytes(data)
    assert cache.find(SPACE, ["the rent"]) == {}


@settings(deadline=None, max_examples=50)
@given(place=st.floats(0, 1, exclude_max=True), noise=st.binary(min_size=1, max_size=200))
@example(place=0.0, noise=b"no database")
def test_whatever_bytes_change_only_kept_vectors_are_found(
    tmp_path_factory: pytest.TempPathFactory, place: float, noise: bytes
) -> None:
    path = tmp_path_factory.mktemp("cache") / "embeddings.db"
    cache, kept = EmbeddingCache(path, MEBIBYTE), vectors_of(20)
    cache.keep(SPACE, kept)
    content = bytearray(path.read_bytes())
    start = int(place * len(content))
    content[start : start + len(noise)] = noise
    path.write_bytes(content)
    with capture_logs():
        found = cache.find(SPACE, list(kept))
        cache.keep(SPACE, vectors_of(2, first=20))
    assert found.items() <= kept.items()


def test_a_folder_in_its_place_fails_nothing(path: Path, cache: EmbeddingCache) -> None:
    path.mkdir(parents=True)
    with capture_logs() as logs:
        cache.keep(SPACE, vectors_of(1))
        assert cache.find(SPACE, ["t0"]) == {}
    assert {line["log_level"] for line in logs} == {"warning"}


def test_a_file_where_its_folder_should_be_fails_nothing(path: Path, cache: EmbeddingCache) -> None:
    path.parent.write_text("")
    with capture_logs() as logs:
        cache.keep(SPACE, vectors_of(1))
        assert cache.find(SPACE, ["t0"]) == {}
    assert len(logs) == 2


def test_a_locked_file_fails_nothing(path: Path, cache: EmbeddingCache) -> None:
    cache.keep(SPACE, vectors_of(1))
    with closing(sqlite3.connect(path, isolation_level=None)) as other, capture_logs() as logs:
        other.execute("BEGIN EXCLUSIVE")
        assert cache.find(SPACE, ["t0"]) == {}
    assert "cannot be used now" in logs[0]["event"]
    assert cache.find(SPACE, ["t0"]) == vectors_of(1)


FULL_DISK = """
import resource, sys
from pathlib import Path
from ingest.cached_embedder import CachedEmbedder
from ingest.embedding_cache import EmbeddingCache
from in_memory import SPACE, WordEmbedder

cache = EmbeddingCache(Path(sys.argv[1]), 2**30)
cache.keep(SPACE, {"the rent": WordEmbedder().embed(["the rent"])[0].astype("<f2").tobytes()})
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))  # from here on no file can grow beyond
cache.keep(SPACE, {str(number): bytes(1000) for number in range(1000)})
assert CachedEmbedder(WordEmbedder(), cache).embed(["the dose"]).shape == (1, 32)
assert cache.find(SPACE, ["0", "999"]) == {}
assert list(cache.find(SPACE, ["the rent"])) == ["the rent"]
"""


def test_a_disk_that_takes_no_more_fails_nothing_and_loses_nothing(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        env={"PYTHONPATH": f"{Path.cwd()}:{Path(__file__).parents[1]}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "the embedding cache cannot be used now" in done.stdout


def keep_and_find(path: Path, first: int) -> int:
    """The part of one process: 30 batches of which each finds what it kept; gives how many it found."""
    cache, found = EmbeddingCache(path, 10 * MEBIBYTE), 0
    for batch in range(30):
        mine = vectors_of(5, first=first + 5 * batch)
        cache.keep(SPACE, mine)
        found += cache.find(SPACE, list(mine)) == mine
    return found


def test_two_processes_share_one_file(path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.starmap(keep_and_find, [(path, 0), (path, 1000)]) == [30, 30]
    everything = vectors_of(150) | vectors_of(150, first=1000)
    assert EmbeddingCache(path, 10 * MEBIBYTE).find(SPACE, list(everything)) == everything


# In an ingestion


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with open_system(Settings(home=tmp_path / "home"), embedder=CountingEmbedder()) as opened:
        yield opened


@pytest.fixture
def ingestion(system: System) -> Iterator[Ingestion]:
    opened = open_ingestion(system)
    yield opened
    opened.close()


def test_a_second_collection_of_the_same_texts_embeds_nothing(system: System, ingestion: Ingestion) -> None:
    texts = [TextDocument("a", "Lease", "The rent is due."), TextDocument("b", "Dose", "Take 5 mg daily.")]
    ingestion.add_texts(texts, "first", "set", lambda _: None)
    embedder = system.embedder
    assert isinstance(embedder, CountingEmbedder)
    assert len(embedder.texts) == 2
    ingestion.add_texts(texts, "second", "set", lambda _: None)
    assert len(embedder.texts) == 2
    first, second = (stored_vectors(system, name) for name in ("first", "second"))
    np.testing.assert_array_equal(first, second)


def test_a_deleted_document_that_comes_again_embeds_nothing(system: System, ingestion: Ingestion) -> None:
    system.store.create_collection("letters")
    stored = ingestion.upload(b"The keys were handed over.", "letter.txt", "letters", {})
    system.store.delete_document(stored.document.id)
    again = ingestion.upload(b"The keys were handed over.", "letter.txt", "letters", {})
    assert not again.was_replaced
    assert system.embedder.texts == ["letter\nThe keys were handed over."]  # type: ignore[attr-defined]


def test_a_question_does_not_fill_the_cache(tmp_path: Path, system: System, ingestion: Ingestion) -> None:
    ingestion.add_texts([TextDocument("a", "Lease", "The rent is due.")], "c", "set", lambda _: None)
    cache = EmbeddingCache(tmp_path / "home" / "cache" / "embeddings.db", MEBIBYTE)
    system.ask(Question("when is the rent due", "c"))
    assert cache.find(SPACE, ["when is the rent due", "Lease\nThe rent is due."]).keys() == {
        "Lease\nThe rent is due."
    }


def test_switched_off_every_ingest_embeds(tmp_path: Path) -> None:
    embedder = CountingEmbedder()
    no_cache = Settings(home=tmp_path / "home", embedding_cache_bytes=0)
    with open_system(no_cache, embedder=embedder) as system:
        ingestion = open_ingestion(system)
        for name in ("first", "second"):
            ingestion.add_texts([TextDocument("a", "", "The rent is due.")], name, "set", lambda _: None)
        ingestion.close()
    assert embedder.texts == ["The rent is due."] * 2
    assert not (tmp_path / "home" / "cache").exists()


def stored_vectors(system: System, name: str) -> Vectors:
    collection = system.store.collection(name)
    ids = system.store.embedded_ids(collection.id, system.embedder.space)
    found, vectors = system.store.vectors(ids, system.embedder.space)
    assert len(found) == len(ids)
    return vectors
