import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory import WordEmbedder

from rag.domain import Claim, Support, SupportLabel
from rag.support import WordSupport, share_in_one_sentence

LEASE = (
    "The lease begins in May. The tenant pays 900 euros a month to Martin Weber. "
    "Pets are allowed. The garden is shared with the neighbours."
)
STATUTE = "承租人应当在每月五日前支付租金900元。出租人应当修缮房屋。租赁期限不得超过二十年。"


def verdict(text: str, *passages: str) -> Support:
    return WordSupport(WordEmbedder()).support([Claim(text, passages)])[0]


def test_a_sentence_quoted_as_it_stands_supports_itself() -> None:
    full = Support(SupportLabel.SUPPORTED, 1.0)
    assert verdict("the tenant pays  900 euros\na month to Martin Weber", LEASE) == full
    assert verdict("Pets are allowed. The garden is shared with the neighbours.", LEASE) == full
    assert verdict("The lease begins in May", LEASE) == full
    assert verdict("出租人应当修缮房屋。", STATUTE) == full
    assert verdict("出租人应当修缮房屋", STATUTE) == full
    assert verdict("The rent is due.", "## Rent\n\n- **The rent is due.**") == full


@pytest.mark.parametrize(
    ("piece", "passage"),
    [
        ("The lease begins in Ma", LEASE),
        ("The tenant pays 900 euros a month", LEASE),
        ("Liable for damages of the customer.", "The supplier is not liable for damages of the customer."),
        ("5 mg of vitamin D are given.", "15 mg of vitamin D are given."),
        ("5 mg of vitamin D are given.", "3.5 mg of vitamin D are given."),
        ("The fee is 3", "The fee is 3.5 percent."),
        ("五天带薪年假。", "员工每年享有十五天带薪年假。"),
        ("应当承担赔偿责任。", "出租人不应当承担赔偿责任。"),
        ("出租人应当承担赔偿责任", "出租人应当承担赔偿责任的，须经法院确认。"),
    ],
)
def test_a_piece_of_a_sentence_is_no_quotation(piece: str, passage: str) -> None:
    assert verdict(piece, passage).score < 1.0


def test_a_claim_without_passages_is_unsupported() -> None:
    assert verdict("Pets are allowed.") == Support(SupportLabel.UNSUPPORTED, 0.0)
    assert verdict("Pets are allowed.", "", " \n") == Support(SupportLabel.UNSUPPORTED, 0.0)


def test_a_claim_without_words_is_unsupported() -> None:
    assert verdict("...", LEASE) == Support(SupportLabel.UNSUPPORTED, 0.0)
    assert verdict("", LEASE) == Support(SupportLabel.UNSUPPORTED, 0.0)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("A month the tenant pays 900 euros", "A month the tenant pays 950 euros"),
        ("To Martin Weber the tenant pays", "To Martin Huber the tenant pays"),
        ("The tenant pays a month", "The landlord repairs the roof"),
        ("租金900元，承租人应当支付", "租金950元，承租人应当支付"),
        ("房屋由出租人修缮", "保险费由运输公司承担"),
    ],
)
def test_a_changed_number_or_name_or_subject_lowers_the_score(good: str, bad: str) -> None:
    passages = (LEASE, STATUTE)
    assert verdict(good, *passages).score > verdict(bad, *passages).score


def test_numbers_meet_whatever_their_width_and_grouping() -> None:
    grouped = verdict("房屋租金为1,200元", "每年１２００元是租金。")
    assert grouped == verdict("房屋租金为1200元", "每年1200元是租金。")
    assert grouped.score > verdict("房屋租金为1300元", "每年1200元是租金。").score


def test_labels_follow_the_score() -> None:
    claims = ["The tenant pays Martin Weber", "The tenant pays Ann 950", "Whales sing in 1999 near Oslo"]
    found = [verdict(text, LEASE) for text in claims]
    assert [item.score for item in found] == sorted((item.score for item in found), reverse=True)
    assert (found[0].label, found[-1].label) == (SupportLabel.SUPPORTED, SupportLabel.UNSUPPORTED)


def test_a_batch_gives_what_its_claims_give_alone() -> None:
    claims = [Claim("The tenant pays", (LEASE,)), Claim("承租人支付", (STATUTE,)), Claim("Pets", ())]
    together = WordSupport(WordEmbedder()).support(claims)
    assert together == [WordSupport(WordEmbedder()).support([claim])[0] for claim in claims]
    assert WordSupport(WordEmbedder()).support([]) == []


@given(st.text(max_size=80), st.lists(st.text(max_size=120), max_size=3))
def test_any_text_gets_a_score_from_0_to_1(text: str, passages: list[str]) -> None:
    assert 0.0 <= verdict(text, *passages).score <= 1.0


def test_how_near_a_claim_is_to_one_sentence_is_its_share_of_words_there() -> None:
    passages = ("The tenant pays rent. The owner pays taxes.", "租客每月支付租金。业主纳税。")
    assert share_in_one_sentence(Claim("tenant pays rent", passages)) == 1
    assert share_in_one_sentence(Claim("tenant pays taxes", passages)) == pytest.approx(2 / 3)
    assert share_in_one_sentence(Claim("租客每月支付租金", passages)) == 1
    assert 0 < share_in_one_sentence(Claim("租客每月支付税金", passages)) < 1
    assert share_in_one_sentence(Claim("tenant pays rent", ())) == 0
    assert share_in_one_sentence(Claim("?!", passages)) == 0
