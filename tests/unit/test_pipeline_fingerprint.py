"""The guard of `rag.fingerprint.PIPELINE_VERSION`: fixed documents and questions give the answers they gave.

A calibrator weighs signals of one pipeline only. Who changes retrieval, reading or a signal sees it here.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from ingest.text_document import TextDocument
from ingest.wiring import open_ingestion
from rag.domain import Question
from rag.fingerprint import PIPELINE_VERSION
from rag.settings import Settings
from rag.system import System
from rag.wiring import open_system

GOLDEN = Path(__file__).parents[1] / "golden" / "pipeline_signals.json"
WRITE = "ATTEST_WRITE_GOLDEN"
COMMAND = f"{WRITE}=1 python -m pytest tests/unit/test_pipeline_fingerprint.py"
REMEDY = (
    "the pipeline gives other answers or signals than version {version} did. If that is meant: raise "
    "PIPELINE_VERSION in rag/fingerprint.py, fit the shipped calibrator anew (docs/evals.md), and write the "
    f"new values with `{COMMAND}`"
)
DECIMALS = 3
EXACT = 1e-3  # one unit of rounding
# Another CPU may compute vectors in another precision. With noise of length .03 on every unit vector no
# signal moved by more than .016 in 20 tries, and no quotation changed.
EMBEDDING = 2e-2
OF_THE_EMBEDDING = frozenset(
    (
        "support_maximum",
        "support_mean",
        "retrieval_margin",
        "retrieval_margin_last",
        "best_meaning",
        "best_lead",
    )
)

TEXTS = {
    "lease.txt": "The monthly rent of the warehouse is 4,200 euros and is due on the first day "
    "of each month. The tenant pays a deposit of three monthly rents. The landlord insures the "
    "building against fire and storm, while the tenant insures the goods that are stored in it. Either "
    "party may terminate the lease with six months of written notice.",
    "pump.txt": "The filter of the pump must be replaced every 500 operating hours. Before "
    "opening the housing, disconnect the pump from the mains. If the motor overheats, the thermal "
    "switch stops it, and it can be started again after twenty minutes.",
    "aspirin.txt": "Aspirin is contraindicated in children with viral infections because of "
    "the risk of Reye syndrome. The usual dose for adults with headache is 500 mg every six hours. "
    "Patients who take warfarin should not take aspirin without advice, since bleeding becomes more "
    "likely.",
    "lighthouse.txt": "The lighthouse of Cape Horn was built in 1991. It is kept by the "
    "Chilean navy, whose keeper lives there with his family for a year at a time.",
    "router.txt": "The router answers to requests on port 8080. A response that is larger than "
    "one megabyte is compressed. The route of a request is chosen by the longest matching prefix.",
    "劳动合同.txt": "试用期为三个月，自员工入职之日起计算。员工每年享有十五天带薪年假。加班工资"
    "按照正常工资的一点五倍支付。任何一方解除合同，应当提前三十日以书面形式通知对方。",
    "租赁合同.txt": "月租金为人民币三万元，承租人应当于每月五日前支付。承租人负责为仓库内的货物"
    "投保，出租人负责为房屋投保。租赁期限为五年，自二〇二〇年一月一日起计算。",
    "判决书.txt": "经审理查明，被告于2018年3月向原告借款二十万元，约定年利率为百分之六。被告未"
    "按期还款，原告诉至本院。本院判决被告于判决生效之日起十日内偿还借款本金及利息。",
    "阿司匹林.txt": "患有病毒感染的儿童禁用阿司匹林，因为可能引起瑞氏综合征。成人头痛的常用剂量"
    "为每六小时五百毫克。",
}
QUESTIONS = (
    "How much deposit does the tenant pay?",
    "Who insures the building against fire?",
    "How often must the filter of the pump be replaced?",
    "Why is aspirin contraindicated in children?",
    "When was the lighthouse of Cape Horn built?",
    "How tall is the Eiffel tower?",
    "员工每年有多少天带薪年假？",
    "谁负责为仓库内的货物投保？",
    "被告向原告借款多少元？",
    "儿童为什么禁用阿司匹林？",
    "长江有多长？",
)


@dataclass(frozen=True, slots=True)
class Given:
    """What one question got: its quotations as "uri start-end", in order, and its signals, rounded."""

    quoted: tuple[str, ...]
    signals: Mapping[str, float]


def given_by(system: System, question: str) -> Given:
    proposal = system.pipeline.propose(Question(question, "fixed"))
    sources = [source for citation in proposal.cited.citations for source in citation.sources]
    signals = proposal.record.confidence.signals
    return Given(
        tuple(f"{s.document.uri} {s.span.start}-{s.span.end}" for s in sources),
        {name: round(value, DECIMALS) for name, value in signals.items()},
    )


@dataclass(frozen=True, slots=True)
class Found:
    """The fingerprint of this tree's pipeline, and what it gives, by question."""

    fingerprint: str
    by_question: Mapping[str, Given]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    with open_system(Settings(home=tmp_path_factory.mktemp("home"), database_url="")) as system:
        ingestion = open_ingestion(system)
        texts = [TextDocument(uri, Path(uri).stem, text) for uri, text in TEXTS.items()]
        ingestion.add_texts(texts, "fixed", source="test", report=lambda _: None)
        ingestion.close()
        given = {question: given_by(system, question) for question in QUESTIONS}
        return Found(system.pipeline.fingerprint, given)


def differences(kept: Mapping[str, Given], found: Mapping[str, Given]) -> list[str]:
    """What differs by more than another CPU can explain, a line each."""
    lines = []
    for question in kept.keys() | found.keys():
        if question not in kept or question not in found:
            lines.append(f"{question} is not asked in both")
            continue
        before, now = kept[question], found[question]
        if before.quoted != now.quoted:
            lines.append(f"{question} quoted {before.quoted}, now {now.quoted}")
        for name in sorted(before.signals.keys() | now.signals.keys()):
            old, new = before.signals.get(name), now.signals.get(name)
            allowed = (EMBEDDING if name in OF_THE_EMBEDDING else EXACT) + 1e-9
            if old is None or new is None or abs(old - new) > allowed:
                lines.append(f"{question} {name} was {old}, now {new}")
    return sorted(lines)


def golden() -> Mapping[str, Mapping[str, Given]]:
    """The values kept, by fingerprint of the pipeline, then by question."""
    if not GOLDEN.exists():
        return {}
    return TypeAdapter(dict[str, dict[str, Given]]).validate_json(GOLDEN.read_bytes())


def test_the_fingerprint_changes_whenever_answers_or_signals_do(found: Found) -> None:
    kept = golden()
    if os.environ.get(WRITE) and found.fingerprint not in kept:
        values = TypeAdapter(dict[str, dict[str, Given]]).dump_python(
            {found.fingerprint: dict(found.by_question)}, mode="json"
        )
        GOLDEN.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return
    assert found.fingerprint in kept, (
        f"no values are kept for pipeline {found.fingerprint}; write them with `{COMMAND}`"
    )
    changed = differences(kept[found.fingerprint], found.by_question)
    assert not changed, "\n".join([REMEDY.format(version=PIPELINE_VERSION), *changed])


def test_the_questions_tell_a_good_answer_from_a_bad_one(found: Found) -> None:
    """The fixed questions are worth asking: those with an answer get it, the two without score low."""
    for question, given in found.by_question.items():
        has_answer = "Eiffel" not in question and "长江" not in question
        assert (given.signals["support_maximum"] >= 0.25) is has_answer, question


def test_a_changed_signal_or_quotation_is_seen_and_rounding_is_not(found: Found) -> None:
    question = QUESTIONS[0]
    given = found.by_question[question]

    def with_signal(name: str, by: float) -> list[str]:
        signals = dict(given.signals) | {name: given.signals[name] + by}
        return differences(found.by_question, {**found.by_question, question: Given(given.quoted, signals)})

    assert differences(found.by_question, found.by_question) == []
    assert with_signal("support_mean", 0.015) == []
    assert len(with_signal("support_mean", 0.03)) == 1
    assert with_signal("question_coverage", 0.001) == []
    assert len(with_signal("question_coverage", 0.01)) == 1
    assert (
        len(
            differences(
                found.by_question, {**found.by_question, question: Given(("lease.txt 0-1",), given.signals)}
            )
        )
        == 1
    )
