"""Words whose exchange turns a question or a sentence into its opposite."""

import re

_ENGLISH = """first/last largest/smallest biggest/smallest larger/smaller highest/lowest higher/lower
longest/shortest longer/shorter oldest/newest earliest/latest earlier/later most/least best/worst
better/worse more/less before/after increase/decrease increased/decreased increases/decreases
increasing/decreasing rise/fall rose/fell maximum/minimum above/below inside/outside north/south east/west
northern/southern eastern/western upper/lower left/right won/lost win/lose wins/loses winning/losing
began/ended begin/end begins/ends started/stopped start/finish opened/closed joined/left bought/sold
accepted/rejected supported/opposed support/oppose supports/opposes allowed/forbidden success/failure
succeeded/failed successful/unsuccessful father/mother son/daughter brother/sister husband/wife king/queen
male/female men/women import/export imports/exports imported/exported positive/negative always/never
common/rare public/private internal/external domestic/foreign majority/minority strong/weak hot/cold
early/late old/new rich/poor easy/difficult agree/disagree agreed/refused gain/loss gained/lost
include/exclude includes/excludes included/excluded minimum/maximum strengthened/weakened built/destroyed
founded/dissolved established/abolished created/destroyed born/buried married/divorced hired/fired
upregulated/downregulated activate/inhibit activates/inhibits activation/inhibition acute/chronic
primary/secondary benign/malignant agonist/antagonist known/unknown"""

_SIMPLIFIED = """\
最大/最小 最高/最低 最多/最少 最早/最晚 最长/最短 最强/最弱 最好/最差 第一个/最后一个
第一次/最后一次 第一位/最后一位 第一部/最后一部 首次/最后一次 首部/最后一部 首位/最后一位
较大/较小 较高/较低 增加/减少 上升/下降 升高/降低 提高/降低 之前/之后 以前/以后 以上/以下
以南/以北 以东/以西 南部/北部 东部/西部 南方/北方 东方/西方 南面/北面 东面/西面 南侧/北侧
上游/下游 开始/结束 成立/解散 成功/失败 胜利/失败 支持/反对 父亲/母亲 儿子/女儿 哥哥/弟弟
姐姐/妹妹 丈夫/妻子 男性/女性 出生/去世 加入/退出 买入/卖出 购买/出售 进口/出口 国内/国外
内部/外部 前期/后期 早期/晚期 左侧/右侧 优点/缺点 优势/劣势 主要/次要 大多/少数 多数/少数
正式/非正式 合法/非法 允许/禁止 同意/拒绝 擅长/不擅长 喜欢/讨厌 任职/离职 上任/卸任
建立/废除 建造/拆除 建成/拆除 设立/撤销 公开/秘密 传统/现代 古代/现代 冬季/夏季 冬天/夏天
春季/秋季 夏季/冬季 雄性/雌性 雄鸟/雌鸟 长期/短期 属于/不属于 位于/不位于 包括/不包括
包含/不包含 使用/不使用 可以/不可以 需要/不需要 能够/不能够 适合/不适合 曾经/从未
有哪些/没有哪些
"""

_TRADITIONAL = """\
最大/最小 最高/最低 最多/最少 最早/最晚 最長/最短 最強/最弱 最好/最差 第一個/最後一個
較大/較小 較高/較低 增加/減少 上升/下降 升高/降低 提高/降低 之前/之後 以前/以後 以上/以下
以南/以北 以東/以西 南部/北部 東部/西部 南方/北方 南面/北面 上游/下游 開始/結束 成立/解散
成功/失敗 勝利/失敗 支持/反對 父親/母親 兒子/女兒 哥哥/弟弟 姐姐/妹妹 丈夫/妻子 男性/女性
出生/去世 加入/退出 進口/出口 國內/國外 內部/外部 早期/晚期 早期/後期 左側/右側 優點/缺點
長處/短處 主要/次要 多數/少數 正式/非正式 合法/非法 允許/禁止 同意/拒絕 擅長/不擅長
喜歡/討厭 上任/卸任 建立/廢除 建造/拆除 建成/拆除 設立/撤銷 公開/秘密 傳統/現代 古代/現代
冬季/夏季 冬天/夏天 春季/秋季 夏季/冬季 雄性/雌性 長期/短期 屬於/不屬於 包括/不包括
包含/不包含 使用/不使用 可以/不可以 需要/不需要 能夠/不能夠 適合/不適合 曾經/從未
"""


_NEGATED = ("不", "没有", "沒有", "从未", "從未", "非")


def _exchanges(lines: str) -> dict[str, str]:
    """Both ways, the way written first where a word has several; none from a negated word."""
    pairs = [pair.split("/") for pair in lines.split()]
    found: dict[str, str] = {}
    for word, opposite in [*pairs, *((opposite, word) for word, opposite in pairs)]:
        if not word.startswith(_NEGATED):
            found.setdefault(word, opposite)
    return found


_TABLES = {
    "en": _exchanges(_ENGLISH),
    "simplified": _exchanges(_SIMPLIFIED),
    "traditional": _exchanges(_TRADITIONAL),
}
_IS_TRADITIONAL = re.compile(r"[個這為國後來學時會對們與於開關軍種麼誰東發過從處場當說長條間問實體點數義]")


def opposites(text: str, language: str) -> dict[str, str]:
    """Words and what to put in their place, in the script of the text. A negated verb is not turned back."""
    if language == "en":
        return _TABLES["en"]
    return _TABLES["traditional" if _IS_TRADITIONAL.search(text) else "simplified"]
