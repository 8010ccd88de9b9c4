"""Which of the weighed sentences make the answer, how many, and in what order they are read."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.domain import Span
from rag.evidence_candidates import Candidate
from rag.tokens import index_tokens

SAME_WORDING = 0.8  # share of the smaller one's tokens from which two sentences say the same

MAXIMUM_SENTENCES = 3  # without a reader
FOLLOWER_DISTANCE = 0.1  # a further sentence may be this much weaker than the best one

# With a reader. Set by hand: NARROW_SHARE, SEVERAL_ASKED; measured (docs/measurements-answers.md): ONE_ASKED.
NARROW_SHARE = 0.9  # of a stretch's reading, that a shorter one within it must have to stand for it


@dataclass(frozen=True, slots=True)
class Following:
    """How many sentences there are at most, and what those after the first must have.

    `distance`: how much weaker than the first one may be; `reading`: the least share of the first's reading.
    """

    most: int
    distance: float
    reading: float


ONE_ASKED = Following(most=2, distance=0.15, reading=0.1)
SEVERAL_ASKED = Following(most=5, distance=0.25, reading=0.15)


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its strength, its score, what they come from, and the words in it that answer.

    `parts` has its reading for each part of the question; () where that was asked as a whole.
    """

    candidate: Candidate
    strength: float
    score: float
    coverage: float
    meaning: float
    reading: float = 0.0
    focus: Span | None = None
    parts: tuple[float, ...] = ()

    @property
    def place(self) -> tuple[int, Span]:
        """The document and the stretch of it."""
        return self.candidate.hit.chunk.document.id, self.candidate.span

    def reading_for(self, part: int | None) -> float:
        """Its reading for one part of the question, or for the whole of it."""
        return self.reading if part is None else self.parts[part]


def choose_by_words(scored: Sequence[Scored]) -> list[Scored]:
    """The strongest and those near it that say something else; none where no word or meaning is shared."""
    chosen: list[Scored] = []
    for item in scored:
        is_near = item.strength >= scored[0].strength - FOLLOWER_DISTANCE
        if len(chosen) == MAXIMUM_SENTENCES or not is_near or item.strength <= 0:
            break
        if all(_overlap(item.candidate, other.candidate) < SAME_WORDING for other in chosen):
            chosen.append(item)
    return chosen


def choose_by_reading(
    scored: Sequence[Scored], *, asks_for_several: bool, parts: Sequence[int] = ()
) -> list[Scored]:
    """The strongest, or the one that reads best for each of `parts`, and what must be said beside it.

    One sentence answers a question that asks for one thing, unless a second is nearly as strong and says
    another; where several are asked for, there may be five. Of stretches that lie in one another the
    shortest that holds the answer is taken, or where several things are asked for, the whole list.
    """
    if not scored or scored[0].strength <= 0:
        return []
    following = SEVERAL_ASKED if asks_for_several else ONE_ASKED
    chosen: list[Scored] = []
    for part, item in _firsts(scored, parts):
        fitting = _whole_list(item, scored) if asks_for_several else _narrowest(item, scored, part)
        if all(fitting.place != other.place for other in chosen):
            chosen.append(fitting)
    if parts and not asks_for_several:
        return chosen
    first = chosen[0]
    for item in scored:
        if len(chosen) >= following.most or item.strength < first.strength - following.distance:
            break
        is_read = item.reading >= following.reading * first.reading
        if is_read and item.strength > 0 and all(_says_another_thing(item, other) for other in chosen):
            chosen.append(item)
    return chosen


def by_found_document(chosen: Sequence[Scored]) -> list[Scored]:
    """Sentences of one document together and in its order, the document found best first."""
    return _grouped(chosen, [item.candidate.hit.rank for item in chosen])


def by_answering_document(chosen: Sequence[Scored]) -> list[Scored]:
    """Sentences of one document together and in its order, the document chosen from first going first."""
    return _grouped(chosen, range(len(chosen)))


def _grouped(chosen: Sequence[Scored], places: Sequence[int]) -> list[Scored]:
    best: dict[int, int] = {}
    for item, place in zip(chosen, places, strict=True):
        document = item.candidate.hit.chunk.document.id
        best[document] = min(place, best.get(document, place))
    return sorted(
        chosen,
        key=lambda item: (best[item.candidate.hit.chunk.document.id], item.candidate.span.start),
    )


def _firsts(scored: Sequence[Scored], parts: Sequence[int]) -> list[tuple[int | None, Scored]]:
    """The likeliest for each part, of equal ones the strongest; the strongest of all where none is read."""
    best = ((part, max(scored, key=lambda item: (item.parts[part], item.strength))) for part in parts)
    return [(part, item) for part, item in best if item.parts[part] > 0] or [(None, scored[0])]


def _narrowest(best: Scored, scored: Sequence[Scored], part: int | None) -> Scored:
    """The shortest stretch within the best one that holds as good as all of its answer."""
    least = NARROW_SHARE * best.reading_for(part)
    inner = [item for item in scored if _lies_in(item, best) and item.reading_for(part) >= least > 0]
    return min(inner, key=_length, default=best)


def _whole_list(best: Scored, scored: Sequence[Scored]) -> Scored:
    return max((item for item in scored if _lies_in(best, item)), key=_length, default=best)


def _length(item: Scored) -> int:
    return item.candidate.span.end - item.candidate.span.start


def _lies_in(inner: Scored, outer: Scored) -> bool:
    """Whether a stretch is a part of another one of its chunk."""
    is_same_chunk = inner.candidate.hit.chunk.id == outer.candidate.hit.chunk.id
    one, other = inner.candidate.span, outer.candidate.span
    return is_same_chunk and one != other and other.start <= one.start and one.end <= other.end


def _says_another_thing(item: Scored, other: Scored) -> bool:
    """Whether neither the wording nor the words that answer are the same."""
    if _overlap(item.candidate, other.candidate) >= SAME_WORDING:
        return False
    one, two = _focus_tokens(item), _focus_tokens(other)
    return not (one and two) or not (one <= two or two <= one)


def _focus_tokens(item: Scored) -> frozenset[str]:
    if item.focus is None:
        return frozenset()
    focus = item.focus.moved(-item.candidate.span.start)
    return frozenset(index_tokens(focus.of(item.candidate.text)))


def _overlap(one: Candidate, other: Candidate) -> float:
    smaller = min(len(one.tokens), len(other.tokens))
    return len(one.tokens & other.tokens) / smaller if smaller else 1.0
