"""A server in OpenAI's protocol whose answers are written down, run beside a test in a thread."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from api.listen import listen
from evals.bench.scripted_llm import Body, Said, ScriptedModel, as_json

__all__ = ["Body", "Said", "ScriptedModel", "as_json", "error", "is_brief", "serving", "source_with"]


def error(status: int, message: str) -> JSONResponse:
    """An error in vLLM's shape."""
    return JSONResponse({"error": {"message": message, "type": "Error", "code": status}}, status)


def is_brief(body: Body) -> bool:
    """Whether something is asked beside the answer: a few tokens, with the likeliest first ones."""
    return "top_logprobs" in body


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
