"""The questions worth looking at: what was proposed beside the gold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evals.judge import is_correct
from evals.records import ChunkScore, CitedSentence, CitedSource, Record
from evals.report.overlap import Piece, merged, pieces, shared_spans
from rag.domain import Span
from rag.language import language_of

CHUNKS_SHOWN = 5
PASSAGE, DOCUMENT = "gold passage", "gold document"
LONGEST_TEXT_SHOWN = 900  # code points; a gold answer may be a page


@dataclass(frozen=True, slots=True)
class Quotation:
    """A cited stretch cut where gold begins and ends, and the sentence it bears out where that differs."""

    document: str
    start: int
    end: int
    pieces: tuple[Piece, ...]
    language: str
    claim: str
    support: float
    label: str
    is_verbatim: bool
    is_from_gold_document: bool


@dataclass(frozen=True, slots=True)
class GoldText:
    """What an annotator marked or wrote, cut where it is quoted; `document` is "" where none is named."""

    document: str
    pieces: tuple[Piece, ...]
    language: str


@dataclass(frozen=True, slots=True)
class RetrievedChunk:
    """A chunk or, where documents were ranked, a document; `rank` from 1, `place` in words."""

    rank: int
    document: str
    place: str
    score: float
    by_searcher: tuple[str, ...]
    is_gold: bool
    is_cited: bool
    has_passage: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One question as the report shows it.

    `gold_rank` is the place of what was `wanted`, "gold passage" or "gold document", from 1; None where it
    was not found, and where `wanted` is "", for then nobody knows what to find. `is_quotation`: the answer
    says nothing beyond its quotations, which are shown anyway.
    """

    record: Record
    answer: str
    answer_language: str
    is_quotation: bool
    expected: tuple[str, ...]
    quotations: tuple[Quotation, ...]
    gold: tuple[GoldText, ...]
    retrieved: tuple[RetrievedChunk, ...]
    found: int
    gold_rank: int | None
    wanted: str


def has_proposal(record: Record) -> bool:
    """Whether something was proposed, shown or not."""
    return bool(record.sentences or record.answer or record.predicted)


def most_confident_wrong(records: Iterable[Record], limit: int) -> tuple[Case, ...]:
    """Wrong proposals, the most confident first; ties by id."""
    wrong = [r for r in records if has_proposal(r) and not r.error and not is_correct(r)]
    return tuple(case_of(r) for r in sorted(wrong, key=lambda r: (-r.confidence, r.id))[:limit])


def furthest_from_gold(records: Iterable[Record], limit: int, without: Sequence[Case]) -> tuple[Case, ...]:
    """Answerable questions: failed ones, then those whose gold was not found, then found late.

    Right answers, gold found first, and the cases of `without` are left out; ties by id.
    """
    shown = {case.record.id for case in without}
    candidates = [r for r in records if r.is_answerable and r.id not in shown and not is_correct(r)]
    ranks = {r.id: gold_rank(r) for r in candidates}
    missed = [r for r in candidates if r.error or (_wanted(r) and ranks[r.id] != 1)]
    missed.sort(key=lambda r: (not r.error, ranks[r.id] is not None, -(ranks[r.id] or 0), r.id))
    return tuple(case_of(r) for r in missed[:limit])


def gold_documents(record: Record) -> frozenset[str]:
    """The uris that hold the answer."""
    return frozenset((*record.gold.documents, *(mark.document for mark in record.gold.marks)))


def gold_rank(record: Record) -> int | None:
    """The place of the first chunk with a gold passage, else of the first gold document found, from 1."""
    if _wanted(record) == PASSAGE:
        ranks = (rank for rank, chunk in enumerate(record.chunks, start=1) if has_passage(chunk, record))
        return next(ranks, None)
    wanted = gold_documents(record)
    found = [item.id for item in record.ranked] or [chunk.document for chunk in record.chunks]
    return next((rank for rank, name in enumerate(found, start=1) if name in wanted), None)


def has_passage(chunk: ChunkScore, record: Record) -> bool:
    """Whether a chunk holds a gold place whole."""
    return any(
        place.document == chunk.document and chunk.start <= place.start and place.end <= chunk.end
        for place in record.gold_places
    )


def _wanted(record: Record) -> str:
    """What should have been found: the passage where one is marked, else the document where one is named."""
    has_span = bool(record.gold.marks or record.gold.answers)
    if record.is_answerable and has_span and record.chunks and not record.ranked:
        return PASSAGE
    return DOCUMENT if record.is_answerable and gold_documents(record) else ""


def case_of(record: Record) -> Case:
    """What the report shows of a record."""
    quotations = tuple(
        _quotation(source, sentence, record) for sentence in record.sentences for source in sentence.sources
    )
    answer = record.predicted or record.answer
    return Case(
        record=record,
        answer=_shortened(answer),
        answer_language=language_of(answer),
        is_quotation=bool(quotations) and not record.predicted and not any(q.claim for q in quotations),
        expected=_expected(record),
        quotations=quotations,
        gold=tuple(_gold_texts(record)),
        retrieved=_retrieved(record),
        found=len(record.ranked) or len(record.chunks),
        gold_rank=gold_rank(record),
        wanted=_wanted(record),
    )


def _expected(record: Record) -> tuple[str, ...]:
    """Answers, without those whose very words are shown as gold with their document."""
    if record.gold.label:
        return (record.gold.label,)
    marked = {mark.text for mark in record.gold.marks}
    answers = record.gold.answers or record.gold.free_answers
    return tuple(_shortened(answer) for answer in dict.fromkeys(answers) if answer not in marked)


def _quotation(source: CitedSource, sentence: CitedSentence, record: Record) -> Quotation:
    """Gold places are exact; where an annotator only wrote the evidence down, words are compared."""
    text = _shortened(source.text)
    places = tuple(
        Span(max(0, place.start - source.start), min(len(text), place.end - source.start))
        for place in record.gold_places
        if place.document == source.document and place.start < source.end and source.start < place.end
    )
    shared = merged(places) or shared_spans(text, record.gold.evidence)
    return Quotation(
        document=source.document,
        start=source.start,
        end=source.end,
        pieces=pieces(text, shared),
        language=language_of(text),
        claim="" if sentence.text.strip() in source.text else _shortened(sentence.text),
        support=sentence.support,
        label=sentence.label,
        is_verbatim=source.is_verbatim,
        is_from_gold_document=source.document in gold_documents(record),
    )


def _gold_texts(record: Record) -> Iterable[GoldText]:
    """Evidence sentences, then marks, each text once; a mark within a shown sentence is not repeated."""
    quoted = tuple(source.text for sentence in record.sentences for source in sentence.sources)
    only_document = record.gold.documents[0] if len(record.gold.documents) == 1 else ""
    texts = dict.fromkeys(record.gold.evidence, only_document)
    for mark in record.gold.marks:
        if not any(mark.text in shown for shown in texts):
            texts[mark.text] = mark.document
    for text, document in texts.items():
        shown = _shortened(text)
        yield GoldText(document, pieces(shown, shared_spans(shown, quoted)), language_of(shown))


def _retrieved(record: Record) -> tuple[RetrievedChunk, ...]:
    gold = gold_documents(record)
    if record.ranked:
        return tuple(
            RetrievedChunk(rank, item.id, "", item.score, (), item.id in gold, is_cited=False)
            for rank, item in enumerate(record.ranked[:CHUNKS_SHOWN], start=1)
        )
    return tuple(
        RetrievedChunk(
            rank=rank,
            document=chunk.document,
            place=f"{chunk.start:,}–{chunk.end:,}",
            score=chunk.score,
            by_searcher=tuple(f"{name} {score:.2f}" for name, score in sorted(chunk.scores.items())),
            is_gold=chunk.document in gold,
            is_cited=_is_cited(chunk, record),
            has_passage=record.is_answerable and has_passage(chunk, record),
        )
        for rank, chunk in enumerate(record.chunks[:CHUNKS_SHOWN], start=1)
    )


def _is_cited(chunk: ChunkScore, record: Record) -> bool:
    return any(
        source.document == chunk.document and source.start < chunk.end and chunk.start < source.end
        for sentence in record.sentences
        for source in sentence.sources
    )


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT_SHOWN else text[:LONGEST_TEXT_SHOWN] + " …"
