"""The span sets: what their files are called, how their texts are named, and which of them are test."""

import re

from evals.data import is_held_out
from evals.sets.squad_layout import Article, Paragraph, SpanLayout, SpanQuestion

_CATEGORY = re.compile(
    r'^Highlight the parts .*? related to "(?P<category>[^"]*)".*?Details:\s*(?P<details>.*)$', re.S
)


def _is_test(_article: Article) -> bool:
    return True


def _is_train(_article: Article) -> bool:
    return False


SLICE_ARTICLES = frozenset(
    {
        "American_Broadcasting_Company",
        "Apollo_program",
        "Chloroplast",
        "Doctor_Who",
        "Genghis_Khan",
        "Kenya",
        "Martin_Luther",
        "Newcastle_upon_Tyne",
        "Nikola_Tesla",
        "Super_Bowl_50",
        "Teacher",
        "United_Methodist_Church",
        "Victoria_and_Albert_Museum",
    }
)
"""The articles of SQuAD's train slice: XQuAD and ExpMRC have some of them too, and there they are no test."""


def _is_not_of_the_slice(article: Article) -> bool:
    return article.title not in SLICE_ARTICLES


def _by_title(article: Article) -> bool:
    return is_held_out(article.title)


def _whole(article: Article, _paragraph: Paragraph, number: int) -> str:
    """A document that is one paragraph has the document's name."""
    return article.title if number == 0 else f"{article.title}/{number}"


def _own_id(_article: Article, paragraph: Paragraph, _number: int) -> str:
    return paragraph.id


def _specification(article: Article) -> str:
    """A source is a specification, 3GPP-Specs#23273-g50, or a section of it, 3GPP-Specs#23273-g50#30."""
    return "#".join((article.source or article.title).split("#")[:2])


def _first_line(_article: Article, paragraph: Paragraph) -> str:
    return paragraph.context.strip().split("\n", 1)[0].strip()


def clause_question(asked: SpanQuestion) -> str:
    """A category of CUAD as a question, from its own words alone.

    Every one reads `Highlight the parts (if any) of this contract related to "Category" that should be
    reviewed by a lawyer. Details: ...`. Details that ask something are the question; others follow a
    question that names the category.
    """
    found = _CATEGORY.match(asked.question)
    if not found:
        return asked.question.strip()
    details = " ".join(found["details"].split())
    return details if "?" in details else f'What does the contract say about "{found["category"]}"? {details}'


SQUAD2 = SpanLayout("squad2", {"squad/dev-v2.0.json": _is_test}, "en", "general")
SQUAD_SLICE = SpanLayout("squad_slice", {"squad/train-slice-v1.1.json": _is_train}, "en", "general")
XQUAD_EN = SpanLayout("xquad_en", {"xquad/xquad.en.json": _is_not_of_the_slice}, "en", "general")
XQUAD_ZH = SpanLayout("xquad_zh", {"xquad/xquad.zh.json": _is_not_of_the_slice}, "zh", "general")
COVID_QA = SpanLayout(
    "covid_qa",
    {"covid_qa/covid_qa.squad.json": _by_title},
    "en",
    "medical",
    uri=_whole,
    title=_first_line,
    longest_given=0,
)
CUAD = SpanLayout(
    "cuad",
    {"cuad/cuad.squad.json": _by_title},
    "en",
    "legal",
    uri=_whole,
    title=lambda article, _: article.title,
    question=clause_question,
    longest_given=0,
)
POLICYQA = SpanLayout("policyqa", {"policyqa/dev.json": _by_title}, "en", "legal")
TELEQUAD = SpanLayout(
    "telequad",
    {"telequad/TeleQuAD-v4.json": _is_test},
    "en",
    "technical",
    document=_specification,
    uri=lambda article, _, number: f"{article.docid}/{number}",
    title=lambda article, _: article.title,
    lists_plausible=True,
)
CMRC2018 = SpanLayout(
    "cmrc2018",
    {
        "cmrc2018/train.squad.json": _is_train,
        "cmrc2018/trial.squad.json": _is_train,
        "cmrc2018/dev.squad.json": _is_test,
    },
    "zh",
    "general",
    uri=_own_id,
)
DRCD = SpanLayout(
    "drcd", {"drcd/dev.json": _by_title}, "zh", "general", uri=_own_id, metadata={"script": "zh-Hant"}
)
CAIL2019 = SpanLayout(
    "cail2019",
    {"cail2019_mrc/dev.json": _is_test},
    "zh",
    "legal",
    document=lambda article: article.caseid,
    uri=lambda article, _, number: f"{article.caseid}/{number}",
    title=lambda _, paragraph: paragraph.casename,
)
