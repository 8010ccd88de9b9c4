"""A server in OpenAI's protocol, as vLLM speaks it, whose answers are written down. For tests and benches.

    python -m evals.bench.scripted_llm [--seconds 0.5]

By itself it quotes, of the sources in the prompt, the line with the most of the question's words, after so
many seconds. It prints its URL when it is ready; `GET /spent` gives the milliseconds that it took for each
request since it was last asked.
"""

import argparse
import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.listen import listen, url_of

MODEL = "scripted"
CONTEXT_TOKENS = 4_000
LONG_CONTEXT_TOKENS = 32_000
LOOKS_EVERY_SECONDS = 0.02  # for a client that has gone
Body = Mapping[str, Any]

_SOURCE = re.compile(r'<source number="(\d+)" [^\n]*>\n(.*?)\n</source>', re.DOTALL)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Said:
    """One answer; `finish` as the protocol has it, `length` for one that was cut off.

    `first` has the likeliest first tokens and their probabilities.
    """

    text: str
    finish: str = "stop"
    log_probability: float = -0.1
    first: Mapping[str, float] = field(default_factory=dict)


@dataclass
class ScriptedModel:
    """`script` makes the answers to a request's body, one for each sample, or a response that is an error.

    A token is four characters. `bodies` keeps what was asked; `seconds` is how long an answer takes.
    """

    script: Callable[[Body], Sequence[Said] | Response]
    seconds: float = 0.0
    key: str = ""
    context_tokens: int = CONTEXT_TOKENS
    keeps_bodies: bool = True
    bodies: list[Body] = field(default_factory=list)
    given_up: int = 0

    def app(self) -> FastAPI:
        """The server's application."""
        app = FastAPI()

        @app.get("/v1/models")
        def models() -> Any:
            return {"data": [{"id": MODEL, "max_model_len": self.context_tokens}]}

        @app.post("/tokenize")
        async def tokenize(request: Request) -> Any:
            messages = (await request.json())["messages"]
            return {"count": sum(len(message["content"]) for message in messages) // 4}

        @app.post("/v1/chat/completions")
        async def complete(request: Request) -> Response:
            if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
                return JSONResponse({"error": "Unauthorized"}, 401)
            body = await request.json()
            if self.keeps_bodies:
                self.bodies.append(body)
            if not await self._waited(request):
                self.given_up += 1
                return Response(status_code=499)
            answers = self.script(body)
            return answers if isinstance(answers, Response) else JSONResponse(_completion(answers))

        return app

    async def _waited(self, request: Request) -> bool:
        """Whether the client was still there when the answer was ready."""

        end = time.monotonic() + self.seconds
        while (left := end - time.monotonic()) > 0:
            if await request.is_disconnected():
                return False
            await anyio.sleep(min(left, LOOKS_EVERY_SECONDS))
        return True


class Timed:
    """ASGI middleware that answers `GET /spent` with the milliseconds of each request since it was asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._spent: list[float] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == "/spent":
            spent, self._spent = self._spent, []
            await JSONResponse(spent)(scope, receive, send)
            return
        began = time.perf_counter()
        await self._app(scope, receive, send)
        self._spent.append((time.perf_counter() - began) * 1000)


def as_json(*sentences: tuple[str, Sequence[int]], answerable: bool = True) -> str:
    """An answer in the schema that is asked for, without quotes."""
    items = [{"text": text, "citations": list(numbers), "quote": ""} for text, numbers in sentences]
    return json.dumps({"answerable": answerable, "sentences": items}, ensure_ascii=False)


def quoting(body: Body) -> Sequence[Said]:
    """As JSON, the line of the sources that shares most words with the question, if there is any."""
    sources, _, question = body["messages"][-1]["content"].rpartition("\n\n")
    wanted = _words(question)
    lines = [
        (line.strip(), [int(number)])
        for number, text in _SOURCE.findall(sources)
        for line in text.splitlines()
        if line.strip()
    ]
    best = max(lines, key=lambda item: len(wanted & _words(item[0])), default=None)
    return [Said(as_json(best) if best else as_json(answerable=False))]


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def _token(word: str, said: Said) -> Body:
    first = [
        {"token": token, "logprob": math.log(value), "bytes": None} for token, value in said.first.items()
    ]
    return {"token": word, "logprob": said.log_probability, "bytes": None, "top_logprobs": first}


def _completion(answers: Sequence[Said]) -> Body:
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [
            {
                "index": i,
                "message": {"role": "assistant", "content": said.text},
                "finish_reason": said.finish,
                "logprobs": {"content": [_token(word, said) for word in said.text.split()]},
            }
            for i, said in enumerate(answers)
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=0.5, help="how long an answer takes")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    arguments = parser.parse_args()
    model = ScriptedModel(quoting, arguments.seconds, context_tokens=LONG_CONTEXT_TOKENS, keeps_bodies=False)
    listener = listen("127.0.0.1", arguments.port)
    config = uvicorn.Config(Timed(model.app()), log_config=None, access_log=False, lifespan="off")
    print(f"a scripted language model at {url_of(listener)}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
