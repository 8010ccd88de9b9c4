"""Questions made of the text itself, to learn reading from before any labelled question.

Half ask for a span that stands in two sentences or more: one of the sentences, with a question word in place
of the span, is the question, and the passage goes without it. Half ask what is gone from a sentence that was
shortened and garbled, and the passage is whole. For one question in four the passage does not answer: its
sentences that hold the span are cut out, or another passage of the document takes its place.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.domain import Span
from rag.jieba_dictionary import jieba_dictionary
from rag.sentences import sentences
from training.cloze_spans import Candidate, Kind, candidates, question_word
from training.corpora import CorpusPassage
from training.examples import Example, Task

RECURRING_SHARE = 0.6  # of the attempts, of which fewer succeed: about half of what comes out
UNANSWERABLE_SHARE = 0.3  # of the attempts: one in four of what comes out
_ANOTHER_PASSAGE = 0.4  # of the unanswerable ones, where the document has another
_KEPT = 3  # passages of a document that may take another's place
_LEAST_LEFT = {"en": 120, "zh": 40}  # characters of a passage after sentences are cut out
_COUNT_WEIGHTS = (0.4, 0.45, 0.15)  # of one, two and three questions for a passage
_KIND_WEIGHTS = {Kind.NAME: 5.0, Kind.TIME: 3.0, Kind.AMOUNT: 4.0, Kind.QUOTED: 4.0, Kind.TERM: 2.0}
_LONGEST = {"en": 20, "zh": 30}  # words of an English question, characters of a Chinese one
_SHORTEST = {"en": 4, "zh": 6}
_EDGE = ' ,.;:!?()[]"“”‘，。；：！？、（）「」—-…'
_MARKS = re.compile(r"[^\w%$€£《》]+")
_NUMBERING = re.compile(
    r"^(?:第[一二三四五六七八九十百千零〇]+[条條](?:之[一二三四五六七八九十])?\s|（[一二三四五六七八九十]+）|\d+[.、]\s?)"
)
_BEFORE_WHEN = frozenset(("in", "on", "at", "of", "by", "during", "since", "the", "from", "to", "near"))


@dataclass(frozen=True, slots=True)
class _Sentences:
    """A passage and where its sentences stand."""

    passage: CorpusPassage
    language: str
    spans: tuple[Span, ...]

    def holding(self, places: Sequence[Span]) -> list[Span]:
        """The sentences with at least one of the places."""
        return [s for s in self.spans if any(s.start <= place.start < s.end for place in places)]

    def without(self, cut: Sequence[Span]) -> str:
        """The passage as it reads when sentences are cut out."""
        text = self.passage.text
        parts: list[str] = []
        start = 0
        for span in self.spans:
            if span not in cut:
                gap = text[start : span.start]
                joint = "\n" if "\n" in gap else " " if text[span.start - 1 : span.start].isspace() else ""
                parts.append((joint if parts else "") + span.of(text))
            start = span.end if span not in cut else start
        return "".join(parts)


def cloze_examples(passages: Iterable[CorpusPassage], random_source: random.Random) -> Iterator[Example]:
    """One to three questions for each passage that has something to ask for, in the passages' order."""
    earlier: dict[tuple[str, str], list[str]] = defaultdict(list)
    for passage in passages:
        language = "zh" if sum("\u4e00" <= c <= "\u9fff" for c in passage.text) > 20 else "en"
        read = _Sentences(passage, language, tuple(sentences(passage.text, language)))
        others = earlier[passage.source, passage.group]
        yield from _of_passage(read, others, random_source)
        if passage.text not in others:
            others.append(passage.text)
            del others[:-_KEPT]


def _of_passage(read: _Sentences, others: Sequence[str], random_source: random.Random) -> Iterator[Example]:
    by_text: dict[str, list[Candidate]] = defaultdict(list)
    for sentence in read.spans:
        for candidate in candidates(read.passage.text, sentence, read.language):
            by_text[candidate.text].append(candidate)
    for _ in range(random_source.choices((1, 2, 3), _COUNT_WEIGHTS)[0]):
        recurring = random_source.random() < RECURRING_SHARE
        for text in _drawn(by_text, random_source):
            made = _example(read, by_text[text], others, random_source, is_recurring=recurring)
            if made:
                by_text = {t: c for t, c in by_text.items() if t not in text and text not in t}
                yield made
                break


def _drawn(by_text: Mapping[str, Sequence[Candidate]], random_source: random.Random) -> list[str]:
    """The texts of candidates in random order, the likelier kinds of answer first."""
    weighted = [
        (random_source.random() ** (1 / _KIND_WEIGHTS[c[0].kind]), text) for text, c in by_text.items()
    ]
    return [text for _, text in sorted(weighted, reverse=True)]


def _example(
    read: _Sentences,
    same: Sequence[Candidate],
    others: Sequence[str],
    random_source: random.Random,
    *,
    is_recurring: bool,
) -> Example | None:
    """A question for one of the candidates, all of the same text; None where it cannot be asked for so."""
    chosen = random_source.choice(same)
    places = occurrences(chosen.text, read.passage.text)
    holding = read.holding(places)
    asked = read.holding([chosen.span])
    if not places or not asked:
        return None
    if is_recurring and not _recurs(read, asked[0], holding):
        return None
    question = make_question(
        read.passage.text, asked[0], chosen, read.language, random_source, is_recurring=is_recurring
    )
    if not question:
        return None
    text = read.without(asked) if is_recurring else read.passage.text
    if random_source.random() < UNANSWERABLE_SHARE:
        text = _unanswering(read, chosen.text, holding, others, random_source)
    if len(text) < _LEAST_LEFT[read.language]:
        return None
    spans = tuple((span.start, span.end) for span in occurrences(chosen.text, text))
    passage = read.passage
    return Example(
        task=Task.READ,
        language=read.language,
        source=f"cloze_{'recurring' if is_recurring else 'garbled'}/{passage.source}",
        group=passage.group,
        question=question,
        title=passage.title,
        passage=text,
        spans=spans,
        relevance=1.0 if spans else 0.0,
    )


def _recurs(read: _Sentences, asked: Span, holding: Sequence[Span]) -> bool:
    """Whether one to three other sentences hold the span, and one shares two more words with `asked`."""
    others = [sentence for sentence in holding if sentence != asked]
    if not others or len(holding) > 4:
        return False
    text = read.passage.text
    mine = _content(asked.of(text), read.language)
    return any(len(mine & _content(sentence.of(text), read.language)) >= 2 for sentence in others)


def _content(sentence: str, language: str) -> set[str]:
    """What a sentence is about: its longer words, or in Chinese its pairs of characters."""
    if language == "en":
        return {word for word in re.findall(r"\w+", sentence.lower()) if len(word) > 4 or word.isdigit()}
    runs = re.findall(r"[\u4e00-\u9fff]{2,}", sentence)
    return {run[i : i + 2] for run in runs for i in range(len(run) - 1)}


def _unanswering(
    read: _Sentences,
    answer: str,
    holding: Sequence[Span],
    others: Sequence[str],
    random_source: random.Random,
) -> str:
    """A text near the question that does not hold the answer."""
    folded = answer.casefold()
    elsewhere = [text for text in others if folded not in text.casefold()]
    left = read.without(holding)
    if elsewhere and random_source.random() < _ANOTHER_PASSAGE:
        return random_source.choice(elsewhere)
    return left if folded not in left.casefold() else ""


def occurrences(words: str, text: str) -> list[Span]:
    """Where `words` stand in `text` as whole words and whole numbers; between Han characters anywhere."""
    found: list[Span] = []
    start = text.find(words)
    while start >= 0:
        end = start + len(words)
        around = (text[max(start - 2, 0) : start], text[end : end + 2])
        if not (_is_joined(around[0][::-1], words[0]) or _is_joined(around[1], words[-1])):
            found.append(Span(start, end))
        start = text.find(words, end)
    return found


def _is_joined(outside: str, edge: str) -> bool:
    """Whether the characters outside an edge, nearest first, go on with its word or number."""
    if not _is_spaced(edge) or not outside:
        return False
    goes_on = edge.isdigit() and len(outside) == 2 and outside[0] in ".," and outside[1].isdigit()
    return _is_spaced(outside[0]) or goes_on


def _is_spaced(character: str) -> bool:
    return character.isalnum() and not "\u4e00" <= character <= "\u9fff"


def make_question(
    text: str,
    sentence: Span,
    answer: Candidate,
    language: str,
    random_source: random.Random,
    *,
    is_recurring: bool,
) -> str:
    """The sentence as a question for the answer, "" where too little is left or the answer stands in it."""
    left = _units(_NUMBERING.sub("", text[sentence.start : answer.span.start]), language)
    right = _units(text[answer.span.end : sentence.end], language)
    wanted = _wanted(language, random_source, is_recurring)
    left, right = _cropped(left, right, wanted, language, random_source)
    if not is_recurring:
        dropped = random_source.uniform(0.2, 0.3)
        left = [unit for unit in left if random_source.random() > dropped]
        right = [unit for unit in right if random_source.random() > dropped]
    asking = question_word(answer, language, random_source)
    question = _arranged(left, right, asking, language, random_source)
    rest = question.replace(asking, "", 1)
    if not _says_enough(rest, language) or answer.text.casefold() in question.casefold():
        return ""
    return question


def _says_enough(question: str, language: str) -> bool:
    """Whether a question is no shorter than people's, and has two words or more that mean something."""
    if language == "zh":
        characters = [c for c in question if c.isalnum()]
        return len(characters) >= _SHORTEST["zh"] and len(_content(question, language)) >= 4
    return len(question.split()) >= _SHORTEST["en"] - 1 and len(_content(question, language)) >= 2


def _wanted(language: str, random_source: random.Random, is_recurring: bool) -> int:
    """How many words or characters beside the question word."""
    if is_recurring:
        return random_source.randint(8, _LONGEST[language] - 5)
    return random_source.randint(7, 14) if language == "en" else random_source.randint(12, 25)


def _units(part: str, language: str) -> list[str]:
    """The words of an English stretch; the clauses' words of a Chinese one, by jieba."""
    if language == "en":
        return part.split()
    return [word for word in jieba_dictionary().lcut(part) if word.strip()]


def _cropped(
    left: list[str], right: list[str], wanted: int, language: str, random_source: random.Random
) -> tuple[list[str], list[str]]:
    """The units nearest to the gap, at most `wanted` words or characters, more now left and now right."""
    share = random_source.uniform(0.25, 0.75)
    sizes = [1] * len(left) if language == "en" else [len(unit) for unit in left]
    behind = len(right) if language == "en" else sum(map(len, right))
    room = max(share * wanted, wanted - behind)
    kept_left: list[str] = []
    used = 0
    for unit, size in zip(reversed(left), reversed(sizes), strict=True):
        if used + size > room:
            break
        used += size
        kept_left.insert(0, unit)
    kept_right: list[str] = []
    for unit in right:
        used += 1 if language == "en" else len(unit)
        if used > wanted:
            break
        kept_right.append(unit)
    return kept_left, kept_right


def _arranged(
    left: list[str], right: list[str], asking: str, language: str, random_source: random.Random
) -> str:
    """The sides and the question word in an order that questions have, or nearly."""
    if language == "zh":
        sides = ["".join(left).strip(_EDGE), "".join(right).strip(_EDGE)]
        parts = [sides[0], asking, sides[1]] if random_source.random() < 0.7 else [sides[1], sides[0], asking]
        return _MARKS.sub("，", "".join(part for part in parts if part)).strip("，") + "？"
    if asking.startswith(("when", "where")) and left and left[-1].lower() in _BEFORE_WHEN:
        left = left[:-1]
    orders = ([*left, asking, *right], [asking, *right, *left], [asking, *left, *right])
    words = [word.strip(_EDGE) for word in random_source.choices(orders, [4, 3, 3])[0]]
    question = " ".join(word for word in words if word)
    question = question.lower() if random_source.random() < 0.5 else question[:1].upper() + question[1:]
    return question + "?"
