"""A language model behind one or several vLLM servers, by LangChain's client for OpenAI's protocol."""

import asyncio
import itertools
import math
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
import pybreaker
import structlog
import tenacity
from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.outputs import LLMResult
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from rag.completion import Completion, Message, Sample
from rag.decoding import Decoding
from rag.errors import (
    AbandonedError,
    AttestError,
    ContextOverflowError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from rag.listener import Listener

LOG = structlog.get_logger()
ATTEMPTS = 3  # of connecting; each goes to the next replica
LONGEST_WAIT = 1.0  # seconds between them, jittered
FAILURES_THAT_OPEN, SECONDS_OPEN = 3, 10  # of a replica's circuit breaker
QUICK_SECONDS = 10.0  # for what a server answers without generating, or with a few tokens
MOST_ALTERNATIVES = 20  # to a token that a server tells

_FAULTS_OF_THE_CALLER = (
    asyncio.CancelledError,
    openai.BadRequestError,
    openai.UnprocessableEntityError,
    AttestError,
)
"""What says nothing of a server's health."""

_FAILURES = (openai.APIError, httpx2.HTTPError, pybreaker.CircuitBreakerError)
_NOT_WHAT_VLLM_SAYS = (ValueError, LookupError, TypeError, AttributeError)
"""What reading a reply raises that is no JSON (a proxy's page, another service) or lacks what vLLM tells."""


@dataclass(frozen=True, slots=True)
class _Replica:
    url: str  # without /v1
    connections: httpx2.AsyncClient
    chat: ChatOpenAI
    breaker: pybreaker.CircuitBreaker


class VllmChat:
    """`ChatModel` over servers of the same model, asked in turn; one that fails is left alone for a while.

    Runs its requests on an event loop of its own, so that one can be given up from any thread: the server
    sees the connection close and stops generating. Nothing is asked of a server before the first call.
    """

    def __init__(self, urls: Sequence[str], model: str, key: SecretStr | None, seconds: float) -> None:
        self._seconds = seconds
        self._key = key.get_secret_value() if key else "none"
        self._named = model
        self._replicas = [self._replica(url.rstrip("/").removesuffix("/v1")) for url in urls]
        self._turn = itertools.cycle(range(len(self._replicas)))
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._found: _Served | None = None

    @property
    def name(self) -> str:
        """The configured name, else the first that the server names."""
        return self._named or self._served().name

    def context_tokens(self) -> int:
        """As the server was started with."""
        return self._served().context_tokens

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """By the server's tokenizer and chat template."""
        body = {"model": self.name, "messages": [_plain(item) for item in messages]}
        return int(self._run(self._counted, body))

    def complete(
        self,
        messages: Sequence[Message],
        decoding: Decoding,
        schema: Mapping[str, object] | None,
        listener: Listener,
    ) -> Completion:
        """AbandonedError where the listener leaves meanwhile."""
        spoken = convert_to_messages([(item.role, item.content) for item in messages])
        parameters = {"model": self.name, **_parameters(decoding, schema)}
        completion: Completion = self._run(self._generated, spoken, parameters, listener=listener)
        return completion

    def brief(self, messages: Sequence[Message], tokens: int, listener: Listener) -> Completion:
        """AbandonedError where the listener leaves meanwhile, ModelTimeoutError after QUICK_SECONDS."""
        spoken = convert_to_messages([(item.role, item.content) for item in messages])
        parameters = {"model": self.name, **_parameters(Decoding(max_tokens=tokens), None)}
        parameters["top_logprobs"] = MOST_ALTERNATIVES
        # Templates of models that do not think aloud ignore it.
        parameters["extra_body"]["chat_template_kwargs"] = {"enable_thinking": False}
        seconds = min(self._seconds, QUICK_SECONDS)
        completion: Completion = self._run(
            self._generated, spoken, parameters, listener=listener, seconds=seconds
        )
        return completion

    def close(self) -> None:
        """Give up what is running and close the connections."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.loop.call_soon_threadsafe(running.stop.set)
            running.thread.join()

    def _replica(self, url: str) -> _Replica:
        connections = openai.DefaultAsyncHttpxClient(timeout=self._seconds)
        chat = ChatOpenAI(
            model=self._named or "unnamed",
            base_url=f"{url}/v1",
            api_key=SecretStr(self._key),
            timeout=self._seconds,
            http_async_client=connections,  # else one is shared by every instance of the process
            max_retries=0,  # tenacity retries, and only what is safe to retry
            logprobs=True,
            use_responses_api=False,
        )
        breaker = pybreaker.CircuitBreaker(
            FAILURES_THAT_OPEN,
            SECONDS_OPEN,
            exclude=list(_FAULTS_OF_THE_CALLER),
            name=url,
            throw_new_error_on_trip=False,
        )
        return _Replica(url, connections, chat, breaker)

    def _served(self) -> "_Served":
        if self._found is None:
            self._found = self._run(self._asked_what_is_served)
        return self._found

    def _run(
        self, function: Any, *args: Any, listener: Listener | None = None, seconds: float | None = None
    ) -> Any:
        """Run on the event loop and wait; a listener that leaves cancels it there."""
        listener = listener or Listener()
        work = self._within(seconds or self._seconds, function, *args)
        future = asyncio.run_coroutine_threadsafe(work, self._running_loop())
        with listener.told_on_leaving(future.cancel):
            try:
                return future.result()
            except CancelledError as error:
                raise AbandonedError("nobody waits for this answer any more") from error

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._running is None:
                started: Future[_Running] = Future()
                thread = threading.Thread(
                    target=lambda: asyncio.run(self._until_stopped(started)), name="vllm", daemon=True
                )
                thread.start()
                self._running = started.result()
            return self._running.loop

    async def _until_stopped(self, started: Future["_Running"]) -> None:
        """Keep the loop running; what still runs on it then is given up."""
        stop = asyncio.Event()
        started.set_result(_Running(asyncio.get_running_loop(), stop, threading.current_thread()))
        await stop.wait()
        for replica in self._replicas:
            await replica.connections.aclose()

    async def _within(self, seconds: float, function: Any, *args: Any) -> Any:
        try:
            async with asyncio.timeout(seconds):
                return await self._from_some_replica(function, *args)
        except TimeoutError as error:
            raise ModelTimeoutError(
                f"the language model did not answer within {seconds:g} s; ask again, ask for fewer "
                "max_tokens, or raise ATTEST_LLM_SECONDS"
            ) from error

    async def _from_some_replica(self, function: Any, *args: Any) -> Any:
        """Try replicas in turn while they cannot be reached or say that they are overloaded (503)."""
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=tenacity.wait_random_exponential(multiplier=0.1, max=LONGEST_WAIT),
            retry=tenacity.retry_if_exception(_can_be_retried),
            reraise=True,
        )
        replica = self._replicas[0]
        try:
            async for attempt in retrying:
                with attempt:
                    replica = self._next()
                    with replica.breaker.calling():
                        return await function(replica, *args)
        except (*_FAILURES, *_NOT_WHAT_VLLM_SAYS) as error:
            LOG.warning("the language model failed", server=replica.url, error=str(error)[:300])
            raise self._translated(error, replica) from error
        raise AssertionError("a retry ends in a result or an error")

    def _next(self) -> _Replica:
        """The next replica whose circuit is not open, or simply the next where all are."""
        first = next(self._turn)
        in_turn = self._replicas[first:] + self._replicas[:first]
        return next((item for item in in_turn if item.breaker.current_state != "open"), in_turn[0])

    async def _generated(
        self, replica: _Replica, messages: list[BaseMessage], parameters: Mapping[str, Any]
    ) -> Completion:
        return _completion(await replica.chat.agenerate([messages], **parameters))

    async def _asked_what_is_served(self, replica: _Replica) -> "_Served":
        listed = (await self._requested(replica, "GET", "/v1/models", None))["data"]
        names = [item["id"] for item in listed]
        chosen = self._named or (names[0] if names else "")
        if chosen not in names:
            raise ModelUnavailableError(
                f"{replica.url} does not serve {chosen!r}, it serves {', '.join(names) or 'nothing'}; "
                "set ATTEST_LLM_MODEL to one of these"
            )
        return _Served(chosen, int(listed[names.index(chosen)].get("max_model_len") or 0))

    async def _counted(self, replica: _Replica, body: Mapping[str, object]) -> int:
        return int((await self._requested(replica, "POST", "/tokenize", body))["count"])

    async def _requested(
        self, replica: _Replica, method: str, path: str, body: Mapping[str, object] | None
    ) -> Any:
        headers = {"Authorization": f"Bearer {self._key}"}
        response = await replica.connections.request(
            method, replica.url + path, json=body, headers=headers, timeout=QUICK_SECONDS
        )
        response.raise_for_status()
        return response.json()

    def _translated(self, error: Exception, replica: _Replica) -> AttestError:
        status = _status(error)
        match error:
            case openai.APITimeoutError() | httpx2.TimeoutException():
                return ModelTimeoutError(f"the language model at {replica.url} did not answer in time")
            case _ if status in (401, 403):
                return ModelUnavailableError(
                    f"{replica.url} refuses the key; set ATTEST_LLM_API_KEY to the one it was started with"
                )
            case _ if status == 404:
                return ModelUnavailableError(
                    f"{replica.url} does not serve {self._named!r}; set ATTEST_LLM_MODEL to what it serves"
                )
            case openai.BadRequestError() if "context length" in str(error):
                return ContextOverflowError(f"the prompt is longer than the model reads: {error.message}")
            case _ if isinstance(error, _NOT_WHAT_VLLM_SAYS):
                return ModelUnavailableError(
                    f"{replica.url} answered, but not as vLLM does ({type(error).__name__}); see that "
                    "ATTEST_LLM_URLS names the server itself"
                )
        return ModelUnavailableError(
            f"the language model at {replica.url} cannot be reached or failed ({type(error).__name__}); "
            "see that the server runs and that ATTEST_LLM_URLS names it"
        )


@dataclass(frozen=True, slots=True)
class _Running:
    """An event loop in a thread of its own, until `stop` is set."""

    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event
    thread: threading.Thread


@dataclass(frozen=True, slots=True)
class _Served:
    name: str
    context_tokens: int


def _can_be_retried(error: BaseException) -> bool:
    """Nothing was generated yet: no connection, or a server that says it is overloaded."""
    if isinstance(error, openai.APITimeoutError | httpx2.ReadTimeout):
        return False
    is_unreached = isinstance(
        error, openai.APIConnectionError | httpx2.TransportError | pybreaker.CircuitBreakerError
    )
    return is_unreached or _status(error) == 503


def _status(error: BaseException) -> int | None:
    if isinstance(error, openai.APIStatusError):
        return error.status_code
    return error.response.status_code if isinstance(error, httpx2.HTTPStatusError) else None


def _plain(message: Message) -> Mapping[str, str]:
    return {"role": message.role, "content": message.content}


def _parameters(decoding: Decoding, schema: Mapping[str, object] | None) -> dict[str, Any]:
    """OpenAI's own parameters, and vLLM's in the extra body: it ignores what it does not know."""
    extra: dict[str, object] = {"repetition_penalty": decoding.repetition_penalty}
    if decoding.top_k:
        extra["top_k"] = decoding.top_k
    if decoding.min_p:
        extra["min_p"] = decoding.min_p
    if decoding.beam_width > 1:
        extra["use_beam_search"] = True
    if schema is not None:
        extra["structured_outputs"] = {"json": schema}
    return {
        "temperature": decoding.temperature,
        "top_p": decoding.top_p,
        "n": max(decoding.samples, decoding.beam_width),
        "max_tokens": decoding.max_tokens,
        "stop": list(decoding.stop) or None,
        "extra_body": extra,
        **({} if decoding.seed is None else {"seed": decoding.seed}),
    }


def _completion(result: LLMResult) -> Completion:
    samples = []
    for generation in result.generations[0]:
        told = generation.generation_info or {}
        tokens = (told.get("logprobs") or {}).get("content") or []
        samples.append(
            Sample(
                text=generation.text,
                log_probabilities=tuple(float(token["logprob"]) for token in tokens),
                is_whole=told.get("finish_reason") == "stop",
                first=_alternatives(tokens),
            )
        )
    if not samples:
        raise ValueError("no answer among the choices")
    counted = (result.llm_output or {}).get("token_usage") or {}
    usage = {name: int(counted[name]) for name in ("prompt_tokens", "completion_tokens") if counted.get(name)}
    return Completion(tuple(samples), usage)


def _alternatives(tokens: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
    """The likeliest first tokens and their probabilities, where they were asked for."""
    listed = (tokens[0].get("top_logprobs") or []) if tokens else []
    found: dict[str, float] = {}
    for item in listed:  # halves of characters are written alike
        found[item["token"]] = found.get(item["token"], 0.0) + math.exp(float(item["logprob"]))
    return found
