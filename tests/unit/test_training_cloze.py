import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.data import is_held_out
from rag.domain import Span
from training.cloze import cloze_examples, make_question, occurrences
from training.cloze_spans import Candidate, Kind, candidates, question_word
from training.corpora import CorpusPassage, is_prose, passages, stretches
from training.examples import Example

TESLA = (
    "The inventor Nikola Tesla moved to the city of New York in 1884 with four cents. "
    "He worked there for the Edison Machine Works at first. "
    "Much later the inventor Nikola Tesla died alone in a hotel of the city of New York. "
    "The museum in Belgrade keeps 160,000 documents of the estate."
)
LAKE = (
    "青海湖位于青藏高原东北部，是中国最大的咸水湖。"
    "1984年，科学家在青藏高原测得湖面面积4300平方公里。"
    "《青海地方志》说，青海湖古称西海。"
    "湖区的气候寒冷，冬季长达六个月。"
)


def texts(text: str, language: str) -> dict[str, Kind]:
    found = candidates(text, Span(0, len(text)), language)
    assert all(candidate.span.of(text) == candidate.text for candidate in found)
    return {candidate.text: candidate.kind for candidate in found}


def asked(text: str, seed: int) -> list[Example]:
    return list(cloze_examples([CorpusPassage("made", "group", "title", text)] * 3, random.Random(seed)))


def many(text: str) -> list[Example]:
    return [example for seed in range(60) for example in asked(text, seed)]


def test_capitals_digits_and_determiners_tell_english_candidates() -> None:
    found = texts(TESLA[: TESLA.index(".") + 1], "en")
    assert found == {
        "inventor": Kind.TERM,
        "Nikola Tesla": Kind.NAME,
        "city": Kind.TERM,
        "New York": Kind.NAME,
        "1884": Kind.TIME,
        "four cents": Kind.TERM,
    }


def test_a_number_a_share_and_a_date_are_whole() -> None:
    found = texts("On 4 July 1776 some 12.5 % of 160,000 people cheered.", "en")
    assert (found["4 July 1776"], found["12.5 %"], found["160,000"]) == (Kind.TIME, Kind.AMOUNT, Kind.AMOUNT)


def test_chinese_years_amounts_and_titles_are_candidates() -> None:
    found = texts("1984年《青海地方志》称湖面有4300平方公里，冬季长达六个月。", "zh")
    assert found["1984年"] is Kind.TIME
    assert found["《青海地方志》"] is Kind.QUOTED
    assert found["4300平方公里"] is Kind.AMOUNT
    assert found["六个月"] is Kind.AMOUNT


@pytest.mark.parametrize(
    ("text", "kind", "before", "language", "expected"),
    [
        ("12 %", Kind.AMOUNT, "", "en", {"what percentage"}),
        ("$5", Kind.AMOUNT, "", "en", {"how much"}),
        ("12 years", Kind.AMOUNT, "", "en", {"how many years"}),
        ("1884", Kind.TIME, "in", "en", {"when", "what year"}),
        ("Dr Livingstone", Kind.NAME, "", "en", {"who"}),
        ("4300平方公里", Kind.AMOUNT, "", "zh", {"多少平方公里"}),
        ("1984年", Kind.TIME, "", "zh", {"哪一年", "什么时候", "何时"}),
        ("青海省", Kind.TERM, "", "zh", {"哪里", "什么地方"}),
        ("臺灣國立大學", Kind.TERM, "", "zh", {"哪個大學", "什麼大學"}),
    ],
)
def test_the_question_word_fits_the_answer(
    text: str, kind: Kind, before: str, language: str, expected: set[str]
) -> None:
    candidate = Candidate(Span(0, len(text)), text, kind, before)
    assert {question_word(candidate, language, random.Random(seed)) for seed in range(40)} == expected


def test_an_occurrence_is_no_part_of_a_word_or_number() -> None:
    assert occurrences("5", "5 of 15, 5.6 or 1,5") == [Span(0, 1)]
    assert occurrences("art", "art, party, art.") == [Span(0, 3), Span(12, 15)]
    assert occurrences("湖", "青海湖的湖") == [Span(2, 3), Span(4, 5)]


def test_a_year_after_a_preposition_that_opens_its_sentence_is_a_time() -> None:
    assert texts("In 1884 Tesla 2 began.", "en") == {"1884": Kind.TIME, "Tesla 2": Kind.NAME}


def test_a_recurring_span_is_asked_for_by_a_sentence_that_the_passage_goes_without() -> None:
    recurring = [e for e in many(TESLA) if e.source == "cloze_recurring/made" and e.spans]
    assert recurring
    for example in recurring:
        assert len(example.passage) < len(TESLA)
        assert {example.passage[a:b] for a, b in example.spans or ()} <= {
            "Nikola Tesla",
            "New York",
            "city",
        } | {"inventor"}


def test_a_garbled_sentence_is_asked_of_the_whole_passage() -> None:
    garbled = [e for e in many(TESLA) if e.source == "cloze_garbled/made" and e.spans]
    assert garbled
    assert all(example.passage == TESLA for example in garbled)


@pytest.mark.parametrize(("text", "language"), [(TESLA, "en"), (LAKE, "zh")], ids=["en", "zh"])
def test_spans_are_all_occurrences_of_one_answer_that_the_question_does_not_give_away(
    text: str, language: str
) -> None:
    examples = many(text)
    assert {bool(example.spans) for example in examples} == {True, False}
    for example in examples:
        assert example.language == language
        assert example.spans is not None
        answers = {example.passage[start:end] for start, end in example.spans}
        assert len(answers) <= 1
        assert example.relevance == float(bool(answers))
        assert example.question.endswith("？" if language == "zh" else "?")
        assert all(answer.casefold() not in example.question.casefold() for answer in answers)


def test_a_question_keeps_what_stands_nearest_to_the_answer() -> None:
    text = "The inventor Nikola Tesla moved to the city of New York in 1884."
    answer = Candidate(Span(13, 25), "Nikola Tesla", Kind.NAME, "inventor")
    made = {
        make_question(text, Span(0, len(text)), answer, "en", random.Random(seed), is_recurring=True).lower()
        for seed in range(40)
    }
    assert "the inventor who moved to the city of new york in 1884?" in made


def test_the_same_seed_makes_the_same_examples() -> None:
    assert asked(TESLA, 5) == asked(TESLA, 5)


def test_tables_code_and_addresses_are_no_prose() -> None:
    assert is_prose(TESLA, "en")
    assert is_prose(LAKE * 2, "zh")
    assert not is_prose("12.5 | 13.4 | 17\n" * 20, "en")
    assert not is_prose("See https://a.example and https://b.example for the terms that apply to you.", "en")


@given(st.lists(st.integers(1, 60), min_size=40, max_size=80), st.integers(0, 9))
def test_stretches_are_disjoint_in_order_and_of_a_chunk_s_size(lengths: list[int], seed: int) -> None:
    text = " ".join(f"Sheep {'ate ' * words}grass." for words in lengths)
    found = list(stretches(text, "en", random.Random(seed)))
    assert found
    assert all(300 <= span.end - span.start <= 1000 for span in found)
    assert all(first.end <= second.start for first, second in pairwise(found))
    assert all(span.of(text).startswith("Sheep") and span.of(text).endswith("grass.") for span in found)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten laws of 60 articles, of which those of a title that hashes to 0-2 are test; three other sets."""
    laws = [
        {
            "title": f"第{law}法",
            "article": "第一条",
            "file": f"{law}.md",
            "text": LAKE.replace("1984", f"{law}{number}"),
        }
        for law in range(10)
        for number in range(60)
    ]
    pages = [{"path": f"{name}.md", "lang": "zh", "text": f"# 页\n\n{LAKE}{LAKE}"} for name in range(10)]
    for name, rows in {"laws_zh/articles_national": laws, "fastapi_docs/docs_en_zh": pages}.items():
        path = tmp_path / f"{name}.jsonl"
        path.parent.mkdir()
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    for name in ("cmrc2018/train.squad", "cmrc2018/trial.squad", "cmrc2018/dev.squad", "drcd/dev"):
        articles = [
            {"title": f"{name} {n}", "paragraphs": [{"id": f"{name}{n}", "context": LAKE * 2, "qas": []}]}
            for n in range(10)
        ]
        path = tmp_path / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"data": articles}), encoding="utf-8")
    return tmp_path


def test_passages_come_from_train_documents_alone(root: Path) -> None:
    found = list(passages(root, "zh", random.Random(3)))
    assert {passage.source for passage in found} == {"laws_zh", "cmrc2018", "drcd", "fastapi"}
    assert not any(passage.group.startswith("cmrc2018/dev") for passage in found)
    assert not any(is_held_out(passage.group) for passage in found if passage.source != "cmrc2018")
    assert all(100 <= len(passage.text) <= 350 for passage in found)


def test_laws_are_at_most_eleven_twentieths_of_the_chinese_passages_from_the_beginning(root: Path) -> None:
    found = [passage.source for passage in passages(root, "zh", random.Random(3))]
    assert 0.54 <= found.count("laws_zh") / len(found) <= 0.55
    assert 0.45 <= found[:100].count("laws_zh") / 100 <= 0.65


def test_passages_are_the_same_for_the_same_seed(root: Path) -> None:
    first, second = (list(passages(root, "zh", random.Random(3))) for _ in range(2))
    assert first == second
