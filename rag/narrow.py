"""A sentence and a chunk it names become the stretch of that chunk that bears the sentence out."""

from collections.abc import Sequence

from rag.domain import Chunk, Quotation, Span
from rag.evidence_candidates import citable_spans
from rag.support import telling_tokens
from rag.tokens import index_tokens

LONGEST_WINDOW = 3  # sentences
WORTH_A_SENTENCE = 0.1  # share of the claim's words that one sentence more must add


def narrow(claim: str, chunk: Chunk, quote: str = "") -> Quotation | None:
    """The shortest run of sentences that covers most of the claim's words; None where none shares a word.

    Where `quote` stands in the chunk, whatever its blanks, the run is that of the sentences it touches.
    """
    spans = list(citable_spans(chunk))
    touched = _touched(spans, _found(quote, chunk.text))
    run = touched or _covering(claim, chunk.text, spans)
    return None if run is None else Quotation(chunk, run.moved(chunk.start))


def _touched(spans: Sequence[Span], found: Span | None) -> Span | None:
    if found is None:
        return None
    touched = [span for span in spans if span.start < found.end and found.start < span.end]
    return Span(touched[0].start, touched[-1].end) if 0 < len(touched) <= LONGEST_WINDOW else None


def _found(quote: str, text: str) -> Span | None:
    """Where a quote stands in a text; blanks and line breaks may differ."""
    words = quote.split()
    if not words:
        return None
    squeezed, places = _squeezed(text)
    wanted = "".join(words)
    start = squeezed.find(wanted)
    return None if start < 0 else Span(places[start], places[start + len(wanted) - 1] + 1)


def _squeezed(text: str) -> tuple[str, list[int]]:
    """The text without blanks, and where each of its characters stood."""
    places = [i for i, character in enumerate(text) if not character.isspace()]
    return "".join(text[i] for i in places), places


def _covering(claim: str, text: str, spans: Sequence[Span]) -> Span | None:
    wanted = telling_tokens(claim)
    held = [wanted.intersection(index_tokens(span.of(text))) for span in spans]
    best: tuple[float, Span] | None = None
    for size in range(1, LONGEST_WINDOW + 1):
        for first in range(len(spans) - size + 1):
            covered = len(frozenset[str]().union(*held[first : first + size]))
            worth = covered / max(1, len(wanted)) - WORTH_A_SENTENCE * (size - 1)
            if covered and (best is None or worth > best[0]):
                best = worth, Span(spans[first].start, spans[first + size - 1].end)
    return None if best is None else best[1]
