"""What can be told of a candidate without understanding it: numbers that bear on whether it answers."""

import math
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from rag.tokens import index_tokens, question_tokens

_NUMBER = r"\d+(?:[.,]\d+)*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|dozen|hundred|thousand|million|billion|half|once|twice|single|both)\b"
_ZH_NUMBER = r"\d+(?:[.,]\d+)*|[一二两三四五六七八九十百千万萬亿億兩]+"


@dataclass(frozen=True, slots=True)
class AnswerKind:
    """A kind of question, told by its words, and what a sentence that answers it usually contains."""

    name: str
    asked: re.Pattern[str]
    content: re.Pattern[str]


def _kind(name: str, asked: str, content: str, flags: int = re.IGNORECASE) -> AnswerKind:
    return AnswerKind(name, re.compile(asked, re.IGNORECASE), re.compile(content, flags))


KINDS = (
    _kind(
        "date",
        r"\bwhen\b|\b(?:what|which) (?:year|month|day|date|century|decade)\b"
        r"|什[么麼][时時][候間间]|何[时時]|哪一?[年天日月]|幾[年月日]|几[年月日]|[时時][间間]是",
        r"\b(?:1[0-9]|20)\d\d\b|\b(?:january|february|march|april|may|june|july|august|september|october|november"
        r"|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b|\b\d+(?:st|nd|rd|th) century"
        r"|\d+\s*(?:hours?|days?|weeks?|months?|years?)\b|[\d一二三四五六七八九十〇零]+\s*(?:年|月|日|世[纪紀]|[时時])",
    ),
    _kind(
        "number",
        r"\bhow (?:many|much|long|old|far|often|tall|big|large|high|fast|deep|wide|heavy|soon)\b"
        r"|\b(?:what|which)(?: \w+){0,3} (?:percentage|percent|proportion|number|size|dose|dosage|rate|length|amount|price"
        r"|cost|temperature|height|weight|age|population|ratio|prevalence|incidence|duration|limit|port)\b"
        r"|多少|[几幾](?!乎)|多[长長大高久远遠重宽寬深快]|百分之|比例|[数數]量|人口",
        rf"{_NUMBER}|{_ZH_NUMBER}|%",
    ),
    _kind(
        "person",
        r"\b(?:who|whose|whom)\b|[谁誰]|何人|哪[位个個一]人|哪[位一]",
        r"(?<=[a-z,;] )[A-Z][\w’'-]+|·|先生|女士|[导導]演|教授|人",
        0,
    ),
    _kind(
        "place",
        r"\bwhere\b|\b(?:what|which) (?:country|city|state|place|location|region|town|continent|county|street|area)\b"
        r"|哪[里裡儿兒]|何[处處地]|什[么麼]地方|哪[个個座一]?(?:[国國]|省|市|城|[县縣]|州|地|洲)|位[于於]",
        r"\b(?:in|at|from|near|to|on|of|within|under|below|between) (?:the )?[A-Z]|[省市区區县縣州国國镇鎮村路街岛島山河湖洲]",
        0,
    ),
    _kind(
        "reason",
        r"\bwhy\b|\b(?:reason|cause)s?\b|[为為]什[么麼]|[为為]何|原因",
        r"\bbecause\b|\bdue to\b|\bsince\b|\bso that\b|\btherefore\b|\bcaus(?:e|es|ed)\b|\breasons?\b|\bresult"
        r"|\bso\b|因[为為此]|由[于於]|所以|[导導]致|使得|以便",
    ),
)


@dataclass(frozen=True, slots=True)
class Features:
    pass


def features(question, cands, vectors_meaning=None):
    """dict name -> array"""
    asked = list(dict.fromkeys(question_tokens(question)))
    allq = frozenset(index_tokens(question))
    n = len(cands)
    chunks = {c.hit.chunk.id: c.hit for c in cands}
    # idf over sentences
    seen = Counter(t for c in cands for t in c.tokens)
    w = {t: math.log(1 + n / (1 + seen[t])) for t in asked}
    total = sum(w.values()) or 1.0
    cov = lambda s: sum(w[t] for t in asked if t in s) / total
    by_chunk = {}
    for c in cands:
        by_chunk.setdefault(c.hit.chunk.id, set()).update(c.around)
    chunkcov = {k: cov(v) for k, v in by_chunk.items()}
    everything = set().union(*by_chunk.values())
    rare = sorted(asked, key=lambda t: -w[t])[: max(1, len(asked) // 3)]
    qpairs = set(zip(asked, asked[1:]))
    ds = [h.scores.get("dense") for h in chunks.values()]
    top = max(h.score for h in chunks.values())
    second = sorted((h.score for h in chunks.values()), reverse=True)[1:2]
    lex = [h.scores.get("lexical", 0.0) for h in chunks.values()]
    lextop = max(lex) or 1.0
    f = {k: np.zeros(n) for k in ()}

    def col(name, values):
        f[name] = np.array(values, float)

    col("coverage", [cov(c.tokens) for c in cands])
    col("around", [cov(c.around) for c in cands])
    col("chunkcov", [chunkcov[c.hit.chunk.id] for c in cands])
    col("readcov", [cov(everything)] * n)
    col("count_cov", [sum(t in c.tokens for t in asked) / max(1, len(asked)) for c in cands])
    col("rare", [sum(t in c.around for t in rare) / len(rare) for c in cands])
    col("precision", [len(c.tokens & allq) / max(1, len(c.tokens)) for c in cands])

    def seqpairs(c):
        s = index_tokens(c.text)
        return set(zip(s, s[1:]))

    col("pairs", [len(qpairs & seqpairs(c)) / max(1, len(qpairs)) for c in cands])
    col("retrieval", [c.hit.score for c in cands])
    col("rank", [1 / c.hit.rank for c in cands])
    col("lexrel", [c.hit.scores.get("lexical", 0.0) / lextop for c in cands])
    col("chunkdense", [c.hit.scores.get("dense", 0.0) for c in cands])
    col("topdense", [max([d for d in ds if d is not None], default=0.0)] * n)
    col("hasdense", [float("dense" in c.hit.scores) for c in cands])
    col("both", [float(len(c.hit.scores) > 1) for c in cands])
    col("margin", [(top - second[0]) if second else 0.0] * n)
    zh = [1.7 if c.chunk.document.language == "zh" else 5.0 for c in cands]
    words = np.array([len(c.text) / z for c, z in zip(cands, zh)])
    col("loglen", np.log(words))
    col("short", np.maximum(0, np.log(10 / words)))
    col("long", np.maximum(0, np.log(words / 35)))
    col("ends", [float(c.text.rstrip("”’\"')]）」』*_")[-1:] in "。.!！；;") for c in cands])
    col("isq", [float(c.text.rstrip()[-1:] in "?？") for c in cands])
    col("first", [float(c.span.start - c.chunk.start < 5) for c in cands])
    col("qlen", [math.log(1 + len(asked))] * n)
    found = np.zeros(n)
    missing = np.zeros(n)
    for kind in KINDS:
        yes = np.zeros(n)
        no = np.zeros(n)
        if kind.asked.search(question):
            qs = question.casefold()
            for i, c in enumerate(cands):
                ok = any(m[0].casefold() not in qs for m in kind.content.finditer(c.text))
                yes[i] = ok
                no[i] = not ok
        f["has_" + kind.name] = yes
        f["no_" + kind.name] = no
        found = np.maximum(found, yes)
        missing = np.maximum(missing, no)
    f["kind_found"] = found
    f["kind_missing"] = missing * (1 - found)
    return f
