import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.data import DataMissingError
from evals.sets.squad_layout import SpanLayout
from rag.domain import Span
from training.neighbours import Neighbours
from training.spans import Share, set_examples, span_examples
from training.stretches import Stretch, cut_around, tiles
from training.unanswerable import Kind

WORDS = st.lists(
    st.sampled_from(["Alpha", "beta.", "Gamma\n", "delta", "3.5", "第一条。", "；"]), min_size=1, max_size=600
)


@given(WORDS, st.integers(0, 10_000), st.integers(1, 40), st.sampled_from(["en", "zh"]), st.integers(0, 99))
def test_a_stretch_holds_its_span(
    words: list[str], place: int, length: int, language: str, seed: int
) -> None:
    text = " ".join(words)
    start = place % len(text)
    end = min(len(text), start + length)
    if text[start:end].strip() != text[start:end] or start == end:
        return
    part = cut_around(text, Span(start, end), language, random.Random(seed))
    assert 0 <= part.start <= start
    assert end <= part.end <= len(text)
    assert part.end - part.start <= 1400


@given(WORDS, st.sampled_from(["en", "zh"]), st.integers(0, 99))
def test_tiles_are_in_order_and_leave_out_nothing_but_blanks(
    words: list[str], language: str, seed: int
) -> None:
    text = " ".join(words)
    parts = tiles(text, language, random.Random(seed))
    assert all(first.end <= second.start for first, second in pairwise(parts))
    assert "".join("".join(part.of(text) for part in parts).split()) == "".join(text.split())


def test_neighbours_come_by_their_rare_shared_words() -> None:
    texts = ["the cat sat", "the dog ran", "a cat and a zebra met", "nothing"]
    stretches = [Stretch(str(number), "d", "", 0, text) for number, text in enumerate(texts)]
    near = Neighbours(stretches).near("Which cat met the zebra?", 5)
    assert [stretch.uri for stretch in near] == ["2", "0"]


def squad_file(folder: Path) -> SpanLayout:
    texts = [
        "The bridge in Warsaw was opened in 1957 by the mayor. It is green.",
        "The bridge in Gdansk was planned by the council. It is still a plan on paper.",
    ]
    asked = {
        "id": "q1",
        "question": "When was the bridge in Warsaw opened?",
        "answers": [{"text": "1957", "answer_start": texts[0].index("1957")}],
    }
    absent = {"id": "q2", "question": "Who pays for the bridge?", "answers": [], "is_impossible": True}
    paragraphs = [{"context": texts[0], "qas": [asked]}, {"context": texts[1], "qas": [absent]}]
    data = {"data": [{"title": "Bridges", "paragraphs": paragraphs}]}
    (folder / "small.json").write_text(json.dumps(data), encoding="utf-8")
    return SpanLayout("small", {"small.json": lambda _: False}, "en", "general")


def test_a_set_gives_answered_and_unanswered_examples_of_its_document(tmp_path: Path) -> None:
    share = Share(squad_file(tmp_path), other=1.0, adversarial=1.0, both=0.0, absent=1.0)
    made = list(set_examples(share.layout.read(tmp_path), share, random.Random(1)))
    by_kind = {item.kind: item.example for item in made}
    answered = by_kind[Kind.ANSWERED]
    assert answered.spans is not None
    assert [answered.passage[start:end] for start, end in answered.spans] == ["1957"]
    assert (answered.group, answered.source, answered.relevance) == ("Bridges", "small", 1.0)
    assert by_kind[Kind.OTHER_PASSAGE].passage.startswith("The bridge in Gdansk")
    assert by_kind[Kind.ABSENT_CLAUSE].question == "Who pays for the bridge?"
    assert all(item.example.spans == () for item in made if item.kind is not Kind.ANSWERED)


def test_the_same_seed_gives_the_same_examples(tmp_path: Path) -> None:
    share = Share(squad_file(tmp_path), other=0.5, adversarial=1.5, both=0.5)
    data = share.layout.read(tmp_path)
    first, second = (list(set_examples(data, share, random.Random(7))) for _ in range(2))
    assert first == second


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match="ATTEST_DATA"):
        next(span_examples(tmp_path, random.Random(0)))
