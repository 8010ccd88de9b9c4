"""Words whose change makes another claim of a sentence: opposites, and denials put in or taken out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """`text[start:end]` becomes `text`."""

    start: int
    end: int
    text: str

    def of(self, sentence: str) -> str:
        """The sentence after the edit."""
        return sentence[: self.start] + self.text + sentence[self.end :]


_FIXED = (" at first", "after all", "over time", "first of all", "last name", "first name", "common law")

_ENGLISH_OPPOSITES = """increase/decrease increases/decreases increased/decreased increasing/decreasing
higher/lower highest/lowest high/low more_than/less_than greater_than/less_than above/below over/under
before/after prior_to/after earlier/later minimum/maximum at_least/at_most largest/smallest
larger/smaller north/south northern/southern east/west eastern/western positive/negative
upregulated/downregulated upregulation/downregulation male/female men/women mother/father son/daughter
brother/sister king/queen with/without include/exclude includes/excludes including/excluding
inhibits/activates inhibit/activate inhibition/activation benign/malignant acute/chronic
long-term/short-term longer/shorter rare/common rarely/commonly inner/outer upper/lower won/lost
best/worst older/younger faster/slower private/public direct/indirect directly/indirectly
exclusive/non-exclusive written/oral licensor/licensee lessor/lessee buyer/seller purchaser/seller
plaintiff/defendant dominant/recessive children/adults first/last begin/end begins/ends began/ended
start/stop starts/stops started/stopped early/late majority/minority strong/weak stronger/weaker
gain/loss always/never everyone/nobody all/none_of most/few both/neither_of reduce/increase
reduces/increases reduced/increased improve/worsen improves/worsens improved/worsened accept/reject
accepted/rejected approve/reject approved/rejected permitted/prohibited allowed/forbidden
required/forbidden effective/ineffective safe/unsafe sensitive/resistant internal/external
normal/abnormal possible/impossible likely/unlikely inherited/acquired enable/disable enabled/disabled
optional/required same/different win/lose birth/death born/killed import/export terminate/renew
termination/renewal disclose/withhold sender/recipient parent/subsidiary employer/employee top/bottom
primary/secondary slow/fast we_may/you_may we_will/you_will we_must/you_must you_agree/we_agree
you_can/we_can"""

_CHINESE_OPPOSITES = """以上/以下 增加/减少 增长/下降 提高/降低 上升/下降 之前/之后 以前/以后 最高/最低
最大/最小 最多/最少 至少/至多 不少于/不超过 不得少于/不得超过 大于/小于 高于/低于 早于/晚于 超过/不足
东部/西部 南部/北部 出租人/承租人 买受人/出卖人 买方/卖方 甲方/乙方 原告/被告 债权人/债务人
委托人/受托人 收入/支出 进口/出口 境内/境外 国内/国外 有期/无期 以内/以外 男性/女性 男子/女子 父亲/母亲
儿子/女儿 哥哥/弟弟 开始/结束 成立/解散 开放/关闭 左侧/右侧 同意/反对 上游/下游 从重/从轻 故意/过失
书面/口头 直接/间接 全部/部分 主要/次要 公开/秘密 减轻/加重 有利/不利 有权/无权 有效/无效 合法/非法
禁止/允许 批准/驳回 接受/拒绝 胜诉/败诉 赢得/输掉 获胜/落败 击败/负于 首次/末次 第一/最后 早期/晚期
上半年/下半年 长期/短期 古代/现代 内部/外部 前者/后者 北方/南方 东侧/西侧 南侧/北侧 东北/西南 西北/东南
强/弱 較大/較小 較高/較低 减小/增大 扩大/缩小 延长/缩短 加强/削弱 上任/卸任 出生/去世 出生于/逝世于
成功/失败 正式/非正式 公立/私立 減少/增加 增長/下降 之後/之前 以後/以前 最後/最初 開始/結束 東部/西部
東北/西南 開放/關閉 成立/解散 男性/女性 長期/短期 內部/外部 擴大/縮小 延長/縮短 成功/失敗 父親/母親
兒子/女兒 贏得/輸掉 擊敗/負於 北部/南部 前任/後任 大部分/小部分 全国/全省 以东/以西 以南/以北 多于/少于
优于/劣于 登记/注销 授予/撤销 上级/下级 申请人/被申请人 当天/次日 同时/先后"""


def _both_ways(pairs: str) -> Mapping[str, Sequence[str]]:
    """Each word with its opposites, in the order of the list; "_" stands for a blank."""
    opposites: dict[str, list[str]] = {}
    for pair in pairs.split():
        one, other = pair.replace("_", " ").split("/")
        opposites.setdefault(one, []).append(other)
        if " of" not in other:  # "none of" and "neither of" need no way back
            opposites.setdefault(other, []).append(one)
    return opposites


_OPPOSITES = {"en": _both_ways(_ENGLISH_OPPOSITES), "zh": _both_ways(_CHINESE_OPPOSITES)}


def _any_of(words: Sequence[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


_OPPOSED = {
    "en": re.compile(rf"(?<![\w-])(?:{_any_of(list(_OPPOSITES['en']))})(?![\w-])", re.IGNORECASE),
    "zh": re.compile(_any_of(list(_OPPOSITES["zh"]))),
}


def opposites(sentence: str, language: str) -> Iterator[Edit]:
    """Every word that has an opposite, turned round; capitals stay."""
    for found in _OPPOSED[language].finditer(sentence):
        word = found[0].casefold()
        if _is_a_turn_of_phrase(sentence, found):
            continue
        for opposite in _OPPOSITES[language][word]:
            yield Edit(found.start(), found.end(), _in_the_case_of(found[0], opposite))


def _is_a_turn_of_phrase(sentence: str, found: re.Match[str]) -> bool:
    """Whether the word means something else here: "Over" in a name, "United States" for "us", "at first"."""
    inside_a_name = found.start() > 0 and found[0][:1].isupper() and not found[0].isupper()
    abbreviated = found[0] == "US"
    phrase = sentence[max(0, found.start() - 4) : found.end() + 8].casefold()
    return inside_a_name or abbreviated or any(fixed in phrase for fixed in _FIXED)


def _in_the_case_of(model: str, word: str) -> str:
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


_AUXILIARY = (
    "is|are|was|were|can|could|may|might|must|shall|should|will|would|(?:has|have|had)(?= (?:been|\\w+ed)\\b)"
)
_DENIABLE = re.compile(rf"(?<![\w-])(?:{_AUXILIARY})(?= (?!not\b|no\b|never\b|you\b|we\b|I\b)\w)")
_DENIED = re.compile(
    r"(?<![\w-])(?P<kept>is|are|was|were|can|ca|could|may|might|must|shall|should|will|wo|would|has|have|had)"
    r"(?: not(?! only| limited| just| necess)|n't|not)(?= )"
    r"|(?<=[a-z] )(?<!or )(?:never |not )(?!only|limited|just|necess)(?=[a-z])"
)
_ENGLISH_SHORT = {"ca": "can", "wo": "will"}
_CONDITION = re.compile(r"(?:\bif\b|\bwhether\b|\bunless\b|\bwhich\b|\bthat\b)", re.IGNORECASE)

_CHINESE_DENIALS = {
    "应当": ("不应当", "不得"),
    "可以": ("不得", "不可以"),
    "不得": ("可以", "应当"),
    "不应当": ("应当",),
    "不可以": ("可以",),
    "必须": ("不必", "不得"),
    "能够": ("不能",),
    "不能": ("能够",),
    "没有": ("有",),
    "沒有": ("有",),
    "不是": ("是",),
    "属于": ("不属于",),
    "不属于": ("属于",),
    "具有": ("不具有",),
    "負責": ("不負責",),
    "负责": ("不负责",),
    "适用": ("不适用",),
    "不适用": ("适用",),
    "承担": ("不承担",),
    "不承担": ("承担",),
    "不予": ("予以",),
    "予以": ("不予",),
    "尚未": ("已经",),
    "已经": ("尚未",),
    "已經": ("尚未",),
    "未能": ("成功",),
    "位于": ("不位于",),
    "位於": ("不位於",),
    "包括": ("不包括",),
    "不包括": ("包括",),
    "成为": ("没有成为",),
    "成為": ("沒有成為",),
    "获得": ("没有获得",),
    "獲得": ("沒有獲得",),
    "参加": ("没有参加",),
    "參加": ("沒有參加",),
    "拥有": ("没有",),
    "擁有": ("沒有",),
    "需要": ("不需要",),
    "受到": ("没有受到",),
    "允许": ("不允许",),
    "是": ("不是",),
}
_CHINESE_DENIABLE = re.compile(
    rf"(?:{_any_of([word for word in _CHINESE_DENIALS if word != '是'])})"
    r"|(?<![不于於但还還只而可若正总總就也都即凡要或便像算乃硬倒真老])是(?![否非以])"
)


def denials(sentence: str, language: str) -> Iterator[Edit]:
    """Every place where a denial can be put in or taken out."""
    if language == "zh":
        for found in _CHINESE_DENIABLE.finditer(sentence):
            yield from (Edit(found.start(), found.end(), text) for text in _CHINESE_DENIALS[found[0]])
        return
    for found in _DENIED.finditer(sentence):
        kept = found["kept"]
        yield Edit(found.start(), found.end(), _ENGLISH_SHORT.get(kept, kept) if kept else "")
    clause = _CONDITION.search(sentence)
    main = clause.start() if clause and clause.start() > 0 else len(sentence)
    deniable = [found for found in _DENIABLE.finditer(sentence) if not _DENIED.match(sentence, found.start())]
    for found in [found for found in deniable if found.end() < main] or deniable[:1]:
        yield Edit(found.end(), found.end(), " not")
