from pathlib import Path

import pytest

from evals.ask import gold_places
from evals.data import DataError
from evals.questions import ANY_DOCUMENT, ANYWHERE, EvalQuestion, Mark
from evals.records import Place
from evals.sets.own import load_own


def written(folder: Path, text: str, name: str = "own.jsonl", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def asked(path: Path) -> tuple[EvalQuestion, ...]:
    return load_own(path).questions


JSON_LINES = """{"question": "How long is the notice?", "answer": "30 days"}

{"question": "租金是多少？", "answers": ["900元", "九百元"], "id": "rent", "documents": "租约.txt", "page": 3}
{"question": "Who won?", "answerable": false, "domain": "legal", "group": "sport", "language": "en"}
"""
TABLE = (
    "Question,answer,id,documents,answerable,team\n"
    "How long is the notice?,30 days | one month,,,,\n"
    '"租金是多少，\n每月？",900元,rent,租约.txt,是,财务\n'
    "Who won?,,won,,False,\n"
    ",,,,,\n"
)


def test_json_lines_become_questions(tmp_path: Path) -> None:
    first, second, third = asked(written(tmp_path, JSON_LINES))
    assert (first.id, first.gold.answers, first.language, first.group) == (
        "line-1",
        ("30 days",),
        "en",
        "line-1",
    )
    assert (second.id, second.gold.answers) == ("rent", ("900元", "九百元"))
    assert (second.language, second.group, dict(second.metadata)) == ("zh", "租约.txt", {"page": "3"})
    assert (third.id, third.is_answerable, third.domain, third.group) == ("line-4", False, "legal", "sport")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_becomes_questions_with_or_without_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    first, second, third = asked(written(tmp_path, TABLE, "own.csv", encoding))
    assert (first.id, first.gold.answers) == ("line-2", ("30 days", "one month"))
    assert (second.text, second.gold.documents) == ("租金是多少，\n每月？", ("租约.txt",))
    assert (second.is_answerable, dict(second.metadata)) == (True, {"team": "财务"})
    assert (third.id, third.is_answerable) == ("won", False)


def test_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    plain = asked(written(tmp_path, JSON_LINES))
    assert asked(written(tmp_path, JSON_LINES.replace("\n", "\r\n"), "crlf.jsonl")) == plain


def test_a_passage_lies_in_its_document_or_the_questions_or_anywhere(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '{"question": "a", "passages": "one"}\n'
        '{"question": "b", "passages": ["two"], "documents": ["x", "y"]}\n'
        '{"question": "c", "passages": [{"text": "three", "document": "z"}]}\n',
    )
    assert [question.gold.marks for question in asked(path)] == [
        (Mark(ANY_DOCUMENT, ANYWHERE, "one"),),
        (Mark("x", ANYWHERE, "two"), Mark("y", ANYWHERE, "two")),
        (Mark("z", ANYWHERE, "three"),),
    ]
    assert asked(path)[2].gold.documents == ("z",)


def test_a_passage_of_no_document_is_found_wherever_it_stands(tmp_path: Path) -> None:
    question = asked(written(tmp_path, '{"question": "a", "passages": "two  days"}\n'))[0]
    text = "Two days. Or two\ndays."
    assert list(gold_places(question, "any", lambda: text)) == [Place("any", 0, 8), Place("any", 13, 21)]


def test_an_answer_without_document_is_found_in_any(tmp_path: Path) -> None:
    question = asked(written(tmp_path, '{"question": "a", "answer": "two days"}\n'))[0]
    assert list(gold_places(question, "any", lambda: "In two days.")) == [Place("any", 3, 11)]


def test_an_answer_with_a_document_is_not_looked_for_elsewhere(tmp_path: Path) -> None:
    question = asked(written(tmp_path, '{"question": "a", "answer": "two", "documents": "x"}\n'))[0]
    assert list(gold_places(question, "y", lambda: "two")) == []
    assert list(gold_places(question, "x", lambda: "two")) == [Place("x", 0, 3)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{torn", "line 1: no JSON object"),
        ('"a text"', "line 1: no JSON object; write"),
        ('{"answer": "x"}', "line 1, question: is missing or empty"),
        ('{"question": "  ", "answer": "x"}', "line 1, question: is missing or empty"),
        ('{"question": ["a"], "answer": "x"}', r'line 1, question: \["a"\] is no text'),
        ('{"question": "a"}', "line 1, answer: is missing; give answer, passages or documents"),
        ('{"question": "a", "answer": 5}', "line 1, answer: 5 is no text"),
        ('{"question": "a", "answers": ["b", ""]}', 'line 1, answers: "" is no text or an empty one'),
        ('{"question": "a", "answer": "b", "answerable": "no"}', 'line 1, answerable: "no" is neither true'),
        ('{"question": "a", "answer": "b", "answerable": false}', "line 1, answerable: is false, yet"),
        ('{"question": "a", "passages": [{"document": "x"}]}', "line 1, passages.text: null is no text"),
        ('{"question": "a", "answer": "b", "domain": "law"}', "domain: 'law' is none of general, medical"),
        ('{"question": "a", "answer": "b", "id": true}', "line 1, id: true is no text"),
    ],
)
def test_a_bad_line_is_named_with_its_field(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"own\.jsonl cannot be used, \d problem(.|\n)*{message}"):
        load_own(written(tmp_path, line))


def test_ids_must_be_unique(tmp_path: Path) -> None:
    line = '{"question": "a", "answer": "b", "id": "1"}\n'
    with pytest.raises(DataError, match="line 2, id: '1' is that of line 1 too"):
        load_own(written(tmp_path, line * 2))


def test_all_problems_are_shown_up_to_twenty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="25 problems") as caught:
        load_own(written(tmp_path, '{"question": "a"}\n' * 25))
    assert len(str(caught.value).splitlines()) == 22
    assert str(caught.value).endswith("and 5 more")


@pytest.mark.parametrize(
    ("name", "text", "encoding", "message"),
    [
        ("own.jsonl", " \n", "utf-8", "is empty"),
        ("own.csv", "", "utf-8", "is empty"),
        ("own.csv", "question,answer\n", "utf-8", "names columns and asks nothing"),
        ("own.jsonl", '[{"question": "a"}]', "utf-8", "is one JSON array"),
        ("own.txt", "a", "utf-8", r"neither \.jsonl nor \.csv"),
        ("own.jsonl", '{"question": "价格"}', "gb18030", "line 1 is not UTF-8; save it as UTF-8"),
        ("own.csv", "question,answer\na,b", "utf-16", "it is UTF-16; save it as UTF-8"),
        ("own.csv", "What is it?,This\n", "utf-8", "has no column 'question'.*begin with a line like"),
        ("own.csv", "question;answer\na;b\n", "utf-8", "separate columns by commas"),
        ("own.csv", "question,answer,Answer\n", "utf-8", "two columns 'answer'"),
        ("own.csv", "question,answer\na,b,c\n", "utf-8", "line 2: 3 cells under 2 columns"),
        ("own.csv", "question,answerable\na,perhaps\n", "utf-8", "line 2, answerable: 'perhaps' is neither"),
        ("own.csv", 'question,answer\n"a,b\n', "utf-8", "line 2: .*check the double quotes"),
    ],
)
def test_a_file_of_another_kind_is_explained(
    tmp_path: Path, name: str, text: str, encoding: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_own(written(tmp_path, text, name, encoding))


def test_a_missing_file_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be opened: No such file"):
        load_own(tmp_path / "none.csv")


def test_the_split_and_the_hash_are_those_of_the_content(tmp_path: Path) -> None:
    one, other = written(tmp_path, JSON_LINES), written(tmp_path, JSON_LINES, "other.jsonl")
    assert load_own(one) == load_own(other)
    assert load_own(one).corpus is None
