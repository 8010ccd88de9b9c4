"""A client for a running server: one method per thing one can ask of it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from api import schemas
from api.calibration import CalibrationOut, FeedbackOut, FeedbackPage, InstalledOut
from api.errors import Problem
from rag.domain import Metadata

SECONDS = 300.0  # an upload is answered once it is parsed, embedded and searchable
Shape = TypeVar("Shape", bound=BaseModel)


class AttestClientError(Exception):
    """The server refused, failed or was not reached; `problem` is what it said, None if it said nothing."""

    def __init__(self, message: str, problem: Problem | None = None) -> None:
        super().__init__(message)
        self.problem = problem


class AttestClient:
    """Talks to the server at `url`. Thread-safe; close it, or use it in a `with` statement."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        api_key: str | None = None,
        *,
        seconds: float = SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=seconds, transport=transport)

    def query(
        self,
        question: str,
        collection: str,
        *,
        filters: Mapping[str, object] | None = None,
        top_k: int = 10,
        neighbours: int = 0,
        max_risk: float | None = None,
        require_certificate: bool = False,
        include: Sequence[Literal["evidence"]] = (),
    ) -> schemas.OutcomeOut:
        """Ask a question; the outcome is an answer with its citations, or an abstention.

        `max_risk` is the largest share of wrong answers you accept, None for the collection's own.
        """
        body = _passages(question, collection, filters, top_k, neighbours) | {
            "max_risk": max_risk,
            "require_certificate": require_certificate,
            "include": list(include),
        }
        return self._read(schemas.OutcomeOut, "POST", "/v1/query", json_body=body)

    def search(
        self,
        question: str,
        collection: str,
        *,
        filters: Mapping[str, object] | None = None,
        top_k: int = 10,
        neighbours: int = 0,
        rerank: bool = True,
    ) -> schemas.SearchOut:
        """The passages that bear on a question, best first; without `rerank` many times faster."""
        body = _passages(question, collection, filters, top_k, neighbours) | {"rerank": rerank}
        return self._read(schemas.SearchOut, "POST", "/v1/search", json_body=body)

    def create_collection(self, name: str) -> schemas.CollectionOut:
        """Make a new, empty collection."""
        return self._read(schemas.CollectionOut, "POST", "/v1/collections", json_body={"name": name})

    def collections(self) -> list[schemas.CollectionOut]:
        """Every collection, by name."""
        return self._read(schemas.CollectionList, "GET", "/v1/collections").collections

    def collection(self, name: str) -> schemas.CollectionWithSize:
        """One collection and how much it holds."""
        return self._read(schemas.CollectionWithSize, "GET", f"/v1/collections/{quote(name, safe='')}")

    def set_max_risk(self, collection: str, max_risk: float | None) -> schemas.CollectionOut:
        """The risk of the collection's questions that name none; None for no such risk."""
        return self._change(collection, {"max_risk": max_risk})

    def set_domain(self, collection: str, domain: str) -> schemas.CollectionOut:
        """What the collection is about: general, medical, legal, technical, or "" for nothing special."""
        return self._change(collection, {"domain": domain})

    def set_unsupported_sentences(
        self, collection: str, policy: Literal["drop", "flag", "abstain"] | None
    ) -> schemas.CollectionOut:
        """What becomes of a language model's sentences that nothing bears out; None: as the server is set."""
        return self._change(collection, {"unsupported_sentences": policy})

    def calibration(self, collection: str, pipeline: str = "") -> CalibrationOut:
        """How far the collection's answers can be trusted, and why; quoted ones, or those of a pipeline."""
        parameters = {"collection": collection, "pipeline": pipeline}
        return self._read(CalibrationOut, "GET", "/v1/calibration", parameters=parameters)

    def install_calibrator(self, collection: str, file: Path) -> InstalledOut:
        """Make a file of `attest eval calibrate` the collection's own calibrator."""
        path = f"/v1/collections/{quote(collection, safe='')}/calibrator"
        return _parsed(InstalledOut, self._send("PUT", path, json_text=file.read_bytes()))

    def remove_calibrator(self, collection: str) -> None:
        """Go back to the calibrator that comes with Attest."""
        self._send("DELETE", f"/v1/collections/{quote(collection, safe='')}/calibrator")

    def give_feedback(
        self,
        answer_id: str,
        verdict: Literal["correct", "wrong"],
        *,
        sentence: int | None = None,
        comment: str = "",
    ) -> FeedbackOut:
        """Judge an answer, or the sentence whose citation has this number."""
        body = {"answer_id": answer_id, "verdict": verdict, "sentence": sentence, "comment": comment}
        return self._read(FeedbackOut, "POST", "/v1/feedback", json_body=body)

    def feedback(self, collection: str, *, after: int = 0, limit: int = 100) -> FeedbackPage:
        """A page of the feedback on the collection's answers."""
        parameters: dict[str, str | int] = {"collection": collection, "after": after, "limit": limit}
        return self._read(FeedbackPage, "GET", "/v1/feedback", parameters=parameters)

    def delete_collection(self, name: str) -> None:
        """Delete a collection with all it holds."""
        self._send("DELETE", f"/v1/collections/{quote(name, safe='')}")

    def upload(
        self, path: Path, collection: str, *, name: str | None = None, metadata: Metadata | None = None
    ) -> schemas.UploadOut:
        """Store a file, under its own name unless another is given; it is searchable when this returns."""
        form = {"collection": collection, "metadata": json.dumps(dict(metadata or {}), ensure_ascii=False)}
        with path.open("rb") as file:
            response = self._send(
                "POST", "/v1/documents", form=form, files={"file": (name or path.name, file)}
            )
        return _parsed(schemas.UploadOut, response)

    def documents(self, collection: str, *, after: int = 0, limit: int = 100) -> schemas.DocumentPage:
        """A page of a collection's documents."""
        parameters: dict[str, str | int] = {"collection": collection, "after": after, "limit": limit}
        return self._read(schemas.DocumentPage, "GET", "/v1/documents", parameters=parameters)

    def document(self, document_id: int) -> schemas.DocumentOut:
        """One document, without its text."""
        return self._read(schemas.DocumentOut, "GET", f"/v1/documents/{document_id}")

    def text(self, document_id: int, start: int = 0, end: int | None = None) -> schemas.TextOut:
        """The stored text of a document from `start` to `end`, code points."""
        parameters = {"start": start} if end is None else {"start": start, "end": end}
        return self._read(schemas.TextOut, "GET", f"/v1/documents/{document_id}/text", parameters=parameters)

    def delete_document(self, document_id: int) -> None:
        """Delete a document; when this returns, no search gives any of it."""
        self._send("DELETE", f"/v1/documents/{document_id}")

    def ingest(
        self,
        folder: str,
        collection: str,
        *,
        exclude: Sequence[str] = (),
        retry_failed: bool = False,
        allow_empty: bool = False,
    ) -> schemas.JobOut:
        """Start a job on a folder of the server; `job` tells how far it is."""
        body: dict[str, object] = {
            "folder": folder,
            "collection": collection,
            "exclude": list(exclude),
            "retry_failed": retry_failed,
            "allow_empty": allow_empty,
        }
        return self._read(schemas.JobOut, "POST", "/v1/ingest-jobs", json_body=body)

    def job(self, job_id: int) -> schemas.JobOut:
        """A job and its progress."""
        return self._read(schemas.JobOut, "GET", f"/v1/ingest-jobs/{job_id}")

    def job_files(
        self, job_id: int, *, status: str | None = None, after: str = "", limit: int = 100
    ) -> schemas.FilePage:
        """A page of the report on a job's files; of one status, if given."""
        parameters: dict[str, str | int] = {"after": after, "limit": limit}
        if status is not None:
            parameters["status"] = status
        return self._read(schemas.FilePage, "GET", f"/v1/ingest-jobs/{job_id}/files", parameters=parameters)

    def retry_job(self, job_id: int) -> schemas.JobOut:
        """Start a new job in which the failed files are tried again."""
        return self._read(schemas.JobOut, "POST", f"/v1/ingest-jobs/{job_id}/retry")

    def cancel_job(self, job_id: int) -> schemas.JobOut:
        """Stop a job; what it stored stays."""
        return self._read(schemas.JobOut, "POST", f"/v1/ingest-jobs/{job_id}/cancel")

    def is_ready(self) -> bool:
        """Whether the server is there and can answer questions."""
        try:
            self._send("GET", "/health/ready")
        except AttestClientError:
            return False
        return True

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _change(self, collection: str, body: Mapping[str, object]) -> schemas.CollectionOut:
        path = f"/v1/collections/{quote(collection, safe='')}"
        return self._read(schemas.CollectionOut, "PATCH", path, json_body=body)

    def _read(
        self,
        shape: type[Shape],
        method: str,
        path: str,
        *,
        json_body: Mapping[str, object] | None = None,
        parameters: Mapping[str, str | int] | None = None,
    ) -> Shape:
        return _parsed(shape, self._send(method, path, json_body=json_body, parameters=parameters))

    def _send(
        self,
        method: str,
        path: str,
        *,
        json_body: Mapping[str, object] | None = None,
        json_text: bytes | None = None,
        parameters: Mapping[str, str | int] | None = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, IO[bytes]]] | None = None,
    ) -> httpx.Response:
        headers = {"Content-Type": "application/json"} if json_text is not None else None
        try:
            response = self._http.request(
                method,
                path,
                json=json_body,
                content=json_text,
                headers=headers,
                params=parameters,
                data=form,
                files=files,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AttestClientError(
                f"no answer from {self._http.base_url} ({error}); is `attest serve` running there?"
            ) from error
        if not response.is_success:
            raise _error_of(response)
        return response


def _passages(
    question: str, collection: str, filters: Mapping[str, object] | None, top_k: int, neighbours: int
) -> dict[str, object]:
    return {
        "question": question,
        "collection": collection,
        "filters": dict(filters or {}),
        "top_k": top_k,
        "neighbours": neighbours,
    }


def _parsed(shape: type[Shape], response: httpx.Response) -> Shape:
    try:
        return shape.model_validate_json(response.content)
    except ValidationError as error:
        raise AttestClientError(
            f"{response.url} did not answer like an Attest server of this version; check the URL"
        ) from error


def _error_of(response: httpx.Response) -> AttestClientError:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return AttestClientError(f"{response.url} answered {response.status_code}; is it an Attest server?")
    return AttestClientError(f"{problem.detail} (HTTP {problem.status})", problem)
