"""What kind of thing a question asks for, and whether a text holds such a thing; English and Chinese.

These are clues for the confidence of an answer, not rules: nothing is refused by them alone.
"""

import re
from enum import StrEnum

from rag.question_parts import parts_of


class QuestionKind(StrEnum):
    """What an answer should contain; OTHER for what cannot be looked for by its form."""

    NUMBER = "number"
    TIME = "time"
    PERSON = "person"
    PLACE = "place"
    REASON = "reason"
    YES_NO = "yes_no"
    OTHER = "other"


_ASKED = {
    QuestionKind.NUMBER: (
        r"\bhow (?:many|much|long|often|old|large|far|high|tall)\b"
        r"|\bwhat (?:is the |was the )?(?:percentage|number|proportion|rate|size|age|dose|amount)\b"
        r"|多少|几[个個年月日次人种種条條]|多[长長大高久]"
    ),
    QuestionKind.TIME: r"\bwhen\b|\b(?:what|which) (?:year|date|day|month)\b"
    r"|何时|何時|什么时候|什麼時候|哪一?年|几时|幾年",
    QuestionKind.PERSON: r"\bwho(?:m|se)?\b|谁|誰|何人|哪位",
    QuestionKind.PLACE: r"\bwhere\b|\b(?:what|which) (?:country|city|state|region)\b"
    r"|哪里|哪裡|何地|哪个?(?:国家|城市)|什么地方|什麼地方",
    QuestionKind.REASON: r"\bwhy\b|\breasons?\b|为什么|為什麼|为何|為何|原因",
    QuestionKind.YES_NO: r"^(?:is|are|was|were|do|does|did|can|could|has|have|will|should|must|may)\b"
    r"|吗[?？]?$|嗎[?？]?$|是否",
}
_HELD = {
    QuestionKind.NUMBER: r"\d|[一二三四五六七八九十百千万萬兩两]"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|half|dozen|hundred|thousand)\b",
    QuestionKind.TIME: r"\b1\d{3}\b|\b20\d\d\b|\d+\s*(?:年|月|日)|世纪|世紀"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
    r"|\b(?:century|centuries|days?|weeks?|months?|years?)\b",
    QuestionKind.PERSON: r"(?<=[\w,;:()-] )[A-Z]\w+|[\u4e00-\u9fff]{2,}",
    QuestionKind.PLACE: r"(?<=[\w,;:()-] )[A-Z]\w+|[国國省市县縣州区區村岛島]",
    QuestionKind.REASON: r"\b(?:because|since|caus\w+|therefore|results?|due to|so that)\b"
    r"|因为|因為|由于|由於|为了|為了|所以|因",
}
_ASKED_BY = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _ASKED.items()}
_HELD_BY = {kind: re.compile(pattern) for kind, pattern in _HELD.items()}


_QUESTION_WORD = r"(?:what|which|who|whom|whose|when|where|why|how)\b"
_YES_OR_NO = re.compile(
    # Not "is it A or B", not two questions, not 有什么办法吗.
    r"^(?!.*(?:\bor\b|还是|還是|[?？][^\w?？]*\w|什么|什麼|谁|誰|哪|(?<!任)何|怎|多少|几|幾|是否.*是否"
    rf"|(?:[,;]|\band)\s+(?:and\s+)?(?:if so,?\s+)?{_QUESTION_WORD}))"
    r"(?:(?:is|are|am|was|were|does|did|do(?! not\b)|has|have|had|could|would|shall|should)(?:n['’]t)?\b"
    r"(?! you\b)"
    # These are nouns too: not "May 2020", not "will of the people".
    r"|(?:can|may|might|must|will)\b(?! you\b|\s+(?:\d|(?:of|in|on|at|by|for|from|to|with|and|day)\b))"
    r"|.*(?:[吗嗎][?？\s]*$|[是能可会會应應]否|是不是|能不能|可不可以|有没有|有沒有))",
    re.IGNORECASE | re.DOTALL,
)
# Words in s that are no plurals, besides those in -ss, -us and -is.
_SINGULAR = r"(?:lens|gas|bias|alias|atlas|canvas|pancreas|news|aids|christmas|\w*(?:ss|us|is))\b"
_AUXILIARY = (
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|may|might|must|shall|should|will|would)\b"
)
_SEVERAL = re.compile(
    r"^(?:please |can you |could you )?(?:list|enumerate)\b"
    r"|^(?:please )?name (?:the|all|some|any|at least|two|three|four|five|\d+)\b"
    # Where a question begins: "repairs which are urgent" asks for nothing.
    r"|(?:^(?:and |so )?|[?？;；]\s*(?:and )?|\band (?=what\b))"
    r"(?:(?:at|by|for|from|in|of|on|to|under|with) )?(?:"
    r"(?:what|who|which) (?:are|were)\b"
    # A plural: "which drugs are", "what side effects have been", not "what does this do".
    rf"|(?:what|which) (?!{_AUXILIARY})(?:[\w-]+ ){{0,2}}(?!{_SINGULAR})\w+s"
    r" (?:are|were|do|did|have|can|could|may|must|should|will)\b)"
    r"|哪些|哪几|哪幾|有几种|有幾種|列举|列舉|列出|分别|分別",
    re.IGNORECASE,
)


def kind_of(question: str) -> QuestionKind:
    """The first kind whose words the question has, in the order of the enumeration."""
    text = question.strip()
    return next((kind for kind, asked in _ASKED_BY.items() if asked.search(text)), QuestionKind.OTHER)


def holds(kind: QuestionKind, text: str) -> bool | None:
    """Whether a text contains something of this kind; None where that cannot be seen by its form."""
    pattern = _HELD_BY.get(kind)
    return None if pattern is None else pattern.search(text) is not None


def asks_for_yes_or_no(question: str) -> bool:
    """Whether yes or no answers a question that asks one thing; "Can you say" and "or" ask more."""
    text = question.strip()
    return _YES_OR_NO.search(text) is not None and len(parts_of(text)) == 1


def asks_for_several(question: str) -> bool:
    """Whether a question asks for several things: "which drugs are", "list the", 哪些, 分别."""
    return _SEVERAL.search(question.strip()) is not None
