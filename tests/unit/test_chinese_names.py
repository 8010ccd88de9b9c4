"""Names in Chinese sentences, and common words that are none."""

import pytest

from rag.chinese_names import chinese_names_of


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("按照西门子的规定，水泵的保修期为120个月。", {"西门子"}),
        ("李时珍认为该药有效。", {"李时珍"}),
        ("华为技术有限公司应当在深圳市交货。", {"华为技术有限公司", "深圳市"}),
        ("根据世界卫生组织和北京大学的研究", {"世界卫生组织", "北京大学"}),
        ("The pump by 比亚迪 lasts.", {"比亚迪"}),
    ],
)
def test_persons_places_and_organisations_of_the_dictionary_are_names(text: str, names: set[str]) -> None:
    assert chinese_names_of(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The tenant may terminate the lease.",
        "租户可提前六个月书面通知终止租约。",
        "员工每年享有十五天带薪年假。",
        "该城市的银行卡申请人应当持有身份证。",
        "患者每日服用两次，每次100毫克，高血压患者慎用。",
        "原被告双方就钱财和养父母的东西达成许可。",
        "法院认为合同有效，承租方应当在每月五日前支付租金。",
        "安静的房间，古老的范畴，诸如此类的高水平音乐会。",
    ],
)
def test_common_words_are_none_also_those_that_the_dictionary_calls_names(text: str) -> None:
    assert not chinese_names_of(text)
