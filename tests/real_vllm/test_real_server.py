"""The client of language models against a real vLLM server, whose model has random weights."""

import json
import math
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from pydantic import SecretStr
from real_vllm.server import CONTEXT_TOKENS, KEY, MODEL, VllmServer

from rag.adapters.vllm_chat import VllmChat
from rag.completion import Message
from rag.decoding import Decoding
from rag.errors import AbandonedError, ContextOverflowError, ModelTimeoutError, ModelUnavailableError
from rag.listener import Listener
from rag.prompt import answer_schema

pytestmark = pytest.mark.vllm

ASKED = (Message("system", "You answer questions."), Message("user", "When is the rent due? 租金何时支付？"))
SHORT = Decoding(max_tokens=24)


@pytest.fixture
def model(vllm: VllmServer) -> Iterator[VllmChat]:
    opened = VllmChat([vllm.url], "", SecretStr(KEY), 60)
    yield opened
    opened.close()


def complete(
    model: VllmChat, decoding: Decoding = SHORT, sources: int = 0, asked: Sequence[Message] = ASKED
) -> list[str]:
    schema = answer_schema(sources) if sources else None
    return [item.text for item in model.complete(asked, decoding, schema, Listener()).samples]


def test_the_server_tells_its_model_its_window_and_counts_tokens(model: VllmChat) -> None:
    assert (model.name, model.context_tokens()) == (MODEL, CONTEXT_TOKENS)
    longer = (*ASKED, Message("assistant", "In May."))
    assert 0 < model.count_tokens(ASKED) < model.count_tokens(longer)


def test_an_answer_comes_with_the_log_probability_of_each_token(model: VllmChat) -> None:
    completion = model.complete(ASKED, SHORT, None, Listener())
    [sample] = completion.samples
    assert len(sample.log_probabilities) == completion.usage["completion_tokens"]
    assert all(value <= 0 for value in sample.log_probabilities)
    assert completion.usage["prompt_tokens"] == model.count_tokens(ASKED)
    assert sample.is_whole is (completion.usage["completion_tokens"] < SHORT.max_tokens)


def test_a_brief_answer_comes_with_its_likeliest_first_tokens(model: VllmChat) -> None:
    completion = model.brief(ASKED, 1, Listener())
    [sample] = completion.samples
    assert completion.usage["completion_tokens"] == 1
    assert 1 < len(sample.first) <= 20
    assert 0 < sum(sample.first.values()) <= 1.001
    assert max(sample.first.values()) >= math.exp(sample.log_probabilities[0]) - 0.001


def test_a_schema_is_kept_to_even_by_a_random_model(model: VllmChat) -> None:
    [sample] = model.complete(
        ASKED, Decoding(max_tokens=400, temperature=1, seed=1), answer_schema(3), Listener()
    ).samples
    assert sample.text.startswith('{"answerable":')
    if sample.is_whole:
        for sentence in json.loads(sample.text)["sentences"]:
            assert set(sentence["citations"]) <= {1, 2, 3}


def test_greedy_answers_and_seeded_ones_repeat_and_others_vary(model: VllmChat) -> None:
    assert complete(model) == complete(model)
    seeded = Decoding(temperature=1, seed=5, max_tokens=24)
    assert complete(model, seeded) == complete(model, seeded)
    several = complete(model, Decoding(temperature=1, samples=4, max_tokens=24))
    assert len(several) == 4
    assert len(set(several)) > 1


@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(temperature=1, top_k=1, max_tokens=24),
        Decoding(temperature=1, top_p=1e-6, max_tokens=24),
        Decoding(temperature=1, min_p=1.0, max_tokens=24),
    ],
)
def test_narrowed_sampling_is_greedy_so_the_server_heeds_it(model: VllmChat, decoding: Decoding) -> None:
    assert complete(model, decoding) == complete(model)


def test_beam_search_and_a_repetition_penalty_change_the_answer(model: VllmChat) -> None:
    beams = complete(model, Decoding(beam_width=3, max_tokens=24))
    assert len(beams) == 3
    assert complete(model, Decoding(repetition_penalty=2.0, max_tokens=24)) != complete(model)


def test_a_stop_text_ends_the_answer(model: VllmChat) -> None:
    [whole] = complete(model)
    middle = whole[len(whole) // 2 :][:3]
    [cut] = complete(model, Decoding(stop=(middle,), max_tokens=24))
    assert cut == whole[: whole.index(middle)]


def test_a_listener_that_leaves_stops_the_generation_within_a_second(
    vllm: VllmServer, model: VllmChat
) -> None:
    listener = Listener()
    model.count_tokens(ASKED)  # connected and known
    endless = Decoding(max_tokens=1_900, temperature=1, repetition_penalty=1.5, seed=2)
    before = vllm.metric("vllm:num_requests_running")
    threading.Timer(0.7, listener.leave).start()
    with pytest.raises(AbandonedError):
        model.complete(ASKED, endless, None, listener)
    time.sleep(1)
    assert vllm.metric("vllm:num_requests_running") == before == 0


def test_a_prompt_that_is_too_long_is_told_apart(model: VllmChat) -> None:
    endless = (Message("user", "rent " * 3 * CONTEXT_TOKENS),)
    with pytest.raises(ContextOverflowError, match="maximum context length"):
        complete(model, asked=endless)


def test_a_wrong_key_and_a_wrong_model_are_named(vllm: VllmServer) -> None:
    for key, name, remedy in (("wrong", MODEL, "ATTEST_LLM_API_KEY"), (KEY, "nope", "ATTEST_LLM_MODEL")):
        model = VllmChat([vllm.url], name, SecretStr(key), 60)
        with pytest.raises(ModelUnavailableError, match=remedy):
            complete(model)
        model.close()


def test_too_slow_is_told_apart_and_stops_the_generation(vllm: VllmServer) -> None:
    model = VllmChat([vllm.url], MODEL, SecretStr(KEY), 0.5)
    with pytest.raises(ModelTimeoutError):
        complete(model, Decoding(max_tokens=1_900, temperature=1, repetition_penalty=1.5, seed=2))
    time.sleep(1)
    assert vllm.metric("vllm:num_requests_running") == 0
    model.close()


def test_a_server_killed_in_mid_answer_fails_it_and_serves_again_once_restarted(vllm: VllmServer) -> None:
    model = VllmChat([vllm.url], MODEL, SecretStr(KEY), 60)
    threading.Timer(1.0, vllm.kill).start()
    with pytest.raises(ModelUnavailableError, match="cannot be reached"):
        complete(model, Decoding(max_tokens=1_900, temperature=1, repetition_penalty=1.5, seed=2))
    vllm.start()
    end = time.monotonic() + 30  # an open circuit is tried again after ten seconds
    while True:
        try:
            assert complete(model)
            break
        except ModelUnavailableError:
            assert time.monotonic() < end
            time.sleep(1)
    model.close()
