import gzip
from dataclasses import dataclass
from pathlib import Path

import pytest

from evals.data import (
    DataError,
    DataMissingError,
    data_file,
    data_root,
    hash_of,
    is_held_out,
    read_json,
    read_rows,
)


@dataclass(frozen=True)
class Row:
    name: str
    size: int = 0


@dataclass(frozen=True)
class Rows:
    data: tuple[Row, ...]


def zipped(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_rows_are_read_gzipped_or_plain_and_blank_lines_are_left_out(tmp_path: Path) -> None:
    text = '{"name": "一", "size": 3, "other": 1}\n\n{"name": "b"}\n'
    plain = tmp_path / "rows.jsonl"
    plain.write_text(text, encoding="utf-8")
    expected = [Row("一", 3), Row("b")]
    assert list(read_rows(plain, Row)) == expected
    assert list(read_rows(zipped(tmp_path / "other.jsonl.gz", text), Row)) == expected


def test_a_malformed_row_is_named_by_file_line_and_field(tmp_path: Path) -> None:
    path = zipped(tmp_path / "rows.jsonl.gz", '{"name": "a"}\n{"size": 3}\n')
    with pytest.raises(DataError, match=r"rows.jsonl.gz, line 2: name: Field required"):
        list(read_rows(path, Row))


def test_a_malformed_item_of_a_document_is_named_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    path.write_text('{"data": [{"name": "a"},\n {"name": "b", "size": "many"}]}', encoding="utf-8")
    with pytest.raises(DataError, match=r"set.json: data.1.size: "):
        read_json(path, Rows)


def test_a_damaged_archive_is_a_data_error(tmp_path: Path) -> None:
    path = zipped(tmp_path / "rows.jsonl.gz", '{"name": "a"}\n' * 100)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="damaged"):
        list(read_rows(path, Row))


def test_missing_data_says_which_file_and_which_variable_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTEST_DATA", str(tmp_path / "none"))
    with pytest.raises(DataMissingError, match="ATTEST_DATA"):
        data_root()
    with pytest.raises(DataMissingError, match=r"squad.json\[.gz\] is missing; point ATTEST_DATA"):
        data_file(tmp_path, "squad.json")


def test_data_is_looked_for_beside_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shared" / "data").mkdir(parents=True)
    (tmp_path / "project" / "deep").mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").touch()
    monkeypatch.delenv("ATTEST_DATA", raising=False)
    monkeypatch.chdir(tmp_path / "project" / "deep")
    assert data_root().resolve() == (tmp_path / "shared" / "data").resolve()


def test_a_hash_is_of_content_and_layout_not_of_compression(tmp_path: Path) -> None:
    plain = tmp_path / "rows.jsonl"
    plain.write_text('{"name": "a"}\n', encoding="utf-8")
    same = zipped(tmp_path / "same.jsonl.gz", '{"name": "a"}\n')
    other = zipped(tmp_path / "other.jsonl.gz", '{"name": "b"}\n')
    assert hash_of([plain], "1") == hash_of([same], "1")
    assert hash_of([plain], "1") != hash_of([other], "1")
    assert hash_of([plain], "1") != hash_of([plain], "2")


def test_a_name_is_held_out_by_the_first_digit_of_its_hash() -> None:
    # printf 5 | sha256sum: ef2d..., printf 16 | sha256sum: b17e..., printf 36 | sha256sum: 76a5...
    digits = {name: is_held_out(name) for name in ("5", "16", "36")}
    assert not any(digits.values())
    assert is_held_out("0") is False  # 5fec...
    assert is_held_out("9") is True  # 19581e...
    assert is_held_out("8") is True  # 2c624...
