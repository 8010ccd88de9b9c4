import dataclasses
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory import WordEmbedder
from stored import stored

from rag.domain import Chunk, Document, DraftSentence, Hit, Question, Quotation, Span
from rag.evidence_candidates import citable_spans
from rag.evidence_features import word_features
from rag.evidence_signals import SIGNALS
from rag.evidence_weights import READ_WITH_MEANING, READ_WORDS_ALONE, WITH_MEANING, WORDS_ALONE
from rag.read import CANDIDATES_EMBEDDED, CHUNKS_READ, ExtractiveGenerator
from rag.sentence_choice import MAXIMUM_SENTENCES
from rag.settings import Settings

WAREHOUSE = "The tenant insures the warehouse. Rent is due in May. The roof was painted blue last year."


def hit_of(
    text: str,
    *,
    rank: int = 1,
    start: int = 0,
    document: Document | None = None,
    section: tuple[str, ...] = (),
    score: float = 1.0,
) -> Hit:
    document = document or stored(rank)
    chunk = Chunk(rank, document, 0, start, start + len(text), section, text)
    return Hit(chunk, rank, score, {"lexical": 1.0})


def chinese(text: str, rank: int = 1) -> Hit:
    return hit_of(text, rank=rank, document=stored(rank, language="zh", title="租约"))


def draft(question: str, *hits: Hit) -> tuple[DraftSentence, ...]:
    return ExtractiveGenerator(WordEmbedder()).draft(Question(question, "c"), hits).sentences


def texts(question: str, *hits: Hit) -> list[str]:
    return [sentence.text for sentence in draft(question, *hits)]


def of(sentence: DraftSentence) -> Quotation:
    [quotation] = sentence.quotations
    return quotation


def citable(text: str, language: str = "en", section: tuple[str, ...] = ()) -> list[str]:
    hit = hit_of(text, document=stored(1, language=language), section=section)
    return [span.of(text) for span in citable_spans(hit.chunk)]


def test_the_sentence_that_shares_the_question_s_words_is_the_answer() -> None:
    assert texts("Who insures the warehouse?", hit_of(WAREHOUSE)) == ["The tenant insures the warehouse."]


def test_a_chinese_sentence_is_found_by_its_words_alone() -> None:
    hit = chinese("租金每月五号支付。承租人负责为仓库投保。屋顶去年刷成了蓝色。")
    assert texts("谁为仓库投保？", hit) == ["承租人负责为仓库投保。"]


def test_a_sentence_s_span_counts_from_the_start_of_its_document() -> None:
    [sentence] = draft("Who insures the warehouse?", hit_of(WAREHOUSE, start=1000))
    assert sentence.quotations[0].span == Span(1000, 1033)


@given(st.text(alphabet="ab租金。.：:-#`|\n ?1", max_size=120), st.sampled_from(["en", "zh"]))
def test_every_citable_span_is_trimmed_in_order_and_not_a_heading(text: str, language: str) -> None:
    hit = hit_of(text, document=stored(1, language=language))
    for span in citable_spans(hit.chunk):
        content = span.of(text)
        assert content == content.strip()
        assert not content.startswith("# ")
        assert not content.endswith(("?", "？"))


def test_no_hits_and_no_words_in_common_give_no_sentence() -> None:
    assert draft("Who insures the warehouse?") == ()
    assert draft("谁为仓库投保？", dataclasses.replace(chinese("屋顶去年刷成蓝色"), score=0.0)) == ()


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("It is said here.\n```sh\nrun it now\n```\nSo it is done.", ["It is said here.", "So it is done."]),
        ("run it now please\n```\nThe server restarts.", ["The server restarts."]),
        (
            "run it now please\n```\nThe server restarts.\n```sh\nrun it again please\n```\nSo it is done.",
            ["The server restarts.", "So it is done."],
        ),
    ],
)
def test_code_is_never_an_answer_wherever_its_chunk_begins(text: str, prose: list[str]) -> None:
    assert citable(text) == prose


def test_a_markdown_heading_is_never_an_answer() -> None:
    text = "## Where state lives\n\nThe state lives in one folder of its own."
    assert citable(text) == ["The state lives in one folder of its own."]


def test_a_heading_without_marks_is_known_by_its_section() -> None:
    assert citable("Where state lives\nIt is in one folder.", section=("Where state lives",)) == [
        "It is in one folder."
    ]


def test_a_line_that_only_repeats_the_question_is_no_answer() -> None:
    hit = hit_of("Insurance of the warehouse\nThe tenant takes out the insurance of the warehouse.")
    assert texts("Insurance of the warehouse", hit) == [
        "The tenant takes out the insurance of the warehouse."
    ]


def test_code_table_rules_and_questions_are_left_out() -> None:
    code = "```python\nprint('a long line of code')\n```"
    text = f"What does it do?\n\n{code}\n\n| --- | --- |\n\nIt prints one line."
    assert citable(text) == ["It prints one line."]


def test_code_is_known_in_a_chunk_that_begins_inside_a_fence() -> None:
    assert citable("print('a long line of code')\n```\nIt prints one line.") == ["It prints one line."]


def test_a_list_item_stays_whole() -> None:
    text = "- The tenant pays. The landlord repairs.\n- Neither may sublet the house."
    assert citable(text) == ["- The tenant pays. The landlord repairs.", "- Neither may sublet the house."]


def test_a_line_that_leads_to_a_list_takes_its_items_along() -> None:
    text = "Attest reads these formats:\n\n- PDF and Word files\n- plain text files\n\nNothing else is read."
    assert citable(text)[0] == "Attest reads these formats:\n\n- PDF and Word files\n- plain text files"


def test_a_chinese_list_goes_with_the_line_that_leads_to_it() -> None:
    text = "承租人应当：\n（一）按时支付租金；\n（二）为仓库投保。"
    assert citable(text, "zh")[0] == text


def test_two_sentences_that_say_the_same_are_cited_once() -> None:
    first = hit_of("The tenant insures the warehouse.", rank=1)
    second = hit_of("So the tenant insures the warehouse.", rank=2)
    assert len(draft("Who insures the warehouse?", first, second)) == 1


PERILS = (
    "火灾损失",
    "洪水浸泡",
    "盗窃抢劫",
    "地震海啸",
    "飞机坠落",
    "雷电冰雹",
    "机器故障",
    "运输途中",
    "员工过失",
    "战争罢工",
)


def test_sentences_come_in_reading_order_document_by_document() -> None:
    lease, annex = stored(1, language="zh"), stored(2, language="zh")
    hits = (
        hit_of("仓库投保火灾损失。", rank=1, start=500, document=lease),
        hit_of("仓库投保洪水浸泡。", rank=2, document=annex),
        hit_of("仓库投保盗窃抢劫。", rank=3, start=10, document=lease),
    )
    found = draft("仓库投保了吗？", *hits)
    assert [(of(item).chunk.document.id, of(item).span.start) for item in found] == [
        (1, 10),
        (1, 500),
        (2, 0),
    ]


def test_at_most_three_sentences_are_drafted_from_the_first_chunks() -> None:
    hits = [chinese(f"仓库投保{peril}。", rank) for rank, peril in enumerate(PERILS, 1)]
    found = draft("仓库投保了吗？", *hits)
    assert [of(item).chunk.id for item in found] == [1, 2, 3]
    assert len(found) == MAXIMUM_SENTENCES


def test_a_chunk_beyond_those_read_is_never_cited() -> None:
    hits = [chinese("屋顶去年刷成了蓝色。", rank) for rank in range(1, CHUNKS_READ + 1)]
    beyond = chinese("仓库投保火灾损失。", CHUNKS_READ + 1)
    assert beyond.chunk.text not in texts("仓库投保了吗？", *hits, beyond)


def test_only_the_best_by_their_words_are_embedded() -> None:
    class CountingEmbedder(WordEmbedder):
        embedded = 0

        def embed(self, texts):  # type: ignore[no-untyped-def] # only counts
            self.embedded += len(texts)
            return super().embed(texts)

    embedder = CountingEmbedder()
    text = " ".join(f"The warehouse number {i} is insured by somebody." for i in range(40))
    ExtractiveGenerator(embedder).draft(Question("Who insures the warehouse?", "c"), [hit_of(text)])
    assert embedder.embedded == 1 + CANDIDATES_EMBEDDED


def test_weights_of_a_mix_sum_to_one_and_even_strength_scores_a_half() -> None:
    for weights in (WITH_MEANING, WORDS_ALONE, READ_WITH_MEANING, READ_WORDS_ALONE):
        total = weights.coverage + weights.around + weights.meaning + weights.retrieval
        assert total + weights.reading + weights.relevance == pytest.approx(1)
        assert weights.score(weights.even) == 0.5
        assert weights.score(weights.even + math.log(3) / weights.slope) == pytest.approx(0.75)


def test_coverage_weighs_rare_words_more_and_looks_around() -> None:
    from rag.evidence_candidates import candidates

    hit = hit_of("Alpha beta gamma delta. Alpha zeta theta iota.", score=0.5)
    found = candidates([hit])
    features = word_features(["alpha", "zeta"], found)
    alpha, zeta = math.log(1 + 2 / 3), math.log(1 + 2 / 2)
    assert features.coverage.tolist() == pytest.approx([alpha / (alpha + zeta), 1.0])
    assert features.around.tolist() == [1.0, 1.0]
    assert features.retrieval.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("question", "hit"),
    [
        ("How tall is the Eiffel tower?", hit_of(WAREHOUSE)),
        ("埃菲尔铁塔有多高？", chinese("租金每月五号支付。承租人负责为仓库投保。")),
    ],
)
def test_a_question_outside_the_documents_scores_below_the_threshold(question: str, hit: Hit) -> None:
    assert all(sentence.score < Settings().minimum_answer_score for sentence in draft(question, hit))


def signals(question: str, *hits: Hit) -> Mapping[str, float]:
    return ExtractiveGenerator(WordEmbedder()).draft(Question(question, "c"), hits).signals


def test_the_draft_tells_what_its_best_sentence_is_worth() -> None:
    first = chinese("屋顶去年刷成了蓝色。", rank=1)
    second = chinese("承租人为仓库投保。", rank=2)
    found = signals("为仓库投保？", first, second)
    assert tuple(found) == SIGNALS
    assert found["best_coverage"] == 1.0  # the best sentence has every word that was asked for
    assert found["best_meaning"] == 0.0  # the embedder cannot read Chinese
    assert found["best_rank"] == pytest.approx(math.log(2))  # it stands in the second chunk
    assert found["best_rare"] == 1.0
    assert found["best_echo"] == 0.0  # its new words stand nowhere else


def test_words_of_the_best_sentence_are_asked_or_new() -> None:
    # tokens: "alpha" and "beta" were asked, "gamma" and "delta" were not
    found = signals("Alpha beta?", hit_of("Alpha beta gamma delta."))
    assert found["best_asked"] == 0.5
    assert found["best_new"] == pytest.approx(math.log(3))
    assert found["best_rank"] == 0.0


def test_the_lead_is_over_the_third_candidate_or_over_nothing() -> None:
    alone = signals("仓库投保", chinese("仓库投保火灾损失。"))
    # Its words, those around it and its chunk all fit: the weights sum to 1, and there is no third.
    assert alone["best_lead"] == pytest.approx(1.0)
    equal = [chinese(f"仓库投保{peril}。", rank) for rank, peril in enumerate(PERILS[:3], 1)]
    assert signals("仓库投保", *equal)["best_lead"] == pytest.approx(0.0)


def test_words_that_every_hit_has_tell_none_apart() -> None:
    common = [chinese(f"仓库投保{peril}。", rank) for rank, peril in enumerate(PERILS[:4], 1)]
    assert signals("仓库投保", *common)["best_rare"] == 0.5
    # 火, 灾, 火灾 and 保火 stand in one hit of four: in the best sentence.
    assert signals("仓库投保火灾", *common)["best_rare"] == 1.0


def test_new_words_that_others_repeat_are_an_echo() -> None:
    others = [chinese(f"屋顶火灾{peril}。", rank) for rank, peril in enumerate(PERILS[3:7], 2)]
    found = signals("仓库投保", chinese("仓库投保火灾。"), *others)
    assert found["best_echo"] == 4 / 8


def test_without_a_candidate_every_signal_of_the_draft_is_zero() -> None:
    assert signals("Who insures the warehouse?") == dict.fromkeys(SIGNALS, 0.0)
    assert signals("Who insures the warehouse?", hit_of("Who insures the warehouse?")) == dict.fromkeys(
        SIGNALS, 0.0
    )


def test_features_are_the_same_to_the_last_digit_in_every_process() -> None:
    program = """
from rag.domain import Claim
from rag.evidence_features import word_features
from rag.support import WordSupport
from in_memory import WordEmbedder
from unit.test_read import PERILS, chinese
from rag.evidence_candidates import candidates
from rag.tokens import question_tokens

found = candidates([chinese(f"仓库投保{peril}，{other}。") for peril in PERILS for other in PERILS])
features = word_features(question_tokens("仓库是否投保火灾损失、洪水浸泡和机器故障？"), found)
claims = [Claim(f"出租人{item.text}", tuple(other.text for other in found[::7])) for item in found]
print(features.coverage.tolist(), features.around.tolist(), WordSupport(WordEmbedder()).support(claims))
"""
    tests = Path(__file__).parents[1]
    printed = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(tests)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
