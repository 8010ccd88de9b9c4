"""The first hits are put in a new order by how likely they answer; the rest stays behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory import SPACE, MemoryLexicalIndex, MemoryVectorIndex, WordEmbedder, embedded
from reader_fixtures import write_tiny_reader
from stored import stored

from rag import rerank as module
from rag.adapters.packaged_reader import PackagedReader
from rag.domain import Chunk, Hit, Passage, Question, Reading
from rag.errors import ModelUnavailableError
from rag.fingerprint import pipeline_fingerprint
from rag.indexes import Indexes
from rag.read import ExtractiveGenerator
from rag.rerank import RELEVANCE, Reranking, rerank
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store
from rag.wiring import open_system


class KnownReranker:
    """Relevance by text, 0 for any other; it keeps what it was shown."""

    version = "known-1"

    def __init__(self, relevances: Mapping[str, float]) -> None:
        self._relevances = relevances
        self.shown: list[list[Passage]] = []

    def relevance(self, _question: str, passages: Sequence[Passage]) -> list[float]:
        self.shown.append(list(passages))
        return [self._relevances.get(passage.text, 0.0) for passage in passages]


DOCUMENT = stored()


def hit(text: str, rank: int, score: float) -> Hit:
    chunk = Chunk(rank, DOCUMENT, 0, 0, len(text), ("Rent",), text)
    return Hit(chunk, rank, score, {"lexical": 7.0})


HITS = (hit("a", 1, 1.0), hit("b", 2, 0.8), hit("c", 3, 0.4))


def order(hits: Sequence[Hit]) -> str:
    return "".join(item.chunk.text for item in hits)


def test_the_score_is_a_mixture_and_orders_the_hits() -> None:
    reranker = KnownReranker({"a": 0.1, "b": 0.5, "c": 0.9})
    found = rerank("who?", HITS, reranker, share=0.75)
    # a: .25 + .075; b: .2 + .375; c: .1 + .675
    assert [(item.chunk.text, item.rank, round(item.score, 9)) for item in found] == [
        ("c", 1, 0.775),
        ("b", 2, 0.575),
        ("a", 3, 0.325),
    ]
    assert found[0].scores == {"lexical": 7.0, RELEVANCE: 0.9}
    assert HITS[2].scores == {"lexical": 7.0}


def test_the_reranker_sees_each_text_under_its_title_and_headings() -> None:
    reranker = KnownReranker({})
    rerank("who?", HITS[:2], reranker, share=0.5)
    assert reranker.shown == [[Passage("Lease > Rent", "a"), Passage("Lease > Rent", "b")]]


def test_ties_keep_their_order() -> None:
    tied = [replace(item, score=0.5) for item in HITS]
    assert order(rerank("who?", tied, KnownReranker({}), share=0.5)) == "abc"


def test_nothing_found_is_nothing_reranked() -> None:
    assert rerank("who?", (), KnownReranker({}), share=0.5) == ()


def test_what_is_beyond_the_depth_stays_behind_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RELEVANCE_SHARE", 0.5)
    deep = (*HITS, hit("d", 4, 0.4), hit("e", 5, 0.3))
    reranker = KnownReranker({"b": 0.2, "d": 1.0, "e": 1.0})
    found = Reranking(reranker, 3).of("who?", deep)
    assert order(found) == "abcde"
    assert [item.rank for item in found] == [1, 2, 3, 4, 5]
    assert [round(item.score, 9) for item in found] == [0.5, 0.5, 0.2, 0.2, 0.15]
    assert [RELEVANCE in item.scores for item in found] == [True] * 3 + [False] * 2


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=12),
    st.integers(1, 12),
    st.floats(0, 1),
)
def test_scores_fall_with_rank_whatever_the_depth(
    rows: list[tuple[float, float]], depth: int, share: float
) -> None:
    fused = sorted((score for score, _ in rows), reverse=True)
    hits = [hit(str(i), i + 1, score) for i, score in enumerate(fused)]
    reranker = KnownReranker({str(i): relevance for i, (_, relevance) in enumerate(rows)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "RELEVANCE_SHARE", share)
        found = Reranking(reranker, depth).of("who?", hits)
    scores = [item.score for item in found]
    assert scores == sorted(scores, reverse=True)
    assert [item.rank for item in found] == list(range(1, len(hits) + 1))
    assert {item.chunk.id for item in found[:depth]} == {item.chunk.id for item in hits[:depth]}
    assert [item.chunk.id for item in found[depth:]] == [item.chunk.id for item in hits[depth:]]


def test_the_version_tells_the_model_the_depth_and_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {Reranking(KnownReranker({}), depth).version for depth in (10, 30)}
    monkeypatch.setattr(module, "RELEVANCE_SHARE", 0.75)
    versions.add(Reranking(KnownReranker({}), 30).version)
    assert len(versions) == 3


def test_the_pipeline_s_fingerprint_changes_with_the_reranking() -> None:
    generator = ExtractiveGenerator(WordEmbedder())
    rerankings = (None, Reranking(KnownReranker({}), 10), Reranking(KnownReranker({}), 30))
    assert len({pipeline_fingerprint(SPACE, generator, item, Question("", "")) for item in rerankings}) == 3


@pytest.fixture
def retriever(sqlite_store: Store, tmp_path: Path) -> Retriever:
    """Five notes, each with more words beside "rent", under a reranker that likes the fourth."""
    owner = sqlite_store.create_collection("c")
    notes = ["rent " + "and more words " * number + str(number) for number in range(5)]
    sqlite_store.commit_documents(owner.id, SPACE, [embedded("notes", notes)])
    indexes = Indexes(sqlite_store, tmp_path / "indexes", MemoryVectorIndex, MemoryLexicalIndex)
    return Retriever(sqlite_store, indexes, WordEmbedder(), Reranking(KnownReranker({notes[3]: 1.0}), 4))


def numbers(retriever: Retriever, top_k: int) -> list[str]:
    found = retriever.search(Question("rent", "c", top_k=top_k))
    return [item.chunk.text[-1] for item in found.hits]


def test_a_search_reranks_more_than_it_shows(retriever: Retriever) -> None:
    fused = numbers(replace(retriever, reranking=None), 5)
    moved = ["3", *(number for number in fused if number != "3")]
    assert fused.index("3") in (1, 2, 3)
    assert numbers(retriever, 1) == ["3"]
    assert numbers(retriever, 3) == moved[:3]
    assert numbers(retriever, 5) == moved


def test_a_search_times_its_reranking(retriever: Retriever) -> None:
    plain = replace(retriever, reranking=None)
    question = Question("rent", "c")
    assert "rerank" in retriever.search(question).timings_ms
    assert "rerank" not in plain.search(question).timings_ms


def test_a_search_may_leave_reranking_out(retriever: Retriever) -> None:
    plain = retriever.search(Question("rent", "c", rerank=False))
    assert "rerank" not in plain.timings_ms
    assert plain.hits == replace(retriever, reranking=None).search(Question("rent", "c")).hits
    assert plain.hits != retriever.search(Question("rent", "c")).hits


def test_neighbours_are_loaded_for_what_is_shown(retriever: Retriever) -> None:
    found = retriever.search(Question("rent", "c", top_k=2, neighbours=1))
    assert [len(item.context) > 1 for item in found.hits] == [True, True]


def test_a_depth_of_0_turns_reranking_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.wiring.FOLDER", write_tiny_reader(tmp_path / "reader"))
    settings = Settings(home=tmp_path / "home", rerank_depth=0)
    with open_system(settings, embedder=WordEmbedder()) as system:
        assert isinstance(system.reader, PackagedReader)
        assert system.retriever.reranking is None


def test_without_its_weights_attest_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.wiring.FOLDER", tmp_path / "no reader")
    with pytest.raises(ModelUnavailableError, match="Install Attest again"):
        open_system(Settings(home=tmp_path / "home"), embedder=WordEmbedder())


def test_the_shipped_reader_reranks_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.wiring.FOLDER", write_tiny_reader(tmp_path / "reader"))
    with open_system(Settings(home=tmp_path / "home"), embedder=WordEmbedder()) as system:
        assert isinstance(system.reader, PackagedReader)
        assert system.retriever.reranking == Reranking(system.reader, 30)


def test_warming_loads_the_reader_and_the_reranker(tmp_path: Path) -> None:
    class KnownReader(KnownReranker):
        def read(self, _question: str, passages: Sequence[Passage]) -> list[Reading]:
            self.shown.append(list(passages))
            return [Reading(0.0, 0.0, ()) for _ in passages]

    reader, reranker = KnownReader({}), KnownReranker({})
    with open_system(Settings(home=tmp_path), embedder=WordEmbedder()) as opened:
        retriever = replace(opened.retriever, reranking=Reranking(reranker, 30))
        replace(opened, reader=reader, retriever=retriever).warm()
    assert len(reader.shown) == len(reranker.shown) == 1
