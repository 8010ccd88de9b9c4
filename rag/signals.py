"""What can be told of an answer without knowing whether it is right: numbers that a calibrator weighs.

A name means the same in every pipeline. A share is from 0 to 1; a count of words enters as log(1 + n). No
signal grows with the size of the collection, as BM25 does: what was fitted on large ones serves small ones.
docs/measurements-confidence.md says what each is worth.
"""

from collections.abc import Mapping, Sequence

from rag.domain import Citation, Draft, Hit, SearchResult
from rag.question_kind import QuestionKind, holds, kind_of
from rag.tokens import index_tokens, question_tokens

Signals = Mapping[str, float]
_OF_SEARCH = (
    "retrieval_margin",
    "retrieval_margin_last",
    "searchers_agree",
    "same_document",
)
_ASKED_FOR = (QuestionKind.NUMBER, QuestionKind.TIME, QuestionKind.PLACE, QuestionKind.YES_NO)


def signals_of(question: str, found: SearchResult, draft: Draft, citations: Sequence[Citation]) -> Signals:
    """Every signal by name; those of the draft are the generator's own."""
    hits = found.hits
    asked = frozenset(question_tokens(question))
    return {
        **_answer_signals(citations),
        **_kind_signals(question, citations),
        **_search_signals(found, citations),
        **_coverage_signals(asked, hits, citations),
        **draft.signals,
    }


def _answer_signals(citations: Sequence[Citation]) -> Signals:
    """`support_*`: how far sentences answer, 0 to 1; `answer_*`: how much is said, from how many places."""
    support = [citation.support.score for citation in citations]
    documents = {source.document.id for citation in citations for source in citation.sources}
    return {
        "support_maximum": max(support, default=0.0),
        "support_mean": sum(support) / len(support) if support else 0.0,
        "answer_characters": float(sum(len(citation.text) for citation in citations)),
        "answer_has_several_documents": float(len(documents) > 1),
    }


def _kind_signals(question: str, citations: Sequence[Citation]) -> Signals:
    """`asks_*`: what kind of thing is asked for; `kind_*`: whether a thing of that kind is in the answer."""
    kind = kind_of(question)
    is_held = holds(kind, " ".join(citation.text for citation in citations))
    return {
        **{f"asks_{item}": float(kind is item) for item in _ASKED_FOR},
        "kind_found": 0.5 if is_held is None else float(is_held),
        "kind_missing": float(is_held is False),
    }


def _search_signals(found: SearchResult, citations: Sequence[Citation]) -> Signals:
    """How sure the search is.

    `retrieval_margin*`: how far the first hit is ahead of the second and of the last, or of nothing where it
    is alone; `searchers_agree`: whether both searchers put it first; `same_document`: the share of the hits
    that come from the document of the first citation.
    """
    hits = found.hits
    if not hits:
        return dict.fromkeys(_OF_SEARCH, 0.0)
    first = hits[0]
    cited = citations[0].sources[0].document.id if citations else None
    return {
        "retrieval_margin": first.score - (hits[1].score if len(hits) > 1 else 0.0),
        "retrieval_margin_last": first.score - (hits[-1].score if len(hits) > 1 else 0.0),
        "searchers_agree": float(_is_first(hits, "lexical") and _is_first(hits, "dense")),
        "same_document": sum(hit.chunk.document.id == cited for hit in hits) / len(hits),
    }


def _is_first(hits: Sequence[Hit], searcher: str) -> bool:
    """Whether no other hit has a better score; a searcher that did not search disagrees with nobody."""
    scores = [hit.scores.get(searcher, 0.0) for hit in hits]
    return scores[0] == max(scores)


def _coverage_signals(asked: frozenset[str], hits: Sequence[Hit], citations: Sequence[Citation]) -> Signals:
    """Shares of the question's distinct words: in the answer, in the first hit, in all hits together."""
    found = [frozenset(index_tokens(hit.chunk.text)) for hit in hits]
    return {
        "question_coverage": share_of(asked, [frozenset(index_tokens(item.text)) for item in citations]),
        "first_hit_coverage": share_of(asked, found[:1]),
        "evidence_coverage": share_of(asked, found),
    }


def share_of(asked: frozenset[str], texts: Sequence[frozenset[str]]) -> float:
    """The share of the asked tokens that the texts contain together, 0 to 1."""
    said = frozenset[str]().union(*texts)
    return len(asked & said) / len(asked) if asked else 0.0
