"""A sentence said a little differently, still borne out by its text: facts are dropped, none is changed."""

import random
import re
from collections.abc import Callable, Sequence

from evals.altered_numbers import HAN_VALUES

Rewording = Callable[[str, random.Random], str]
"""The sentence reworded, or as it was where there is nothing to reword."""

LARGEST_SHIFT = {"en": 6, "zh": 2}
"""Characters by which rewording may change the difference of two lengths: "thirty" as 30 does by 4."""

LEAST_KEPT = 0.45  # of the characters: less says too little of the sentence

_SYNONYMS = """approximately=about however,=but due_to=because_of because_of=due_to prior_to=before
in_order_to=to utilize=use commence=begin began=started started=began located=situated purchase=buy
physician=doctor physicians=doctors doctor=physician additional=further for_example=for_instance
such_as=like almost=nearly nearly=almost often=frequently frequently=often typically=usually
usually=typically generally=usually currently=at_present primarily=mainly mainly=primarily many=numerous
numerous=many obtain=get receive=get individuals=people people=persons large=big shall=must must=shall
assist=help in_addition_to=besides as_well_as=and but=yet although=though though=although while=whereas
sufficient=enough attempt=try attempted=tried created=made famous=well-known known_as=called
called=known_as commonly=often symptoms=signs illness=disease disease=illness medication=medicine
medications=medicines children=kids regarding=about concerning=about pursuant_to=under
in_accordance_with=according_to provided_that=if in_the_event_that=if in_the_event_of=in_case_of
until=till near=close_to show=demonstrate shows=demonstrates showed=demonstrated demonstrated=showed
suggest=indicate suggests=indicates found=discovered associated_with=linked_to linked_to=associated_with
results_in=leads_to lead_to=result_in causes=brings_about information=data collect=gather via=through
through=via several=a_number_of entire=whole during=in_the_course_of considered=regarded_as
important=significant significant=considerable enable=allow enables=allows allows=lets ensure=make_sure
immediately=at_once promptly=without_delay notify=inform consent=agreement
written_notice=notice_in_writing build=construct built=constructed constructed=built moved=relocated
remained=stayed died=passed_away wrote=penned won=gained main=principal film=movie movie=film"""

_CHINESE_SYNONYMS = """应当=应 可以=可 或者=或 并且=并 以及=和 但是=但 因为=由于 由于=因为 位于=坐落于
大约=约 目前=现在 现在=目前 成为=成了 出生于=生于 之后=以后 以后=之后 之前=以前 例如=比如 称为=叫做
被称为=叫做 亦=也 曾=曾经 曾经=曾 仅=只 必须=须 依照=按照 按照=依照 根据=依据 依据=根据 没有=未
全部=所有 所有=全部 给予=给 拥有=有 同时=与此同时 因此=所以 而且=并且 共有=一共有 一般=通常 通常=一般
经常=常常 担任=出任 出任=担任 创办=创立 成立=创立 建立=设立 设立=建立 认为=觉得 进行=开展 逝世=去世
去世=逝世 获得=得到 得到=获得 使用=采用 采用=使用 参加=参与 包括=包含 包含=包括 位於=坐落於 大約=約
及其=和它的 成為=成了 擁有=有 獲得=得到 因為=由於 由於=因為 之後=以後 後來=其後 稱為=叫做 曾經=曾
不得=不能 有权=可以 报告=汇报 造成=导致 导致=造成 十分=非常 非常=十分 特别=尤其 很多=许多 许多=很多"""


def _table(entries: str) -> dict[str, str]:
    pairs = (entry.replace("_", " ").split("=") for entry in entries.split())
    return {word: other for word, other in pairs}  # noqa: C416 (each pair is a list of two)


_ENGLISH = _table(_SYNONYMS)
_CHINESE = _table(_CHINESE_SYNONYMS)
_ENGLISH_WORD = re.compile(
    rf"(?<![\w-])(?:{'|'.join(re.escape(word) for word in sorted(_ENGLISH, key=len, reverse=True))})(?![\w-])"
)
_CHINESE_WORD = re.compile("|".join(re.escape(word) for word in sorted(_CHINESE, key=len, reverse=True)))

# What opens a sentence is dropped only where it is no condition: "After termination, ..." stays.
_OPENING = re.compile(
    r"^(?:However|Moreover|Furthermore|In addition|Additionally|Therefore|Thus|Finally|Also|Indeed|Overall"
    r"|For example|As a result|Nevertheless|Meanwhile|In fact|Generally|Typically|In general"
    r"|Notwithstanding the foregoing|(?:In|On|By|Since|During) [^,.;]{0,30}[0-9]{4}), (?=\w)"
)
_BRACKETS = re.compile(r"\s*\((?!except|other|not |exclu|if |unless|provided|without)[^()]{2,80}\)")
_RELATIVE = re.compile(r", (?:which|who|where|whose|including|such as) [^,;()]{6,120},")
_TAIL = re.compile(
    r"(?:, (?:which|who|where)|,? (?:including|such as|as well as|for example)) [^;]{6,}(?=\.$)"
)
_SECOND_HALF = re.compile(r"(?:, (?:and|but|while|whereas|so)|;) [^;]{15,}(?=\.$)")
_CONDITION_FIRST = re.compile(
    r"^(?P<word>If|When|After|Before|Unless|Although|Because|While|Once) (?P<condition>[^,;]{8,90}), "
    r"(?P<main>(?:the|a|an|it|they|he|she|we|you|this|these|any|your|our|such|there)\b[^;,]{8,})\.$"
)
_CONDITION_LAST = re.compile(
    r"^(?P<main>(?:The|A|An|It|They|He|She|We|You|This|These|Any|Your|Our|Such)\b[^;,]{12,}?),? "
    r"(?P<word>if|when|unless|although|because|once) (?P<condition>[^,;]{8,90})\.$"
)
_GROUPED = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
_LONG_NUMBER = re.compile(r"(?<![0-9.,])(?!(?:1[0-9]|20)[0-9]{2}\b)[0-9]{4,7}(?![0-9.,])")
_SMALL = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
          "nine": "9", "ten": "10", "twelve": "12", "twenty": "20", "thirty": "30"}  # fmt: skip
_SMALL_WORD = re.compile(rf"\b(?P<word>{'|'.join(_SMALL)})\b(?P<repeated> \([0-9]+\))?")
_SMALL_DIGIT = re.compile(r"(?<= )(?:[2-9]|10|12)(?= [a-z])")
_CONTRACTED = {"is not": "isn't", "are not": "aren't", "was not": "wasn't", "were not": "weren't",
               "do not": "don't", "does not": "doesn't", "did not": "didn't", "cannot": "can't",
               "can not": "can't", "will not": "won't", "could not": "couldn't", "should not": "shouldn't",
               "would not": "wouldn't", "has not": "hasn't", "have not": "haven't"}  # fmt: skip
_EXPANDED = {short: long for long, short in _CONTRACTED.items() if long != "can not"}
_CONTRACTION = re.compile(rf"\b(?:{'|'.join(_CONTRACTED)})\b|\b(?:{'|'.join(_EXPANDED)})\b")
_CHINESE_OPENING = re.compile(
    r"^(?:因此|但是|但|此外|同时|同時|另外|其中|然而|不过|不過|所以|而且|后来|後來|最后|最後|随后|隨後|不久)[，,]?(?=.{10})"
    r"|^(?:在)?[0-9]{2,4}年[^，。；（]{0,10}，(?=.{12})"
)
_CHINESE_BRACKETS = re.compile(r"（[^（）不除未]{1,40}）|\([^()不除未]{1,40}\)")
_CHINESE_TAIL = re.compile(r"[，；][^，；。]{4,40}(?=。$)")
_CHINESE_CONDITION = re.compile(
    "的，|如果|除|若|只有|只要|不|未|虽|雖|尽管|儘管|无论|即使|以及|应|由|对|在[^，]*，|当"
)
_CHINESE_DIGITS = re.compile(
    r"(?<![第零〇一二三四五六七八九十百千两])[二三四五六七八九十]{1,3}(?=年以|年内|日内|万元|[个天倍次名人岁歲])"
)
_ARABIC_YEAR = re.compile(r"(?:1[0-9]|20)[0-9]{2}(?=年)")
_PERCENT = re.compile(
    r"百分之(?P<numeral>[一二三四五六七八九十]{1,3})(?![百千点點])|(?P<digits>[1-9][0-9]?)[%％]"
)


def reworded(sentence: str, language: str, random_source: random.Random) -> str | None:
    """The sentence after one to three harmless changes; None where none applies or too little would be left.

    The changes are drawn from `random_source` alone: sentences that differ in one fact, given sources in the
    same state, are mostly reworded in the same way.
    """
    ways = list(_WAYS[language])
    random_source.shuffle(ways)
    wanted = random_source.randint(1, 3)
    text = sentence
    for way in ways:
        changed = way(text, random.Random(random_source.random()))  # noqa: S311
        if changed != text and len(changed) >= LEAST_KEPT * len(sentence):
            text = changed
            wanted -= 1
        if not wanted:
            break
    return text if text != sentence else None


def both_reworded(
    sentence: str, other: str, language: str, random_source: random.Random
) -> tuple[str, str] | None:
    """A sentence and its alteration reworded alike; None where either is not, or not alike.

    They are alike when their lengths differ by as much as before: else a change may have dropped the very
    fact that tells them apart.
    """
    seed = random_source.random()
    first, second = (reworded(text, language, random.Random(seed)) for text in (sentence, other))  # noqa: S311
    if first is None or second is None or _plain(first) == _plain(second):
        return None
    shift = (len(second) - len(first)) - (len(other) - len(sentence))
    return (first, second) if abs(shift) <= LARGEST_SHIFT[language] else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".。")


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _without(pattern: re.Pattern[str]) -> Rewording:
    """Drops what the pattern finds first."""
    return lambda text, _: _capitalised(pattern.sub("", text, count=1))


def _without_relative(text: str, _: random.Random) -> str:
    return _RELATIVE.sub("", text, count=1)


def _without_second_half(text: str, _: random.Random) -> str:
    """The first of two main clauses; a comma before it would make the second one part of a list."""
    found = _SECOND_HALF.search(text)
    if not found or "," in text[: found.start()] or re.search(r"(?i)\b(?:if|either|not only|unless)\b", text):
        return text
    return text[: found.start()] + "."


def _condition_moved(text: str, _: random.Random) -> str:
    if found := _CONDITION_FIRST.match(text):
        return f"{_capitalised(found['main'])} {found['word'].lower()} {found['condition']}."
    if found := _CONDITION_LAST.match(text):
        main = found["main"][0].lower() + found["main"][1:]
        return f"{found['word'].capitalize()} {found['condition']}, {main}."
    return text


def _with_synonyms(table: dict[str, str], pattern: re.Pattern[str]) -> Rewording:
    def reword(text: str, source: random.Random) -> str:
        return pattern.sub(lambda found: table[found[0]] if source.random() < 0.6 else found[0], text)

    return reword


def _numbers_written_otherwise(text: str, source: random.Random) -> str:
    """1,000 as 1000 and back, three as 3 and back, "5 %" as "5 percent"."""
    if _GROUPED.search(text):
        return _GROUPED.sub("", text)
    text = _LONG_NUMBER.sub(lambda found: f"{int(found[0]):,}", text)
    text = re.sub(r"(?<=[0-9]) ?%", " percent", text) if "%" in text else text.replace(" percent", "%")
    digits = {digit: word for word, digit in _SMALL.items()}
    if source.random() < 0.5:
        return _SMALL_DIGIT.sub(lambda found: digits[found[0]], text)
    return _SMALL_WORD.sub(lambda found: _SMALL[found["word"]], text)


def _contracted_or_not(text: str, _: random.Random) -> str:
    return _CONTRACTION.sub(lambda found: _CONTRACTED.get(found[0]) or _EXPANDED[found[0]], text)


def _in_other_case(text: str, source: random.Random) -> str:
    """Capitals made small, the end without its mark."""
    if source.random() < 0.3:
        return text.lower()
    return text.rstrip(".。")


def _chinese_without_tail(text: str, _: random.Random) -> str:
    """Without the last clause, where the rest does not lean on it."""
    found = _CHINESE_TAIL.search(text)
    if not found or _CHINESE_CONDITION.search(text) or "，" not in text[: found.start()]:
        return text
    return text[: found.start()] + "。"


def _chinese_numbers_written_otherwise(text: str, source: random.Random) -> str:
    """三年以上 as 3年以上, 百分之五 as 5%, 1998年 as 一九九八年."""
    text = _PERCENT.sub(_percent, text)
    text = _CHINESE_DIGITS.sub(lambda found: str(HAN_VALUES.get(found[0], found[0])), text)
    if source.random() < 0.3:
        text = _ARABIC_YEAR.sub(lambda found: "".join("〇一二三四五六七八九"[int(d)] for d in found[0]), text)
    return text


def _percent(found: re.Match[str]) -> str:
    numerals = {value: numeral for numeral, value in HAN_VALUES.items() if numeral != "两"}
    if found["digits"]:
        return f"百分之{numerals[int(found['digits'])]}"
    value = HAN_VALUES.get(found["numeral"])
    return f"{value}%" if value else found[0]


_WAYS: dict[str, Sequence[Rewording]] = {
    "en": (
        _without(_OPENING),
        _without(_BRACKETS),
        _without_relative,
        _without(_TAIL),
        _without_second_half,
        _condition_moved,
        _with_synonyms(_ENGLISH, _ENGLISH_WORD),
        _numbers_written_otherwise,
        _contracted_or_not,
        _in_other_case,
    ),
    "zh": (
        _without(_CHINESE_OPENING),
        _without(_CHINESE_BRACKETS),
        _chinese_without_tail,
        _with_synonyms(_CHINESE, _CHINESE_WORD),
        _chinese_numbers_written_otherwise,
        _in_other_case,
    ),
}
