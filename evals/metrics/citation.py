"""Whether an answer's citations hold: the gold is quoted, the quotations exist and bear out the sentence.

Citation recall and precision as in ALCE (Gao et al. 2023): a sentence counts for recall if the passages it
cites together support it; a citation of such a sentence is precise unless it alone does not support it
while the others do; citations of an unsupported sentence are not precise; at most three count a sentence.
ALCE asks an entailment model. Here, of what the record has, the first that applies decides:

- gold evidence sentences: a source supports if it contains one, or is part of one;
- gold documents, without marks or answers: a source supports if it comes from one of them;
- otherwise a source supports alone if it contains the sentence's words, and all together if the verdict
  on the sentence, which looked at all of them, is "supported".

In the first two cases, too, a sentence whose verdict is not "supported" is not supported. A question that
cannot be answered has only the third: its gold says what was hidden from it, which it cannot have cited.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from evals.metrics.answers import shown
from evals.metrics.statistic import Metric, Share, mean
from evals.metrics.text import evidence_f1, is_chinese
from evals.records import CitedSentence, CitedSource, Record
from rag.domain import SupportLabel

CITATIONS_COUNTED = 3


def citations(records: Sequence[Record]) -> Iterator[Metric]:
    """evidence_hit over all questions with a gold span; the rest over answers shown, as ALCE does.

    `quote_exists` is the share of cited sources whose words stand at the place given; its n counts sources.
    """
    due = [record.is_answerable and bool(record.gold.marks or record.gold.answers) for record in records]
    if any(due):
        yield mean("evidence_hit", [float(is_evidence_hit(record)) for record in records], due)
    answered = [record.is_answered and bool(record.sentences) for record in records]
    if not any(answered):
        return
    yield mean("citation_recall", [citation_recall(record) for record in records], answered)
    yield mean("citation_precision", [citation_precision(record) for record in records], answered)
    sources = np.array([float(len(_shown_sources(record))) for record in records])
    verbatim = np.array([float(sum(s.is_verbatim for s in _shown_sources(record))) for record in records])
    yield Metric("quote_exists", sources, Share(verbatim, sources))


def evidence(records: Sequence[Record]) -> Iterator[Metric]:
    """`evidence_F1` between all cited text and the best of the gold evidences (ExpMRC); 0 if not shown."""
    counted = [bool(record.gold.evidence) for record in records]
    if any(counted):
        scores = [
            evidence_f1(cited_text(record), record.gold.evidence) if record.gold.evidence else 0.0
            for record in records
        ]
        yield mean("evidence_F1", scores, counted)


def is_evidence_hit(record: Record) -> bool:
    """Whether the user was shown a quotation that contains a gold span whole, in its own document."""
    return any(
        source.document == place.document and source.start <= place.start and place.end <= source.end
        for source in _shown_sources(record)
        for place in record.gold_places
    )


def citation_recall(record: Record) -> float:
    """The share of the answer's sentences that are supported by what they cite; 0 without sentences."""
    supported = [_is_supported(sentence, record) for sentence in record.sentences]
    return sum(supported) / len(supported) if supported else 0.0


def citation_precision(record: Record) -> float:
    """The share of the answer's citations that are precise; 0 without citations."""
    precise = [
        _is_precise(place, sentence, record)
        for sentence in record.sentences
        for place in range(len(_counted(sentence)))
    ]
    return sum(precise) / len(precise) if precise else 0.0


def cited_text(record: Record) -> str:
    """All quotations shown, each once, in the order of the answer."""
    texts = dict.fromkeys(source.text for source in _shown_sources(record))
    return ("" if is_chinese(record.language) else " ").join(texts)


def _shown_sources(record: Record) -> Sequence[CitedSource]:
    if not shown(record):
        return ()
    return [source for sentence in record.sentences for source in sentence.sources]


def _counted(sentence: CitedSentence) -> Sequence[CitedSource]:
    return sentence.sources[:CITATIONS_COUNTED]


def _is_supported(sentence: CitedSentence, record: Record) -> bool:
    if sentence.label != SupportLabel.SUPPORTED:
        return False
    sources = _counted(sentence)
    if _has_gold_support(record):
        return any(_supports_alone(source, sentence, record) for source in sources)
    return any(source.is_verbatim for source in sources)


def _is_precise(place: int, sentence: CitedSentence, record: Record) -> bool:
    if not _is_supported(sentence, record):
        return False
    sources = _counted(sentence)
    others = [*sources[:place], *sources[place + 1 :]]
    is_needless = any(_supports_alone(source, sentence, record) for source in others)
    return _supports_alone(sources[place], sentence, record) or not is_needless


def _has_gold_support(record: Record) -> bool:
    gold = record.gold
    is_by_document = bool(gold.documents) and not gold.marks and not gold.answers
    return record.is_answerable and (bool(gold.evidence) or is_by_document)


def _supports_alone(source: CitedSource, sentence: CitedSentence, record: Record) -> bool:
    if not _has_gold_support(record):
        return _folded(sentence.text) in _folded(source.text)
    if record.gold.evidence:
        quoted = _folded(source.text)
        return any(
            quoted in wanted or wanted in quoted for wanted in map(_folded, record.gold.evidence) if wanted
        )
    return source.document in record.gold.documents


def _folded(text: str) -> str:
    """Without blanks and case, which cleaning and joining may change."""
    return "".join(text.split()).casefold()
