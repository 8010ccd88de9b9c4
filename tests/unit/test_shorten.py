import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.domain import Span
from rag.shorten import LONGEST, SHORTEST, shorten

PADDING = "the goods that are stored on the second and the third floor of the old warehouse at the quay"
CHINESE_PADDING = "存放在码头旧仓库二层和三层并由承租人登记造册的全部货物及其附属设备和包装材料"


def shortened(text: str, words: str, language: str = "en") -> str:
    start = text.index(words)
    kept = shorten(text, Span(start, start + len(words)), language)
    assert kept.start <= start
    assert start + len(words) <= kept.end
    return kept.of(text)


def test_a_sentence_of_usual_length_stays_as_it_is() -> None:
    text = "The tenant pays 4,200 euros in May, which is the first month of the term."
    assert shortened(text, "4,200 euros") == text


def test_a_relative_clause_at_the_end_is_cut_off() -> None:
    main = f"The tenant pays 4,200 euros in May for {PADDING}"
    tail = f", which is what the parties agreed on in Lyon with regard to {PADDING}."
    assert shortened(main + tail, "4,200 euros") == main


def test_a_sentence_beside_a_semicolon_is_cut_off_on_either_side() -> None:
    first = f"The tenant pays 4,200 euros in May for {PADDING}"
    second = f"the landlord insures the building against fire together with {PADDING}."
    assert shortened(f"{first}; {second}", "4,200 euros") == first
    assert shortened(f"{first}; {second}", "against fire") == second


def test_what_begins_by_pointing_back_keeps_what_it_points_to() -> None:
    text = f"The tenant pays the rent in May for {PADDING}; it also pays 300 euros of charges for {PADDING}."
    assert len(text) > LONGEST["en"]
    assert shortened(text, "300 euros").startswith("The tenant")


@pytest.mark.parametrize(
    "tail",
    [
        f"; the rent is not due for {PADDING}, nor for anything else that is kept there by the tenant",
        f", which applies unless the parties agree otherwise in writing with regard to {PADDING}",
        f", including {PADDING}, if the landlord has agreed to it in writing before the first of May",
        f", although it may be paid later except in May and in June with regard to {PADDING}",
        f"; however, the landlord may ask for the rent at any time with regard to {PADDING}",
    ],
)
def test_a_negation_or_a_condition_is_never_cut_off(tail: str) -> None:
    text = f"The tenant pays 4,200 euros in May for the use of the warehouse and for {PADDING}{tail}."
    assert len(text) > LONGEST["en"]
    assert shortened(text, "4,200 euros") == text


def test_a_main_clause_that_goes_on_behind_a_subordinate_one_is_not_cut_off() -> None:
    text = (
        f"The old warehouse at the quay of Lyon, including {PADDING} and {PADDING}, is insured by the tenant."
    )
    assert shortened(text, "The old warehouse at the quay of Lyon") == text


def test_an_enumeration_is_not_cut_short() -> None:
    text = f"The contract is made between Alpha Limited of {PADDING}; Beta Limited of {PADDING}; and Gamma."
    assert shortened(text, "Alpha Limited") == text


def test_a_bracket_at_the_end_is_cut_off_only_as_a_whole() -> None:
    main = f"The tenant pays 4,200 euros in May for {PADDING} and for {PADDING}"
    bracket = f" (Annex A; Annex B on {PADDING})."
    assert shortened(main + bracket, "4,200 euros") == main
    assert shortened(main + bracket, "Annex B") == main + bracket


def test_a_list_is_never_cut() -> None:
    text = (
        f"The tenant pays:\n- 4,200 euros in May; {PADDING}\n- the charges; {PADDING}\n- the tax; {PADDING}"
    )
    assert len(text) > LONGEST["en"]
    assert shortened(text, "4,200 euros") == text


def test_a_chinese_sentence_is_cut_at_its_commas() -> None:
    main = f"承租人应当于五月支付租金四千二百元，用于{CHINESE_PADDING}"
    text = f"{main}，双方于里昂签订本合同，{CHINESE_PADDING}均由承租人负责清点。"
    assert len(text) > LONGEST["zh"]
    assert shortened(text, "四千二百元", "zh") in {main, f"{main}，双方于里昂签订本合同"}


@pytest.mark.parametrize("limit", ["但五月除外", "如果出租人同意", "不得转租他人", "未经同意的除外"])
def test_a_chinese_condition_or_negation_is_never_cut_off(limit: str) -> None:
    text = f"承租人应当于五月支付租金四千二百元，用于{CHINESE_PADDING}，{CHINESE_PADDING}，{limit}。"
    assert len(text) > LONGEST["zh"]
    assert shortened(text, "四千二百元", "zh") == text


def test_a_chinese_clause_that_leads_up_to_another_does_not_end_a_sentence() -> None:
    text = (
        f"由于{CHINESE_PADDING}在五月发生火灾，承租人应当支付四千二百元，{CHINESE_PADDING}由出租人另行购买。"
    )
    assert shortened(text, "火灾", "zh").startswith("由于")
    assert "承租人应当支付四千二百元" in shortened(text, "火灾", "zh")


ENGLISH = ("the tenant ", "pays, ", "which ", "; the ", "unless ", "not ", "(a) ", ") ", "— ", "rent ", '"')
CHINESE = ("租金", "，", "；", "但", "不得", "（一）", "）", "因为", "其", "：", "。", "\n")
WORDS = st.sampled_from([*ENGLISH, *CHINESE])


@settings(deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=80), st.data(), st.sampled_from(["en", "zh", "ja"]))
def test_a_cut_holds_the_focus_and_what_limits_the_sentence(
    words: list[str], data: st.DataObject, language: str
) -> None:
    text = "".join(words)
    start = data.draw(st.integers(0, len(text) - 1))
    focus = Span(start, data.draw(st.integers(start + 1, len(text))))
    kept = shorten(text, focus, language)
    assert 0 <= kept.start <= focus.start
    assert focus.end <= kept.end <= len(text)
    for limit in ("unless", "not", "但", "不得"):
        assert len(re.findall(limit, kept.of(text))) == len(re.findall(limit, text))
    shortest = SHORTEST["zh" if language == "zh" else "en"]
    assert kept == Span(0, len(text)) or kept.end - kept.start >= shortest
