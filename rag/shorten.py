"""A sentence that rambles is cut down to the clauses around its answer; what limits its meaning stays.

Only a clause beside a semicolon (in Chinese also beside a full stop within a quotation) is cut off, and only
where it is plainly a sentence of its own that does not point at the rest. What a comma, a dash or a bracket
adds may limit a sentence in more words than any list can have: it stays. A cut that loses an "unless" is
worse than a long sentence.
"""

import re
from collections.abc import Iterator
from itertools import product

from rag.domain import Span

LONGEST = {"en": 240, "zh": 90}  # characters up to which a sentence stays as it is
WORTH_CUTTING = 0.2  # of a sentence; less is not worth a text that was cut
SHORTEST = {"en": 40, "zh": 12}  # characters that are left at least

_BORDER = {"en": re.compile(r";\s+"), "zh": re.compile(r"[；。]|;\s*")}
# Negations, conditions, exceptions and limits: a clause that has one is never cut off.
_LIMITING = re.compile(
    r"\b(?:not|no|nor|never|none|nothing|nobody|nowhere|neither|cannot|hardly|rarely|seldom|scarcely|barely"
    r"|without|absent|lack\w*|refus\w*|prohibit\w*|forbid\w*|forbade|den(?:y|ied|ies|ying|ial)|unlikely|fail\w*"
    r"|unless|except\w*|exclud\w*|exempt\w*|waiv\w*|if|in\s+case|in\s+the\s+event|as\s+long\s+as|so\s+long\s+as"
    r"|provided|providing|subject\s+to|save|but|however|notwithstanding|despite|otherwise|instead|other\s+than"
    r"|until|till|before|after|when\w*|where\w*|once|while|only|solely|merely|limit\w*|at\s+(?:the\s+)?(?:most|least|latest|earliest)"
    r"|maxim\w*|minim\w*|cap|caps|capped|ceiling|up\s+to|no\s+more|highest|lowest)\b"
    r"|n['’]t\b"
    r"|[不未无無非没沒勿莫除但若仅僅只]|如果|如有|倘|否则|否則|以外|之外|例外|条件|條件|前提|情形|禁止|拒绝|拒絕"
    r"|逾期|超过|超過|[时時的]，|免[除于於予]|至少|至多|最[高低多少迟遲早]|上限|下限|[为為]限|限[额額于於]|封顶|封頂|之前|之后|之後|以前|以后|以後",
    re.IGNORECASE,
)
# What goes back to something said before it.
_POINTS_BACK = re.compile(
    r"\b(?:it|its|itself|they|their|theirs|them|he|his|him|she|her|hers|this|that|these|those|such|both|same|said|so"
    r"|also|then|thus|former|latter|above|there\w+|here\w+)\b"
    r"|[其该該此这這那它他她]|上述|前述|前款|同时|同時|因此|因而|从而|從而|后者|後者|前者",
    re.IGNORECASE,
)
# An English clause that is a sentence of its own begins like one and has a verb that can be told by looking.
_BEGINS_A_SENTENCE = {
    "en": re.compile(r"[A-Z]|(?:the|an?|each|every|any|all)\b"),
    "zh": re.compile(r"(?![和与與及或并並且也还還又而则則均都即亦所，、；。])[\u4e00-\u9fff]"),
}
_HAS_A_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|shall|must|may|might|will|would|can|could|should|does|do|did)\b"
)
_LIST_MARK = re.compile(r"\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]|[（(]?[一二三四五六七八九十\d]{1,3}[)）、]")
_PAIRS = ("()", "（）", "[]", "【】", "“”", "‘’", "「」", "『』", "《》", "〔〕")


def shorten(text: str, focus: Span, language: str) -> Span:
    """The stretch of a sentence that is worth showing: it holds `focus` and what limits the sentence.

    Of several ways to cut the one is taken that leaves the most within LONGEST, else the one that leaves
    the least; the whole where nothing can go, or where the text is a list of several lines.
    """
    script = "zh" if language == "zh" else "en"
    whole = Span(0, len(text))
    if len(text) <= LONGEST[script] or "\n" in text:
        return whole
    borders = list(_borders(text, script))
    starts = [0, *(border.end for border in borders if border.end <= focus.start)]
    ends = [len(text), *(border.start for border in borders if border.start >= focus.end)]
    longest = (1 - WORTH_CUTTING) * len(text)
    kept = [
        Span(start, end)
        for start, end in product(starts, ends)
        if SHORTEST[script] <= end - start <= longest and _is_whole(text, start, end)
    ]
    fitting = [span for span in kept if span.end - span.start <= LONGEST[script]]
    if fitting:
        return max(fitting, key=_length)
    return min(kept, key=_length, default=whole)


def _borders(text: str, script: str) -> Iterator[Span]:
    """The marks between two clauses of which each is a sentence of its own; none where one is in doubt.

    A colon announces what comes after it, and "; and" ends an enumeration: neither is taken apart.
    """
    marks = [Span(*found.span()) for found in _BORDER[script].finditer(text)]
    clauses = [
        text[start:end]
        for start, end in zip(
            [0, *(mark.end for mark in marks)], [*(mark.start for mark in marks), len(text)], strict=True
        )
    ]
    for place, mark in enumerate(marks):
        after = clauses[place + 1]
        has_lead_in = ":" in text[: mark.start] or "：" in text[: mark.start]
        if not has_lead_in and all(_stands_alone(clause, script) for clause in (clauses[place], after)):
            yield mark


def _stands_alone(clause: str, script: str) -> bool:
    is_sentence = _BEGINS_A_SENTENCE[script].match(clause) is not None
    has_verb = script == "zh" or _HAS_A_VERB.search(clause) is not None
    return is_sentence and has_verb and not _LIST_MARK.match(clause)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether a stretch can stand alone: nothing that limits it is cut off, brackets are closed."""
    before, kept, after = text[:start], text[start:end], text[end:]
    if _LIMITING.search(before) or _LIMITING.search(after) or _POINTS_BACK.search(after):
        return False
    if before and _POINTS_BACK.search(kept):
        return False
    return kept.count('"') % 2 == 0 and all(_is_balanced(kept, *pair) for pair in _PAIRS)


def _is_balanced(text: str, opening: str, closing: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == opening) - (character == closing)
        if depth < 0:
            return False
    return depth == 0


def _length(span: Span) -> int:
    return span.end - span.start
