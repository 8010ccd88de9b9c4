import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_runs import HOSTILE, RANKING, mixed_records, ranking_records, record, write_run
from typer import Typer
from typer.testing import CliRunner

from evals.data import DataError
from evals.questions import Gold
from evals.records import CitedSentence, Record, RunFolder
from evals.report.cases import case_of, furthest_from_gold, gold_rank, most_confident_wrong
from evals.report.commands import report
from evals.report.contents import RunReport, histograms_of, report_of, timings_of
from evals.report.curves import curves_of
from evals.report.overlap import merged, pieces, shared_spans
from evals.report.page import figure, html_page, markdown, short
from evals.score import score
from rag.domain import Span

VOID = {"meta", "link", "wbr", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Reads a page as a browser would: tags, ids and text; fails on a tag closed out of turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.languages: set[str] = set()
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = dict(attrs)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values[name] or "" for name in ("href", "src") if name in values]
        self.languages |= {values["lang"] or ""} if "lang" in values else set()
        assert not any(name.startswith("on") for name in values)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = write_run(tmp_path_factory.mktemp("runs") / "mixed", mixed_records(60), {})
    score(folder)
    return folder


def scored(path: Path, records: list[Record]) -> RunReport:
    folder = write_run(path, records, {})
    score(folder)
    return report_of(folder, 1)


def test_hostile_text_is_shown_and_never_becomes_markup(mixed: RunFolder) -> None:
    page = html_page([report_of(mixed, 1)])
    reader = Reader(page)
    assert HOSTILE in reader.text
    assert "script" not in reader.tags
    assert "img" not in reader.tags
    assert reader.tags.count("style") == 1


def test_the_page_asks_the_network_for_nothing(mixed: RunFolder) -> None:
    page = html_page([report_of(mixed, 1)])
    assert all(link.startswith(("#", "data:")) for link in Reader(page).links)
    assert "url(" not in page.split("</style>")[0]
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_ids_are_unique_over_several_runs_and_links_have_targets(mixed: RunFolder, tmp_path: Path) -> None:
    ranking = write_run(tmp_path / "ranking", ranking_records(9), RANKING, suite="retrieval/mtrag")
    reader = Reader(html_page([report_of(mixed, 1), report_of(mixed, 2), report_of(ranking, 3)]))
    assert len(reader.ids) == len(set(reader.ids))
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)


def test_chinese_text_is_marked_as_chinese(mixed: RunFolder) -> None:
    reader = Reader(html_page([report_of(mixed, 1)]))
    assert {"en", "zh"} <= reader.languages
    assert "用人单位" in reader.text


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([record(1)], id="one question"),
        pytest.param([record(1, is_answered=False)], id="nothing answered"),
        pytest.param([record(i, is_right=True) for i in range(30)], id="all right"),
        pytest.param([record(i, is_right=False) for i in range(30)], id="all wrong"),
        pytest.param([record(i, is_answerable=False) for i in range(30)], id="all unanswerable"),
        pytest.param([record(i, confidence=0.0, is_answered=False) for i in range(30)], id="no confidence"),
        pytest.param([record(1, error="StoreUnavailableError: gone")], id="all failed"),
        pytest.param([replace(record(1), domain="", gold=Gold(), gold_places=())], id="no gold"),
    ],
)
def test_a_run_that_lacks_something_still_has_a_page(tmp_path: Path, records: list[Record]) -> None:
    page = html_page([scored(tmp_path / "run", records)])
    Reader(page)
    assert not re.search(r"\bnan\b|\binf\b|undefined|None", page)


def test_a_ranking_has_no_confidence_and_shows_what_was_ranked_too_late(tmp_path: Path) -> None:
    ranking = write_run(tmp_path / "run", ranking_records(10), RANKING, suite="retrieval/mtrag")
    shown = report_of(ranking, 1)
    assert shown.curves is None
    assert shown.confident_wrong == ()
    # Not found: 0 and 5; then rank 5: 4 and 9; then rank 4: 3 and 8; then rank 3: 2 and 7.
    assert [case.record.id[-1] for case in shown.furthest] == ["0", "5", "4", "9", "3", "8", "2", "7"]
    assert "Ranked first" in Reader(html_page([shown])).text


def test_the_most_confident_wrong_answer_comes_first() -> None:
    records = [
        record(1, is_right=False, confidence=0.3),
        record(2, is_right=True, confidence=0.9),
        record(3, is_right=False, confidence=0.8),
        record(4, is_answerable=False, confidence=0.5),
        record(5, error="gone"),
    ]
    assert [case.record.id[-1] for case in most_confident_wrong(records, 8)] == ["3", "4", "1"]


def test_a_failed_question_is_furthest_from_the_gold_and_nothing_is_shown_twice() -> None:
    records = [record(1, is_right=False, is_found=False), record(2, error="gone"), record(3)]
    first = furthest_from_gold(records, 8, without=())
    assert [case.record.id[-1] for case in first] == ["2", "1"]
    assert [case.record.id[-1] for case in furthest_from_gold(records, 8, without=first[:1])] == ["1"]


def test_the_gold_place_is_marked_in_the_quotation_and_the_quotation_in_the_gold() -> None:
    case = case_of(record(1, is_right=True))
    marked = [piece.text for piece in case.quotations[0].pieces if piece.is_shared]
    assert marked == ["ninety (90) days' prior written notice"]
    # The evidence is the whole quoted sentence; only the full stop is no word of it.
    assert [piece.text for piece in case.gold[0].pieces if not piece.is_shared] == ["."]
    assert case.gold_rank == 1


def test_a_claim_that_is_not_its_quotation_is_shown_beside_it() -> None:
    quoted = record(1)
    said = replace(quoted.sentences[0], text="Notice takes three months.")
    case = case_of(replace(quoted, sentences=(said,), answer=said.text))
    assert case.quotations[0].claim == "Notice takes three months."
    assert not case.is_quotation
    assert case_of(quoted).is_quotation


def test_a_gold_document_that_was_not_found_has_no_rank() -> None:
    assert gold_rank(record(1, is_right=False, is_found=False)) is None


def test_the_rank_of_gold_is_that_of_the_passage_where_one_is_marked() -> None:
    # The wrong quotation stands at 900 of the gold document, the gold at 100: the chunk before it is another.
    missed = case_of(record(1, is_right=False))
    assert (missed.wanted, missed.gold_rank) == ("gold passage", None)
    by_document = replace(missed.record, gold=Gold(documents=missed.record.gold.documents))
    assert (case_of(by_document).wanted, case_of(by_document).gold_rank) == ("gold document", 1)
    assert case_of(record(1, is_answerable=False)).wanted == ""


def test_an_answer_that_is_shown_as_a_mark_is_not_repeated() -> None:
    marked = record(1)
    assert case_of(marked).expected == ()
    unmarked = replace(marked, gold=Gold(answers=marked.gold.answers))
    assert case_of(unmarked).expected == marked.gold.answers


def test_a_page_of_several_runs_folds_its_cases_away(mixed: RunFolder) -> None:
    one = report_of(mixed, 1, cases=2)
    assert len(one.confident_wrong) == len(one.furthest) == 2
    assert "Questions to look at: 4" in html_page([one, report_of(mixed, 2)])
    assert "Questions to look at" not in html_page([one])


def test_short_runs_of_common_words_are_not_marked() -> None:
    assert shared_spans("the end of the day", ("by the end of it",)) == (Span(0, 10),)
    assert shared_spans("of the day", ("some of the rest",)) == ()
    assert shared_spans("可以解除劳动合同", ("也可以解除合同。",)) == ()
    assert shared_spans("可以解除劳动合同", ("用人单位可以解除劳动合同。",)) == (Span(0, 8),)
    assert shared_spans("Ninety days", ("within NINETY days",)) == (Span(0, 11),)  # all of a short text
    assert shared_spans("", ("anything",)) == ()


@given(st.text(alphabet="ab 可以。", max_size=40), st.text(alphabet="ab 可以。", max_size=40))
def test_pieces_joined_are_the_text_and_marked_ones_occur_in_the_other(text: str, other: str) -> None:
    cut = pieces(text, shared_spans(text, (other,)))
    assert "".join(piece.text for piece in cut) == text
    words = re.sub(r"\W", "", other)
    assert all(re.sub(r"\W", "", piece.text)[:1] in words for piece in cut if piece.is_shared)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30))))
def test_merged_spans_cover_the_same_places_in_order(ends: list[tuple[int, int]]) -> None:
    spans = tuple(Span(min(pair), max(pair)) for pair in ends)
    joined = merged(spans)
    assert {i for s in joined for i in range(s.start, s.end)} == {
        i for s in spans for i in range(s.start, s.end)
    }
    assert all(one.end < other.start for one, other in pairwise(joined))


def test_histograms_part_right_wrong_and_unanswerable_and_shown_from_withheld() -> None:
    histograms = histograms_of(
        [
            record(1, confidence=1.0),
            record(2, confidence=0.97, is_answered=False),
            record(3, is_right=False, confidence=0.0),
        ]
    )
    assert [item.outcome for item in histograms] == ["right", "wrong"]
    assert (histograms[0].shown[-1], histograms[0].withheld[-1], histograms[0].tallest) == (1, 1, 2)
    assert histograms[1].shown[0] == histograms[1].n == 1


def test_curves_of_four_answers_can_be_followed_by_hand() -> None:
    outcomes = [(0.9, True), (0.8, False), (0.7, True), (0.6, True)]
    records = [record(i, confidence=c, is_right=right) for i, (c, right) in enumerate(outcomes)]
    curves = curves_of(records)
    assert curves is not None
    assert [(point.coverage, point.risk) for point in curves.risk_coverage] == [
        (0.25, 0.0),
        (0.5, 0.5),
        (0.75, pytest.approx(1 / 3)),
        (1.0, 0.25),
    ]
    assert curves.accuracy == 0.75
    assert [target.coverage for target in curves.targets] == [0.25, 0.25, 0.25, 1.0]
    assert [target.reached for target in curves.targets] == [0.0, 0.0, 0.0, 0.25]
    assert curves.targets[0].oracle == pytest.approx(0.75 / 0.95)
    assert [dot.bin.n for dot in curves.reliability] == [4]  # too few to part
    assert (curves.oracle[0].risk, curves.oracle[-1].risk) == (0.0, 0.25)


def test_stages_keep_their_order_and_have_median_and_tail() -> None:
    records = [replace(record(i), timings_ms={"retrieve": float(i), "cite": 1.0}) for i in range(101)]
    assert [(t.stage, t.p50, t.p95) for t in timings_of(records)] == [
        ("retrieve", 50, 95),
        ("cite", 1, 1),
    ]


def test_uncalibrated_scores_are_called_so(tmp_path: Path) -> None:
    raw = scored(tmp_path / "raw", [replace(record(1), is_calibrated=False)])
    assert "not calibrated" in html_page([raw])
    assert "not calibrated" not in html_page([scored(tmp_path / "fitted", [record(1)])])


def test_figures_are_set_alike() -> None:
    assert [figure(v) for v in (0.5, 18.42, -0.25, float("nan"))] == ["0.500", "18.4", "−0.250", "–"]
    assert [short(v) for v in (0.584, 1.0, 0.0, 18.42)] == [".58", "1.0", ".00", "18.4"]


def test_the_markdown_has_every_metric_and_a_summary_of_several_runs(tmp_path: Path) -> None:
    one = report_of(write_run(tmp_path / "a", ranking_records(3), RANKING, suite="own/a|b"), 1)
    assert markdown([one]).startswith("**own/a\\|b**, split test, 3 questions, 0 failed")
    assert "| nDCG@10 | 0.441 | 0.402 – 0.481 | 3 |" in markdown([one])
    assert "| own/a\\|b | test | 3 | nDCG@10 0.441, R@10 0.472 |" in markdown([one, one])


def test_the_command_writes_both_files(mixed: RunFolder, tmp_path: Path) -> None:
    app = Typer()
    app.command()(report)
    page, table = tmp_path / "new" / "report.html", tmp_path / "new" / "report.md"
    done = CliRunner().invoke(app, [str(mixed.path), "--out", str(page), "--markdown", str(table)])
    assert done.exit_code == 0, done.output
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "| metric |" in table.read_text(encoding="utf-8")


def test_a_run_that_was_not_scored_says_what_to_do(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [record(1)], {})
    (folder.path / "metrics.json").unlink()
    with pytest.raises(DataError, match=r"metrics\.json is missing; make it with `attest eval score"):
        report_of(folder, 1)
    (folder.path / "metrics.json").write_text('{"EM": {"value": "high"}}')
    with pytest.raises(DataError, match=r"damaged \(EM\.value"):
        report_of(folder, 1)


def test_long_texts_are_cut_and_say_so() -> None:
    long = record(1)
    source = replace(long.sentences[0].sources[0], text="word " * 1000)
    case = case_of(replace(long, sentences=(CitedSentence("word", (source,), 1, "supported"),)))
    shown = "".join(piece.text for piece in case.quotations[0].pieces)
    assert len(shown) < 1000
    assert shown.endswith("…")
