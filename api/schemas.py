"""The shapes of what goes out over HTTP; the client reads its answers into the same classes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Location(BaseModel):
    """Where a text stands in its document: code points, end-exclusive; pages from 1, null without pages."""

    start_char_index: int
    end_char_index: int
    start_page: int | None
    end_page: int | None


class ShortAnswer(BaseModel):
    """The words of a quotation that answer the question, and where they stand in the document."""

    start_char_index: int
    end_char_index: int
    text: str


class Source(BaseModel):
    """A verbatim quotation: `cited_text` is the stored text from `start_char_index` to `end_char_index`."""

    document_id: int
    document_title: str
    uri: str
    revision: str = Field(description="sha256 of the source file")
    chunk_id: int
    cited_text: str
    location: Location
    answer: ShortAnswer | None = Field(
        description="the words of cited_text that answer the question; null where no reader found them"
    )


class SupportVerdict(BaseModel):
    """How far the sources bear a sentence out; `score` from 0 to 1."""

    label: Literal["supported", "partial", "unsupported", "contradicted"]
    score: float


class CitationOut(BaseModel):
    """A sentence of the answer, `answer[start:end]`, and the sources that bear it out."""

    id: str
    marker: str
    start: int
    end: int
    text: str
    sources: list[Source]
    support: SupportVerdict


class UnsupportedOut(BaseModel):
    """A sentence that a language model wrote beside the answer, and the check that it failed.

    `source`: it names no source; `facts`: a number or a name in it stands in none of its sources; `support`:
    its sources do not bear it out; `question`: they do, and it answers something else.
    """

    text: str
    failed: Literal["source", "facts", "support", "question"]


class AbstentionOut(BaseModel):
    """Why there is no answer, and the closest sources to look at instead."""

    reason: Literal["no_evidence", "low_confidence", "unsupported", "out_of_scope", "not_certified"]
    message: str
    closest_sources: list[Source]


class ConfidenceOut(BaseModel):
    """How likely the answer is right: a probability only where `calibrated`, else it orders answers.

    `threshold` is what the score had to reach, chosen for `target_risk` unless that is null; `certified` says
    that this risk is proved for the collection, at `confidence_level`. `answerable`, from 0 to 1, orders
    questions by whether the documents hold an answer at all; below `minimum_answerable` a question is out of
    scope.
    """

    score: float
    calibrated: bool
    certified: bool
    threshold: float | None
    target_risk: float | None
    confidence_level: float | None
    n_calibration: int | None
    calibrator: str | None
    answerable: float | None
    minimum_answerable: float | None
    signals: dict[str, float]


class Evidence(BaseModel):
    """A passage that was considered; `text` is null unless it was asked for."""

    chunk_id: int
    document_id: int
    rank: int
    scores: dict[str, float]
    text: str | None


class OutcomeOut(BaseModel):
    """An answer whose every sentence is cited, or an abstention; a partial answer names what is missing."""

    model_config = ConfigDict(extra="forbid")

    id: str
    status: Literal["answered", "partial", "abstained"] = Field(
        description="partial: a part of the question is answered, the parts in `missing` are not"
    )
    question: str = Field(
        description="as it was asked of the documents: a follow-up, in words that can be understood alone"
    )
    answer: str | None
    missing: list[str] = Field(description="the parts of the question that no passage answers, in its words")
    unsupported: list[UnsupportedOut] = Field(
        description="what a language model wrote beside the answer, where the policy is to flag it: "
        "unsupported, without citations, and no part of `answer`"
    )
    language: str
    generator: str
    model: str | None
    abstention: AbstentionOut | None
    citations: list[CitationOut]
    confidence: ConfidenceOut
    evidence: list[Evidence]
    usage: dict[str, int] | None
    timings_ms: dict[str, float]
    warnings: list[str]


class Passage(BaseModel):
    """A stretch of a document as it is indexed; `section` is the path of headings above it."""

    chunk_id: int
    text: str
    section: list[str]
    location: Location


class HitOut(Passage):
    """A passage that was found; `context` has its neighbours in reading order, itself included."""

    document_id: int
    document_title: str
    uri: str
    revision: str
    rank: int
    score: float
    scores: dict[str, float]
    context: list[Passage]


class SearchOut(BaseModel):
    """What bears on a question, best first."""

    hits: list[HitOut]
    timings_ms: dict[str, float]
    warnings: list[str]


class EmbeddingSpaceOut(BaseModel):
    """The model that embedded a collection."""

    model: str
    fingerprint: str
    dimension: int
    max_tokens: int


class CollectionOut(BaseModel):
    """A collection; `embedding_space` is null until it holds a document, `max_risk` until one is set."""

    name: str
    created_at: str
    embedding_space: EmbeddingSpaceOut | None
    max_risk: float | None
    domain: str
    unsupported_sentences: Literal["drop", "flag", "abstain"] | None = Field(
        description="what becomes of sentences that nothing bears out; null: as the server is set"
    )


class CollectionWithSize(CollectionOut):
    """A collection and how much it holds; characters are code points of the stored texts."""

    documents: int
    chunks: int
    characters: int


class CollectionList(BaseModel):
    """Every collection, by name."""

    collections: list[CollectionOut]


class DocumentOut(BaseModel):
    """A stored document, without its text."""

    id: int
    collection: str
    source: str = Field(description='the folder it was read from, or "upload"')
    uri: str
    revision: str
    title: str
    language: str
    media_type: str
    metadata: dict[str, str | int | float | bool | list[str]]
    characters: int
    pages: int = Field(description="number of pages; 0 where the source has none")
    updated_at: str


class UploadOut(DocumentOut):
    """A document that was stored."""

    was_replaced: bool = Field(description="whether it took the place of an earlier one of the same name")


class DocumentPage(BaseModel):
    """Some documents by id; `next_after` goes into `after` for the next page, null at the end."""

    documents: list[DocumentOut]
    next_after: int | None


class TextOut(BaseModel):
    """The stored text from `start` to `end`, code points, of one revision."""

    document_id: int
    revision: str
    start: int
    end: int
    text: str


class FileCounts(BaseModel):
    """What became of a job's files."""

    indexed: int
    replaced: int
    removed: int
    failed: int
    unchanged: int


class JobOut(BaseModel):
    """An ingestion of a folder and how far it is."""

    id: int
    collection: str
    folder: str
    exclude: list[str]
    retry_failed: bool
    allow_empty: bool
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    created_at: str
    started_at: str | None
    finished_at: str | None
    files_total: int
    files_done: int
    counts: FileCounts
    error: str


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobOut]


class FileOut(BaseModel):
    """What became of one file; `reason` says why it failed."""

    uri: str
    status: Literal["indexed", "replaced", "removed", "failed"]
    reason: str


class FilePage(BaseModel):
    """A job's files by name; `next_after` goes into `after` for the next page, null at the end."""

    files: list[FileOut]
    next_after: str | None


class Health(BaseModel):
    """Whether the server is up."""

    status: Literal["live", "ready"]
