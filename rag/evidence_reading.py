"""What a reader sees in the hits, brought to the stretches of them that may be cited."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.domain import AnswerSpan, Chunk, Hit, Reading, Span
from rag.evidence_candidates import Candidate
from rag.passages import passage_of
from rag.ports import Reader

LEAST_FOCUS = 0.05
"""The mass that the words which answer must have; with less they are noise, and nothing is marked or cut."""


@dataclass(frozen=True, slots=True)
class ReadHits:
    """The readings of one question in the chunks of the hits; row i belongs to chunks[i]."""

    question: str
    chunks: tuple[Chunk, ...]
    readings: tuple[Reading, ...]

    @property
    def answerable(self) -> float:
        """The highest over the chunks, 0 without any."""
        return max((reading.answerable for reading in self.readings), default=0.0)

    def reading_of(self, chunk: Chunk) -> Reading:
        """The reading of one of the chunks."""
        return next(
            reading for known, reading in zip(self.chunks, self.readings, strict=True) if known.id == chunk.id
        )

    def mass(self, candidate: Candidate) -> float:
        """How likely the answer lies in the candidate, 0 to 1.

        The probabilities of the answers in its chunk, each by the share of it that lies in the candidate,
        times how likely the chunk holds an answer at all.
        """
        reading = self.reading_of(candidate.hit.chunk)
        shared = (answer.probability * _share(answer, candidate) for answer in reading.spans)
        return reading.answerable * sum(shared)

    def focus(self, candidate: Candidate) -> Span | None:
        """The likeliest answer in the candidate, in offsets of its document; what lies outside is cut off.

        None where the candidate has less mass than LEAST_FOCUS.
        """
        if self.mass(candidate) < LEAST_FOCUS:
            return None
        answers = self.reading_of(candidate.hit.chunk).spans
        best = max(answers, key=lambda answer: answer.probability * _share(answer, candidate))
        found = best.span.moved(candidate.hit.chunk.start)
        return Span(max(candidate.span.start, found.start), min(candidate.span.end, found.end))


def read_hits(reader: Reader, question: str, hits: Sequence[Hit]) -> ReadHits:
    """Read every hit's chunk under its title and headings."""
    chunks = tuple(hit.chunk for hit in hits)
    readings = reader.read(question, [passage_of(chunk) for chunk in chunks]) if chunks else []
    return ReadHits(question, chunks, tuple(readings))


def _share(answer: AnswerSpan, candidate: Candidate) -> float:
    """The share of an answer's characters that lie in a candidate of the same chunk."""
    found = answer.span.moved(candidate.hit.chunk.start)
    shared = min(found.end, candidate.span.end) - max(found.start, candidate.span.start)
    return max(0, shared) / max(1, found.end - found.start)
