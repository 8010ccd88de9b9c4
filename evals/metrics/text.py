"""An answer's words compared with expected ones: EM, F1, ROUGE-L, and the counts behind BLEU.

English by SQuAD's official script (Rajpurkar et al. 2016; v2.0: 2018), Chinese by that of CMRC 2018
(Cui et al. 2019), evidence by that of ExpMRC (Cui et al. 2022); the larger of several references counts.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from nltk.tokenize import word_tokenize
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU

_REMEMBERED = 65_536  # comparisons: a breakdown by language or domain looks at the same answers again
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
_HAN = re.compile("[\u4e00-\u9fa5]")  # the range of CMRC's script
# CMRC's list has the ellipsis as a pair, which equals no single character: it stays, there and here.
_CMRC_PUNCTUATION = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_EXPMRC_DROPPED = frozenset({"a", "an", "the", *string.punctuation, *_CMRC_PUNCTUATION, "…"})


def is_chinese(language: str) -> bool:
    """Whether a language tag (zh, zh-Hant) asks for comparison by character."""
    return language.split("-", maxsplit=1)[0] == "zh"


def exact_match(answer: str, expected: tuple[str, ...], language: str) -> float:
    """1.0 if the answer equals one that is expected, after normalisation; none expected means "" is."""
    if is_chinese(language):
        return max(float(_cmrc_plain(answer) == _cmrc_plain(item)) for item in expected or ("",))
    return max(float(normalise(answer) == normalise(item)) for item in _squad_expected(expected))


@lru_cache(_REMEMBERED)
def f1(answer: str, expected: tuple[str, ...], language: str) -> float:
    """The best F1 over the expected answers; where none is expected 1.0 for "" and else 0.0."""
    if is_chinese(language):
        return max((_cmrc_f1(answer, item) for item in expected), default=float(not answer.strip()))
    said = normalise(answer).split()
    return max(_bag_f1(said, normalise(item).split()) for item in _squad_expected(expected))


def evidence_f1(cited: str, evidence: Sequence[str]) -> float:
    """ExpMRC's evidence F1: a bag of words and Han characters, best over the annotated evidences."""
    said = _expmrc_tokens(cited)
    return max(_bag_f1(said, _expmrc_tokens(item)) for item in evidence)


@lru_cache(_REMEMBERED)
def rouge_l(answer: str, expected: tuple[str, ...], language: str) -> float:
    """ROUGE-L's F (Lin 2004) by rouge-score, stemmed; Chinese by character; best over references."""
    return float(_rouge(is_chinese(language)).score_multi(list(expected), answer)["rougeL"].fmeasure)


@dataclass(frozen=True, slots=True)
class BleuCounts:
    """What one answer adds to a corpus' BLEU: matching and all n-grams by order from 1 to 4, and lengths."""

    matching: tuple[int, ...]
    total: tuple[int, ...]
    answer_length: int
    reference_length: int


@lru_cache(_REMEMBERED)
def bleu_counts(answer: str, expected: tuple[str, ...], language: str) -> BleuCounts:
    """sacrebleu's counts for one answer; its `zh` tokenizer for Chinese, `13a` for the rest."""
    score = _bleu(is_chinese(language)).sentence_score(answer, list(expected))
    return BleuCounts(tuple(score.counts), tuple(score.totals), score.sys_len, score.ref_len)


def corpus_bleu(
    matching: Sequence[float], total: Sequence[float], answer_length: float, reference_length: float
) -> float:
    """BLEU from 0 to 100 of summed counts, smoothed as in sacrebleu's `corpus_bleu`."""
    score = BLEU.compute_bleu(
        [int(item) for item in matching],
        [int(item) for item in total],
        int(answer_length),
        int(reference_length),
        smooth_method="exp",
    )
    return float(score.score)


def normalise(text: str) -> str:
    """SQuAD's normal form: lower case, without ASCII punctuation and articles, single blanks."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split())


def mixed_segments(text: str, *, is_separate: Callable[[str], bool]) -> Iterator[str]:
    """Each character for which `is_separate` holds by itself, and NLTK's words of what is between."""
    between = ""
    for character in text:
        if is_separate(character):
            yield from _words(between)
            between = ""
            yield character
        else:
            between += character
    yield from _words(between)


def _words(text: str) -> list[str]:
    """NLTK's words of a text taken as one line: its sentence splitter needs a model from the network."""
    return list(word_tokenize(text, preserve_line=True)) if text.strip() else []


def _is_han_or_mark(character: str) -> bool:
    return character in _CMRC_PUNCTUATION or bool(_HAN.match(character))


def _squad_expected(expected: Sequence[str]) -> Sequence[str]:
    """SQuAD 2.0 leaves out expected answers that normalise to nothing; if none is left, "" is expected."""
    return [item for item in expected if normalise(item)] or [""]


def _bag_f1(said: Sequence[str], expected: Sequence[str]) -> float:
    if not said or not expected:
        return float(said == expected)
    common = (Counter(said) & Counter(expected)).total()
    return 2 * common / (len(said) + len(expected))


def _cmrc_plain(text: str) -> str:
    return "".join(item for item in text.lower().strip() if item not in _CMRC_PUNCTUATION)


def _cmrc_f1(answer: str, expected: str) -> float:
    """F1 of the longest common run of tokens (a substring, not a subsequence, in the official script)."""
    said, wanted = _cmrc_tokens(answer), _cmrc_tokens(expected)
    common = longest_common_run(said, wanted)
    return 2 * common / (len(said) + len(wanted)) if common else 0.0


def _cmrc_tokens(text: str) -> list[str]:
    """Punctuation goes first, so that what it divided becomes one word, as in the script."""
    return list(mixed_segments(_cmrc_plain(text), is_separate=_is_han_or_mark))


def longest_common_run(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest run of tokens that both have."""
    longest = 0
    ending_here = [0] * (len(second) + 1)
    for token in first:
        previous = ending_here
        ending_here = [0] * (len(second) + 1)
        for place, other in enumerate(second, start=1):
            if token == other:
                ending_here[place] = previous[place - 1] + 1
                longest = max(longest, ending_here[place])
    return longest


def _expmrc_tokens(text: str) -> list[str]:
    """As in the script, articles go before the case does: one that begins a sentence stays."""
    segments = mixed_segments(text.strip(), is_separate=_is_han_or_mark)
    return [item.lower() for item in segments if item not in _EXPMRC_DROPPED]


class _Characters:
    """A tokenizer for rouge-score, whose own drops all that is not a Latin letter or a digit."""

    def tokenize(self, text: str) -> list[str]:
        """Han characters one by one, Latin words whole, without punctuation."""
        return _expmrc_tokens(text.lower())


@cache
def _rouge(by_character: bool) -> RougeScorer:
    return RougeScorer(["rougeL"], use_stemmer=True, tokenizer=_Characters() if by_character else None)


@cache
def _bleu(by_character: bool) -> BLEU:
    # Effective order changes the score of one sentence, not its counts; without it sacrebleu warns.
    return BLEU(tokenize="zh" if by_character else "13a", effective_order=True)
