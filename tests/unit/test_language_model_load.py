"""What the bench of language-model answers computes from what it measured."""

import json

import httpx
import pytest

from evals.bench.language_model_load import (
    Answered,
    allowed,
    memory_of,
    outcome_of,
    overhead_of,
    questions,
)
from evals.bench.scripted_llm import Said, quoting

TIMINGS = {"retrieve": 20.0, "extract": 60.0, "prompt": 4.0, "model": 510.0, "verify": 16.0, "total": 611.0}


def answered(milliseconds: float = 614.0) -> Answered:
    return Answered(milliseconds, TIMINGS, is_said=True, spent=503.0)


def test_what_is_added_is_beyond_the_stages_and_beyond_what_the_model_s_server_took() -> None:
    found = overhead_of([answered(), answered(), answered(624.0)], streamed=False)
    assert (found.outside, found.between, found.asking) == (3.0, 1.0, 11.0)
    assert (found.beyond_stages, found.added_p50) == (4.0, 15.0)
    assert "total" not in found.stages


def test_searching_and_verifying_go_one_by_one_and_the_model_serves_all_at_once() -> None:
    assert allowed([answered()], clients=32) == pytest.approx(10)  # 100 ms of each answer
    assert allowed([answered()], clients=1) == pytest.approx(1 / 0.61)


def test_memory_s_slope_and_range_are_those_after_the_warm_up() -> None:
    samples = [(0, 100.0), (5, 300.0), (20, 400.0), (60, 401.0), (100, 402.0)]
    found = memory_of(samples, [answered()] * 100, seconds=9.0)
    assert (found.first, found.last, found.spread) == (400.0, 402.0, 2.0)
    assert found.per_1_000 == pytest.approx(25)


def test_a_streamed_answer_is_its_last_event() -> None:
    stream = 'event: progress\ndata: {"stage": "model"}\n\nevent: outcome\ndata: {"status": "answered"}\n\n'
    assert outcome_of(answer_of(stream), streamed=True) == {"status": "answered"}
    with pytest.raises(ValueError, match="error"):
        outcome_of(answer_of('event: error\ndata: {"status": 504}\n\n'), streamed=True)


def answer_of(text: str) -> httpx.Response:
    return httpx.Response(200, text=text, request=httpx.Request("POST", "http://localhost"))


def test_no_two_questions_are_alike() -> None:
    assert len(set(questions(500, "one")) | set(questions(500, "another"))) == 1_000


def test_the_scripted_model_quotes_the_line_with_most_of_the_question_s_words() -> None:
    sources = (
        '<source number="1" title="Pump > Care">\nSwitch it off.\n</source>\n'
        '<source number="2" title="Filter">\nThe filter is grey.\nReplace the filter yearly.\n</source>'
    )
    asked = {"messages": [{"content": f"{sources}\n\nQuestion: When to replace the filter?"}]}
    [said] = quoting(asked)
    assert json.loads(said.text)["sentences"] == [
        {"text": "Replace the filter yearly.", "citations": [2], "quote": ""}
    ]
    assert quoting({"messages": [{"content": "Question: What?"}]}) == [
        Said('{"answerable": false, "sentences": []}')
    ]
