from dataclasses import replace

import numpy as np
from made_records import cited, source

from evals.metrics.citation import citation_precision, citation_recall, citations, cited_text, evidence
from evals.questions import Gold
from evals.records import CitedSentence, CitedSource, Place, Record

ANSWER = Gold(answers=("ninety days",))


def sentence(text: str, *sources: CitedSource, label: str = "supported") -> CitedSentence:
    return CitedSentence(text, sources, 0.9, label)


def values(*records: Record) -> dict[str, float]:
    once = np.ones((1, len(records)))
    return {m.name: float(m.statistic(once)[0]) for m in [*citations(records), *evidence(records)]}


def test_a_hit_needs_the_whole_gold_span_in_a_quotation_of_its_document_that_was_shown() -> None:
    places = (Place("contract", 10, 20),)
    inside = cited(sentence("s", source("contract", 5, 20)), gold=ANSWER, places=places)
    beside = cited(sentence("s", source("contract", 11, 30)), gold=ANSWER, places=places)
    elsewhere = cited(sentence("s", source("annex", 5, 20)), gold=ANSWER, places=places)
    held_back = replace(inside, status="abstained")
    assert values(inside)["evidence_hit"] == 1.0
    assert values(inside, beside, elsewhere, held_back)["evidence_hit"] == 0.25


def test_quotations_that_do_not_stand_there_are_counted_by_source() -> None:
    true, false = source("d", 0, 4), source("d", 9, 12, is_verbatim=False)
    record = cited(sentence("text", true, true), sentence("text", true, false), gold=ANSWER)
    metrics = {m.name: m for m in citations([record])}
    assert values(record)["quote_exists"] == 0.75
    assert metrics["quote_exists"].counted.sum() == 4


def test_a_quotation_supports_the_sentence_that_it_contains_in_both_languages() -> None:
    record = cited(
        sentence("Ninety  days", source("d", 0, 9, "after ninety days.")),
        sentence("提前三十日", source("d", 0, 9, "用人单位提前三十日通知")),
        sentence("Never.", source("d", 0, 9, "Never."), label="unsupported"),
        gold=ANSWER,
    )
    assert citation_recall(record) == 2 / 3
    assert citation_precision(record) == 2 / 3  # nothing cited for an unsupported sentence is precise


def test_a_citation_is_imprecise_if_it_does_not_support_while_the_others_do() -> None:
    enough, needless = source("d", 0, 9, "Ninety days."), source("e", 0, 9, "Weather.")
    record = cited(sentence("Ninety days", enough, needless), gold=ANSWER)
    assert (citation_recall(record), citation_precision(record)) == (1.0, 0.5)


def test_citations_that_support_only_together_are_precise() -> None:
    record = cited(sentence("A and B", source("d", 0, 1, "A"), source("e", 0, 1, "B")), gold=ANSWER)
    assert (citation_recall(record), citation_precision(record)) == (1.0, 1.0)


def test_only_three_citations_of_a_sentence_count() -> None:
    useless = [source("e", i, i + 1, "Weather.") for i in range(3)]
    record = cited(sentence("Ninety days", source("d", 0, 9, "Ninety days"), *useless), gold=ANSWER)
    assert citation_precision(record) == 1 / 3


def test_gold_evidence_decides_where_it_is_there() -> None:
    gold = Gold(evidence=("男女主角亦有专属声优。此模式是改编的新增模式。",))
    right = source("d", 0, 9, "此模式是改编的新增模式。")  # one sentence of an evidence of two
    wrong = source("d", 20, 30, "共有20张战场地图。")
    record = cited(
        sentence("此模式是改编的新增模式。", right, wrong), sentence("共有20张战场地图。", wrong), gold=gold
    )
    assert citation_recall(record) == 0.5
    assert citation_precision(record) == 1 / 3


def test_gold_documents_decide_where_there_is_nothing_finer() -> None:
    gold = Gold(documents=("law",))
    record = cited(sentence("s", source("law", 0, 1), source("novel", 0, 1)), gold=gold)
    assert (citation_recall(record), citation_precision(record)) == (1.0, 0.5)
    assert citation_recall(replace(record, gold=Gold(documents=("other",)))) == 0.0


def test_answers_that_were_not_shown_have_no_citations_but_no_evidence_either() -> None:
    gold = Gold(evidence=("the cat sat",))
    shown = cited(sentence("s", source("d", 0, 9, "cat sat")), gold=gold)
    found = values(shown, replace(shown, status="abstained"))
    assert found["citation_recall"] == 1.0
    assert found["evidence_F1"] == 0.5


def test_a_quotation_used_twice_is_read_once() -> None:
    twice = source("d", 0, 2, "甲。")
    record = cited(sentence("甲。", twice), sentence("乙。", twice, source("d", 2, 4, "乙。")), gold=ANSWER)
    assert cited_text(replace(record, language="zh")) == "甲。乙。"
    assert cited_text(record) == "甲。 乙。"


def test_gold_that_was_hidden_from_a_question_cannot_be_what_its_answer_must_cite() -> None:
    hidden = Gold(documents=("law",))
    quoted = sentence("Ninety days", source("novel", 0, 12, "Ninety days."))
    record = replace(cited(quoted, gold=hidden), is_answerable=False)
    assert (citation_recall(record), citation_precision(record)) == (1.0, 1.0)
    assert citation_recall(replace(record, is_answerable=True)) == 0.0
    refuted = replace(record, sentences=(replace(quoted, label="unsupported"),))
    assert citation_recall(refuted) == 0.0
