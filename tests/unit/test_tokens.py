"""What is indexed and what is looked up."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.tokens import LONGEST_TOKEN, index_tokens, is_unspaced, question_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Payments were due", ["payment", "were", "due"]),
        ("ＦＵＬＬ　ｗｉｄｔｈ", ["full", "width"]),
        ("1,234.5", ["1234", "5", "1234.5"]),
        ("EX-10.27", ["ex", "10", "27", "ex1027"]),
        ("MEF2C", ["mef2c", "mef", "2", "c"]),
        ("response_model", ["respons", "model"]),
        ("Sjögren's", ["sjogren"]),
        ("§ 230", ["section", "230"]),
        ("合同", ["合同", "合", "同", "合同"]),
        ("合", ["合"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー", "東京", "京タ", "タワ", "ワー"]),
        ("", []),
        ("?! …", []),
    ],
)
def test_a_text_becomes_these_tokens(text: str, tokens: list[str]) -> None:
    assert index_tokens(text) == tokens


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("covid 19", "COVID-19"),
        ("COVID19", "COVID-19"),
        ("covid-19", "Covid19"),
        ("3.2.1", "version 3.2.1 of the plan"),
        ("10.27", "see EX-10.27"),
        ("Section 230", "47 U.S.C. § 230"),
        ("mef2c", "the MEF2C gene"),
        ("Sjogren", "Sjögren’s syndrome"),
        ("第264条", "刑法第二百六十四条"),
        ("第十二条", "第12条"),
        ("第十二條", "合同法第十二条"),
        ("劳动合同", "劳动合同法"),
        ("繁體", "繁體中文"),
        ("FastAPI怎么用", "使用FastAPI框架"),
        ("テスト", "統合テスト"),
    ],
)
def test_what_is_asked_meets_what_is_stored(asked: str, stored: str) -> None:
    assert set(question_tokens(asked)) & set(index_tokens(stored))


@pytest.mark.parametrize(
    ("clause", "number"),
    [
        ("第十条", "第10条"),
        ("第二十条", "第20条"),
        ("第一百零三条", "第103条"),
        ("第一千二百六十条", "第1260条"),
        ("第二六四条", "第264条"),
        ("第二百六十四条之一", "第264条之1"),
        ("第三章", "第3章"),
    ],
)
def test_a_clause_is_findable_by_its_number(clause: str, number: str) -> None:
    assert number in index_tokens(clause)


def test_a_whole_number_with_points_is_no_other_number() -> None:
    assert "321" not in index_tokens("3.2.1")


def test_question_words_are_not_looked_up() -> None:
    assert question_tokens("What are the risks of the drug?") == ["risk", "drug"]
    assert set(question_tokens("公司可以解除合同吗")).isdisjoint({"吗", "可以", "可", "以"})


def test_a_verb_that_opens_a_question_is_dropped_only_there() -> None:
    assert question_tokens("List the risks") == ["risk"]
    assert question_tokens("What is a list?") == ["list"]


def test_names_in_capitals_are_not_pronouns() -> None:
    assert question_tokens("What does WHO say of the US?") == ["who", "say", "us"]
    assert "who" in question_tokens("WHO是什么组织")
    assert question_tokens("WHAT IS THE RISK") == ["risk"]


def test_a_question_of_nothing_but_question_words_is_looked_up_as_it_is() -> None:
    assert question_tokens("Who is it?") == ["who", "is", "it"]
    assert "什么" in question_tokens("是什么？")


def test_tokens_know_whether_their_script_has_spaces() -> None:
    assert [is_unspaced(token) for token in ("合同", "第12条", "の", "rent", "10.27")] == [True] * 3 + [
        False
    ] * 2


@given(st.text())
def test_tokens_hold_no_whitespace_and_are_not_too_long(text: str) -> None:
    for token in index_tokens(text) + question_tokens(text):
        assert token
        assert token.split() == [token]
        assert len(token) <= LONGEST_TOKEN


@given(st.text())
def test_a_question_asks_for_nothing_that_the_same_text_would_not_store(text: str) -> None:
    assert set(question_tokens(text)) <= set(index_tokens(text))


def test_the_dictionary_writes_no_file_warns_of_nothing_and_logs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script = "from rag.tokens import index_tokens; index_tokens('劳动合同')"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr, list(tmp_path.iterdir())) == ("", "", [])
    with caplog.at_level(logging.DEBUG):
        index_tokens("劳动合同")
    assert caplog.records == []
