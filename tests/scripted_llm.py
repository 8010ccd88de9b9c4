"""A server in OpenAI's protocol, as vLLM speaks it, whose answers are written down. For tests alone."""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from api.listen import listen

MODEL = "scripted"
CONTEXT_TOKENS = 4_000
Body = Mapping[str, Any]


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
    bodies: list[Body] = field(default_factory=list)
    given_up: int = 0

    def app(self) -> FastAPI:
        """The server's application."""
        app = FastAPI()

        @app.get("/v1/models")
        def models() -> Any:
            return {"data": [{"id": MODEL, "max_model_len": CONTEXT_TOKENS}]}

        @app.post("/tokenize")
        async def tokenize(request: Request) -> Any:
            messages = (await request.json())["messages"]
            return {"count": sum(len(message["content"]) for message in messages) // 4}

        @app.post("/v1/chat/completions")
        async def complete(request: Request) -> Response:
            if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
                return JSONResponse({"error": "Unauthorized"}, 401)
            body = await request.json()
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
        while time.monotonic() < end:
            if await request.is_disconnected():
                return False
            await anyio.sleep(0.02)
        return True


def error(status: int, message: str) -> JSONResponse:
    """An error in vLLM's shape."""
    return JSONResponse({"error": {"message": message, "type": "Error", "code": status}}, status)


def is_brief(body: Body) -> bool:
    """Whether something is asked beside the answer: a few tokens, with the likeliest first ones."""
    return "top_logprobs" in body


def as_json(*sentences: tuple[str, Sequence[int]], answerable: bool = True) -> str:
    """An answer in the schema that is asked for, without quotes."""
    items = [{"text": text, "citations": list(numbers), "quote": ""} for text, numbers in sentences]
    return json.dumps({"answerable": answerable, "sentences": items}, ensure_ascii=False)


def source_with(body: Body, words: str) -> int:
    """The number of the source in a prompt that holds these words."""
    prompt = body["messages"][-1]["content"]
    before = prompt[: prompt.index(words)]
    return int(before.rsplit('<source number="', 1)[1].split('"')[0])


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The URL of a running server, on a port that was free."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="served")
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        host, port = listener.getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


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
                "logprobs": {
                    "content": [
                        {
                            "token": word,
                            "logprob": said.log_probability,
                            "bytes": None,
                            "top_logprobs": [
                                {"token": token, "logprob": math.log(value), "bytes": None}
                                for token, value in said.first.items()
                            ],
                        }
                        for word in said.text.split()
                    ]
                },
            }
            for i, said in enumerate(answers)
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
