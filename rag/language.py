"""Which language a text is written in, judged by its scripts alone.

Limits, on purpose: every Latin-script language counts as English and every Cyrillic one as Russian, because
nothing downstream treats them apart; Traditional and Simplified Chinese are both "zh"; a Japanese title
written without kana counts as Chinese. Text without letters is "en".
"""

import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import groupby

DEFAULT_LANGUAGE = "en"
_SAMPLE_CHARACTERS = 20_000  # enough to settle any document, and bounds the time for a huge one
_HAN_WORD = 1.7  # characters in a Chinese word, on average over Chinese statutes as jieba cuts them
_KANA_SHARE = 0.05  # Chinese prose borrows の; Japanese prose is half kana
_LANGUAGE_OF_SCRIPT = {
    "HAN": "zh",
    "HANGUL": "ko",
    "CYRILLIC": "ru",
    "ARABIC": "ar",
    "HEBREW": "he",
    "GREEK": "el",
    "THAI": "th",
    "DEVANAGARI": "hi",
}


def language_of(text: str) -> str:
    """An ISO 639-1 code by the script of most words: "zh" for Han, "ja" with kana; "en" by default.

    Words are counted, not letters: a Chinese question about `RequestValidationError` is Chinese.
    """
    runs: Counter[str] = Counter()  # words, where a script puts spaces between them
    characters: Counter[str] = Counter()
    for script, run in groupby(text[:_SAMPLE_CHARACTERS], key=_script_of):
        runs[script] += 1
        characters[script] += sum(1 for _ in run)
    east_asian = characters["HAN"] + characters["KANA"]
    words = {script: float(count) for script, count in runs.items() if script not in {"", "HAN", "KANA"}}
    words["HAN"] = east_asian / _HAN_WORD
    leader = min(words, key=lambda script: (-words[script], script))
    if leader == "HAN" and characters["KANA"] > _KANA_SHARE * east_asian:
        return "ja"
    return _LANGUAGE_OF_SCRIPT.get(leader, DEFAULT_LANGUAGE) if words[leader] else DEFAULT_LANGUAGE


@lru_cache(maxsize=10_000)
def _script_of(character: str) -> str:
    """The script by the first word of the character's Unicode name; empty for anything but letters."""
    if character in "〇々":
        return "HAN"
    if not character.isalpha():
        return ""
    script = unicodedata.name(character, "").split(" ")[0]
    if script.startswith("CJK"):
        return "HAN"
    return "KANA" if script in {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"} else script
