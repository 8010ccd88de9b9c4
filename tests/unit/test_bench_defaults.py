"""A bench measures what there is, or what it was asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from in_memory import WordEmbedder
from reader_fixtures import write_tiny_reader

from evals.bench.answer_speed import DEPTHS, depths_for
from evals.bench.reading import WAYS, ways_of
from rag.settings import Settings
from rag.system import System
from rag.wiring import open_system


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    monkeypatch.setattr("rag.wiring.FOLDER", write_tiny_reader(tmp_path / "its reader"))
    settings = Settings(home=tmp_path / "plain", rerank_depth=0)
    with open_system(settings, embedder=WordEmbedder()) as system:
        yield system


@pytest.fixture
def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    monkeypatch.setattr("rag.wiring.FOLDER", write_tiny_reader(tmp_path / "reader"))
    with open_system(Settings(home=tmp_path / "reading"), embedder=WordEmbedder()) as system:
        yield system


def test_depths_are_those_that_can_be_measured(
    plain: System, reading: System, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tuple(depths_for(reading, None)) == DEPTHS
    assert tuple(depths_for(reading, [5])) == (5,)
    assert capsys.readouterr().err == ""
    assert tuple(depths_for(plain, None)) == (0,)
    assert "no reranker" in capsys.readouterr().err


def test_ways_are_all_or_those_asked_for(reading: System) -> None:
    assert tuple(ways_of(reading, None)) == WAYS
    assert tuple(ways_of(reading, ["words"])) == ("words",)
