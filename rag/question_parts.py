"""A question that asks several things at once is taken apart; English and Chinese."""

import re
from itertools import groupby, islice

from rag.jieba_dictionary import jieba_dictionary

MAXIMUM_PARTS = 3  # each is read once more against every passage
SEAMS_WEIGHED = 8  # a text of nothing but question marks is no question of a thousand parts

# "and are used in children" goes on with the same question; "and are the tenants" begins another.
_ASKING = (
    r"(?:(?:what|which|who|whom|whose|when|where|why|how|whether)\b"
    r"|(?:is|are|was|were|do|does|did|can|could|has|have|will|should|must|may)\s+"
    r"(?:the|an?|it|they|there|this|that|these|those|he|she|we|you|I|any|all)\b)"
)
_QUESTION_WORD = re.compile(
    r"\b(?:what|which|who|whom|whose|when|where|why|how|whether)\b"
    r"|^\W*(?:is|are|was|were|do|does|did|can|could|has|have|will|should|must|may)\b"
    r"|什么|什麼|谁|誰|哪|(?<!任)何|多少|几|幾|怎|吗|嗎|是否|多[长長大高久]",
    re.IGNORECASE,
)
_SEAM = re.compile(
    r"[?？]+[\s,，;；]*(?:and\s+)?"  # a question mark
    r"|[;；]\s*(?:and\s+)?"
    rf"|,?(?<!\s)\s+and\s+(?:also\s+)?(?={_ASKING}|(?:at|by|for|from|in|of|on|to|under|with)\s+(?:what|which|whom)\b)"
    r"|[,，]?(?:以及|并且|並且|同时|同時)",
    re.IGNORECASE,
)
_RESPECTIVELY = re.compile(r"^(?P<names>[^，,。？?]+?)(?P<rest>分别.+)$")
_BETWEEN_NAMES = frozenset(["、", "和", "与", "與", "及", "以及"])
_OPEN_END = re.compile(
    r"\b(?:what|which|who|whom|whose|when|where|why|how|whether|about|of|for|by|in|on|to|with)\W*$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z0-9][\w'’-]*|[\u4e00-\u9fff]")
_WORDS_OF_A_PART = 2  # besides, it has a question word: "When" of "When and where was it?" is none
_CHARACTERS_OF_A_PART = 4  # 何时到期


def parts_of(question: str) -> tuple[str, ...]:
    """The parts of a question in its own words and order; the whole alone where it asks one thing.

    It is taken apart at question marks, semicolons, "and" before a question word and 以及, where every part
    has a question word of its own; 甲和乙分别 asks of each. More than three parts stay as three, the last
    of which has the rest; more than three names stay whole.
    """
    text = question.strip()
    if each := _each_of(text):
        return each
    starts, parts = [0], []
    for seam in islice(_SEAM.finditer(text), SEAMS_WEIGHED):
        before, after = text[starts[-1] : seam.start()], text[seam.end() :]
        if len(starts) < MAXIMUM_PARTS and _is_asking(before) and _is_asking(after):
            parts.append(before)
            starts.append(seam.end())
    parts.append(text[starts[-1] :])
    return tuple(part.strip(" \t\n?？;；,，。./") for part in parts) if len(parts) > 1 else (text,)


def _is_asking(part: str) -> bool:
    """Whether a stretch is a question by itself: a question word and enough beside it."""
    if not _QUESTION_WORD.search(part) or _OPEN_END.search(part):
        return False
    words = _WORD.findall(part)
    if words and all(len(word) == 1 and not word.isascii() for word in words):
        return len(words) >= _CHARACTERS_OF_A_PART
    return len(words) > _WORDS_OF_A_PART


def _each_of(text: str) -> tuple[str, ...]:
    """甲、乙和丙分别是多少 asks 甲是多少, and so on; what stands before 的, or after it, goes with each.

    () where there are no such names, or more than there may be parts: the question is then read as a whole.
    """
    found = _RESPECTIVELY.match(text)
    if found is None or not _QUESTION_WORD.search(found["rest"]):
        return ()
    names = _names(found["names"])
    if not 1 < len(names) <= MAXIMUM_PARTS:
        return ()
    first, *_, last = names
    owner = first[: first.rfind("的") + 1]
    owned = "" if owner or "的" not in last else last[last.find("的") :]
    rest = found["rest"].removeprefix("分别").rstrip("?？。 ")
    return tuple(f"{name if '的' in name else f'{owner}{name}{owned}'}{rest}" for name in names)


def _names(listed: str) -> list[str]:
    """What stands between 和 and the like, where these are words of their own: 发起人和参与者 has one."""
    words = jieba_dictionary().cut(listed, HMM=False)
    groups = groupby(words, key=_BETWEEN_NAMES.__contains__)
    return [name for is_between, group in groups if not is_between and (name := "".join(group).strip())]
