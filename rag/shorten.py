"""A sentence that rambles is cut down to the clauses around its answer; what limits its meaning stays.

Only material that stands by itself is cut, at the beginning or at the end: where it is not plain that a
clause can go, it stays. A cut that loses a "not" or an "unless" is worse than a long sentence.
"""

import re
from collections.abc import Iterator
from itertools import product

from rag.domain import Span

LONGEST = {"en": 240, "zh": 90}  # characters up to which a sentence stays as it is
WORTH_CUTTING = 0.2  # of a sentence; less is not worth a text that was cut
SHORTEST = {"en": 40, "zh": 12}  # characters that are left at least

# Negations and conditions: what has one is never cut off.
_LIMITING = re.compile(
    r"\b(?:not|no|nor|never|none|neither|cannot|without|unless|except\w*|exclud\w*|if|provided|until|only"
    r"|however|but|notwithstanding|despite|fails?|subject\s+to|save\s+(?:as|for)|other\s+than|when|where)\b"
    r"|n['’]t\b"
    r"|[不未无無非没沒勿莫除但若仅僅]|如果|如有|倘|只有|只能|否则|否則|以外|之外|例外|条件|條件|前提|情形",
    re.IGNORECASE,
)

# Where a sentence can end: before a clause that only adds to what was said. Never at a colon: what stands
# before one announces what comes, "by and between:".
_ENGLISH_END = re.compile(
    r";\s+|(?<![\d\s])\s+(?:[—–]|--)\s+(?!\d)|(?<=[^\W\d])—(?=[^\W\d])|\s+\((?=[^()]*\)\W*$)"
    r"|,\s+(?=(?:which|who|whose|whom|whereas|while|although|though|because|since|including|such\s+as|for\s+example"
    r"|for\s+instance|e\.g\.|i\.e\.|thereby|thus|so\s+that|following|according\s+to"
    r"|as\s+(?:shown|described|reported|defined|set\s+out|amended|noted|discussed))\b)",
    re.IGNORECASE,
)
_CHINESE_END = re.compile(
    r"[；。]|，(?!以及|及|和|与|與|或)|;\s*|,\s+|——?|（(?=[^（）]*）\W*$)|\((?=[^()]*\)\W*$)"
)
# Where one can begin: after a clause that only leads up to it.
_ENGLISH_START = re.compile(r";\s+")
_ENGLISH_LEAD = re.compile(r"^(?:while|whereas|although|though|because|since)\b[^,;:()]*,\s+", re.IGNORECASE)
_CHINESE_START = re.compile(r"[；。]|;\s*")
_CHINESE_LEAD = re.compile(
    r"^(?:根据|根據|按照|依照|依据|依據|为了|為了|随着|隨著|由于|由於|因为|因為|此外|另外|目前)[^，；：。（）]*，"
)
# What a sentence that is complete in itself begins with.
_ENGLISH_BEGINNING = re.compile(r"[A-Z]|(?:the|a|an|each|every|any|all|under|in|on|at)\b")
_POINTS_BACK = re.compile(
    r"(?:it|its|they|their|them|he|his|she|her|this|that|these|those|such|both|which|who|whose|and|or|so|also|then)\b"
    r"|[其该該此这這那它他她并並且也还還又而则則均都即亦所]|同时|同時|因此|因而|从而|以及|后者|前者",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]|[（(]?[一二三四五六七八九十\d]{1,3}[)）、]")
# A Chinese clause that needs the one after it.
_UNFINISHED = re.compile(
    r"(?:^|[，；：。])(?:当|當|为|為|由于|由於|因|根据|根據|按照|依照|随着|隨著|虽|雖|尽管|儘管|如|在|经|經|自|从|從|对|對)[^，；：。]*$"
    r"|[时時后後前中下的是为為于於]$"
)
_ENGLISH_UNFINISHED = re.compile(
    r"(?:given|while|whereas|although|though|because|since|as|after|before|once|in\s+order|to|for|by)\b",
    re.IGNORECASE,
)
_ENUMERATION_ENDS = re.compile(r";\s*(?:and|or)\b", re.IGNORECASE)
_ADDS_A_CLAUSE = re.compile(r",\s+(?:which|who|whose|whom)\b", re.IGNORECASE)
# The main clause goes on behind what seemed to be the last one: ", including the cellar, must be insured".
_GOES_ON = re.compile(
    r",\s+(?:and|or|is|are|was|were|has|have|had|shall|must|may|might|will|would|can|could|should|does|do|did)\b",
    re.IGNORECASE,
)
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
    starts = [0, *_starts(text, focus, script)]
    ends = [len(text), *_ends(text, focus, script)]
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


def _starts(text: str, focus: Span, script: str) -> Iterator[int]:
    """Where the sentence could begin instead, up to the focus."""
    after_stop, lead = (_CHINESE_START, _CHINESE_LEAD) if script == "zh" else (_ENGLISH_START, _ENGLISH_LEAD)
    places = [found.end() for found in after_stop.finditer(text)]
    if leading := lead.match(text):
        places.append(leading.end())
    for place in places:
        rest = text[place:]
        begins_well = script == "zh" or _ENGLISH_BEGINNING.match(rest) is not None
        points_back = _POINTS_BACK.match(rest) is not None or _LIST_MARK.match(rest) is not None
        has_lead_in = ":" in text[:place] or "：" in text[:place]
        if place <= focus.start and begins_well and not points_back and not has_lead_in:
            yield place


def _ends(text: str, focus: Span, script: str) -> Iterator[int]:
    """Where the sentence could end instead, from the end of the focus on."""
    for found in (_CHINESE_END if script == "zh" else _ENGLISH_END).finditer(text, focus.end):
        place = found.start()
        is_unfinished = (
            _UNFINISHED.search(text[:place]) is not None
            if script == "zh"
            else _main_clause_goes_on(text, place)
        )
        if not is_unfinished and not _is_between_dashes(text[:place]):
            yield place


def _main_clause_goes_on(text: str, place: int) -> bool:
    """Whether an English sentence that ends here may have lost its main clause, or a part of it."""
    rest = text[place:]
    if rest.startswith(";"):
        return _ENUMERATION_ENDS.search(rest) is not None
    adds_several = _ADDS_A_CLAUSE.match(rest) is not None and rest.count(",") > 1
    return adds_several or _GOES_ON.search(rest) is not None or _ENGLISH_UNFINISHED.match(text) is not None


def _is_between_dashes(before: str) -> bool:
    return len(re.findall(r"\s[—–]\s|\w—\w|\s--\s", before)) % 2 == 1


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether a stretch can stand alone: nothing limiting is cut off, brackets and quotes are closed."""
    kept = text[start:end]
    if _LIMITING.search(text[:start]) or _LIMITING.search(text[end:]):
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
