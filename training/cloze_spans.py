"""Stretches of a sentence that could be answers, and the question word that stands for each.

Without a parser or a dictionary of names: capitals, digits and quotation marks tell what can be told, and
the words between function words are taken for terms. Many are no good answers; the labelled questions that
follow in training put that right.
"""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import dropwhile

from rag.domain import Span
from rag.jieba_dictionary import jieba_dictionary


class Kind(StrEnum):
    """What a candidate seems to be."""

    NAME = "name"
    TIME = "time"
    AMOUNT = "amount"
    QUOTED = "quoted"
    TERM = "term"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible answer by its place in the passage; `before` is the word in front of it, "" for none."""

    span: Span
    text: str
    kind: Kind
    before: str


def _words(block: str) -> frozenset[str]:
    return frozenset(block.split())


_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_UNIT = (
    "percent|per cent|million|billion|thousand|years?|months?|weeks?|days?|hours?|minutes?|km|miles?|mg|kg"
)
_NAME_WORD = r"[A-Z][\w'’-]*[\w]|[A-Z]\.?(?=\s[A-Z])"
_OPENERS = (
    "In|On|At|By|From|Since|Until|About|Of|To|For|With|After|Before|During|The|An|And|But|Between|Over|Around"
)
_ENGLISH = re.compile(
    rf"""(?P<quoted>(?<=["“])\w[^"“”\n]{{2,50}}(?=["”]))
    |(?P<time>\b(?:\d{{1,2}}\s)?{_MONTH}\b(?:\s\d{{1,2}}(?!\d))?(?:,?\s[12]\d{{3}}\b)?
        |\b(?:1[5-9]|20)\d\ds?\b(?![.,]\d))
    |(?P<amount>(?<![\w.,])[$€£]?\d[\d,.]*(?:(?<=\d))(?:\s?%|\s(?:{_UNIT})\b)*)
    |(?P<name>\b(?!(?:{_OPENERS})\b)(?:{_NAME_WORD})
        (?:[ ](?:(?:of|the|de|von|van|for|and)[ ]){{0,2}}(?:{_NAME_WORD}|\d{{1,3}}\b(?!\s?[A-Z%]|[.,]\d)))*)
    |(?P<term>\b[a-z][\w'’-]*[\w](?:[ ][a-z][\w'’-]*[\w])*)""",
    re.VERBOSE,
)
_STOP = _words(
    """a about above after again against all along also although always among an and another any are as at
    be became because become been before being below between both but by called came can could did do
    does done down due during each either etc even ever every few first for from further gave get given
    go had has have having he her here hers him his how however i if in include included includes
    including instead into is it its itself just known last later least less like made mainly make many
    may me might more most mostly much must my near nearly neither never no nor not now of off often on
    once one only or other others our out over own part per rather said same second see seen several
    shall she should since so some such take taken than that the their theirs them then there these they
    this those though three through thus to together too took toward two under until up upon us use used
    uses using usually very via was we well went were what when where whether which while who whom whose
    why will with within without would yet you your"""
)
_OPENS_TERM = _words("""a an the of in by for from with as on to and or into called its their his her""")
_PLACE_WORDS = _words("""in at near from to across outside""")
_PERSON = re.compile(r"^(?:President|Dr|Sir|King|Queen|Pope|Prince|Saint|St|Professor|Mr|Mrs|Ms)\b")
_CLASS = re.compile(
    r"(university|college|school|city|river|island|church|museum|company|agreement|act|committee|party|league|"
    r"disease|syndrome|disorder|gene|protein|cancer|virus|infection|drug|treatment|therapy|test|award|band|"
    r"album|film|series|network|program|programme|system|method|law|court|agency|department|country|state|war)$",
    re.IGNORECASE,
)

_HAN = "\u4e00-\u9fff"
_NUMERAL = "[〇零一二三四五六七八九十百千万亿两萬億兩]"
_CHINESE = re.compile(
    rf"""(?P<quoted>《[^《》\n]{{2,25}}》|(?<=[“「『])[^“”「」『』\n]{{2,14}}(?=[”」』]))
    |(?P<time>(?:公元前?)?\d{{1,4}}(?:年代|年)(?!以|的|内|间|多|左|前|后|级)(?:\d{{1,2}}月)?(?:\d{{1,2}}日)?
        |\d{{1,2}}月\d{{1,2}}日|{_NUMERAL}{{1,4}}世纪)
    |(?P<amount>(?<![\d.A-Za-z])\d[\d,.]*(?<=\d)\s?(?:%|％|[万亿千萬億]?[{_HAN}]?(?:平方公里|公里|公斤|公尺|分钟|小时|美元))
        |(?<![\d.A-Za-z])\d[\d,.]*(?<=\d)\s?[万亿萬億]?[元人年月日天倍个個名米吨次座歲岁件家位種种米]
        |(?<![{_NUMERAL[1:-1]}第多数數几幾]){_NUMERAL}+(?:个|個)?(?:工作日|年|月|日|天|倍|万元|元|人|次|周岁|小时)
        |百分之{_NUMERAL}+)
    |(?P<name>[A-Za-z][\w.&'-]*(?:\s[A-Za-z0-9][\w.&'-]*)*)""",
    re.VERBOSE,
)
_CHINESE_STOP = _words(
    """的 了 在 是 和 与 與 及 以及 或 或者 并 並 而 而且 但 但是 也 又 都 就 还 還 已 已经 已經 将 將 把
    被 由 从 從 对 對 对于 對於 于 於 以 为 為 向 到 至 等 这 這 那 该 該 此 其 其中 他 她 它 他们 他們
    之 所 者 不 不得 应 應 应当 應當 可以 可 能 能够 必须 有 没有 沒有 有关 有關 进行 進行 使 使用 因
    因为 因為 由于 由於 如 如果 若 当 當 时 時 后 後 前 中 上 下 内 外 并且 同时 同時 根据 根據 按照
    依照 通过 通過 关于 關於 个 個 一个 一個 一些 一种 一種 各 每 某 本 第 则 則 即 只 曾 曾经 会 會 要
    让 讓 给 給 作为 作為 成为 成為 包括 以上 以下 之一 其他 其它 规定 下列 情形 认为 予以 之后 之後
    之前 属于 屬於 位于 位於 则是 是否 并非 多 很 最 更 较 又称 称为 時期 后来"""
)
_NOUN_TAGS = ("n", "vn", "j", "l", "i", "s", "t", "b", "an")
"""Classes in jieba's dictionary of words that an answer ends with; an unknown word is taken for a name."""
_BEFORE_TERM = _words("""的 在 是 由 为 為 和 与 與 及 对 對 向 于 於 以 被 从 從 到 至 或者 或""")
_SURNAMES = frozenset(
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何高林罗羅郑鄭梁谢謝宋唐许許韩韓冯馮邓鄧曹彭曾萧蕭"
    "田董袁潘蒋蔣蔡余杜叶葉程苏蘇魏吕呂丁任沈姚卢盧姜崔钟鍾谭譚陆陸汪范"
)
_PLACE = re.compile(f"[{_HAN}]{{1,7}}[省市县縣区區州国國岛島山湖河路镇鎮村城港]$")
_CHINESE_CLASS = re.compile(
    "(机关|機關|部门|部門|公司|大学|大學|法院|委员会|委員會|单位|學校|学校|组织|組織|制度|城市|国家|國家|地区|地區)$"
)
_TRADITIONAL = re.compile("[國為與這來時個們開關區學會對於東長]")
_TO_TRADITIONAL = str.maketrans("么谁里个时", "麼誰裡個時")


def candidates(text: str, sentence: Span, language: str) -> list[Candidate]:
    """The possible answers in a sentence of `text`, in no order that matters; some overlap in Chinese."""
    found = _chinese(text, sentence) if language == "zh" else _english(text, sentence)
    limit = 60 if language == "en" else 26
    return [candidate for candidate in found if len(candidate.text) <= limit]


def _english(text: str, sentence: Span) -> Iterator[Candidate]:
    for match in _ENGLISH.finditer(text, sentence.start, sentence.end):
        kind = Kind(match.lastgroup or Kind.TERM)
        before = text[sentence.start : match.start()].split()[-1:]
        word = before[0].strip("(\"'“,").lower() if before else ""
        if kind is Kind.TERM:
            yield from _terms(text, match, word)
        elif kind is Kind.NAME:
            yield from _name(text, match, word)
        elif kind is not Kind.AMOUNT or len(match[0]) > 1:
            yield Candidate(Span(match.start(), match.end()), match[0], kind, word)


def _name(text: str, match: re.Match[str], before: str) -> Iterator[Candidate]:
    """A name without the function words it seems to open with: The, In, However."""
    start = match.start()
    words = match[0].split(" ")
    while words and words[0].lower() in _STOP and not (words[0].isupper() and len(words[0]) > 1):
        start += len(words[0]) + 1
        before = words.pop(0).lower()
    opens_sentence = before == "" and len(words) == 1
    if words and len(" ".join(words)) > 1 and not (opens_sentence and not words[0].isupper()):
        yield Candidate(Span(start, match.end()), text[start : match.end()], Kind.NAME, before)


def _terms(text: str, match: re.Match[str], before: str) -> Iterator[Candidate]:
    """The runs of 1-4 words between function words that seem to open with a determiner or preposition."""
    run: list[re.Match[str]] = []
    for word in [*re.finditer(r"\S+", match[0]), None]:
        if word is not None and word[0] not in _STOP:
            run.append(word)
            continue
        is_noun = bool(run) and len(run[-1][0]) > 3 and not run[-1][0].endswith(("ly", "ed"))
        if is_noun and len(run) <= 4 and before in _OPENS_TERM:
            span = Span(match.start() + run[0].start(), match.start() + run[-1].end())
            yield Candidate(span, span.of(text), Kind.TERM, before)
        run = []
        before = word[0] if word is not None else ""


def _chinese(text: str, sentence: Span) -> Iterator[Candidate]:
    taken: list[Span] = []
    for match in _CHINESE.finditer(text, sentence.start, sentence.end):
        if len(match[0]) > 1:
            taken.append(Span(match.start(), match.end()))
            before = text[max(sentence.start, match.start() - 1) : match.start()]
            yield Candidate(taken[-1], match[0], Kind(match.lastgroup or Kind.NAME), before)
    words = [
        (word, sentence.start + start, sentence.start + end)
        for word, start, end in jieba_dictionary().tokenize(sentence.of(text))
    ]
    for before, content in _runs(words):
        run = list(dropwhile(lambda word: not _is_noun(word[0]), content))
        if not run or len(run) > 4 or not all(_is_noun(word) for word, _, _ in run):
            continue
        span = Span(run[0][1], run[-1][2])
        is_free = not any(span.start < other.end and other.start < span.end for other in taken)
        if is_free and 2 <= span.end - span.start <= 8:
            yield Candidate(span, span.of(text), Kind.TERM, before)


def _runs(words: list[tuple[str, int, int]]) -> Iterator[tuple[str, list[tuple[str, int, int]]]]:
    """The unbroken runs of content words, each with the word in front of it, "" for none."""
    before = ""
    run: list[tuple[str, int, int]] = []
    for word in words:
        if _is_content(word[0]):
            run.append(word)
            continue
        if run:
            yield before, run
        run = []
        before = word[0]
    if run:
        yield before, run


def _is_noun(word: str) -> bool:
    tag = _word_classes().get(word)
    return tag is None or tag.startswith(_NOUN_TAGS)


@cache
def _word_classes() -> Mapping[str, str]:
    """The class of each word in jieba's dictionary; its tagger has tables too, slow to import."""
    with jieba_dictionary().get_dict_file() as lines:
        return {word: tag for word, _, tag in (line.decode().split() for line in lines)}


def _is_content(word: str) -> bool:
    return "\u4e00" <= word[0] <= "\u9fff" and word not in _CHINESE_STOP


def question_word(candidate: Candidate, language: str, random_source: random.Random) -> str:
    """The interrogative that could stand for a candidate."""
    if language == "zh":
        asked = _chinese_question_word(candidate, random_source)
        return asked.translate(_TO_TRADITIONAL) if _TRADITIONAL.search(candidate.text) else asked
    return _english_question_word(candidate, random_source)


def _english_question_word(candidate: Candidate, random_source: random.Random) -> str:
    words = candidate.text
    if candidate.kind is Kind.TIME:
        return random_source.choice(["when", "when", "what year" if words.isdigit() else "when"])
    if candidate.kind is Kind.AMOUNT:
        return _amount_word(words)
    if (named := _CLASS.search(words)) and " " in words and random_source.random() < 0.6:
        return f"{random_source.choice(['what', 'which'])} {named[1].lower()}"
    return _name_word(candidate, random_source) if candidate.kind is Kind.NAME else "what"


def _amount_word(words: str) -> str:
    if words.endswith(("%", "cent")):
        return "what percentage"
    unit = words.rsplit(maxsplit=1)[-1]
    counted = f"how many {unit}" if unit.isalpha() and unit.endswith("s") else "how many"
    return "how much" if words[0] in "$€£" else counted


def _name_word(candidate: Candidate, random_source: random.Random) -> str:
    if _PERSON.match(candidate.text) or (candidate.before == "by" and random_source.random() < 0.7):
        return "who"
    if candidate.before in _PLACE_WORDS and random_source.random() < 0.7:
        return "where"
    return random_source.choices(["what", "who", "which"], [5, 3, 2])[0]


def _chinese_question_word(candidate: Candidate, random_source: random.Random) -> str:
    words = candidate.text
    if candidate.kind is Kind.TIME:
        return random_source.choice(["哪一年" if "年" in words else "哪一天", "什么时候", "何时"])
    if candidate.kind is Kind.AMOUNT:
        return _chinese_amount_word(words)
    if named := _CHINESE_CLASS.search(words):
        return f"{random_source.choice(['哪个', '什么'])}{named[1]}"
    if _PLACE.match(words):
        return random_source.choice(["哪里", "哪里", "什么地方"])
    tag = _word_classes().get(words)
    if tag == "nr" or (tag is None and len(words) in {2, 3} and words[0] in _SURNAMES):
        return "谁"
    return random_source.choice(["什么", "什么", "什么", "哪个"])


def _chinese_amount_word(words: str) -> str:
    unit = re.sub(rf"^(?:\d|[,.\s]|{_NUMERAL})+", "", words)
    if unit == "月":
        return "几月"
    return "多少" if unit in {"%", "％"} or "百分" in words else f"多少{unit}"
