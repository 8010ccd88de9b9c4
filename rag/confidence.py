"""How sure an outcome may be. Without a calibrator the score only orders answers; it is no probability."""

from collections.abc import Sequence

from rag.domain import Citation, Confidence, Hit


def confidence_of(citations: Sequence[Citation], hits: Sequence[Hit]) -> Confidence:
    """The best sentence's score and the signals that a calibrator will weigh."""
    support = [citation.support.score for citation in citations]
    signals = {
        "support_maximum": max(support, default=0.0),
        "support_mean": sum(support) / len(support) if support else 0.0,
        "retrieval_margin": hits[0].score - hits[1].score if len(hits) > 1 else 0.0,
        "searchers_agreeing": float(sum(len(hit.scores) > 1 for hit in hits[:5])),
    }
    return Confidence(signals["support_maximum"], is_calibrated=False, is_certified=False, signals=signals)
