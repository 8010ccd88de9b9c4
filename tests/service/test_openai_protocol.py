"""The openai client and LangChain's ChatOpenAI talk to Attest as they would to any other server."""

from collections.abc import Iterator

import openai
import pytest
from langchain_openai import ChatOpenAI
from pydantic import SecretStr
from scripted_llm import serving
from starlette.testclient import TestClient

from rag.system import System

WHEN = "When must the filter of the pump be replaced?"
FILTER = "The filter of the pump must be replaced every 500 operating hours."
DAYS = "员工每年享有十五天带薪年假。"


@pytest.fixture(scope="module")
def url(client: TestClient) -> Iterator[str]:
    with serving(client.app) as served:
        yield f"{served}/v1"


@pytest.fixture(scope="module")
def openai_client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as opened:
        yield opened


def test_collections_are_its_models(openai_client: openai.OpenAI) -> None:
    assert {"library", "empty"} <= {model.id for model in openai_client.models.list()}


@pytest.mark.parametrize(("question", "said"), [(WHEN, FILTER), ("员工每年享有多少天带薪年假？", DAYS)])
def test_an_answer_comes_with_its_citations_and_the_whole_outcome(
    openai_client: openai.OpenAI, system: System, question: str, said: str
) -> None:
    completion = openai_client.chat.completions.create(
        model="library",
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}],
        temperature=0.3,
        user="somebody",
    )
    message = completion.choices[0].message
    assert message.content is not None
    assert said in message.content
    assert message.annotations
    cited = [note.url_citation for note in message.annotations]
    assert said in [message.content[item.start_index : item.end_index] for item in cited]
    outcome = completion.model_extra["attest"]  # type: ignore[index]
    source = outcome["citations"][0]["sources"][0]
    assert source["cited_text"] in system.store.text(source["document_id"])
    assert completion.usage is not None
    assert completion.usage.total_tokens == 0


def test_a_stream_gives_the_same_sentence_by_sentence(openai_client: openai.OpenAI) -> None:
    create = openai_client.chat.completions.create
    whole = create(model="library", messages=[{"role": "user", "content": WHEN}])
    stream = create(
        model="library",
        messages=[{"role": "user", "content": WHEN}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None


def test_an_abstention_says_why(openai_client: openai.OpenAI) -> None:
    completion = openai_client.chat.completions.create(
        model="library", messages=[{"role": "user", "content": "Why is the sky blue?"}]
    )
    assert completion.model_extra["attest"]["status"] == "abstained"  # type: ignore[index]
    assert completion.choices[0].message.content


def test_a_follow_up_is_asked_with_what_it_points_back_to(openai_client: openai.OpenAI) -> None:
    completion = openai_client.chat.completions.create(
        model="library",
        messages=[
            {"role": "user", "content": "Which deposit does the tenant of the warehouse pay?"},
            {"role": "assistant", "content": "Three monthly rents."},
            {"role": "user", "content": [{"type": "text", "text": "And the rent?"}]},
        ],
    )
    assert "4,200 euros" in (completion.choices[0].message.content or "")
    assert completion.model_extra["attest"]["question"].startswith("Which deposit")  # type: ignore[index]


def test_errors_are_errors_to_the_client_too(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        openai_client.chat.completions.create(model="nowhere", messages=[{"role": "user", "content": WHEN}])
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        openai_client.chat.completions.create(
            model="library", messages=[{"role": "assistant", "content": "Hello."}]
        )
    assert "the last message must be the user's question" in str(refused.value.body)


def test_langchain_talks_to_it_unchanged(url: str) -> None:
    model = ChatOpenAI(model="library", base_url=url, api_key=SecretStr("none"), max_retries=0)
    assert FILTER in str(model.invoke(WHEN).content)
    assert FILTER in "".join(str(chunk.content) for chunk in model.stream(WHEN))
