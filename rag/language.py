"""Which language a text is written in, judged by its script alone.

Limits, on purpose: every Latin-script language counts as English and every Cyrillic one as Russian, because
nothing downstream treats them apart; Traditional and Simplified Chinese are both "zh"; a Japanese title
written without kana counts as Chinese. Text with no letters is "en".
"""

import unicodedata
from collections import Counter
from functools import cache

DEFAULT_LANGUAGE = "en"
_KANA_SHARE = 0.05  # Chinese prose borrows の; Japanese prose is half kana
_LANGUAGE_OF_SCRIPT = {
    "HANGUL": "ko",
    "CYRILLIC": "ru",
    "ARABIC": "ar",
    "HEBREW": "he",
    "GREEK": "el",
    "THAI": "th",
    "DEVANAGARI": "hi",
}
_SAMPLE_CHARACTERS = 20_000  # enough to settle any document, and bounds the time for a huge one


def language_of(text: str) -> str:
    """An ISO 639-1 code: "zh" for Han without kana, "ja" with, else by the leading script; "en" by default.

    A Han character counts as two letters, about the ratio of a Chinese text's length to its English
    translation's: a Chinese question that names an English product is Chinese.
    """
    scripts = Counter(_script_of(character) for character in text[:_SAMPLE_CHARACTERS])
    del scripts[""]
    east_asian = scripts["HAN"] + scripts["KANA"]
    scores = Counter({script: count for script, count in scripts.items() if script not in {"HAN", "KANA"}})
    scores["HAN"] = 2 * east_asian
    leader, score = min(scores.items(), key=lambda item: (-item[1], item[0]))
    if score == 0:
        return DEFAULT_LANGUAGE
    if leader == "HAN":
        return "ja" if scripts["KANA"] > _KANA_SHARE * east_asian else "zh"
    return _LANGUAGE_OF_SCRIPT.get(leader, DEFAULT_LANGUAGE)


@cache
def _script_of(character: str) -> str:
    """The script's name as Unicode character names begin with it; empty for anything but letters."""
    if not character.isalpha():
        return ""
    word = unicodedata.name(character, "").split(" ")[0]
    if word.startswith("CJK") or character in "〇々":
        return "HAN"
    return "KANA" if word in {"HIRAGANA", "KATAKANA", "HALFWIDTH"} else word
