"""The extractive generator with a reader whose readings are written down."""

import pytest
from in_memory import WordEmbedder
from scripted_reader import ScriptedReader, Seen
from stored import stored

from rag.domain import Chunk, Draft, DraftSentence, Hit, Question, Quotation, Span
from rag.evidence_candidates import candidates
from rag.evidence_reading import read_hits
from rag.evidence_signals import LOG_ODDS, READ_SIGNALS, SIGNALS
from rag.evidence_weights import READ_WITH_MEANING, READ_WORDS_ALONE
from rag.odds import log_odds
from rag.read import ExtractiveGenerator
from rag.shorten import LONGEST

WHEN = "When is the rent due?"
LEASE = "The tenant insures the warehouse. It falls due in May. The roof was painted blue last year."


def hit_of(
    text: str, *, rank: int = 1, start: int = 0, document: int | None = None, language: str = "en"
) -> Hit:
    number = rank if document is None else document
    known = stored(number, language=language)
    return Hit(Chunk(rank, known, 0, start, start + len(text), (), text), rank, 1.0, {"lexical": 1.0})


def draft(question: str, script: dict[str, list[Seen]], *hits: Hit) -> Draft:
    return ExtractiveGenerator(WordEmbedder(), ScriptedReader(script)).draft(Question(question, "c"), hits)


def of(sentence: DraftSentence) -> Quotation:
    [quotation] = sentence.quotations
    return quotation


def texts(found: Draft) -> list[str]:
    return [sentence.text for sentence in found.sentences]


def test_the_version_names_the_reader_and_is_as_before_without_one() -> None:
    assert ExtractiveGenerator(WordEmbedder()).version_for(Question(WHEN, "c")) == "1"
    assert (
        ExtractiveGenerator(WordEmbedder(), ScriptedReader({})).version_for(Question(WHEN, "c"))
        == "2+scripted"
    )


def test_the_sentence_that_the_reader_points_at_is_the_answer_though_it_shares_no_word() -> None:
    found = draft(WHEN, {WHEN: [Seen("in May")]}, hit_of(LEASE, start=1000))
    [sentence] = found.sentences
    assert sentence.text == "It falls due in May."
    assert of(sentence).focus == Span(1000 + LEASE.index("in May"), 1000 + LEASE.index("in May") + 6)


def test_a_chinese_answer_is_pointed_at_too() -> None:
    question, text = "租金何时支付？", "承租人为仓库投保。每月五号到期。屋顶去年刷成了蓝色。"
    [sentence] = draft(question, {question: [Seen("五号")]}, hit_of(text, language="zh")).sentences
    assert sentence.text == "每月五号到期。"
    focus = of(sentence).focus
    assert focus is not None
    assert focus.of(text) == "五号"


def test_reading_is_the_share_of_the_answers_that_lie_in_a_sentence() -> None:
    text = "Rent is due in spring. Summer is free of it. The roof is blue."
    script = {WHEN: [Seen("spring. Summer", 0.6, answerable=0.5), Seen("blue", 0.3, answerable=0.4)]}
    hit = hit_of(text, start=100)
    read = read_hits(ScriptedReader(script), WHEN, [hit])
    first, second, third = candidates([hit])
    # 14 characters: 7 in the first sentence, 6 in the second, and the blank between them.
    assert read.mass(first) == pytest.approx(0.5 * 0.6 * 7 / 14)
    assert read.mass(second) == pytest.approx(0.5 * 0.6 * 6 / 14)
    assert read.mass(third) == pytest.approx(0.5 * 0.3)
    assert read.focus(first) == Span(115, 122)
    assert read.focus(second) == Span(123, 129)
    assert read.answerable == 0.5


def test_strength_mixes_the_readings_with_what_words_and_meaning_tell() -> None:
    script = {WHEN: [Seen("in May", 0.8, answerable=0.5, relevance=0.25)]}
    considered = ExtractiveGenerator(WordEmbedder(), ScriptedReader(script)).consider(WHEN, [hit_of(LEASE)])
    place = [item.text for item in considered.candidates].index("It falls due in May.")
    features, weights = considered.features, considered.weights
    assert weights is READ_WITH_MEANING
    assert features.reading[place] == pytest.approx(0.4)
    assert features.relevance.tolist() == [0.25, 0.25, 0.25]
    expected = (
        weights.coverage * features.words.coverage[place]
        + weights.around * features.words.around[place]
        + weights.meaning * features.meaning[place]
        + weights.retrieval * 1.0
        + weights.reading * 0.4
        + weights.relevance * 0.25
    )
    assert weights.strengths(features)[place] == pytest.approx(expected)


def test_where_the_embedder_reads_nothing_the_meaning_does_not_count() -> None:
    hit = hit_of("每月五号到期。", language="zh")
    considered = ExtractiveGenerator(WordEmbedder(), ScriptedReader({})).consider("租金何时支付？", [hit])
    assert considered.weights is READ_WORDS_ALONE


TWO = (hit_of("Rent falls due in May.", rank=1), hit_of("Payment is expected by June.", rank=2))


def test_one_thing_asked_gets_one_sentence() -> None:
    script = {WHEN: [Seen("in May", 0.9), Seen("by June", 0.4)]}
    assert texts(draft(WHEN, script, *TWO)) == ["Rent falls due in May."]


def test_a_second_sentence_that_reads_as_well_and_says_another_thing_is_added() -> None:
    may = hit_of("Rent falls due in May.", rank=1)
    other_words = (may, hit_of("For a house the rent is due by June.", rank=2))
    same_words = (may, hit_of("Rent falls due in a by June.", rank=2))
    script = {WHEN: [Seen("in May", 0.9), Seen("by June", 0.9)]}
    assert len(texts(draft(WHEN, script, *other_words))) == 2
    assert len(texts(draft(WHEN, script, *same_words))) == 1  # "rent", "fall", "due": the same wording


def test_a_second_sentence_with_the_same_answer_is_not_added() -> None:
    hits = (hit_of("Rent falls due in May.", rank=1), hit_of("Payment is expected in May.", rank=2))
    assert len(texts(draft(WHEN, {WHEN: [Seen("in May", 0.9)]}, *hits))) == 1


DRUGS = (
    "Aspirin helps",
    "Codeine works",
    "Ibuprofen acts",
    "Morphine serves",
    "Ketamine suits",
    "Heparin fits",
)


def test_where_several_things_are_asked_for_up_to_five_sentences_of_several_documents_are_given() -> None:
    question = "Which drugs are given?"
    hits = [hit_of(f"{drug} well enough here.", rank=rank) for rank, drug in enumerate(DRUGS, 1)]
    script = {question: [Seen(drug.split()[0], 0.8) for drug in DRUGS]}
    assert len(texts(draft(question, script, *hits))) == 5
    assert len(texts(draft("Which drug is given?", {"Which drug is given?": script[question]}, *hits))) == 2


LIST = "The tenant must do these:\n- pay the rent in May\n- insure the warehouse\n- paint the roof"


def test_a_list_stays_whole_where_several_things_are_asked_for() -> None:
    question = "What are the duties?"
    assert texts(draft(question, {question: [Seen("insure", 0.9)]}, hit_of(LIST))) == [LIST]


def test_one_item_of_a_list_answers_a_question_for_one_thing() -> None:
    question = "What must be insured?"
    assert texts(draft(question, {question: [Seen("warehouse", 0.9)]}, hit_of(LIST))) == [
        "- insure the warehouse"
    ]


def test_sentences_of_one_document_keep_its_order_and_the_strongest_document_comes_first() -> None:
    question = "What are the dates?"
    hits = (
        hit_of("Rent falls due in May.", rank=1, document=1),
        hit_of("Storms came by June.", rank=2, start=500, document=2),
        hit_of("Harvest began around July.", rank=3, start=10, document=2),
    )
    script = {question: [Seen("in May", 0.5), Seen("by June", 0.9), Seen("around July", 0.8)]}
    found = draft(question, script, *hits).sentences
    assert [(of(item).chunk.document.id, of(item).span.start) for item in found] == [
        (2, 10),
        (2, 500),
        (1, 0),
    ]


def test_a_sentence_that_rambles_is_cut_and_its_span_with_it() -> None:
    main = "The rent of four thousand euros must be paid in May for all goods of the old warehouse in Lyon"
    tail = "; the landlord must insure the second and the third floor of the old warehouse at the quay"
    text = f"{main}{tail} together with the old cellar and the new lift against fire and storm."
    assert len(text) > LONGEST["en"]
    [sentence] = draft(WHEN, {WHEN: [Seen("in May")]}, hit_of(text, start=50)).sentences
    assert sentence.text == main
    assert of(sentence).span == Span(50, 50 + len(main))


BOTH = "What is the rent and when is it due?"
RENT, DUE = "What is the rent", "when is it due"
PARTS = (hit_of("The lessee owes 4,200 euros.", rank=1), hit_of("Payment is expected in May.", rank=2))


def test_each_part_of_a_question_gets_its_sentence() -> None:
    script = {BOTH: [Seen("4,200 euros")], RENT: [Seen("4,200 euros")], DUE: [Seen("in May", 0.3)]}
    found = draft(BOTH, script, *PARTS)
    assert texts(found) == ["The lessee owes 4,200 euros.", "Payment is expected in May."]
    assert found.missing == ()


def test_a_part_that_no_passage_answers_is_missing() -> None:
    script = {
        BOTH: [Seen("4,200 euros")],
        RENT: [Seen("4,200 euros")],
        DUE: [Seen("in May", answerable=0.49)],
    }
    found = draft(BOTH, script, *PARTS)
    assert texts(found) == ["The lessee owes 4,200 euros."]
    assert found.missing == (DUE,)


@pytest.mark.parametrize(("probability", "is_covered"), [(0.09, False), (0.11, True)])
def test_a_part_needs_a_sentence_that_may_answer_it(probability: float, is_covered: bool) -> None:
    script = {
        BOTH: [Seen("4,200 euros")],
        RENT: [Seen("4,200 euros")],
        DUE: [Seen("in May", probability, answerable=1.0)],
    }
    found = draft(BOTH, script, *PARTS)
    assert len(found.sentences) == 1 + is_covered
    assert found.missing == (() if is_covered else (DUE,))


def test_sentences_at_the_same_place_of_two_documents_are_two() -> None:
    hits = (hit_of("One owes 4,200 euros.", rank=1), hit_of("One pays in May here.", rank=2))
    script = {BOTH: [], RENT: [Seen("4,200 euros")], DUE: [Seen("in May")]}
    assert hits[0].chunk.end == hits[1].chunk.end
    assert len(texts(draft(BOTH, script, *hits))) == 2


def test_of_a_list_each_part_gets_its_own_item() -> None:
    script = {BOTH: [], RENT: [Seen("4,200 euros")], DUE: [Seen("in May", 0.8)]}
    found = draft(BOTH, script, hit_of("The lessee owes these:\n- 4,200 euros\n- all of it in May"))
    assert texts(found) == ["- 4,200 euros", "- all of it in May"]


@pytest.mark.parametrize(("probability", "is_marked"), [(0.04, False), (0.06, True)])
def test_words_that_hardly_answer_are_not_marked(probability: float, is_marked: bool) -> None:
    [sentence] = draft(WHEN, {WHEN: [Seen("in May", probability)]}, TWO[0]).sentences
    assert (of(sentence).focus is not None) is is_marked


def test_where_no_part_is_answered_nothing_is_called_missing() -> None:
    assert draft(BOTH, {BOTH: [Seen("4,200 euros")]}, *PARTS).missing == ()


def test_a_chinese_question_for_two_things_is_read_part_by_part() -> None:
    question = "押金和租金分别是多少？"
    hit = hit_of("承租人交付三万元。房屋位于里昂。", language="zh")
    found = draft(question, {"押金是多少": [Seen("三万元")]}, hit)
    assert texts(found)[0] == "承租人交付三万元。"
    assert found.missing == ("租金是多少",)


def test_only_a_question_with_parts_is_read_more_than_once() -> None:
    reader = ScriptedReader({})
    generator = ExtractiveGenerator(WordEmbedder(), reader)
    generator.consider(WHEN, PARTS)
    assert reader.asked == [WHEN]
    generator.consider(BOTH, PARTS)
    assert reader.asked == [WHEN, BOTH, RENT, DUE]


def test_the_signals_of_the_reader_can_be_told_by_looking() -> None:
    hits = (*TWO, hit_of("Some other rent is due in May too.", rank=3), hit_of("The roof is blue.", rank=4))
    script = {
        WHEN: [
            Seen("falls due in May", 0.9, answerable=0.8, relevance=0.7),
            Seen("by June", 0.4, answerable=0.6, relevance=0.5),
            Seen("due in May too", 0.3, answerable=0.3, relevance=0.2),
        ]
    }
    found = draft(WHEN, script, *hits).signals
    assert tuple(found) == (*SIGNALS, *READ_SIGNALS)
    assert found["read_relevance"] == log_odds(0.7)
    assert found["read_relevance_margin"] == pytest.approx(0.2)
    assert found["read_answerable"] == found["read_answerable_maximum"] == log_odds(0.8)
    assert found["read_span"] == log_odds(0.9)
    assert found["read_mass"] == pytest.approx(log_odds(0.72))
    assert found["read_agreement"] == 0.0
    assert found["read_null_passages"] == 0.5
    assert found["read_alone"] == log_odds(0.8)


def test_passages_agree_where_their_answers_have_the_same_words() -> None:
    hits = (*TWO, hit_of("Payment comes IN MAY.", rank=3))
    script = {WHEN: [Seen("in May"), Seen("by June", 0.5), Seen("IN MAY", 0.5)]}
    assert draft(WHEN, script, *hits).signals["read_agreement"] == 0.5


def test_without_hits_every_signal_is_at_its_least_and_nothing_is_said() -> None:
    found = draft(WHEN, {})
    assert (found.sentences, found.missing) == ((), ())
    least = {name: log_odds(0.0) if name in LOG_ODDS else 0.0 for name in (*SIGNALS, *READ_SIGNALS)}
    assert found.signals == least
