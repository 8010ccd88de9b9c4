"""Records made up for the tests of metrics."""

from dataclasses import replace

from evals.questions import Gold
from evals.records import CitedSentence, CitedSource, Place, Record


def made(name: str = "q", answer: str = "", expected: tuple[str, ...] = (), language: str = "en") -> Record:
    """An answered question with expected answers; nothing is cited."""
    return Record(
        name,
        "what?",
        language,
        "general",
        group=name,
        is_test=True,
        is_answerable=True,
        gold=Gold(answers=expected),
        status="answered" if answer else "abstained",
        answer=answer,
    )


def judged_as(name: str, confidence: float, is_right: bool, *, status: str = "answered") -> Record:
    """A question whose proposal is right or wrong, by its label."""
    return replace(
        made(name),
        gold=Gold(label="A"),
        predicted="A" if is_right else "B",
        confidence=confidence,
        status=status,
    )


def unanswerable(name: str, confidence: float, status: str = "abstained") -> Record:
    """A question without an answer."""
    return replace(made(name), is_answerable=False, confidence=confidence, status=status)


def source(
    document: str, start: int, end: int, text: str = "text", *, is_verbatim: bool = True
) -> CitedSource:
    """A quotation."""
    return CitedSource(document, start, end, text, is_verbatim)


def cited(*sentences: CitedSentence, gold: Gold, places: tuple[Place, ...] = ()) -> Record:
    """An answered question whose sentences are given."""
    text = " ".join(sentence.text for sentence in sentences)
    return replace(made(answer=text), gold=gold, gold_places=places, sentences=sentences)
