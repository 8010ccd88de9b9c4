"""Whether a proposed answer is right, from its record alone; each suite's header says which rule counts."""

from evals.records import Place, Record

SPAN = "an annotated gold span lies inside a cited sentence of the gold document"
DOCUMENT = "a cited sentence comes from a gold document"


def is_correct(record: Record) -> bool:
    """Whether what was proposed is right, whether or not it was shown.

    An answer to an unanswerable question is wrong. With gold marks or answers the gold span must lie inside
    a quotation; with gold documents alone, a quotation must come from one of them; with a label, it must have
    been predicted.
    """
    if record.error or not record.is_answerable:
        return False
    if record.gold.label:
        return record.predicted == record.gold.label
    if record.gold.marks or record.gold.answers:
        return any(_is_cited(place, record) for place in record.gold_places)
    return any(
        source.document in record.gold.documents
        for sentence in record.sentences
        for source in sentence.sources
    )


def _is_cited(place: Place, record: Record) -> bool:
    return any(
        source.document == place.document and source.start <= place.start and place.end <= source.end
        for sentence in record.sentences
        for source in sentence.sources
    )
