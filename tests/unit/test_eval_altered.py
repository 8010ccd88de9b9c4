import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.altered_facts import AlterationKind, altered
from evals.altered_names import names
from evals.altered_numbers import dates, han_numeral, numbers, units
from evals.altered_words import denials, opposites
from evals.data import is_held_out
from evals.rewording import reworded
from evals.sets.altered import ALTERED, AS_WRITTEN, VERBATIM, claims_of
from evals.sets.stretches import CHARACTERS, Stretch, Whole, can_be_claimed, stretches

ENGLISH = "Either party may end this Agreement upon thirty (30) days notice to Acme in March 1998."
CHINESE = "甲方应当在1998年5月3日以前支付三十日以上的租金5万元。"


def chance(seed: int = 0) -> random.Random:
    return random.Random(seed)


def after(sentence: str, edits: object) -> set[str]:
    return {edit.of(sentence) for edit in edits}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sentence", "language", "denied"),
    [
        ("The fee is due.", "en", {"The fee is not due."}),
        ("It cannot be sold.", "en", {"It can be sold."}),
        ("You won't be charged.", "en", {"You will be charged."}),
        ("It was never built.", "en", {"It was built."}),
        ("He is not only a king.", "en", set()),
        ("当事人可以上诉。", "zh", {"当事人不得上诉。", "当事人不可以上诉。"}),
        ("不得转让。", "zh", {"可以转让。", "应当转让。"}),
        ("他是诗人，但是很穷。", "zh", {"他不是诗人，但是很穷。"}),
    ],
)
def test_a_denial_is_put_in_or_taken_out(sentence: str, language: str, denied: set[str]) -> None:
    assert after(sentence, denials(sentence, language)) == denied


@pytest.mark.parametrize(
    ("sentence", "language", "turned"),
    [
        ("Rent will increase.", "en", {"Rent will decrease.", "Rent will reduce."}),
        ("At least ten.", "en", {"At most ten."}),
        ("He played for Manchester United First XI of the US.", "en", set()),
        ("处三年以上有期徒刑。", "zh", {"处三年以下有期徒刑。", "处三年以上无期徒刑。"}),
        ("不得少于三人。", "zh", {"不得超过三人。"}),
    ],
)
def test_a_word_becomes_its_opposite(sentence: str, language: str, turned: set[str]) -> None:
    assert after(sentence, opposites(sentence, language)) == turned


def test_a_number_becomes_another_of_its_kind() -> None:
    (word,) = numbers("Pay in thirty (30) days.", "en", [], chance())
    assert word.of("Pay in thirty (30) days.") not in ("Pay in thirty (30) days.", "Pay in 30 days.")
    changed = after(
        "It has 1,250 seats.",
        [
            e
            for seed in range(30)
            for e in numbers("It has 1,250 seats.", "en", ["2,600 seats"], chance(seed))
        ],
    )
    assert "It has 2,600 seats." in changed
    assert "It has 1,250 seats." not in changed


def test_a_share_stays_below_a_hundred_percent() -> None:
    for seed in range(50):
        (edit,) = numbers("About 60% left.", "en", [], chance(seed))
        assert 0 < int(edit.text) < 100


@pytest.mark.parametrize(
    "sentence", ["See [12].", "3. Term", "COVID-19 spread.", "In 1998 it began.", "version 3.2.1"]
)
def test_a_reference_a_numbering_and_a_year_are_no_numbers(sentence: str) -> None:
    assert list(numbers(sentence, "en", [], chance())) == []


def test_dates_change_within_their_range() -> None:
    for seed in range(30):
        changed = after(CHINESE, dates(CHINESE, "zh", [], chance(seed)))
        assert len(changed) == 3  # the year, the month, the day
        assert CHINESE not in changed
    assert after("On Monday.", dates("On Monday.", "en", [], chance())) <= {
        f"On {day}." for day in ("Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    }


def test_a_unit_becomes_another_of_its_kind() -> None:
    assert after("Give 5 mg in 2 days.", units("Give 5 mg in 2 days.", "en", chance(1))) <= {
        *(f"Give 5 {unit} in 2 days." for unit in ("µg", "mcg", "g", "kg")),
        *(f"Give 5 mg in 2 {unit}." for unit in ("seconds", "minutes", "hours", "weeks", "months", "years")),
    }
    assert list(units("1998年3月", "zh", chance())) == []


def test_a_name_is_swapped_with_one_of_its_shape() -> None:
    sentence = "In 1891 Tesla moved to New York."
    around = "The lab of Edison in Menlo Park burnt. Tesla met Westinghouse in New York."
    assert {after(sentence, names(sentence, "en", [around], chance(seed))).pop() for seed in range(20)} <= {
        "In 1891 Edison moved to New York.",
        "In 1891 Westinghouse moved to New York.",
        "In 1891 Tesla moved to Menlo Park.",
    }
    assert list(names("Tesla moved.", "en", ["It rained. Then it stopped."], chance())) == []


def test_chinese_names_come_from_the_dictionary_and_from_title_marks() -> None:
    edits = names("他在北京读《红楼梦》。", "zh", ["他在上海写了《家》和《子夜》。"], chance())
    assert after("他在北京读《红楼梦》。", edits) == {"他在上海读《红楼梦》。", "他在北京读《子夜》。"}


@given(seed=st.integers(0, 10_000), language=st.sampled_from(["en", "zh"]))
def test_an_alteration_changes_the_sentence_and_is_the_same_for_a_seed(seed: int, language: str) -> None:
    sentence = ENGLISH if language == "en" else CHINESE
    change = altered(sentence, language, [sentence], chance(seed))
    assert change is not None
    assert change.text != sentence
    assert change == altered(sentence, language, [sentence], chance(seed))


def test_every_kind_of_fact_is_altered() -> None:
    for sentence, language, other in ((ENGLISH, "en", "Sold by Bolt."), (CHINESE, "zh", "")):
        found = {altered(sentence, language, [sentence, other], chance(seed)) for seed in range(200)}
        kinds = {change.kind for change in found if change}
        assert kinds >= set(AlterationKind) - {AlterationKind.NAME}


def test_a_sentence_without_a_fact_to_alter_gives_none() -> None:
    assert altered("See there.", "en", ["See there."], chance()) is None


def test_what_stands_in_the_texts_around_is_no_alteration() -> None:
    around = ["The fee is due.", "The fee is not due."]
    assert altered("The fee is due.", "en", around, chance()) is None


@pytest.mark.parametrize(
    ("value", "numeral"), [(1, "一"), (10, "十"), (15, "十五"), (20, "二十"), (99, "九十九")]
)
def test_han_numerals_count(value: int, numeral: str) -> None:
    assert han_numeral(value) == numeral


@pytest.mark.parametrize(
    ("sentence", "language", "expected"),
    [
        ("However, it is not (as of now) open.", "en", "However, it isn't open"),
        ("However, it is not (as of now) open.", "en", "However, it is not open"),
        ("It sold 1,000 cars prior to 1998.", "en", "It sold 1000 cars before 1998."),
        ("If you ask, we will delete the data.", "en", "If you ask, we will delete the data"),
        ("If you ask us, the company will delete it.", "en", "The company will delete it if you ask us."),
        ("因此，被告应当支付百分之五的利息。", "zh", "被告应支付5%的利息。"),
    ],
)
def test_a_sentence_is_reworded_without_changing_a_fact(sentence: str, language: str, expected: str) -> None:
    assert expected in {reworded(sentence, language, chance(seed)) for seed in range(500)}


def test_a_condition_is_not_dropped() -> None:
    sentence = "After the end of the term, the buyer may sell."
    for seed in range(100):
        found = reworded(sentence, "en", chance(seed)) or sentence
        assert "the end of the term" in found.lower()


def whole(text: str, language: str = "en") -> Whole:
    return Whole("s", "u", language, "g", "", text, is_test=False)


@given(st.integers(0, 1_000), st.sampled_from(["en", "zh"]))
def test_stretches_are_slices_of_whole_sentences(seed: int, language: str) -> None:
    line = "The quick fox jumped over lot {} of the dogs. " if language == "en" else "第{}只狐狸跳过了懒狗。"
    text = "".join(line.format(number) for number in range(100))
    found = list(stretches(whole(text, language), 3, chance(seed)))
    assert found
    for stretch in found:
        assert stretch.text in text
        assert len(stretch.text) <= CHARACTERS[language][1] + len(line)
        assert all(sentence in stretch.text for sentence in stretch.sentences)


def test_a_claim_is_a_sentence_of_letters() -> None:
    assert can_be_claimed("The fee is due within the first thirty days.", "en")
    assert not can_be_claimed("The fee is due within the first thirty days", "en")
    assert not can_be_claimed("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 ab.", "en")
    assert not can_be_claimed("Too short.", "en")


def test_the_passage_says_the_sentence_or_its_alteration() -> None:
    text = "The fee is 12 percent of the sum. The rest of the sum is paid in the month of March."
    sentences = (text[:33], text[34:])
    stretch = Stretch(whole(text), text, sentences)
    written = claims_of(stretch, sentences[0], VERBATIM, AS_WRITTEN, chance(3))
    changed = claims_of(stretch, sentences[0], VERBATIM, ALTERED, chance(3))
    assert written is not None
    assert changed is not None
    assert (written.supported, written.passage) == (sentences[0], text)
    assert (changed.supported, changed.unsupported) == (written.unsupported, written.supported)
    assert changed.passage == f"{written.unsupported} {sentences[1]}"


@pytest.mark.data
def test_the_suite_has_two_claims_for_each_sentence(evaluation_data: Path) -> None:
    from evals.sets.altered import SHARES, load_altered

    asked = load_altered(evaluation_data).questions
    assert len({question.id for question in asked}) == len(asked)
    for true, false in zip(asked[::2], asked[1::2], strict=True):
        assert (true.gold.label, false.gold.label) == ("supported", "unsupported")
        assert (true.passages, true.group, true.is_test) == (false.passages, false.group, false.is_test)
        assert true.text != false.text
        assert false.text.casefold() not in false.passages[0].text.casefold()
        if true.metadata["wording"] == "verbatim":
            assert true.text in true.passages[0].text
        if true.metadata["set"] not in ("cmrc2018", "bioasq"):
            assert true.is_test == is_held_out(true.group)
    sides = Counter((question.metadata["set"], question.is_test) for question in asked)
    assert sides == {
        (name, side): 2 * share.sentences for name, share in SHARES.items() for side in (True, False)
    }
    assert len({(question.group, question.is_test) for question in asked}) == len({q.group for q in asked})
    says = Counter(question.metadata["says"] for question in asked)
    assert says.keys() == {AS_WRITTEN, ALTERED}
    assert abs(says[AS_WRITTEN] - says[ALTERED]) < 0.05 * len(asked)
