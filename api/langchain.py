"""LangChain's retriever interface over a running server."""

from collections.abc import Mapping

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field, SecretStr

from api.client import AttestClient
from api.schemas import HitOut


class AttestRetriever(BaseRetriever):
    """Passages of a collection as LangChain documents, best first; `ainvoke` runs it in a thread."""

    url: str = "http://127.0.0.1:8000"
    api_key: SecretStr | None = None
    collection: str
    top_k: int = 10
    filters: Mapping[str, object] = Field(default_factory=dict)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002  # LangChain's signature
    ) -> list[Document]:
        key = self.api_key.get_secret_value() if self.api_key else None
        with AttestClient(self.url, key) as client:
            found = client.search(query, self.collection, filters=self.filters, top_k=self.top_k)
        return [_document_of(hit) for hit in found.hits]


def _document_of(hit: HitOut) -> Document:
    location = hit.location
    return Document(
        id=str(hit.chunk_id),
        page_content=hit.text,
        metadata={
            "document_id": hit.document_id,
            "chunk_id": hit.chunk_id,
            "title": hit.document_title,
            "uri": hit.uri,
            "revision": hit.revision,
            "section": hit.section,
            "start_char_index": location.start_char_index,
            "end_char_index": location.end_char_index,
            "start_page": location.start_page,
            "end_page": location.end_page,
            "score": hit.score,
        },
    )
