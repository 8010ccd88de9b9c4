from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory import WordEmbedder, embedded
from stored import stored

from evals.ask import (
    CHUNKS_ASKED,
    CHUNKS_RECORDED,
    DOCUMENTS_RANKED,
    HITS_RECORDED,
    Asker,
    blank,
    gold_places,
    occurrences,
)
from evals.judge import is_correct
from evals.questions import ANY_DOCUMENT, ANYWHERE, EvalQuestion, GivenPassage, Gold, Mark
from evals.records import Place
from evals.suites import Task
from evals.tasks import way_of_asking
from rag.domain import Chunk, Draft, DraftSentence, Hit, Passage, Question, SearchResult, Span
from rag.errors import InvalidRequestError
from rag.listener import Listener
from rag.rerank import Reranking
from rag.settings import Settings
from rag.store import Store
from rag.system import System
from rag.wiring import open_system

LEASE = "Rent is due in May. The tenant insures the warehouse. Notice is due in May too."
CONTRACT = "租金每月五号支付。承租人负责为仓库投保。保险费由出租人支付。"


def asked(text: str = "?", **gold: object) -> EvalQuestion:
    made = Gold(**gold)  # type: ignore[arg-type]
    return EvalQuestion("q", text, made, "", "legal", group="g", is_test=True)


def places(question: EvalQuestion, uri: str, text: str) -> list[tuple[int, int]]:
    found = list(gold_places(question, uri, lambda: text))
    assert {place.document for place in found} <= {uri}
    return [(place.start, place.end) for place in found]


def test_of_several_occurrences_the_one_nearest_to_the_mark_counts() -> None:
    first, second = LEASE.index("May"), LEASE.rindex("May")
    for start, expected in ((0, first), (first + 3, first), (second - 5, second), (10_000, second)):
        assert places(asked(marks=(Mark("a", start, "May"),)), "a", LEASE) == [(expected, expected + 3)]


def test_a_mark_without_a_place_is_wherever_its_words_are() -> None:
    question = asked(marks=(Mark("a", ANYWHERE, "due  in may"),))
    assert [LEASE[start:end] for start, end in places(question, "a", LEASE)] == ["due in May", "due in May"]


def test_a_mark_is_looked_for_in_its_document_only_unless_it_names_none() -> None:
    text = "Rent is due in May."
    assert places(asked(marks=(Mark("a", 0, "May"),)), "b", text) == []
    assert places(asked(marks=(Mark(ANY_DOCUMENT, ANYWHERE, "May"),)), "b", text) == [(15, 18)]


def test_marks_go_before_answers() -> None:
    question = asked(answers=("Rent",), marks=(Mark("a", 0, "May"),))
    assert places(question, "a", "Rent is due in May.") == [(15, 18)]
    assert places(question, "b", "Rent is due in May.") == []


def test_an_expected_answer_counts_as_a_whole_word_only() -> None:
    question = asked(answers=("ten", "May"), documents=("a",))
    assert places(question, "a", "The tenant pays ten. Mayor, MAY!") == [(16, 19), (28, 31)]


def test_a_chinese_answer_may_stand_within_a_run_of_characters() -> None:
    assert places(asked(answers=("承租人",)), "a", CONTRACT) == [(9, 12)]


def test_an_answer_is_sought_in_gold_documents_or_in_any_where_none_is_named() -> None:
    assert places(asked(answers=("May",), documents=("a",)), "b", LEASE) == []
    assert len(places(asked(answers=("May",)), "b", LEASE)) == 2


def test_a_document_without_gold_is_not_read() -> None:
    def unread() -> str:
        raise AssertionError

    assert list(gold_places(asked(answers=("May",), documents=("a",)), "b", unread)) == []


def test_a_mark_with_invisible_characters_is_found_after_cleaning_dropped_them() -> None:
    question = asked(marks=(Mark("a", 0, "ware\u00adhouse"),))
    assert places(question, "a", "the warehouse") == [(4, 13)]


def test_blanks_and_case_may_differ_and_nothing_is_found_for_nothing() -> None:
    assert occurrences("due in\nmay", "Due  in May", as_words=True) == [Span(0, 11)]
    assert occurrences("(a+b)", "f(a+b)", as_words=False) == [Span(1, 6)]
    assert occurrences("  ", "a text", as_words=False) == []


@given(st.text(alphabet="aB 租金.", max_size=20), st.text(alphabet="aB 租金.", max_size=5))
def test_an_occurrence_is_the_wanted_text_but_for_case_and_blanks(text: str, wanted: str) -> None:
    for span in occurrences(wanted, text, as_words=False):
        assert span.of(text).casefold().split() == wanted.casefold().split()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A system whose collection "c" holds a lease, a contract in Chinese and a note."""
    with open_system(Settings(home=tmp_path), embedder=WordEmbedder()) as opened:
        target = opened.store.create_collection("c")
        contract = embedded("合同", [CONTRACT])
        contract = replace(contract, draft=replace(contract.draft, language="zh"))
        documents = (embedded("lease", [LEASE]), contract, embedded("note", ["A note."]))
        opened.store.commit_documents(target.id, opened.embedder.space, documents)
        yield opened


def test_an_answer_is_recorded_with_its_quotations_gold_and_signals(system: System) -> None:
    gold = {"answers": ("the tenant",), "documents": ("lease",)}
    record = Asker(system, "c").answer(asked("Who insures the warehouse?", **gold))
    assert (record.status, record.reason, record.language, record.group) == ("answered", "", "en", "g")
    assert record.answer == "The tenant insures the warehouse."
    [sentence] = record.sentences
    [quoted] = sentence.sources
    assert (quoted.document, LEASE[quoted.start : quoted.end]) == ("lease", quoted.text)
    assert quoted.is_verbatim
    start = LEASE.index("The tenant")
    assert record.gold_places == (Place("lease", start, start + 10),)
    assert is_correct(record)
    assert record.confidence == sentence.support == record.signals["support_maximum"]
    assert record.chunks[0].document == "lease"
    assert record.timings_ms.keys() == {"retrieve", "rerank", "generate", "cite", "calibrate", "total"}


def test_a_chinese_answer_is_recorded_likewise(system: System) -> None:
    gold = {"marks": (Mark("合同", 9, "承租人"),)}
    record = Asker(system, "c").answer(asked("谁负责为仓库投保？", **gold))
    assert (record.language, record.answer) == ("zh", "承租人负责为仓库投保。")
    assert record.gold_places == (Place("合同", 9, 12),)
    assert is_correct(record)


def test_what_is_withheld_is_recorded_as_a_proposal(system: System) -> None:
    record = Asker(system, "c").answer(asked("How tall is the Eiffel tower?", answers=("ten",)))
    assert (record.status, record.reason) == ("abstained", "low_confidence")
    assert record.sentences
    assert record.answer
    assert not record.is_answered


def test_a_quotation_that_is_not_in_the_store_is_not_verbatim(system: System) -> None:
    class Changed:
        def __init__(self, store: Store) -> None:
            self._store = store

        def text(self, document_id: int) -> str:
            return self._store.text(document_id).replace("tenant", "TENANT")

    changed = replace(system, store=Changed(system.store))  # type: ignore[arg-type]
    record = Asker(changed, "c").answer(asked("Who insures the warehouse?", answers=("tenant",)))
    [sentence] = record.sentences
    assert [source.is_verbatim for source in sentence.sources] == [False]


def test_the_words_that_answer_are_recorded_with_their_quotation(system: System) -> None:
    class Pointing:
        """The generator, pointing at the first two words of each quotation."""

        name = "pointing"

        def version_for(self, asked: Question) -> str:  # noqa: ARG002
            return "1"

        def draft(self, asked: Question, hits: Sequence[Hit], listener: Listener | None = None) -> Draft:
            draft = system.pipeline.generator.draft(asked, hits, listener)
            return replace(draft, sentences=tuple(map(self.pointed, draft.sentences)))

        def pointed(self, sentence: DraftSentence) -> DraftSentence:
            [quotation] = sentence.quotations
            start = quotation.span.start
            focused = replace(quotation, focus=Span(start, start + len("The tenant")))
            return replace(sentence, quotations=(focused,))

    pointing = replace(system, pipeline=replace(system.pipeline, generator=Pointing()))
    record = Asker(pointing, "c").answer(asked("Who insures the warehouse?", answers=("tenant",)))
    assert [source.focus for source in record.sentences[0].sources] == ["The tenant"]


class Longest:
    """Takes the longer passage for the more relevant one."""

    version = "1"

    def relevance(self, question: str, passages: Sequence[Passage]) -> list[float]:
        assert question
        return [len(passage.text) / 100 for passage in passages]


def reranking(system: System, chosen: Reranking | None) -> System:
    retriever = replace(system.retriever, reranking=chosen)
    return replace(system, retriever=retriever, pipeline=replace(system.pipeline, retriever=retriever))


def test_every_hit_that_was_reranked_is_recorded(system: System) -> None:
    target = system.store.collection("c")
    notes = embedded("notes", [f"Note {n} on the warehouse." for n in range(40)])
    system.store.commit_documents(target.id, system.embedder.space, [notes])
    system.refresh("c")
    question = asked("Who insures the warehouse?", answers=("tenant",))
    assert len(Asker(reranking(system, None), "c").answer(question).chunks) == HITS_RECORDED
    record = Asker(reranking(system, Reranking(Longest(), depth=20)), "c").answer(question)
    assert [chunk.document for chunk in record.chunks[:2]] == ["lease", "notes"]
    assert [len(record.chunks), sum("relevance" in chunk.scores for chunk in record.chunks)] == [20, 20]
    assert record.chunks[0].scores["relevance"] == len(LEASE) / 100


def test_a_question_is_asked_within_its_scope(system: System) -> None:
    question = replace(asked("Who insures the warehouse?", answers=("tenant",)), scope={"year": 2020})
    record = Asker(system, "c").answer(question)
    assert (record.status, record.reason, record.chunks) == ("abstained", "no_evidence", ())


PASSAGES = (GivenPassage("p1", "Lease", LEASE), GivenPassage("p2", "租约", CONTRACT))


def test_given_passages_are_read_in_their_order_and_nothing_is_searched(system: System) -> None:
    question = replace(
        asked("Who insures the warehouse?", marks=(Mark("p1", 20, "The tenant"),)), passages=PASSAGES
    )
    for collection in ("c", "", "absent"):
        record = Asker(system, collection).answer_from_passages(question)
        assert record.answer == "The tenant insures the warehouse."
        assert [(c.document, c.start, c.end, c.score) for c in record.chunks] == [
            ("p1", 0, len(LEASE), 1.0),
            ("p2", 0, len(CONTRACT), 1.0),
        ]
        [quoted] = record.sentences[0].sources
        assert (quoted.document, quoted.text, quoted.is_verbatim) == ("p1", record.answer, True)
        assert is_correct(record)


def test_a_chinese_passage_is_read_by_its_own_rules(system: System) -> None:
    question = replace(asked("谁负责为仓库投保？", answers=("承租人",)), passages=PASSAGES)
    record = Asker(system, "").answer_from_passages(question)
    assert record.answer == "承租人负责为仓库投保。"
    assert record.gold_places == (Place("p2", 9, 12),)
    assert is_correct(record)


class Shelf:
    """Finds `documents` documents of `parts` chunks each, one after the other; counts its searches."""

    def __init__(self, documents: int, parts: int = 1) -> None:
        self.asked: list[int] = []
        self._hits = [_hit(f"d{n // parts}", n + 1) for n in range(documents * parts)]

    def search(self, question: Question) -> SearchResult:
        self.asked.append(question.top_k)
        return SearchResult(tuple(self._hits[: question.top_k]), {"dense": 1.0}, ())


def _hit(uri: str, rank: int) -> Hit:
    document = stored(rank, uri=uri, title="")
    return Hit(Chunk(rank, document, 0, 0, 10, (), "ten chars."), rank, 1 / rank, {"dense": 0.5})


def ranked(shelf: Shelf) -> tuple[Sequence[str], Sequence[float], int]:
    record = Asker(shelf, "c").search(asked(documents=("d1",)))  # type: ignore[arg-type]
    return [item.id for item in record.ranked], [item.score for item in record.ranked], len(record.chunks)


def test_a_document_ranks_where_its_best_chunk_does() -> None:
    assert ranked(Shelf(documents=3, parts=2)) == (["d0", "d1", "d2"], [1, 1 / 3, 1 / 5], 6)


def test_more_chunks_are_asked_for_until_enough_documents_are_ranked() -> None:
    shelf = Shelf(documents=300, parts=5)
    documents, _, chunks = ranked(shelf)
    assert shelf.asked == [CHUNKS_ASKED, 2 * CHUNKS_ASKED, 4 * CHUNKS_ASKED]
    assert documents == [f"d{n}" for n in range(DOCUMENTS_RANKED)]
    assert chunks == CHUNKS_RECORDED


def test_a_small_collection_is_asked_once() -> None:
    shelf = Shelf(documents=3)
    ranked(shelf)
    assert shelf.asked == [CHUNKS_ASKED]


@pytest.mark.parametrize("task", [task for task in Task if task is not Task.CHOICE])
def test_every_task_but_a_choice_has_its_way_of_asking(system: System, task: Task) -> None:
    record = way_of_asking(task, system, "c")(replace(asked("Who insures it?"), passages=PASSAGES))
    assert (record.id, record.error) == ("q", "")


def test_a_choice_needs_a_language_model(system: System) -> None:
    with pytest.raises(InvalidRequestError, match="language model"):
        way_of_asking(Task.CHOICE, system, "c")


def test_what_else_is_known_of_a_question_is_recorded() -> None:
    assert blank(replace(asked(), metadata={"phrasing": "keyword"})).metadata == {"phrasing": "keyword"}
