"""How sure an outcome may be. Without a calibrator the score only orders answers; it is no probability."""

from collections.abc import Mapping, Sequence

from rag.domain import Citation, Confidence, Hit
from rag.tokens import index_tokens, question_tokens

SEARCHERS_LOOKED_AT = 5  # hits whose finders are counted


def confidence_of(citations: Sequence[Citation], hits: Sequence[Hit], question: str) -> Confidence:
    """The best sentence's score and the signals that a calibrator will weigh."""
    signals = {
        **_answer_signals(citations),
        **_search_signals(hits),
        "question_coverage": _coverage(question, citations),
    }
    return Confidence(signals["support_maximum"], is_calibrated=False, is_certified=False, signals=signals)


def _answer_signals(citations: Sequence[Citation]) -> Mapping[str, float]:
    """`support_*`: how far sentences answer, 0 to 1; `answer_*`: how much was said; 0 without an answer."""
    support = [citation.support.score for citation in citations]
    return {
        "support_maximum": max(support, default=0.0),
        "support_mean": sum(support) / len(support) if support else 0.0,
        "answer_sentences": float(len(citations)),
        "answer_characters": float(sum(len(citation.text) for citation in citations)),
    }


def _search_signals(hits: Sequence[Hit]) -> Mapping[str, float]:
    """What the search says of its hits.

    `retrieval_margin`: how far the first is ahead of the second, 0 to 1; `searchers_agreeing`: how many of
    the first five both searchers found; `passage_similarity`: the best cosine with the question, from -1 to
    1, and 0 where no vector was searched.
    """
    dense = [hit.scores["dense"] for hit in hits if "dense" in hit.scores]
    return {
        "retrieval_margin": hits[0].score - hits[1].score if len(hits) > 1 else 0.0,
        "searchers_agreeing": float(sum(len(hit.scores) > 1 for hit in hits[:SEARCHERS_LOOKED_AT])),
        "passage_similarity": max(dense, default=0.0),
    }


def _coverage(question: str, citations: Sequence[Citation]) -> float:
    """The share of the question's distinct words that the cited sentences contain, 0 to 1."""
    asked = set(question_tokens(question))
    said = {token for citation in citations for token in index_tokens(citation.text)}
    return len(asked & said) / len(asked) if asked else 0.0
