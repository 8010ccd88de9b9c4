"""The same question in other words, for answered and unanswered examples alike: the edit is no sign."""

import random
import re

_ENGLISH = (
    (re.compile(r"^Who (?=was|is|were|are|did)"), "Which person "),
    (re.compile(r"^Where (?=was|is|were|are|did|does|do|can)"), "In what place "),
    (re.compile(r"^How many "), "What number of "),
    (re.compile(r"^What year "), "In what year "),
    (re.compile(r"^In what year "), "When "),
    (re.compile(r"^Why "), "For what reason "),
)
_CHINESE = (
    (re.compile(r"什么时候"), "何时"),
    (re.compile(r"什麼時候"), "何時"),
    (re.compile(r"何时"), "什么时候"),
    (re.compile(r"何時"), "什麼時候"),
    (re.compile(r"在哪里"), "在何处"),
    (re.compile(r"在哪裡"), "在何處"),
    (re.compile(r"为什么(?=.{3})"), "为何"),
    (re.compile(r"為什麼(?=.{3})"), "為何"),
    (re.compile(r"什么地方"), "何处"),
    (re.compile(r"哪一年"), "哪年"),
)
_SYNONYMS = {"en": _ENGLISH, "zh": _CHINESE}
_PREFIXES = {
    "en": ("Please tell me: ", "Can you tell me: ", "I would like to know: ", "Question: ", "Hi, "),
    "zh": ("请问", "请告诉我，", "我想知道，", "请问，", "你好，"),
}


def reworded(question: str, language: str, random_source: random.Random) -> str:
    """Without its question mark, in lower case, after a polite opening, or with another question word."""
    edit = random_source.choice(("mark", "case", "opening", "word"))
    if edit == "mark":
        return question.rstrip("?？ ")
    if edit == "case" and language == "en":
        return question.lower()
    if edit == "opening":
        opening = random_source.choice(_PREFIXES[language])
        return opening + question
    for pattern, synonym in _SYNONYMS[language]:
        if pattern.search(question):
            return pattern.sub(synonym, question, count=1)
    return question
