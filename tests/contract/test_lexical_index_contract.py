"""What every lexical index must do; the one in memory is the measure of the others."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st
from in_memory import MemoryLexicalIndex
from stored import stored

from rag.adapters import tantivy_index
from rag.adapters.tantivy_index import IndexBusyError, TantivyIndex
from rag.domain import Chunk
from rag.errors import CorruptIndexError
from rag.intake import Position
from rag.ports import LexicalIndex

OpenIndex = Callable[[Path], LexicalIndex]
BOTH = pytest.mark.parametrize("open_index", [MemoryLexicalIndex, TantivyIndex])
FIRST = Position(1, "first")


def chunk(chunk_id: int, text: str, title: str = "", section: tuple[str, ...] = ()) -> Chunk:
    return Chunk(chunk_id, stored(title=title), 0, 0, len(text), section, text)


def filled(index: LexicalIndex, *chunks: Chunk) -> LexicalIndex:
    index.add(chunks)
    index.commit(FIRST)
    return index


def found(
    index: LexicalIndex,
    question: str,
    k: int = 10,
    allowed: np.ndarray[tuple[int], np.dtype[np.int64]] | None = None,
) -> list[int]:
    return [hit.chunk_id for hit in index.search(question, k, allowed)]


def ids(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


@BOTH
def test_the_chunk_with_more_of_the_words_comes_first(open_index: OpenIndex, tmp_path: Path) -> None:
    index = filled(open_index(tmp_path / "x"), chunk(1, "rent"), chunk(2, "rent deposit"), chunk(3, "fever"))
    assert found(index, "rent deposit") == [2, 1]


@BOTH
def test_chinese_is_found(open_index: OpenIndex, tmp_path: Path) -> None:
    index = filled(open_index(tmp_path / "x"), chunk(1, "租金逾期支付"), chunk(2, "诊断标准"))
    assert found(index, "租金") == [1]


@BOTH
def test_equal_scores_are_ordered_by_id_also_where_the_list_ends(
    open_index: OpenIndex, tmp_path: Path
) -> None:
    index = filled(open_index(tmp_path / "x"), *(chunk(i, "rent") for i in range(300, 0, -1)))
    assert found(index, "rent", k=5) == [1, 2, 3, 4, 5]
    assert found(index, "rent", k=5, allowed=np.arange(100, 250)) == [100, 101, 102, 103, 104]


@BOTH
def test_a_filter_is_exact_and_fails_closed(open_index: OpenIndex, tmp_path: Path) -> None:
    index = filled(open_index(tmp_path / "x"), *(chunk(i, f"rent {'x ' * i}") for i in range(1, 50)))
    assert sorted(found(index, "rent", allowed=ids(3, 44, 999))) == [3, 44]
    assert found(index, "rent", allowed=ids()) == []
    assert found(index, "rent", allowed=ids(999)) == []


@BOTH
def test_a_removed_chunk_is_never_returned_and_a_second_add_replaces(
    open_index: OpenIndex, tmp_path: Path
) -> None:
    index = filled(open_index(tmp_path / "x"), chunk(1, "rent"), chunk(2, "rent"))
    index.remove(ids(1, 77))
    index.add([chunk(2, "fever")])
    index.commit(Position(2, "second"))
    assert found(index, "rent") == []
    assert found(index, "fever") == [2]
    assert list(index.ids()) == [2]


@BOTH
def test_applying_the_same_changes_again_changes_nothing(open_index: OpenIndex, tmp_path: Path) -> None:
    index = open_index(tmp_path / "x")
    for _ in range(2):
        index.remove(ids(5))
        filled(index, chunk(1, "rent"), chunk(2, "rent"))
    assert list(index.ids()) == [1, 2]
    assert found(index, "rent") == [1, 2]


@BOTH
def test_clearing_forgets_every_chunk_and_the_position(open_index: OpenIndex, tmp_path: Path) -> None:
    index = filled(open_index(tmp_path / "x"), chunk(1, "rent"))
    index.clear()
    index.add([chunk(2, "rent")])
    index.commit(Position(9, "ninth"))
    assert list(index.ids()) == [2]
    assert index.position() == Position(9, "ninth")


@BOTH
def test_an_empty_index_finds_nothing(open_index: OpenIndex, tmp_path: Path) -> None:
    index = open_index(tmp_path / "x")
    assert index.position() is None
    assert found(index, "rent") == []
    assert len(index.ids()) == 0


@BOTH
@pytest.mark.parametrize("question", ["", "?!", 'rent" OR body:*', "+rent -fever", "a" * 100_000, "\0"])
def test_no_question_is_an_error(open_index: OpenIndex, tmp_path: Path, question: str) -> None:
    index = filled(open_index(tmp_path / "x"), chunk(1, "rent"))
    assert found(index, question) in ([], [1])


STEPS = st.lists(st.tuples(st.sampled_from(["add", "remove", "commit"]), st.integers(0, 9)), max_size=25)


@settings(max_examples=25, deadline=None)
@given(STEPS, st.sets(st.integers(0, 9)))
def test_tantivy_does_what_the_index_in_memory_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], allowed: set[int]
) -> None:
    tantivy = TantivyIndex(tmp_path_factory.mktemp("lexical") / "x")
    memory = MemoryLexicalIndex()
    for number, (verb, chunk_id) in enumerate([*steps, ("commit", 0)]):
        for index in (tantivy, memory):
            if verb == "add":
                index.add([chunk(chunk_id, f"rent n{number}")])
            elif verb == "remove":
                index.remove(ids(chunk_id))
            else:
                index.commit(Position(number, "token"))
    assert list(tantivy.ids()) == list(memory.ids())
    assert found(tantivy, "rent") == found(memory, "rent")
    some = ids(*sorted(allowed))
    assert found(tantivy, "rent", 3, some) == found(memory, "rent", 3, some)


def test_title_and_headings_are_searched_with_the_text(tmp_path: Path) -> None:
    index = filled(
        TantivyIndex(tmp_path / "x"), chunk(1, "due monthly", "Lease", ("Payment", "Rent")), chunk(2, "fever")
    )
    assert found(index, "lease") == found(index, "rent") == found(index, "monthly") == [1]


def test_a_rare_word_outweighs_a_common_one(tmp_path: Path) -> None:
    common = [chunk(i, "drug trial of a drug") for i in range(1, 30)]
    index = filled(TantivyIndex(tmp_path / "x"), *common, chunk(99, "Milvexian acts on factor XI"))
    assert found(index, "the drug Milvexian")[0] == 99


def test_a_filter_does_not_change_scores_whichever_way_it_is_applied(tmp_path: Path) -> None:
    index = filled(TantivyIndex(tmp_path / "x"), *(chunk(i, f"rent {'x ' * (i % 7)}") for i in range(500)))
    scores = {hit.chunk_id: hit.score for hit in index.search("rent", 500, None)}
    for allowed in (ids(3), np.arange(0, 500, 9), np.arange(450)):
        hits = index.search("rent", 50, allowed)
        expected = sorted(allowed.tolist(), key=lambda i: (-scores[i], i))[:50]
        assert [hit.chunk_id for hit in hits] == expected
        assert [hit.score for hit in hits] == pytest.approx([scores[i] for i in expected], abs=2e-4)


def test_a_filter_against_the_grain_of_the_ranking_is_still_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tantivy_index, "HITS_AT_ONCE", 50)
    index = filled(TantivyIndex(tmp_path / "x"), *(chunk(i, f"rent {'x ' * i}") for i in range(1, 200)))
    assert found(index, "rent", 5, np.arange(150, 200)) == [150, 151, 152, 153, 154]


def test_what_is_not_committed_is_not_seen_and_not_kept(tmp_path: Path) -> None:
    index = filled(TantivyIndex(tmp_path / "x"), chunk(1, "rent"))
    index.add([chunk(2, "rent")])
    assert found(index, "rent") == [1]
    index.close()
    assert found(TantivyIndex(tmp_path / "x"), "rent") == [1]


def test_much_that_is_pending_is_written_before_the_position_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tantivy_index, "PENDING_CHUNKS", 2)
    index = filled(TantivyIndex(tmp_path / "x"), chunk(1, "rent"))
    index.add([chunk(2, "rent"), chunk(3, "rent")])
    assert found(index, "rent") == [1, 2, 3]
    assert index.position() == FIRST


def test_another_process_commit_is_seen_when_the_position_is_read(tmp_path: Path) -> None:
    reader, writer = TantivyIndex(tmp_path / "x"), TantivyIndex(tmp_path / "x")
    filled(writer, chunk(1, "rent"))
    assert reader.position() == FIRST
    assert found(reader, "rent") == [1]
    filled(reader, chunk(2, "rent"))
    writer.remove(ids(1))
    writer.commit(Position(3, "third"))
    assert reader.position() == Position(3, "third")
    assert list(reader.ids()) == [2]


def test_a_process_that_cannot_get_the_folder_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tantivy_index, "WRITER_SECONDS", 0.01)
    index = TantivyIndex(tmp_path / "x")
    with FileLock(f"{tmp_path / 'x'}.lock"), pytest.raises(IndexBusyError, match="try again"):
        filled(index, chunk(1, "rent"))
    assert found(filled(index), "rent") == [1]


@pytest.mark.parametrize("damage", ["truncate", "delete"])
def test_a_torn_index_has_no_position_and_is_rebuilt(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "x"
    filled(TantivyIndex(folder), chunk(1, "rent")).close()
    torn = [path.name for path in folder.iterdir() if path.suffix in {".idx", ".term", ".fast", ".json"}]
    for name in set(torn) - {".managed.json"}:
        copy = tmp_path / f"{name}.copy"
        shutil.copytree(folder, copy)
        if damage == "delete":
            (copy / name).unlink()
        else:
            (copy / name).write_bytes((copy / name).read_bytes()[:20])
        index = TantivyIndex(copy)
        assert (index.position(), list(index.ids()), found(index, "rent")) == (None, [], []), name
        index.clear()
        assert found(filled(index, chunk(2, "rent")), "rent") == [2]
        assert TantivyIndex(copy).position() == FIRST


def test_an_index_of_another_recipe_of_tokens_has_no_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(TantivyIndex(tmp_path / "x"), chunk(1, "rent")).close()
    monkeypatch.setattr(tantivy_index, "_TOKENS", "tokens_of_another_recipe")
    assert TantivyIndex(tmp_path / "x").position() is None


def test_files_lost_under_an_open_index_are_not_passed_off_as_a_new_one(tmp_path: Path) -> None:
    index = filled(TantivyIndex(tmp_path / "x"), chunk(1, "rent"))
    shutil.rmtree(tmp_path / "x", ignore_errors=True)
    index.add([chunk(2, "rent")])
    with pytest.raises(CorruptIndexError, match="rebuilt"):
        index.commit(Position(2, "second"))
    assert index.position() is None
