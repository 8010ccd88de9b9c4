"""Names in a Chinese text: words that jieba's dictionary holds for a person, a place or an organisation.

Limits: a name that the dictionary lacks is not seen, and of two characters only those of places and
organisations, for it calls many common words of that length persons. Traditional and simplified characters do
not match. Of 3,190 questions of CMRC 2018, CAIL 2019, XQuAD and DRCD that _COMMON was not chosen on, 18 have
a common word that is taken for a name and does not stand in their passage, and 6 have such a name.
"""

import re
from functools import cache

from rag.jieba_dictionary import jieba_dictionary

_HAN_RUN = re.compile(r"[\u4e00-\u9fff]{2,}")
_TAGS = ("nr", "ns", "nt")
_SHORTEST_PERSON = 3
_COMMON = frozenset(  # common words that the dictionary calls names, in 4,000 other questions of these sets
    """东西 南北 城市 都市 高山 大洋 四海 法典 西区 波及 始祖 登基 音乐会 原被告 养父母 银行卡 申请人
    英文名 高水平 牛仔布""".split()  # noqa: SIM905 (a block of words reads better than a list of strings)
)


def chinese_names_of(text: str) -> set[str]:
    """The names in a text, each as it is written there."""
    words = (word for run in _HAN_RUN.findall(text) for word in jieba_dictionary().cut(run, HMM=False))
    return {word for word in words if word in _names()}


@cache
def _names() -> frozenset[str]:
    """The 96,000 names in the dictionary, read (0.3 s) when a Chinese sentence is first checked."""
    with jieba_dictionary().get_dict_file() as lines:
        entries = (line.decode().split() for line in lines)
        return frozenset(word for word, _, tag in entries if _is_name(word, tag)) - _COMMON


def _is_name(word: str, tag: str) -> bool:
    return tag[:2] in _TAGS and len(word) >= (_SHORTEST_PERSON if tag == "nr" else 2)
