"""The nouns of Attest: frozen values that cross module borders.

Every offset counts Unicode code points, is end-exclusive and points into a document's canonical text:
the text after cleaning, which is what is stored, shown and quoted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.completion import Message
from rag.decoding import GREEDY, AnswerMode, Decoding, GeneratorChoice

Vectors: TypeAlias = NDArray[np.float32]
"""Shape (n, dimension), one row per text in the given order, unit length."""

ChunkIds: TypeAlias = NDArray[np.int64]
"""Shape (n,), ids of chunks as the store gave them."""

DOMAINS = ("general", "medical", "legal", "technical")
"""What a collection may be about: a calibrator may have thresholds for each."""


class UnsupportedPolicy(StrEnum):
    """What becomes of sentences of a language model that their sources do not bear out."""

    DROP = "drop"  # they are left out
    FLAG = "flag"  # they are left out of the answer and shown apart from it, as what they are
    ABSTAIN = "abstain"  # one of them, and nothing is answered


MetadataValue: TypeAlias = str | int | float | bool | list[str]
Metadata: TypeAlias = Mapping[str, MetadataValue]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text: `text[start:end]`."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The characters of `text` that this span covers."""
        return text[self.start : self.end]

    def moved(self, by: int) -> "Span":
        """The same stretch, counted from `by` characters further ahead, or further back where negative."""
        return Span(self.start + by, self.end + by)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the source, numbered from 1, and the stretch of canonical text that came from it."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """What makes two vectors comparable: the model, its exact weights and how it was run."""

    model: str
    fingerprint: str
    dimension: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How a model's tokenizer sees a text: all tokens, and those it does not know."""

    tokens: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of documents that is searched as one.

    `space` is None until a first document is stored; `last_change` is the sequence number of its latest
    change, 0 before the first. `max_risk` is for questions that name none; `domain` is one of DOMAINS or "";
    `unsupported_sentences` is None where the server's policy holds.
    """

    id: int
    name: str
    created_at: str
    space: EmbeddingSpace | None
    last_change: int
    max_risk: float | None = None
    domain: str = ""
    unsupported_sentences: UnsupportedPolicy | None = None


@dataclass(frozen=True, slots=True)
class CollectionSize:
    """How much a collection holds; characters are those of the canonical texts."""

    documents: int
    chunks: int
    characters: int


@dataclass(frozen=True, slots=True)
class Document:
    """A stored document in its live revision, without its text (`Store.text` reads that).

    `source` is the folder it was ingested from, or "upload"; `uri` is its path below that source; the
    two identify it within its collection. `revision` is the sha256 of the source bytes.
    """

    id: int
    collection: str
    source: str
    uri: str
    revision: str
    title: str
    language: str
    media_type: str
    metadata: Metadata
    characters: int
    pages: tuple[Page, ...]
    updated_at: str

    def pages_of(self, span: Span) -> tuple[int | None, int | None]:
        """The first and last page number that `span` touches; None where the source has no pages."""
        touched = [page.number for page in self.pages if page.start < span.end and span.start < page.end]
        return (touched[0], touched[-1]) if touched else (None, None)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stored chunk with its document. Invariant: `text == document_text[start:end]`."""

    id: int
    document: Document
    ordinal: int
    start: int
    end: int
    section: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class ScoredId:
    """A chunk's id and one searcher's score for it; higher is better."""

    chunk_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved chunk: `rank` from 1, `score` after fusion, `scores` by searcher ("dense", "lexical").

    Where it was reranked, `score` is the mixture with the reranker's, which `scores` has as "relevance".
    `context` holds the neighbouring chunks that were asked for, in reading order, itself included.
    """

    chunk: Chunk
    rank: int
    score: float
    scores: Mapping[str, float]
    context: tuple[Chunk, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits of one search, best first, with milliseconds by stage and warnings in plain words."""

    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of which collection, within which filter (see `rag.filters`).

    `max_risk` is the largest share of wrong answers the caller accepts, None for the collection's own;
    with `require_certificate` nothing is answered unless that risk is certified for the collection. Without
    `rerank` a search keeps its own order, in a hundredth of the time; answers are always reranked. `profile`
    (see `rag.profiles`), `mode` and `decoding` are for a language model. `conversation` is what was said
    before, oldest first; a follow-up is reworded before it is asked (see `rag.rewrite`), or gets `before`,
    the earlier question that it points back to: both are searched for, and what is answered is this one.
    """

    text: str
    collection: str
    top_k: int = 10
    filters: Mapping[str, object] = field(default_factory=dict)
    neighbours: int = 0
    max_risk: float | None = None
    require_certificate: bool = False
    rerank: bool = True
    generator: GeneratorChoice = GeneratorChoice.ANY
    profile: str = "general"
    mode: AnswerMode = AnswerMode.JSON
    decoding: Decoding = GREEDY
    conversation: tuple[Message, ...] = ()
    before: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that may answer a question, and what stands above it: its document's title and headings."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """Where a passage seems to answer: `text[span.start:span.end]`, with its probability among all spans."""

    span: Span
    probability: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader sees in one passage.

    `relevance`: how likely the passage answers, beside other passages. `answerable`: how likely the answer
    stands in it at all, beside passages that only seem to hold it. Both from 0 to 1. `spans`: the likeliest
    answers, best first, none overlapping another; their probabilities sum to at most 1.
    """

    relevance: float
    answerable: float
    spans: tuple[AnswerSpan, ...]


class SupportLabel(StrEnum):
    """How far the cited spans bear a sentence out."""

    SUPPORTED = "supported"
    PARTIAL = "partial"
    UNSUPPORTED = "unsupported"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence, and the passages that are said to bear it out."""

    text: str
    passages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Support:
    """A verdict on one sentence and the score from 0 to 1 behind it."""

    label: SupportLabel
    score: float


@dataclass(frozen=True, slots=True)
class SourceSpan:
    """A verbatim quotation: `cited_text == document_text[span.start:span.end]`, sliced from the store.

    `focus` has the words within it that answer, as a stretch of the document; None where nothing told them.
    """

    document: Document
    chunk_id: int
    span: Span
    cited_text: str
    focus: Span | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """A sentence of the answer (`answer[span.start:span.end]`) and the spans that bear it out."""

    marker: int
    span: Span
    text: str
    sources: tuple[SourceSpan, ...]
    support: Support


@dataclass(frozen=True, slots=True)
class Quotation:
    """A stretch of a chunk's document; `focus` has the words within it that answer, where they are known."""

    chunk: Chunk
    span: Span
    focus: Span | None = None


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """A sentence that a generator proposes, what it rests on, and how far it answers (0 to 1).

    `support` is None for a sentence that is its own quotation, word for word.
    """

    text: str
    quotations: tuple[Quotation, ...]
    score: float
    support: Support | None = None


class Check(StrEnum):
    """What a language model's sentence has to pass, in this order; one that fails is checked no further."""

    SOURCE = "source"  # it names a source, and is long enough to be checked
    FACTS = "facts"  # no number and no name in it is missing from its sources
    SUPPORT = "support"  # its sources bear it out
    QUESTION = "question"  # it answers the question


@dataclass(frozen=True, slots=True)
class UnsupportedSentence:
    """A sentence that a language model wrote and that is no part of any answer; `failed` is why."""

    text: str
    failed: Check


@dataclass(frozen=True, slots=True)
class Draft:
    """What a generator proposes, in reading order, and what it can tell of its own certainty, by name.

    `missing`: the parts of the question that it found nothing for, where it found something for others.
    `unsupported`: sentences that were written and left out, because they failed a check. `is_unusable`: a
    language model was asked, did not say that the evidence holds no answer, and wrote nothing that passed the
    checks. `model` is its name, `usage` counts its tokens, `timings_ms` are its stages; without one they are
    empty.
    """

    sentences: tuple[DraftSentence, ...]
    signals: Mapping[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unsupported: tuple[UnsupportedSentence, ...] = ()
    is_unusable: bool = False
    model: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Confidence:
    """How likely the answer is right. Uncalibrated, `score` only orders answers: it is no probability.

    `answerable`, from 0 to 1, orders questions by whether the documents hold an answer at all; a question
    below `minimum_answerable` is out of scope. Both are None where no calibrator tells.
    `threshold` is what the score had to reach. With a `target_risk` it was chosen for that risk; where
    `is_certified`, with a proof at `confidence_level`. `n_calibration` counts the answers behind the
    probability and `calibrator` names them.
    """

    score: float
    is_calibrated: bool
    is_certified: bool
    signals: Mapping[str, float]
    threshold: float | None = None
    target_risk: float | None = None
    confidence_level: float | None = None
    n_calibration: int | None = None
    calibrator: str | None = None
    answerable: float | None = None
    minimum_answerable: float | None = None


class AbstentionReason(StrEnum):
    """Why nothing was answered."""

    NO_EVIDENCE = "no_evidence"
    LOW_CONFIDENCE = "low_confidence"
    UNSUPPORTED = "unsupported"
    OUT_OF_SCOPE = "out_of_scope"
    NOT_CERTIFIED = "not_certified"


@dataclass(frozen=True, slots=True)
class Record:
    """What every outcome carries, answered or not.

    `pipeline` is the fingerprint of what made it. Of a language model: its name, and `usage`, its tokens.
    """

    id: str
    question: Question
    language: str
    generator: str
    evidence: tuple[Hit, ...]
    confidence: Confidence
    timings_ms: Mapping[str, float]
    warnings: tuple[str, ...]
    pipeline: str = ""
    model: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """Sentences, each cited. Invariant: `text[c.span.start:c.span.end] == c.text` for every citation.

    `missing`: the parts of the question, in its own words, that nothing was found for; () for a whole answer.
    `unsupported`: what a language model wrote beside it, where the policy is to flag it: no part of the
    answer, of its citations or of its confidence.
    """

    record: Record
    text: str
    citations: tuple[Citation, ...]
    missing: tuple[str, ...] = ()
    unsupported: tuple[UnsupportedSentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Abstention:
    """No answer, why, and the closest sources to look at instead."""

    record: Record
    reason: AbstentionReason
    message: str
    closest_sources: tuple[SourceSpan, ...]


Outcome: TypeAlias = Answer | Abstention
