import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.data import DataError, DataMissingError
from evals.questions import Gold, Mark, QuestionSet
from evals.sets import span_sets, span_tasks, squad_layout
from evals.sets.removed import is_chosen, removed, with_gold_removed
from evals.sets.span_sets import clause_question
from evals.sets.span_tasks import (
    answerable_or_not,
    answerable_or_not_in_its_document,
    asked_of_all,
    asked_of_its_document,
    stretch_around,
    with_its_passage,
)
from evals.sets.squad_layout import SpanQuestion, nearest
from rag.domain import Span
from rag.filters import All as Every
from rag.filters import Any, Comparison, Filter, Membership, Not, parse_filter


def question(name: object, answers: Iterable[tuple[str, int]] = (), **fields: object) -> dict[str, object]:
    marked = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": name, "question": f"question {name}?", "answers": marked, **fields}


def article(title: str, *paragraphs: dict[str, object], **fields: object) -> dict[str, object]:
    return {"title": title, "paragraphs": list(paragraphs), **fields}


def paragraph(context: str, *asked: dict[str, object], **fields: object) -> dict[str, object]:
    return {"context": context, "qas": list(asked), **fields}


def write(root: Path, name: str, *articles: dict[str, object]) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": "v", "data": articles}, ensure_ascii=False), encoding="utf-8")


def squad(root: Path) -> None:
    write(
        root,
        "squad/dev-v2.0.json",
        article(
            "Oil_crisis",
            paragraph("It began in October 1973.", question("q1", [("October 1973", 12), ("1973", 20)])),
            paragraph("Prices rose.", question("q2", is_impossible=True), question("q3", [("rose", 7)])),
        ),
    )


def uris(data: QuestionSet) -> list[str]:
    assert data.corpus is not None
    return [text.uri for text in data.corpus.texts]


def test_each_paragraph_is_a_document_that_knows_its_article(tmp_path: Path) -> None:
    squad(tmp_path)
    data = asked_of_all(span_sets.SQUAD2)(tmp_path)
    assert data.corpus is not None
    first, second = data.corpus.texts
    assert (first.uri, first.title, first.text) == ("Oil_crisis/0", "Oil crisis", "It began in October 1973.")
    assert second.metadata == {"document": "Oil_crisis", "paragraph": "Oil_crisis/1"}


def test_a_question_keeps_every_annotators_answer_and_its_place(tmp_path: Path) -> None:
    squad(tmp_path)
    data = asked_of_all(span_sets.SQUAD2)(tmp_path)
    first, third = data.questions
    assert first.gold == Gold(
        answers=("October 1973", "1973"),
        documents=("Oil_crisis/0",),
        marks=(Mark("Oil_crisis/0", 12, "October 1973"), Mark("Oil_crisis/0", 20, "1973")),
    )
    assert (first.group, first.is_test, first.scope) == ("Oil_crisis", True, {})
    assert third.id == "q3"
    assert data.left_out == {span_tasks.UNANSWERABLE: 1}


def test_suites_of_one_set_share_its_collection(tmp_path: Path) -> None:
    squad(tmp_path)
    suites = [asked_of_all, answerable_or_not, answerable_or_not_in_its_document]
    corpora = [suite(span_sets.SQUAD2)(tmp_path).corpus for suite in suites]
    hidden = removed(asked_of_all(span_sets.SQUAD2))(tmp_path)
    assert corpora == [hidden.corpus] * 3


def test_an_unanswerable_question_has_no_gold_and_stays_where_abstaining_is_measured(tmp_path: Path) -> None:
    squad(tmp_path)
    data = answerable_or_not(span_sets.SQUAD2)(tmp_path)
    assert [(q.id, q.is_answerable) for q in data.questions] == [("q1", True), ("q2", False), ("q3", True)]
    assert data.questions[1].gold == Gold()


def test_a_question_that_names_no_document_is_asked_within_its_own(tmp_path: Path) -> None:
    whole = paragraph("First line\nThe law of Ohio governs.", question("c1", [("Ohio", 22)]))
    write(tmp_path, "cuad/cuad.squad.json", article("A Contract", whole))
    data = asked_of_its_document(span_sets.CUAD)(tmp_path)
    assert data.questions[0].scope == {"document": "A Contract"}
    assert uris(data) == ["A Contract"]


def test_a_passage_comes_with_its_question_whole(tmp_path: Path) -> None:
    squad(tmp_path)
    data = with_its_passage(span_sets.SQUAD2)(tmp_path)
    assert data.corpus is None
    assert [q.passages[0].text for q in data.questions] == [
        "It began in October 1973.",
        "Prices rose.",
        "Prices rose.",
    ]
    assert [q.is_answerable for q in data.questions] == [True, False, True]


def test_of_a_long_paper_the_lines_around_the_gold_are_given(tmp_path: Path) -> None:
    before, gold, after = "b" * 1000, "the virus has 31 kb", "a" * 1000
    text = "\n".join(["Title", before, gold, after])
    start = text.index("31 kb")
    asked = [question(7, [("31 kb", start)]), question(8, [("nowhere", 3)])]
    write(tmp_path, "covid_qa/covid_qa.squad.json", article("1546", paragraph(text, *asked)))
    data = with_its_passage(span_sets.COVID_QA)(tmp_path)
    (only,) = data.questions
    (passage,) = only.passages
    assert passage.text in {f"{gold}\n{after}", f"{before}\n{gold}"}
    (mark,) = only.gold.marks
    assert passage.text[mark.start :].startswith("31 kb")
    assert mark.document == passage.id == only.gold.documents[0]
    assert only.id == "7"
    assert data.left_out == {squad_layout.NOWHERE: 1}


def test_two_passages_that_begin_alike_but_end_differently_have_two_names(tmp_path: Path) -> None:
    # Found by `verify-data` on cuad: the later marks fell outside a shorter passage of the same start.
    text = "x" * 700 + "\n" + "y" * 700 + "\n" + "z" * 1400
    asked = [question(1, [("x", 0)]), question(2, [("y", 701), ("z", 1500)])]
    write(tmp_path, "cuad/cuad.squad.json", article("C", paragraph(text, *asked)))
    data = with_its_passage(span_sets.CUAD)(tmp_path)
    texts = {passage.id: passage.text for q in data.questions for passage in q.passages}
    for q in data.questions:
        assert q.passages[0].text == texts[q.passages[0].id]


def test_a_title_is_the_first_line_of_a_paper(tmp_path: Path) -> None:
    asked = question(7, [("found", 17)])
    write(
        tmp_path,
        "covid_qa/covid_qa.squad.json",
        article("1546", paragraph("\n A study \n\nWe found it.", asked)),
    )
    data = asked_of_all(span_sets.COVID_QA)(tmp_path)
    assert data.corpus is not None
    assert data.corpus.texts[0].title == "A study"
    assert data.questions[0].gold.marks == (Mark("1546", 15, "found"),)


def test_a_misplaced_answer_is_found_nearest_to_its_place(tmp_path: Path) -> None:
    asked = [question("d1", [("踢爆", 9)]), question("d2", [("没有", -1)])]
    dev = article("泡泡战士", paragraph("踢爆吗？不，是被踢爆。", *asked, id="DEV_0"))
    for name in ("train", "trial"):
        other = article(name, paragraph("甲乙", question(name, [("乙", 1)]), id=name))
        write(tmp_path, f"cmrc2018/{name}.squad.json", other)
    write(tmp_path, "cmrc2018/dev.squad.json", dev)
    data = asked_of_all(span_sets.CMRC2018)(tmp_path)
    assert [(q.id, q.is_test) for q in data.questions] == [("train", False), ("trial", False), ("d1", True)]
    assert data.questions[2].gold.marks == (Mark("DEV_0", 8, "踢爆"),)
    assert data.left_out == {squad_layout.NOWHERE: 1}


def test_annotators_of_judgments_may_disagree_or_say_yes(tmp_path: Path) -> None:
    def said(name: str, *answers: str, impossible: bool = False) -> dict[str, object]:
        marked = [(text, "被告付款八百元".find(text) if text else -1) for text in answers]
        return question(name, marked, is_impossible="true" if impossible else "false")

    judgment = paragraph(
        "被告付款八百元",
        said("span", "八百元", "付款八百元", "八百元"),
        said("two of three", "八百元", "八百元", ""),
        said("one of three", "八百元", "", ""),
        said("yes", "YES", "YES", "NO"),
        said("none", "", "", "", impossible=True),
        said("disputed", "八百元", "", "", impossible=True),
        casename="借款纠纷",
    )
    write(tmp_path, "cail2019_mrc/dev.json", {"paragraphs": [judgment], "caseid": "12", "domain": "civil"})
    data = answerable_or_not_in_its_document(span_sets.CAIL2019)(tmp_path)
    assert [(q.id, q.is_answerable) for q in data.questions] == [
        ("span", True),
        ("two of three", True),
        ("none", False),
    ]
    assert data.questions[0].gold.answers == ("八百元", "付款八百元")
    assert data.questions[0].scope == {"document": "12"}
    assert data.left_out == {squad_layout.DISAGREEMENT: 2, squad_layout.YES_OR_NO: 1}


def test_a_plausible_span_of_an_unanswerable_question_is_no_gold(tmp_path: Path) -> None:
    asked = question("t1", [("UE", 4)], is_impossible=True)
    section = article("3GPP-Specs#23273-g50#30", paragraph("The UE moves.", asked))
    write(
        tmp_path, "telequad/TeleQuAD-v4.json", {**section, "docid": "1", "source": "3GPP-Specs#23273-g50#30"}
    )
    data = with_its_passage(span_sets.TELEQUAD)(tmp_path)
    assert [(q.is_answerable, q.gold, q.group) for q in data.questions] == [
        (False, Gold(), "3GPP-Specs#23273-g50")
    ]


def test_traditional_chinese_is_marked_as_such_and_split_by_article(tmp_path: Path) -> None:
    asked = question("1-1", [("歐洲", 1)])
    write(tmp_path, "drcd/dev.json", article("9", paragraph("在歐洲。", asked, id="1-5")))
    (only,) = asked_of_all(span_sets.DRCD)(tmp_path).questions
    assert only.is_test  # the sha256 of "9" starts with 1
    assert (only.language, only.metadata["script"], only.gold.documents) == ("zh", "zh-Hant", ("1-5",))


@pytest.mark.parametrize(
    ("category", "details", "expected"),
    [
        ("Audit Rights", "Can a party  audit\nthe books?", "Can a party audit the books?"),
        (
            "Document Name",
            "The name of the contract",
            'What does the contract say about "Document Name"? The name of the contract',
        ),
    ],
)
def test_a_clause_category_becomes_a_question(category: str, details: str, expected: str) -> None:
    asked = (
        f'Highlight the parts (if any) of this contract related to "{category}" that should be reviewed by a '
        f"lawyer. Details: {details}"
    )
    assert clause_question(SpanQuestion("1", asked)) == expected


def test_a_question_in_other_words_stays_as_it_is() -> None:
    assert clause_question(SpanQuestion("1", " Who signed? ")) == "Who signed?"


def test_malformed_or_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match=r"dev-v2.0.json\[.gz\] is missing"):
        asked_of_all(span_sets.SQUAD2)(tmp_path)
    write(tmp_path, "squad/dev-v2.0.json", article("A", {"context": "text"}))
    with pytest.raises(DataError, match=r"dev-v2.0.json: data.0.paragraphs.0.qas: Field required"):
        asked_of_all(span_sets.SQUAD2)(tmp_path)


def test_ids_that_repeat_are_refused(tmp_path: Path) -> None:
    twice = paragraph("a b", question("q", [("a", 0)]), question("q", [("b", 2)]))
    write(tmp_path, "squad/dev-v2.0.json", article("A", twice))
    with pytest.raises(DataError, match="two questions are named 'q'"):
        asked_of_all(span_sets.SQUAD2)(tmp_path)


@given(st.lists(st.text("ab \n", max_size=40), min_size=1, max_size=12), st.data(), st.integers(1, 60))
def test_a_stretch_is_whole_lines_around_its_span(lines: list[str], data: st.DataObject, wanted: int) -> None:
    text = "\n".join(lines)
    start = data.draw(st.integers(0, len(text)))
    span = Span(start, data.draw(st.integers(start, len(text))))
    stretch = stretch_around(span, text, wanted)
    assert stretch.start <= span.start <= span.end <= stretch.end
    assert stretch.start == 0 or text[stretch.start - 1] == "\n"
    assert stretch.end == len(text) or text[stretch.end] == "\n"
    own = stretch_around(span, text, 0)
    assert stretch.end - stretch.start <= max(wanted, own.end - own.start)


@given(st.text("ab", max_size=30), st.text("ab", min_size=1, max_size=3), st.integers(-1, 30))
def test_the_nearest_place_is_the_nearest(text: str, words: str, place: int) -> None:
    places = [start for start in range(len(text)) if text.startswith(words, start)]
    expected = min((abs(start - place) for start in places), default=None)
    found = nearest(words, text, place)
    assert (abs(found - place) if found >= 0 else None) == expected


def many_questions(root: Path) -> QuestionSet:
    titles = [f"A{number}" for number in range(40)]
    articles = [
        article(title, paragraph("one two", question(f"{title}-q", [("one", 0)])), paragraph("three"))
        for title in titles
    ]
    write(root, "squad/dev-v2.0.json", *articles)
    return asked_of_all(span_sets.SQUAD2)(root)


def matches(condition: Filter, metadata: Mapping[str, object]) -> bool:
    match condition:
        case Every(conditions):
            return all(matches(item, metadata) for item in conditions)
        case Any(conditions):
            return any(matches(item, metadata) for item in conditions)
        case Not(inner):
            return not matches(inner, metadata)
        case Membership(field, values):
            return metadata.get(field) in values
        case Comparison(field, _, value):
            return metadata.get(field) == value


def test_about_half_of_the_questions_have_their_whole_article_hidden(tmp_path: Path) -> None:
    data = many_questions(tmp_path)
    half = with_gold_removed(data)
    hidden = [q for q in half.questions if not q.is_answerable]
    assert 10 <= len(hidden) <= 30
    assert data.corpus is not None
    for asked in hidden:
        condition = parse_filter(asked.scope)
        left = [text for text in data.corpus.texts if matches(condition, text.metadata)]
        gone = {text.metadata["document"] for text in data.corpus.texts if text not in left}
        assert gone == {asked.group}
        assert len(left) == len(data.corpus.texts) - 2
        assert asked.gold == Gold(documents=(f"{asked.group}/0",))


def test_the_other_half_stays_as_it_was(tmp_path: Path) -> None:
    data = many_questions(tmp_path)
    half = with_gold_removed(data)
    for before, after in zip(data.questions, half.questions, strict=True):
        assert (before == after) is not is_chosen(before.id)
    assert half.data_hash != data.data_hash


def test_a_question_keeps_its_own_scope_when_its_gold_is_hidden(tmp_path: Path) -> None:
    many_questions(tmp_path)
    within = with_gold_removed(asked_of_its_document(span_sets.SQUAD2)(tmp_path))
    asked = next(q for q in within.questions if not q.is_answerable)
    condition = parse_filter(asked.scope)
    assert not matches(condition, {"document": asked.group})
    assert not matches(condition, {"document": "another"})
