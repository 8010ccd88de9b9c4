"""Sixty devices, half of them Chinese, with five facts each: what a scripted model is asked about."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.text_document import TextDocument

NAMES = {
    "en": "Albatross Bittern Cormorant Dunlin Egret Falcon Goshawk Heron Ibis Jackdaw Kestrel Lapwing Merlin "
    "Nightjar Osprey Pelican Quail Raven Swift Tern Umbrellabird Vulture Wren Xenops Yellowhammer Avocet "
    "Bunting Curlew Dotterel Eider",
    "zh": "白鹭 苍鹰 翠鸟 杜鹃 凤凰 孔雀 鸿雁 画眉 喜鹊 金雕 孤鹤 鹈鹕 朱鹮 麻雀 鹧鸪 鸳鸯 海燕 雪鸮 黄鹂 "
    "云雀 火烈鸟 啄木鸟 信天翁 伯劳 百灵 红隼 乌鸦 夜莺 斑鸠 戴胜",
}
FACTS = {
    "en": (
        (
            "How often must the filter of the {name} pump be replaced?",
            "The filter of the {name} pump must be replaced every {number} operating hours.",
        ),
        (
            "How long does the warranty of the {name} pump last?",
            "The warranty of the {name} pump lasts {number} months.",
        ),
        ("How much does the {name} pump weigh?", "The {name} pump weighs {number} kilograms."),
        ("How loud is the {name} pump?", "The noise level of the {name} pump is {number} decibels."),
        (
            "What is the largest pressure of the {name} pump?",
            "The largest pressure of the {name} pump is {number} bar.",
        ),
    ),
    "zh": (
        ("{name}水泵的滤网多久更换一次？", "{name}水泵的滤网每运行{number}小时更换一次。"),
        ("{name}水泵的保修期有多长？", "{name}水泵的保修期为{number}个月。"),
        ("{name}水泵有多重？", "{name}水泵的重量为{number}公斤。"),
        ("{name}水泵的噪音有多大？", "{name}水泵的噪音为{number}分贝。"),
        ("{name}水泵的最大压力是多少？", "{name}水泵的最大压力为{number}巴。"),
    ),
}
TITLES = {"en": "{name} pump", "zh": "{name}水泵"}


@dataclass(frozen=True, slots=True)
class Fact:
    """A question, the sentence of a document that answers it, and which of the language's FACTS it is."""

    id: str
    language: str
    question: str
    sentence: str
    document: str
    number: int
    asks: tuple[str, int]

    @property
    def with_another_number(self) -> str:
        """The sentence, wrong in its number."""
        return self.sentence.replace(str(self.number), str(self.number + 111))


def facts() -> list[Fact]:
    """Three hundred, the two languages in turn; the numbers are always the same ones."""
    both = zip(_facts("en"), _facts("zh"), strict=True)
    return [fact for pair in both for fact in pair]


def documents(known: list[Fact]) -> list[TextDocument]:
    """A document for each device."""
    texts: dict[str, list[str]] = {}
    for fact in known:
        texts.setdefault(fact.document, []).append(fact.sentence)
    return [TextDocument(uri, uri.removesuffix(".txt"), "\n\n".join(said)) for uri, said in texts.items()]


def _facts(language: str) -> Iterator[Fact]:
    names = NAMES[language].split()
    numbers = random.Random(language).sample(range(101, 999), k=len(names) * len(FACTS[language]))
    for name in names:
        for place, (question, sentence) in enumerate(FACTS[language]):
            number = numbers.pop()
            yield Fact(
                id=f"{name}-{place}",
                language=language,
                question=question.format(name=name),
                sentence=sentence.format(name=name, number=number),
                document=f"{TITLES[language].format(name=name)}.txt",
                number=number,
                asks=(language, place),
            )
