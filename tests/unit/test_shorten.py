import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.domain import Span
from rag.shorten import LONGEST, SHORTEST, shorten

PADDING = "all goods of the second and the third floor of the old warehouse at the quay in Lyon"
CHINESE_PADDING = "存放在码头旧仓库二层和三层并由承租人登记造册的全部货物及附属设备和包装材料"
MAIN = f"The tenant must pay 4,200 euros in May for the use of the warehouse and for {PADDING}"
CHINESE_MAIN = f"承租人应当于五月支付租金四千二百元，用于{CHINESE_PADDING}"


def shortened(text: str, words: str, language: str = "en") -> str:
    start = text.index(words)
    kept = shorten(text, Span(start, start + len(words)), language)
    assert kept.start <= start
    assert start + len(words) <= kept.end
    return kept.of(text)


def test_a_sentence_of_usual_length_stays_as_it_is() -> None:
    text = "The tenant pays 4,200 euros in May, which is the first month of the term."
    assert shortened(text, "4,200 euros") == text


def test_a_sentence_beside_a_semicolon_is_cut_off_on_either_side() -> None:
    other = f"the landlord must insure the building against fire together with {PADDING}"
    assert shortened(f"{MAIN}; {other}.", "4,200 euros") == MAIN
    assert shortened(f"{MAIN}; {other}.", "against fire") == f"{other}."


def test_the_clauses_next_to_the_answer_stay_as_long_as_there_is_room() -> None:
    first, second = "The rent is due in May", "the deposit is due in June"
    text = f"{first}; {second}; the landlord must insure {PADDING} and {PADDING}."
    assert shortened(text, "in May") == f"{first}; {second}"


@pytest.mark.parametrize(
    "tail",
    [
        "which is what the parties agreed on in Lyon",
        "because the landlord lacks consent",
        "in the event of arrears",
        "as long as the lease runs",
        "pending approval by the bank",
        "barring storms and floods",
        "failing which the contract is void",
        "so the bank permitting",
        "with the sole exception of widows",
        "and the landlord may halve it",
    ],
)
@pytest.mark.parametrize("seam", [", ", " - ", " — ", " ("])
def test_what_no_semicolon_parts_stays_whatever_its_words(seam: str, tail: str) -> None:
    text = f"{MAIN}{seam}{tail} with regard to {PADDING}{')' if seam == ' (' else ''}."
    assert len(text) > LONGEST["en"]
    assert shortened(text, "4,200 euros") == text


@pytest.mark.parametrize(
    "tail",
    [
        "the rent is not due for {}, nor for anything else",
        "nothing may be added to {}",
        "the landlord has refused {} and may refuse more",
        "the bank can be in arrears as long as {} is safe",
        "the rent may be lower in case of floods in {}",
        "the landlord will hardly accept {}",
        "the landlord is subject to the rules for {}",
        "the payment may start after the delivery of {}",
        "this may be changed by the owner of {}",
        "the landlord may halve it for {}",
        "the maximum compensation is ten percent of the price of {}",
        "the total is capped at the value of {}",
        "the landlord can ask for up to a third of {}",
        "such payment must be made for {}",
        "in that month the bank must pay for {}",
        "widows of the owner of {}",
        "or the bank must pay for {}",
        "(b) the bank must pay for {}",
    ],
)
def test_a_clause_that_limits_or_points_back_or_is_no_sentence_is_never_cut_off(tail: str) -> None:
    text = f"{MAIN}; {tail.format(PADDING)}."
    assert len(text) > LONGEST["en"]
    assert shortened(text, "4,200 euros") == text


def test_a_clause_that_limits_what_comes_after_it_is_never_cut_off() -> None:
    text = f"The bank may refuse {PADDING} and {PADDING}; the tenant must pay 4,200 euros in May and in June."
    assert len(text) > LONGEST["en"]
    assert shortened(text, "4,200 euros") == text


def test_what_points_back_keeps_what_it_points_to() -> None:
    text = f"{MAIN}; the landlord must insure its cellar and all of its rooms against fire and storm."
    assert len(text) > LONGEST["en"]
    assert shortened(text, "against fire") == text


@pytest.mark.parametrize(
    "text",
    [
        f"The contract is made between Alpha Limited of {PADDING}; Beta Limited of {PADDING}; and Gamma.",
        f"The tenant must pay: the rent that is due in May for {PADDING}; the tax that is due for {PADDING}.",
        f'The judge said: "The rent is due in May for {PADDING}; the tax is due in June for {PADDING}."',
    ],
)
def test_an_enumeration_is_not_cut_short(text: str) -> None:
    assert len(text) > LONGEST["en"]
    assert shortened(text, "between" if "between" in text else "in May") == text


def test_brackets_are_never_torn() -> None:
    text = (
        f"The tenant must pay for all (The rent is due in May for {PADDING}; the tax is due for {PADDING})."
    )
    assert len(text) > LONGEST["en"]
    assert shortened(text, "in May") == text


def test_a_list_is_never_cut() -> None:
    text = f"{MAIN}\n- 4,200 euros in May; the tax is due for {PADDING}\n- the tax; {PADDING}"
    assert len(text) > LONGEST["en"]
    assert shortened(text, "- 4,200 euros") == text


def test_a_chinese_sentence_is_cut_beside_a_semicolon() -> None:
    other = f"出租人应当为房屋投保，保险范围包括{CHINESE_PADDING}"
    text = f"{CHINESE_MAIN}；{other}。"
    assert len(text) > LONGEST["zh"]
    assert shortened(text, "四千二百元", "zh") == CHINESE_MAIN
    assert shortened(text, "为房屋投保", "zh") == f"{other}。"


@pytest.mark.parametrize(
    "tail",
    [
        "，五月除外",
        "，如果出租人同意",
        "，承租人破产的，归银行所有",
        "，以银行批准为限",
        "（遇灾减半）",
        "——遇灾减半",
    ],
)
def test_what_no_chinese_semicolon_parts_stays_whatever_its_words(tail: str) -> None:
    text = f"{CHINESE_MAIN}{tail}，{CHINESE_PADDING}{CHINESE_PADDING}。"
    assert len(text) > LONGEST["zh"]
    assert shortened(text, "四千二百元", "zh") == text


@pytest.mark.parametrize(
    "tail",
    [
        "禁止转租",
        "出租人拒绝收取",
        "逾期付款",
        "超过三日",
        "承租人死亡的，归还押金",
        "灾害发生时，租金减半",
        "租金仅限现金",
        "租金只收现金",
        "其余归银行",
        "并支付税款",
        "（二）支付税款",
        "但五月免交",
    ],
)
def test_a_chinese_clause_that_limits_or_points_back_is_never_cut_off(tail: str) -> None:
    text = f"{CHINESE_MAIN}；{tail}，{CHINESE_PADDING}{CHINESE_PADDING}。"
    assert len(text) > LONGEST["zh"]
    assert shortened(text, "四千二百元", "zh") == text


ENGLISH = (
    "the tenant ",
    "is paid, ",
    "which ",
    "; the ",
    "; ",
    "unless ",
    "not ",
    "(a) ",
    ") ",
    "— ",
    "rent ",
    '"',
)
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
    borders = (0, len(text), *(place for mark in re.finditer(r"[；。]|;\s*", text) for place in mark.span()))
    assert {kept.start, kept.end} <= set(borders)
    for limit in ("unless", "not", "但", "不得"):
        assert len(re.findall(limit, kept.of(text))) == len(re.findall(limit, text))
    shortest = SHORTEST["zh" if language == "zh" else "en"]
    assert kept == Span(0, len(text)) or kept.end - kept.start >= shortest
