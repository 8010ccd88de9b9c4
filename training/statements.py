"""A question and its answer as a statement, by templates; most questions fit none."""

import re

_CHINESE_ASKED = re.compile(
    "哪一年|哪年|什么时候|什麼時候|何时|何時|哪一天|哪里|哪裡|哪裏|何处|何處|哪个国家|哪個國家|哪个城市|哪一个|哪一個|哪个|哪個"
    "|哪位|哪一位|哪一|谁|誰|多少|几|幾|什么|什麼|何"
)
_CHINESE_VAGUE = re.compile(
    "为什么|為什麼|为何|為何|怎么|怎麼|如何|哪些|什么样|是否|吗|嗎|哪几|哪三|哪两|任何|几何|幾何|以及|分别|分別"
)
_CHINESE_KINDS = (
    ("时|時|年|天", "time"),
    ("谁|誰|位", "person"),
    ("哪里|哪裡|处|處|国|國|城市", "place"),
    ("多少|几|幾", "number"),
)
_SUBJECT_ASKED = re.compile(
    r"^(?:Who|What|Which(?: \w+){1,3}) "
    r"(?P<rest>(?!(?:is|was|are|were|did|does|do|has|had|can|could|will|would) )"
    r"\w+(?:ed|s|d|t|n|ew|ote|ame|ook|ade|on)\b.*)\?$"
)
_NAMED = re.compile(
    r"^(?:What|Who) (?P<verb>is|was|are|were) (?P<subject>(?:the|a|an|one|another) [^?]{5,90})\?$"
)
_WHEN_OR_WHERE = re.compile(
    r"^(?:When|Where|In (?:what|which) (?:year|city|country|state)|On (?:what|which) (?:day|date)) "
    r"(?P<verb>was|is|were|are) (?P<subject>(?:the |a )?[\w' -]{2,60}?) "
    r"(?P<participle>\w+(?:ed|orn|nown|ade|uilt|ritten|eld|ound))(?P<rest>[^?]*)\?$"
)
_HOW_MANY = re.compile(
    r"^How many (?P<things>[\w -]{3,40}?) (?P<rest>(?:were|are|was|is|have|had|has)\b[^?]*)\?$"
)


def statement(question: str, answer: str, language: str) -> str | None:
    """The question with its answer as a statement; None where no template fits."""
    if language == "zh":
        return _chinese_statement(question, answer)
    if found := _NAMED.match(question):
        return f"{found['subject'][0].upper()}{found['subject'][1:]} {found['verb']} {answer}."
    if found := _HOW_MANY.match(question):
        return f"{_capitalised(answer)} {found['things']} {found['rest']}."
    if found := _WHEN_OR_WHERE.match(question):
        place = (
            answer
            if re.match(r"(?i)(?:in|on|at|by|from|during|near|after|before)\b", answer)
            else f"in {answer}"
        )
        subject = _capitalised(found["subject"])
        return f"{subject} {found['verb']} {found['participle']}{found['rest']} {place}."
    if found := _SUBJECT_ASKED.match(question):
        return f"{_capitalised(answer)} {found['rest']}."
    return None


def _chinese_statement(question: str, answer: str) -> str | None:
    found = _CHINESE_ASKED.search(question)
    if not found or _CHINESE_VAGUE.search(question) or len(_CHINESE_ASKED.findall(question)) > 1:
        return None
    rest = question[found.end() :].rstrip("？?。 ")
    if (
        found[0] in ("几", "幾", "多少", "哪个", "哪個", "哪一", "什么", "什麼", "何", "哪一个", "哪一個")
        and rest
    ):
        unit = rest[:2]
        if answer.endswith(rest):
            rest = ""
        elif unit[:1] and answer.endswith(unit[:1]):
            rest = rest[1:]
        elif found[0] not in ("多少", "几", "幾"):
            return None
    return f"{question[: found.start()]}{answer}{rest}。"


def kind_asked(question: str, language: str) -> str:
    """What is asked for, so that another question's answer could stand in the place of this one's."""
    if language == "zh":
        found = _CHINESE_ASKED.search(question)
        asked = found[0] if found else ""
        return next((kind for pattern, kind in _CHINESE_KINDS if re.search(pattern, asked)), asked)
    words = 2 if question.startswith(("How", "In ", "On ")) else 1
    return " ".join(question.split()[:words])


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
