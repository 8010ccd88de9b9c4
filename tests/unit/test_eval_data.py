import gzip
from pathlib import Path

import pytest

from evals.data import DataError, DataMissingError, Query, data_root, is_held_out, load_retrieval_set
from evals.suites import SUITES, Split, Suite, suite_named
from rag.errors import InvalidRequestError, NotFoundError

CORPUS = '{"_id": "a", "title": "One", "text": "first"}\n{"_id": "b", "text": "第二"}\n'
QUERIES = '{"_id": "1", "text": "which?", "batch": "10B1"}\n{"_id": "2", "text": "unjudged?"}\n'
QRELS = "query-id\tcorpus-id\tscore\n1\tb\t1\n1\ta\t0\n"


def beir(folder: Path, corpus: str = CORPUS, queries: str = QUERIES, qrels: str = QRELS) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(corpus.encode()))
    (folder / "queries.jsonl").write_text(queries, encoding="utf-8")
    (folder / "qrels.tsv").write_text(qrels, encoding="utf-8")
    return folder


def test_questions_with_a_relevant_document_are_read_gzipped_or_plain(tmp_path: Path) -> None:
    data = load_retrieval_set(beir(tmp_path))
    assert [(p.id, p.title, p.text) for p in data.corpus] == [("a", "One", "first"), ("b", "", "第二")]
    assert data.queries == (Query("1", "which?", ("b",), "10B1"),)


def test_the_hash_is_of_the_content_not_of_its_compression(tmp_path: Path) -> None:
    zipped = load_retrieval_set(beir(tmp_path / "zipped"))
    plain = beir(tmp_path / "plain")
    (plain / "corpus.jsonl.gz").unlink()
    (plain / "corpus.jsonl").write_text(CORPUS, encoding="utf-8")
    assert load_retrieval_set(plain).data_hash == zipped.data_hash
    changed = load_retrieval_set(beir(tmp_path / "changed", qrels=QRELS + "1\ta\t1\n"))
    assert changed.data_hash != zipped.data_hash
    assert changed.corpus_hash == zipped.corpus_hash


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"corpus": CORPUS + "{torn"}, r"corpus.jsonl.gz, line 3"),
        ({"corpus": '{"_id": "a"}\n'}, r"line 1: text: Field required"),
        ({"corpus": CORPUS + CORPUS}, "ids must be unique"),
        ({"qrels": QRELS + "1 a 1\n"}, r"qrels.tsv, line 4"),
        ({"qrels": QRELS + "1\tz\t1\n"}, "names z, which the corpus has not"),
        ({"qrels": "1\tb\t0\n"}, "no query"),
    ],
)
def test_bad_data_is_named_by_file_and_line(tmp_path: Path, broken: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_retrieval_set(beir(tmp_path, **broken))


def test_a_damaged_archive_is_a_data_error(tmp_path: Path) -> None:
    folder = beir(tmp_path)
    path = folder / "corpus.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="damaged"):
        load_retrieval_set(folder)


def test_missing_data_says_which_variable_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTEST_DATA", str(tmp_path / "none"))
    with pytest.raises(DataMissingError, match="ATTEST_DATA"):
        data_root()
    with pytest.raises(DataMissingError, match=r"corpus.jsonl\[.gz\] is missing"):
        load_retrieval_set(tmp_path)


def test_data_is_looked_for_beside_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shared" / "data").mkdir(parents=True)
    (tmp_path / "project" / "deep").mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").touch()
    monkeypatch.delenv("ATTEST_DATA", raising=False)
    monkeypatch.chdir(tmp_path / "project" / "deep")
    assert data_root().resolve() == (tmp_path / "shared" / "data").resolve()


def test_splits_part_the_questions() -> None:
    suite = suite_named("retrieval/bioasq")
    queries = tuple(Query(str(i), "?", ("a",), "10B2" if i < 3 else "7B1") for i in range(10))
    held_out = suite.select(queries, Split.TEST, None, seed=0)
    assert [query.id for query in held_out] == ["0", "1", "2"]
    assert held_out + suite.select(queries, Split.TRAIN, None, seed=0) == queries
    assert suite.select(queries, Split.ALL, None, seed=0) == queries


def test_a_limit_takes_the_same_questions_whatever_their_order() -> None:
    suite = Suite("s", "s", "")
    queries = tuple(Query(str(i), "?", ("a",)) for i in range(50))
    few = suite.select(queries, Split.ALL, 5, seed=0)
    assert len(few) == 5
    assert set(few) == set(suite.select(queries[::-1], Split.ALL, 5, seed=0))
    assert set(few) <= set(suite.select(queries, Split.ALL, 9, seed=0))
    assert set(few) != set(suite.select(queries, Split.ALL, 5, seed=1))


def test_a_suite_without_a_split_refuses_one() -> None:
    with pytest.raises(InvalidRequestError, match="has no test split"):
        suite_named("retrieval/mtrag").select((), Split.TEST, None, seed=0)


def test_an_unknown_suite_is_told_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="retrieval/stard"):
        suite_named("retrieval/nothing")
    assert len({suite.name for suite in SUITES}) == len(SUITES)


def test_a_name_is_held_out_by_the_first_digit_of_its_hash() -> None:
    # printf 5 | sha256sum: ef2d..., printf 16 | sha256sum: b17e..., printf 36 | sha256sum: 76a5...
    digits = {name: is_held_out(name) for name in ("5", "16", "36")}
    assert not any(digits.values())
    assert is_held_out("0") is False  # 5fec...
    assert is_held_out("9") is True  # 19581e...
    assert is_held_out("8") is True  # 2c624...
