"""Values of the domain as the shapes that go out over HTTP."""

from dataclasses import asdict

from api import schemas
from ingest.jobs import FileStatus, Job
from rag.domain import Chunk, Collection, Document, Hit, Outcome, SearchResult, Span
from rag.present import outcome_to_json


def outcome_of(outcome: Outcome, *, with_evidence: bool) -> schemas.OutcomeOut:
    """An outcome, in the same shape that the command line prints."""
    shaped = schemas.OutcomeOut.model_validate(outcome_to_json(outcome))
    if not with_evidence:
        for item in shaped.evidence:
            item.text = None
    return shaped


def search_of(result: SearchResult) -> schemas.SearchOut:
    """The hits of a search."""
    return schemas.SearchOut(
        hits=[_hit_of(hit) for hit in result.hits],
        timings_ms=dict(result.timings_ms),
        warnings=list(result.warnings),
    )


def _hit_of(hit: Hit) -> schemas.HitOut:
    document = hit.chunk.document
    return schemas.HitOut(
        **_passage_of(hit.chunk).model_dump(),
        document_id=document.id,
        document_title=document.title,
        uri=document.uri,
        revision=document.revision,
        rank=hit.rank,
        score=hit.score,
        scores=dict(hit.scores),
        context=[_passage_of(chunk) for chunk in hit.context],
    )


def _passage_of(chunk: Chunk) -> schemas.Passage:
    start_page, end_page = chunk.document.pages_of(Span(chunk.start, chunk.end))
    location = schemas.Location(
        start_char_index=chunk.start, end_char_index=chunk.end, start_page=start_page, end_page=end_page
    )
    return schemas.Passage(chunk_id=chunk.id, text=chunk.text, section=list(chunk.section), location=location)


def collection_of(collection: Collection) -> schemas.CollectionOut:
    """A collection without its size."""
    space = collection.space
    return schemas.CollectionOut(
        name=collection.name,
        created_at=collection.created_at,
        embedding_space=schemas.EmbeddingSpaceOut(**asdict(space)) if space else None,
        max_risk=collection.max_risk,
        domain=collection.domain,
        unsupported_sentences=collection.unsupported_sentences and collection.unsupported_sentences.value,
    )


def document_of(document: Document) -> schemas.DocumentOut:
    """A document without its text."""
    return schemas.DocumentOut(
        id=document.id,
        collection=document.collection,
        source=document.source,
        uri=document.uri,
        revision=document.revision,
        title=document.title,
        language=document.language,
        media_type=document.media_type,
        metadata=dict(document.metadata),
        characters=document.characters,
        pages=len(document.pages),
        updated_at=document.updated_at,
    )


def job_of(job: Job) -> schemas.JobOut:
    """A job as it stands."""
    return schemas.JobOut(
        id=job.id,
        collection=job.collection,
        folder=str(job.folder),
        exclude=list(job.options.exclude),
        retry_failed=job.options.retry_failed,
        allow_empty=job.options.allow_empty,
        status=job.status.value,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        files_total=job.files_total,
        files_done=job.files_done,
        counts=schemas.FileCounts(
            indexed=job.counts.get(FileStatus.INDEXED, 0),
            replaced=job.counts.get(FileStatus.REPLACED, 0),
            removed=job.counts.get(FileStatus.REMOVED, 0),
            failed=job.counts.get(FileStatus.FAILED, 0),
            unchanged=job.unchanged,
        ),
        error=job.error,
    )
