"""Numbers, dates and units of a sentence, and others that could as well stand in their place."""

import random
import re
from collections.abc import Iterator, Sequence

from evals.altered_words import Edit

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.,/\[#§-])(?:[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)"
    r"(?![A-Za-z0-9_/\]]|[.,][0-9]|-[0-9A-Za-z])"
)
_NUMBERING = re.compile(r"\s*\(?[0-9.]+[.)、．]")
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905
_MONTH = re.compile(rf"\b(?:{'|'.join(_MONTHS)})(?=,? [0-9])|(?<=[0-9] )(?:{'|'.join(_MONTHS)})\b"
                    rf"|(?<=[Ii]n )(?:{'|'.join(_MONTHS)})\b")  # fmt: skip
_DAY = re.compile(rf"\b(?:{'|'.join(_DAYS)})\b")
_WORDS = {
    2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten",
    12: "twelve", 15: "fifteen", 20: "twenty", 30: "thirty", 45: "forty-five", 60: "sixty", 90: "ninety",
}  # fmt: skip
_VALUES = {word: value for value, word in _WORDS.items()}
_WORD = re.compile(
    rf"(?<![\w-])(?P<word>{'|'.join(sorted(_VALUES, key=len, reverse=True))})(?![\w-])"
    r"(?P<repeated>\s*\((?P<digits>[0-9]+)\))?",
    re.IGNORECASE,
)
_UNIT_GROUPS = (
    ("second", "minute", "hour", "day", "week", "month", "year"),
    ("seconds", "minutes", "hours", "days", "weeks", "months", "years"),
    ("µg", "mcg", "mg", "g", "kg"),
    ("ng/ml", "µg/ml", "mg/ml", "mg/dl"),
    ("ml", "l"),
    ("mm", "cm", "m", "km"),
    ("feet", "metres", "yards"),
    ("meters", "kilometers", "miles", "inches"),
    ("thousand", "million", "billion"),
    ("percent", "per thousand"),
    ("kb", "MB", "GB"),
)
_UNITS = {unit: group for group in _UNIT_GROUPS for unit in group}
_ANY_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_UNIT = re.compile(rf"(?<=[0-9)] )(?:{_ANY_UNIT})(?![\w/])|(?<=[0-9])(?:{_ANY_UNIT})(?![\w/])")
_UNIT_AFTER_WORD = re.compile(
    rf"(?:{'|'.join(_VALUES)}|several|few|calendar|business) (?P<unit>{_ANY_UNIT})(?![\w/])", re.IGNORECASE
)

_HAN = "零一二三四五六七八九"
_CHINESE_NUMERAL = re.compile(
    r"(?<![第零〇一二三四五六七八九十百千两之])[一二两三四五六七八九十]{1,3}"
    r"(?=[个年月日天周万亿元倍次人名岁米部所座届级种位隻個歲萬億間條条家支场場枚]|小时|分之|公里)"
)
_CHINESE_UNIT_GROUPS = (
    ("小时", "日", "天", "周", "个月", "年"),
    ("個月", "年", "天"),
    ("万元", "元", "亿元"),
    ("公里", "米", "厘米", "千米"),
    ("公斤", "克", "吨", "毫克"),
    ("万人", "人"),
    ("平方公里", "平方米"),
    ("公顷", "亩"),
    ("分钟", "小时", "秒"),
    ("％", "‰"),
    ("公尺", "公里", "公分"),
    ("萬人", "人"),
    ("公頃", "平方公尺"),
)
_CHINESE_UNITS: dict[str, set[str]] = {}
for _group in _CHINESE_UNIT_GROUPS:
    for _name in _group:
        _CHINESE_UNITS.setdefault(_name, set()).update(_group)
_CHINESE_UNIT = re.compile(
    r"(?<=[0-9一二两三四五六七八九十百千半])"
    rf"(?:{'|'.join(sorted(map(re.escape, _CHINESE_UNITS), key=len, reverse=True))})"
    r"(?![代级份度月0-9一二三四五六七八九十们間间])"
)
_CHINESE_MONTH = re.compile(r"(?<![0-9])[0-9]{1,2}(?=月)|(?<=月)[0-9]{1,2}(?=日)")
_TRADITIONAL = re.compile("[個萬國為學於會時後來這發與對頃]")
_YEAR = re.compile(r"(?:1[0-9]|20)[0-9]{2}")


def is_year(number: str) -> bool:
    """Whether digits look like a year of the last thousand."""
    return _YEAR.fullmatch(number) is not None


def numbers(sentence: str, language: str, others: Sequence[str], source: random.Random) -> Iterator[Edit]:
    """Every number that is no year, changed: half of them to another number of `others` of the same kind."""
    own = set(_NUMBER.findall(sentence))
    pool = sorted({number for text in others for number in _NUMBER.findall(text)} - own)
    for found in _found_numbers(sentence):
        if not _is_date(sentence, found):
            alike = [number for number in pool if _is_like(number, found[0])]
            if alike and source.random() < 0.5:
                yield Edit(found.start(), found.end(), source.choice(alike))
            else:
                is_share = sentence[found.end() :].lstrip().startswith(("%", "％", "percent"))
                yield Edit(found.start(), found.end(), _changed(found[0], source, is_share=is_share))
    if language == "zh":
        yield from _chinese_numerals(sentence, source)
    else:
        yield from _number_words(sentence, source)


def dates(sentence: str, language: str, others: Sequence[str], source: random.Random) -> Iterator[Edit]:
    """Every year, month and day of the week, changed to another one."""
    years = {number for text in others for number in _NUMBER.findall(text) if is_year(number)}
    strange = sorted(years - set(_NUMBER.findall(sentence)))
    for found in _found_numbers(sentence):
        if language == "en" and _is_date(sentence, found) and len(found[0]) <= 2:
            yield Edit(found.start(), found.end(), _another(int(found[0]), 28, source))
        if is_year(found[0]):
            away = str(int(found[0]) + source.choice([-1, 1]) * source.randint(1, 12))
            yield Edit(found.start(), found.end(), source.choice(strange) if strange and source.random() < 0.5 else away)  # noqa: E501  # fmt: skip
    if language == "zh":
        for found in _CHINESE_MONTH.finditer(sentence):
            most = 12 if sentence[found.end()] == "月" else 28
            yield Edit(found.start(), found.end(), _another(int(found[0]), most, source))
        return
    for pattern, names in ((_MONTH, _MONTHS), (_DAY, _DAYS)):
        for found in pattern.finditer(sentence):
            yield Edit(
                found.start(), found.end(), source.choice([name for name in names if name != found[0]])
            )


def units(sentence: str, language: str, source: random.Random) -> Iterator[Edit]:
    """Every unit behind a number, changed to another of its kind."""
    if language == "zh":
        for found in _CHINESE_UNIT.finditer(sentence):
            if not (found[0] in "年日" and re.search(r"[0-9]{4}$|月[0-9]+$", sentence[: found.start()])):
                is_traditional = _TRADITIONAL.search(sentence) is not None
                others = [
                    unit
                    for unit in sorted(_CHINESE_UNITS[found[0]] - _same_unit(found[0]))
                    if not re.search("[个万顷]" if is_traditional else "[個萬頃]", unit)
                ]
                if others:
                    yield Edit(found.start(), found.end(), source.choice(others))
        return
    for found in _UNIT.finditer(sentence):
        yield Edit(found.start(), found.end(), _other_unit(found[0], source))
    for found in _UNIT_AFTER_WORD.finditer(sentence):
        unit = found["unit"]
        if unit in _UNITS:
            yield Edit(found.start("unit"), found.end("unit"), _other_unit(unit, source))


def _same_unit(unit: str) -> set[str]:
    return {"日", "天"} if unit in {"日", "天"} else {"公里", "千米"} if unit in {"公里", "千米"} else {unit}


def _other_unit(unit: str, source: random.Random) -> str:
    alike = {"µg", "mcg"} if unit in {"µg", "mcg"} else {unit}
    return source.choice([other for other in _UNITS[unit] if other not in alike])


def _found_numbers(sentence: str) -> Iterator[re.Match[str]]:
    """The numbers in digits, without the numbering that a sentence opens with and the 30 of "thirty (30)"."""
    numbering = _NUMBERING.match(sentence)
    repeated = {found.start("digits") for found in _WORD.finditer(sentence)}
    for found in _NUMBER.finditer(sentence, numbering.end() if numbering else 0):
        if found.start() not in repeated:
            yield found


def _is_date(sentence: str, found: re.Match[str]) -> bool:
    """Whether a number is a year, or the day or month of a date: "30日内" is a duration."""
    before, after = sentence[: found.start()], sentence[found.end() :]
    if after.startswith("月") or (after.startswith("日") and before.endswith("月")):
        return True
    if re.search(rf"(?:{'|'.join(_MONTHS)}) $", before) or re.match(rf" (?:{'|'.join(_MONTHS)})\b", after):
        return True
    return is_year(found[0])


def _is_like(number: str, model: str) -> bool:
    """Whether two numbers could stand for one another: as long, both with decimals or both without."""
    if is_year(number) != is_year(model):
        return False
    return ("." in number) == ("." in model) and abs(len(number) - len(model)) <= 1


def _changed(number: str, source: random.Random, *, is_share: bool) -> str:
    """Another number, written as this one is."""
    plain = number.replace(",", "")
    if "." in plain or len(plain) > 4 or plain.startswith("0"):
        return _with_another_digit(number, source)
    value = int(plain)
    if is_share:
        return str(source.choice([share for share in range(2, 100) if abs(share - value) > 1]))
    near = value + source.choice([-1, 1]) * source.randint(1, max(1, value // 2))
    changed = source.choice([near, value * 2, value * 10, value + source.randint(1, max(2, value))])
    changed = changed if changed > 0 and changed != value else value + 1
    return f"{changed:,}" if "," in number else str(changed)


def _with_another_digit(number: str, source: random.Random) -> str:
    places = [place for place, character in enumerate(number) if character.isdigit()]
    place = source.choice(places[:3])
    digits = [digit for digit in "123456789" if digit != number[place]]
    return number[:place] + source.choice(digits) + number[place + 1 :]


def _number_words(sentence: str, source: random.Random) -> Iterator[Edit]:
    """ "thirty (30)" becomes "sixty (60)", "two" becomes "five"."""
    for found in _WORD.finditer(sentence):
        value = _VALUES[found["word"].casefold()]
        other = source.choice([v for v in _WORDS if v != value and (v < 10) == (value < 10)])
        word = _WORDS[other]
        word = (
            word.upper()
            if found["word"].isupper()
            else word.capitalize()
            if found["word"][0].isupper()
            else word
        )
        yield Edit(found.start(), found.end(), f"{word} ({other})" if found["repeated"] else word)


def _another(value: int, most: int, source: random.Random) -> str:
    return str(source.choice([other for other in range(1, most + 1) if other != value]))


def han_numeral(value: int) -> str:
    """1 to 99 in Chinese characters."""
    tens, ones = divmod(value, 10)
    return ("" if tens < 2 else _HAN[tens]) + ("十" if tens else "") + (_HAN[ones] if ones else "")


HAN_VALUES = {han_numeral(value): value for value in range(1, 100)} | {"两": 2}


def _chinese_numerals(sentence: str, source: random.Random) -> Iterator[Edit]:
    for found in _CHINESE_NUMERAL.finditer(sentence):
        value = HAN_VALUES.get(found[0])
        following = sentence[found.end()]
        if value is None or (value == 1 and following in "个次种位名条家條個"):
            continue  # "一个" is an article
        most = 12 if following == "月" else 9 if value < 10 else 60
        choices = [other for other in range(1, most + 1) if other != value and (other > 1 or value < 10)]
        yield Edit(found.start(), found.end(), han_numeral(source.choice(choices)))
