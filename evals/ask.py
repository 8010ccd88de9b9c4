"""One question goes through the pipeline that serves; what comes back becomes its record."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from evals.questions import ANY_DOCUMENT, ANYWHERE, EvalQuestion, GivenPassage, Mark
from evals.records import ChunkScore, CitedSentence, CitedSource, Place, RankedDocument, Record
from evals.wording import EXTRACTIVE, Wording
from rag.domain import Abstention, Chunk, Citation, Document, Hit, Question, SearchResult, SourceSpan, Span
from rag.errors import AttestError
from rag.language import language_of
from rag.pipeline import Pipeline, Proposal
from rag.stopwatch import Stopwatch
from rag.system import System

DOCUMENTS_RANKED = 100
CHUNKS_ASKED = 200  # equals the retriever's own depth, so the ranking is the one a short top_k begins with
MAXIMUM_CHUNKS_ASKED = 3200
CHUNKS_RECORDED = 50
HITS_RECORDED = 10  # of an answer; all that were reranked where those are more


class Asker:
    """Asks a suite's questions of one system and one collection, answers worded in one way."""

    def __init__(self, system: System, collection: str, wording: Wording = EXTRACTIVE) -> None:
        self._system = system
        self._collection = collection
        self._wording = wording

    @property
    def _pipeline(self) -> Pipeline:
        return self._wording.pipeline_of(self._system)

    def search(self, asked: EvalQuestion) -> Record:
        """Rank documents; ask for more chunks until enough are ranked; what ranked first stays first."""
        depth = CHUNKS_ASKED
        first = found = self._system.search(self.question(asked, depth))
        best: dict[str, RankedDocument] = {}
        while True:
            for hit in found.hits:
                best.setdefault(hit.chunk.document.uri, RankedDocument(hit.chunk.document.uri, hit.score))
            is_exhausted = len(found.hits) < depth or depth >= MAXIMUM_CHUNKS_ASKED
            if len(best) >= DOCUMENTS_RANKED or is_exhausted:
                break
            depth *= 2
            found = self._system.search(self.question(asked, depth))
        return replace(
            blank(asked),
            ranked=tuple(best.values())[:DOCUMENTS_RANKED],
            chunks=tuple(_chunk_score(hit) for hit in first.hits[:CHUNKS_RECORDED]),
            timings_ms=first.timings_ms,
        )

    def answer(self, asked: EvalQuestion) -> Record:
        """Answer from the collection, within the question's scope; what was reranked is all recorded."""
        reranking = self._system.retriever.reranking
        top_k = max(HITS_RECORDED, reranking.depth if reranking else 0)
        return self.record(asked, self._pipeline.propose(self.question(asked, top_k)))

    def question(self, asked: EvalQuestion, top_k: int = HITS_RECORDED) -> Question:
        """What the pipeline is asked."""
        wanted = self._wording.question(asked.text, self._collection)
        return replace(wanted, top_k=top_k, filters=asked.scope)

    def record(self, asked: EvalQuestion, proposal: Proposal) -> Record:
        """The record of what was proposed from the collection."""
        texts = {hit.chunk.document.id: hit.chunk.document.uri for hit in proposal.record.evidence}
        places = [
            place
            for document_id, uri in texts.items()
            for place in gold_places(asked, uri, partial(self._system.store.text, document_id))
        ]
        return self._record(asked, proposal, tuple(places), self._system.store.text)

    def answer_from_passages(self, asked: EvalQuestion) -> Record:
        """Answer from the passages that come with the question, in their order; nothing is searched."""
        watch = Stopwatch()
        documents = [_document(number, passage) for number, passage in enumerate(asked.passages)]
        texts = {number: passage.text for number, passage in enumerate(asked.passages)}
        found = SearchResult(tuple(_given(document, texts[document.id]) for document in documents), {}, ())
        proposal = self._pipeline.propose_from(self.question(asked), found, watch)
        places = [
            place for d in documents for place in gold_places(asked, d.uri, partial(texts.__getitem__, d.id))
        ]
        return self._record(asked, proposal, tuple(places), texts.__getitem__)

    def _record(
        self,
        asked: EvalQuestion,
        proposal: Proposal,
        places: tuple[Place, ...],
        text_of: Callable[[int], str],
    ) -> Record:
        outcome = self._pipeline.decide(proposal)
        confidence = proposal.record.confidence
        return replace(
            blank(asked),
            gold_places=places,
            chunks=tuple(_chunk_score(hit) for hit in proposal.record.evidence),
            status="abstained" if isinstance(outcome, Abstention) else "answered",
            reason=str(outcome.reason) if isinstance(outcome, Abstention) else "",
            answer=proposal.cited.text,
            sentences=tuple(_cited_sentence(item, text_of) for item in proposal.cited.citations),
            confidence=confidence.score,
            answerable=confidence.answerable,
            is_calibrated=confidence.is_calibrated,
            signals=confidence.signals,
            timings_ms=proposal.record.timings_ms,
            usage=proposal.record.usage,
            warnings=proposal.record.warnings,
        )


def failed(asked: EvalQuestion, error: AttestError) -> Record:
    """The record of a question whose asking raised an error; it counts as unanswered."""
    return replace(blank(asked), error=f"{type(error).__name__}: {error}")


def blank(asked: EvalQuestion) -> Record:
    """A record that says only what was asked."""
    return Record(
        id=asked.id,
        question=asked.text,
        language=asked.language or language_of(asked.text),
        domain=asked.domain,
        group=asked.group,
        is_test=asked.is_test,
        is_answerable=asked.is_answerable,
        gold=asked.gold,
        metadata=asked.metadata,
    )


def gold_places(asked: EvalQuestion, uri: str, text_of: Callable[[], str]) -> Iterator[Place]:
    """Where a gold answer stands in a document's canonical text.

    A mark is looked up by its words, and where they occur more than once, by its place: cleaning may have
    moved it. Without marks, every whole-word occurrence of an expected answer in a gold document counts, or
    in any document where the gold names none.
    """
    gold = asked.gold
    marks = [mark for mark in gold.marks if mark.document in (uri, ANY_DOCUMENT)]
    if not marks and (gold.marks or (gold.documents and uri not in gold.documents)):
        return
    text = text_of()
    if marks:
        spans = {span for mark in marks for span in _places(mark, text)}
    else:
        spans = {span for answer in gold.answers for span in occurrences(answer, text, as_words=True)}
    for span in sorted(spans, key=lambda item: (item.start, item.end)):
        yield Place(uri, span.start, span.end)


def occurrences(wanted: str, text: str, *, as_words: bool) -> list[Span]:
    """Where `wanted` stands in `text`, whatever the case and the blanks; `as_words`: not within a word."""
    pattern = r"\s+".join(re.escape(word) for word in wanted.split())
    if not pattern:
        return []
    if as_words and wanted.isascii():
        pattern = rf"(?<!\w){pattern}(?!\w)"
    return [Span(*found.span()) for found in re.finditer(pattern, text, re.IGNORECASE)]


def _places(mark: Mark, text: str) -> list[Span]:
    """The occurrence nearest to the mark's place; every one where it has none."""
    found = occurrences(mark.text, text, as_words=False)
    if not found:  # cleaning drops soft hyphens and the like: 7 of 11,199 questions (cuad, squad2) lost by it
        found = occurrences(_visible(mark.text), text, as_words=False)
    if mark.start == ANYWHERE:
        return found
    return sorted(found, key=lambda span: abs(span.start - mark.start))[:1]


def _visible(text: str) -> str:
    return "".join(character for character in text if unicodedata.category(character) != "Cf")


def _document(number: int, passage: GivenPassage) -> Document:
    """A stand-in for a stored document: the passage as it is."""
    return Document(
        id=number,
        collection="",
        source="given",
        uri=passage.id,
        revision="",
        title=passage.title,
        language=language_of(passage.text),
        media_type="text/plain",
        metadata={},
        characters=len(passage.text),
        pages=(),
        updated_at="",
    )


def _given(document: Document, text: str) -> Hit:
    chunk = Chunk(document.id, document, 0, 0, len(text), (), text)
    return Hit(chunk, document.id + 1, score=1.0, scores={})


def _cited_sentence(citation: Citation, text_of: Callable[[int], str]) -> CitedSentence:
    sources = tuple(_cited_source(source, text_of) for source in citation.sources)
    return CitedSentence(citation.text, sources, citation.support.score, str(citation.support.label))


def _cited_source(source: SourceSpan, text_of: Callable[[int], str]) -> CitedSource:
    span, text = source.span, text_of(source.document.id)
    is_verbatim = span.of(text) == source.cited_text
    focus = source.focus.of(text) if source.focus else ""
    return CitedSource(source.document.uri, span.start, span.end, source.cited_text, is_verbatim, focus)


def _chunk_score(hit: Hit) -> ChunkScore:
    chunk = hit.chunk
    return ChunkScore(chunk.document.uri, chunk.start, chunk.end, hit.score, dict(hit.scores))
