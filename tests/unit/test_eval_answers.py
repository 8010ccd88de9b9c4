from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from evals.bench.answers import GoldQuestion, choose, gold_spans
from evals.bench.export_corpora import NAME_BYTES, safe_path
from evals.suites import Split
from rag.domain import Span


def asked(name: str, answer: str, place: float | None = None, *, is_test: bool = False) -> GoldQuestion:
    return GoldQuestion(name, "?", ("d",), (answer,), is_test, place)


def test_a_gold_span_is_found_across_other_blanks_and_case() -> None:
    assert gold_spans(asked("q", "Heat  shock"), "The heat\nshock response") == [Span(4, 14)]


def test_of_several_places_the_one_nearest_to_the_marked_place_counts() -> None:
    text = "SARS" + " " * 96 + "SARS"
    assert gold_spans(asked("q", "SARS", place=0.9), text) == [Span(100, 104)]
    assert gold_spans(asked("q", "SARS"), text) == [Span(0, 4), Span(100, 104)]


def test_a_short_answer_is_not_found_within_a_word_unless_it_was_marked_there() -> None:
    assert gold_spans(asked("q", "AT"), "that") == []
    assert gold_spans(asked("q", "AT", place=0.5), "that") == [Span(2, 4)]


def test_the_test_split_is_taken_where_it_is_large_enough() -> None:
    questions = [asked(str(i), "a", is_test=i < 3) for i in range(10)]
    split, chosen = choose(questions, 3, None)
    assert (split, {q.id for q in chosen}) == (Split.TEST, {"0", "1", "2"})
    split, chosen = choose(questions, 4, None)
    assert (split, len(chosen)) == (Split.ALL, 4)
    assert choose(questions[::-1], 4, None) == (split, chosen)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=4))
def test_exported_names_fit_every_file_system(parts: list[str]) -> None:
    path = safe_path("/".join(parts))
    assert not path.is_absolute()
    assert all(len(part.encode()) <= NAME_BYTES for part in path.parts)
    assert ".." not in path.parts


def test_a_long_title_is_cut_and_stays_unique() -> None:
    first, second = safe_path("条" * 200 + "一.md"), safe_path("条" * 200 + "二.md")
    assert first != second
    assert first.suffix == second.suffix == ".md"
    assert safe_path("民法典/总则 (2020).md") == PurePosixPath("民法典/总则 (2020).md")
