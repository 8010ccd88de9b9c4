from dataclasses import replace

import numpy as np
import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from made_records import cited, made, source, unanswerable
from rouge_score.rouge_scorer import RougeScorer

from evals.metrics.answers import long_answers, short_answers
from evals.metrics.statistic import Metric
from evals.metrics.text import evidence_f1, exact_match, f1, longest_common_run, normalise, rouge_l
from evals.questions import Gold, Mark
from evals.records import CitedSentence, Record


def value(metrics: list[Metric], name: str) -> float:
    (metric,) = [item for item in metrics if item.name == name]
    return float(metric.statistic(np.ones((1, len(metric.counted))))[0])


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Cat, an animal; a pet!", "cat animal pet"),
        ("U.S.A.", "usa"),
        ("theatre and another", "theatre and another"),
        ("10-year\tplan\n", "10year plan"),
        ("a", ""),
        ("“quoted”", "“quoted”"),  # only ASCII punctuation goes, as in the official script
    ],
)
def test_normalisation_is_squads(text: str, normal: str) -> None:
    assert normalise(text) == normal


def test_exact_match_and_f1_take_the_best_reference() -> None:
    expected = ("Denver Broncos", "the Broncos of Denver, Colorado")
    assert exact_match("The Denver Broncos!", expected, "en") == 1.0
    assert f1("Denver", expected, "en") == pytest.approx(2 / 3)  # precision 1, recall 1/2
    # "broncos of denver colorado" has 4 words, of which 3 are said: 2 * 3 / (3 + 4)
    assert f1("broncos denver colorado", expected[1:], "en") == pytest.approx(6 / 7)


def test_a_repeated_word_matches_as_often_as_it_stands() -> None:
    assert f1("dog dog dog", ("dog cat",), "en") == pytest.approx(2 / 5)


def test_no_answer_is_right_where_none_is_expected() -> None:
    for language in ("en", "zh"):
        assert exact_match("", (), language) == f1("", (), language) == 1.0
        assert exact_match("ninety days", (), language) == f1("ninety days", (), language) == 0.0


def test_an_expected_answer_of_articles_alone_is_left_out() -> None:
    assert exact_match("", ("the",), "en") == 1.0
    assert f1("x", ("the", "x"), "en") == 1.0


def test_chinese_f1_is_that_of_the_longest_common_run_of_characters() -> None:
    # 北京市朝阳区 (6) and 北京朝阳区 (5): the longest run is 朝阳区, precision 3/6, recall 3/5
    assert f1("北京市朝阳区", ("北京朝阳区",), "zh") == pytest.approx(6 / 11)
    assert f1("在北京", ("上海", "北京"), "zh") == pytest.approx(2 * 2 / 5)
    assert f1("上海", ("北京",), "zh") == 0.0


def test_chinese_punctuation_does_not_count() -> None:
    assert exact_match("《战国无双3》。", ("战国无双3",), "zh") == 1.0
    assert f1("“村雨城”", ("村雨城",), "zh-Hant") == 1.0
    assert (
        exact_match("战国……", ("战国",), "zh") == 0.0
    )  # the script's pair of dots equals no single character


def test_latin_words_and_numbers_in_chinese_are_one_token_each() -> None:
    # iphone | 6s | 于 | 2015 | 年 against 2015 | 年: nltk cuts at the blank
    assert f1("iPhone 6s于2015年", ("2015年",), "zh") == pytest.approx(2 * 2 / (5 + 2))


def test_evidence_f1_is_a_bag_of_words_and_characters() -> None:
    assert evidence_f1("the cat sat.", ("a dog", "cat sat down")) == pytest.approx(2 * 2 / (2 + 3))
    assert evidence_f1("The cat sat.", ("cat sat",)) == pytest.approx(2 * 2 / (3 + 2))  # as in the script
    assert evidence_f1("北京，中国", ("中国北京",)) == 1.0
    assert evidence_f1("", ("中国",)) == 0.0


def test_rouge_l_is_rouge_scores_with_stems() -> None:
    answer, expected = "The patients were treated with antibiotics", "treating a patient with an antibiotic"
    official = RougeScorer(["rougeL"], use_stemmer=True).score(expected, answer)["rougeL"].fmeasure
    assert rouge_l(answer, (expected, "unlike"), "en") == pytest.approx(official)
    assert official > 0


def test_rouge_l_of_chinese_counts_characters() -> None:
    # 我们去北京 and 我们明天去北京: common subsequence 我们去北京, precision 5/5, recall 5/7
    assert rouge_l("我们去北京。", ("我们明天去北京。",), "zh") == pytest.approx(10 / 12)


@pytest.mark.parametrize(("language", "tokenizer"), [("en", "13a"), ("zh", "zh")])
def test_bleu_is_sacrebleus_over_the_corpus(language: str, tokenizer: str) -> None:
    said = {
        "en": ["The cat sat on the mat today.", "A dog barked loudly at the moon.", "short"],
        "zh": ["猫今天坐在垫子上。", "狗对着月亮大声叫。", "短"],
    }[language]
    first = {
        "en": ["The cat sat on the mat.", "The dog barked loudly at the moon.", "long"],
        "zh": ["猫坐在垫子上。", "那只狗对着月亮大声叫。", "长"],
    }[language]
    second = [text + " x" for text in first]
    records = [
        made(str(i), text, (a, b), language)
        for i, (text, a, b) in enumerate(zip(said, first, second, strict=True))
    ]
    official = sacrebleu.corpus_bleu(said, [first, second], tokenize=tokenizer).score
    assert value(list(long_answers(records)), "BLEU") == pytest.approx(official)
    assert official > 10


def test_what_was_not_shown_is_compared_as_nothing() -> None:
    records = [
        made("right", "Paris", ("Paris",)),
        replace(made("held back", "Paris", ("Paris",)), status="abstained"),
        unanswerable("rightly refused", 0.1),
        replace(unanswerable("failed", 0.0), error="E: x", status=""),
        replace(unanswerable("answered", 0.9, "answered"), answer="Rome"),
    ]
    metrics = list(short_answers(records))
    assert value(metrics, "EM") == value(metrics, "F1") == 2 / 5
    assert value(metrics, "F1@full") == 1.0  # both proposals to answerable questions are right


def test_best_f1_is_at_the_best_threshold() -> None:
    records = [
        replace(made("1", "Paris", ("Paris",)), confidence=0.9),
        replace(unanswerable("2", 0.5), answer="Rome"),
        replace(made("3", "Oslo", ("Rome",)), confidence=0.4),
    ]
    assert value(list(short_answers(records)), "best_F1") == pytest.approx(2 / 3)  # threshold .9: 1 + 1 + 0


def focused(record: Record, *words: str, answerable: float | None = None) -> Record:
    """The record with a sentence, worth .5, for each of these words, which are its focus; "" is none."""
    sentences = tuple(
        CitedSentence(f"So {word}.", (replace(source("d", 0, 9), focus=word),), 0.5, "supported")
        for word in words
    )
    return replace(record, sentences=sentences, answerable=answerable)


def test_the_short_answer_is_the_first_that_a_citation_marks() -> None:
    records = [
        focused(made("first", "So it is in May. So June.", ("May",)), "", "in May", "May"),
        focused(made("none", "May", ("May",)), ""),
        focused(replace(made("withheld", "May", ("May",)), status="abstained"), "May"),
        focused(unanswerable("refused", 0.1), "June"),
        replace(made("failed", expected=("May",)), error="StoreUnavailableError: the database is locked"),
    ]
    metrics = list(short_answers(records))
    assert value(metrics, "EM_span") == pytest.approx((0 + 1 + 0 + 1 + 0) / 5)
    assert value(metrics, "F1_span") == pytest.approx((2 / 3 + 1 + 0 + 1 + 0) / 5)
    assert value(metrics, "F1_span@full") == pytest.approx((2 / 3 + 1 + 1 + 0) / 4)


def test_best_span_f1_refuses_by_how_answerable_a_question_seemed() -> None:
    sure = replace(made("a", "May", ("May",)), confidence=0.2)
    none = unanswerable("b", 0.9, status="answered")
    told = [focused(sure, "May", answerable=0.8), focused(none, "June", answerable=0.1)]
    assert value(list(short_answers(told)), "best_F1_span") == 1.0  # the first answered, the second refused
    untold = [focused(sure, "May"), focused(none, "June")]
    assert value(list(short_answers(untold)), "best_F1_span") == 0.5  # confidence orders them the other way


def test_without_marked_words_there_is_no_short_answer() -> None:
    names = {metric.name for metric in short_answers([made("q", "May", ("May",)), unanswerable("n", 0.1)])}
    assert names == {"EM", "F1", "F1_sentence", "F1@full", "best_F1"}


def test_the_best_single_sentence_is_not_diluted_by_the_others() -> None:
    sentences = (
        CitedSentence("It is Paris", (), 1.0, "supported"),
        CitedSentence("Paris", (), 1.0, "supported"),
    )
    record = cited(*sentences, gold=Gold(marks=(Mark("d", 0, "Paris"),)))
    metrics = list(short_answers([record]))
    assert value(metrics, "F1_sentence") == 1.0
    assert value(metrics, "F1") == pytest.approx(2 / 5)  # "it is paris paris": the mark's words are expected


def test_nothing_is_compared_where_no_words_are_expected() -> None:
    record: Record = replace(made(answer="x"), gold=Gold(documents=("d",)))
    assert not list(short_answers([record]))
    assert not list(long_answers([record]))


words = st.text("the cat 猫在北京，。ab-", max_size=20)


@given(words, st.lists(words, min_size=1, max_size=3).map(tuple), st.sampled_from(["en", "zh"]))
def test_scores_are_from_0_to_1_and_an_exact_match_is_a_full_one(
    said: str, expected: tuple[str, ...], language: str
) -> None:
    assert 0.0 <= f1(said, expected, language) <= 1.0
    assert 0.0 <= rouge_l(said, expected, language) <= 1.0
    assert f1(said, expected, language) == f1(said, expected[::-1], language)
    if language == "en":
        assert exact_match(said, expected, language) <= f1(said, expected, language)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_the_longest_common_run_is_the_longest(first: list[str], second: list[str]) -> None:
    one, other = "".join(first), "".join(second)
    runs = {one[i:j] for i in range(len(one)) for j in range(i + 1, len(one) + 1)}
    assert longest_common_run(first, second) == max((len(run) for run in runs if run in other), default=0)
