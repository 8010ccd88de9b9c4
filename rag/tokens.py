"""Text becomes the terms that chunks are indexed by and questions are looked up with.

Scripts with spaces: words, stemmed as English, without accents. A compound ("covid-19", "response_model",
"10.27") gives its parts, and with a digit in it also the whole ("covid19", "10.27"); a word that mixes
letters and digits gives those runs too: COVID-19, COVID19 and "covid 19" meet.
Scripts without spaces: single characters, pairs of neighbours and, for Chinese, dictionary words.

Limits: other languages than English are stemmed by English rules; Traditional and Simplified Chinese do not
match each other; a Greek letter does not match its name.
"""

import re
import threading
import unicodedata
from functools import lru_cache

import Stemmer

from rag.jieba_dictionary import jieba_dictionary

RECIPE = "1"
"""Raise it whenever the tokens of some text change: an index made by another recipe is rebuilt."""

LONGEST_TOKEN = 64  # characters; what is longer is encoded data, of which the beginning will do

_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_UNSPACED = _HAN + "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u309f\u30a1-\u30ff\uac00-\ud7af"
_JOINERS = "-‐‑–./_:'’"
_RUN = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|[^\W_{_UNSPACED}]+(?:[{_JOINERS}]+[^\W_{_UNSPACED}]+)*")
_HAN_OR_OTHER = re.compile(rf"(?P<han>[{_HAN}]+)|[^{_HAN}]+")
_STARTS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_CONTRACTION = re.compile(r"['’](?:s|t|d|m|ll|re|ve)$")
_JOINER = re.compile(rf"[{_JOINERS}]+")
_LETTERS_OR_DIGITS = re.compile(r"\d+|[^\W\d]+")
_GROUPED_DIGITS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_CLAUSE = re.compile(
    r"第\s*([〇零一二三四五六七八九十百千两\d]{1,9})\s*([条條章节節款项項编編])(?:之([一二三四五六七八九十\d]{1,3}))?"
)
_SIMPLIFIED_UNIT = {"條": "条", "節": "节", "項": "项", "編": "编"}
_NUMERALS = {character: value for value, character in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_MULTIPLIERS = {"十": 10, "百": 100, "千": 1000}

_QUESTION_WORDS = frozenset(  # a block of words reads better than a list of strings
    """a about an and any are aren as at be been being between by can could did didn do does doesn don during
    for from had has have how i if in into is isn it its many me much my of on or our please should tell than
    that the their them then there these they this those to us was wasn we were what when where which who
    whom whose why will with would you your""".split()  # noqa: SIM905 (see above)
)
# Dropped only where a question opens with them ("List the ..."): elsewhere they carry meaning.
_OPENERS = frozenset(
    ("define", "describe", "explain", "give", "list", "name", "provide", "show", "summarize", "summarise")
)
_CHINESE_QUESTION_WORDS = frozenset(
    """的 了 吗 嗎 呢 吧 啊 是 我 你 您 他 她 我们 我們 什么 什麼 怎么 怎麼 怎样 怎樣 怎么办 怎麼辦
    如何 为什么 為什麼 哪些 哪 哪里 哪裡 谁 誰 多少 是否 请问 請問 有 在 和 与 與 或 还是 還是
    就 都 也 要 会 會 能 可以 应该 應該 该 該""".split()  # noqa: SIM905 (see above)
)
_stemmers = threading.local()  # a PyStemmer object may not be shared by threads


def index_tokens(text: str) -> list[str]:
    """Every token of a stored text, in order of appearance, repeats kept."""
    tokens: list[str] = []
    for run, is_unspaced in _runs(text):
        tokens += _unspaced_tokens(run, frozenset()) if is_unspaced else _spaced_tokens(run)
    return tokens + _clause_numbers(text)


def question_tokens(text: str) -> list[str]:
    """The tokens worth looking up: as `index_tokens` without question words, unless only those were asked.

    A word typed in capitals is kept, so that WHO, IT and US are not taken for pronouns.
    """
    tokens: list[str] = []
    runs = _runs(text)
    words = [run for run, is_unspaced in runs if not is_unspaced]
    is_shouted = len(words) > 2 and all(word.isupper() for word in words)
    for position, (run, is_unspaced) in enumerate(runs):
        if is_unspaced:
            tokens += _unspaced_tokens(run, _CHINESE_QUESTION_WORDS)
        elif not _is_question_word(run, position, is_shouted):
            tokens += _spaced_tokens(run)
    return tokens + _clause_numbers(text) or index_tokens(text)


def is_unspaced(token: str) -> bool:
    """Whether a token comes from a script that writes no spaces between words."""
    return _STARTS_UNSPACED.match(token) is not None


def _runs(text: str) -> list[tuple[str, bool]]:
    """Words as typed, and stretches of an unspaced script (marked True), in order."""
    normal = unicodedata.normalize("NFKC", text).replace("§", " section ")
    normal = _GROUPED_DIGITS.sub("", normal)
    return [(match[0], match["unspaced"] is not None) for match in _RUN.finditer(normal)]


def _is_question_word(word: str, position: int, is_shouted: bool) -> bool:
    if len(word) > 1 and word.isupper() and not is_shouted:
        return False
    bare = _CONTRACTION.sub("", word.casefold())
    return bare in _QUESTION_WORDS or (position == 0 and bare in _OPENERS)


@lru_cache(maxsize=100_000)
def _cached_tokens(word: str) -> tuple[str, ...]:
    return _split_and_stemmed(word)


def _spaced_tokens(word: str) -> tuple[str, ...]:
    """As `_split_and_stemmed`, remembered for words of usual length: text repeats its words."""
    return _cached_tokens(word) if len(word) <= LONGEST_TOKEN else _split_and_stemmed(word)


def _split_and_stemmed(word: str) -> tuple[str, ...]:
    """A word's parts, the runs of letters and digits in each, and a compound with digits as a whole."""
    plain = _CONTRACTION.sub("", _without_accents(word.casefold()))
    parts = _JOINER.split(plain)
    tokens = []
    for part in parts:
        tokens.append(_stem(part))
        runs = _LETTERS_OR_DIGITS.findall(part)
        if len(runs) > 1:
            tokens += runs
    if len(parts) > 1 and any(character.isdigit() for character in plain):
        tokens.append(".".join(parts) if all(part.isdecimal() for part in parts) else "".join(parts))
    return tuple(token[:LONGEST_TOKEN] for token in tokens if token)


def _without_accents(word: str) -> str:
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def _stem(word: str) -> str:
    if not word.isalpha():
        return word
    if not hasattr(_stemmers, "english"):
        _stemmers.english = Stemmer.Stemmer("english")
    return str(_stemmers.english.stemWord(word))


def _unspaced_tokens(run: str, dropped_words: frozenset[str]) -> list[str]:
    """Dictionary words of two characters or more, single characters and pairs, less the dropped words.

    A pair that reaches from a dropped word into a kept one is kept: the dictionary's cut may be wrong.
    """
    tokens: list[str] = []
    is_dropped: list[bool] = []
    for word in _words(run):
        drop = word in dropped_words
        is_dropped += [drop] * len(word)
        if len(word) > 1 and not drop:
            tokens.append(word)
    tokens += [character for character, drop in zip(run, is_dropped, strict=True) if not drop]
    for index in range(len(run) - 1):
        if not (is_dropped[index] and is_dropped[index + 1]):
            tokens.append(run[index : index + 2])
    return tokens


def _words(run: str) -> list[str]:
    """A cut of the run: dictionary words where it is Han, single characters elsewhere."""
    words: list[str] = []
    for match in _HAN_OR_OTHER.finditer(run):
        words += jieba_dictionary().cut(match["han"], HMM=False) if match["han"] else match[0]
    return words


def _clause_numbers(text: str) -> list[str]:
    """One token for each clause number, so that 第264条 and 第二百六十四条 meet."""
    tokens = []
    for number, unit, branch in _CLAUSE.findall(unicodedata.normalize("NFKC", text)):
        suffix = f"之{_number(branch)}" if branch else ""
        tokens.append(f"第{_number(number)}{_SIMPLIFIED_UNIT.get(unit, unit)}{suffix}")
    return tokens


def _number(numeral: str) -> int:
    """The value of an Arabic or Chinese numeral: 二百六十四 is 264, 二六四 is 264, 十二 is 12."""
    if numeral.isdecimal():
        return int(numeral)
    if not any(character in _MULTIPLIERS for character in numeral):
        return int("".join(str(_NUMERALS.get(character, character)) for character in numeral))
    total, digit = 0, 0
    for character in numeral:
        if character in _MULTIPLIERS:
            total += (digit or 1) * _MULTIPLIERS[character]
            digit = 0
        else:
            digit = int(_NUMERALS.get(character, character))
    return total + digit
