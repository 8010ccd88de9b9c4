"""Runs made up for the report and the gate: both languages, hostile text, every outcome."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evals.questions import Gold, Mark
from evals.records import (
    METRICS_FILE,
    ChunkScore,
    CitedSentence,
    CitedSource,
    Header,
    Place,
    RankedDocument,
    Record,
    RunFolder,
)

HOSTILE = "<script>alert('owned')</script><img src=x onerror=alert(1)></style>"

ENGLISH = (
    "What notice must either party give to end the agreement?",
    "Either party may terminate this Agreement for convenience upon ninety (90) days' prior written notice "
    "to the other party, without any liability other than for amounts accrued before termination.",
    "ninety (90) days' prior written notice",
    "The Supplier shall notify the Customer of any delay in delivery as soon as it becomes aware of it.",
)
CHINESE = (
    "用人单位解除劳动合同应当提前多少日通知劳动者？",
    "有下列情形之一的，用人单位提前三十日以书面形式通知劳动者本人或者额外支付劳动者一个月工资后，可以解除劳动合同。",
    "提前三十日以书面形式通知劳动者本人",
    "劳动者在试用期内提前三日通知用人单位，可以解除劳动合同。",
)


def header(suite: str = "reading/handbook", questions: int = 1, **changed: object) -> Header:
    """A header with believable values."""
    values: dict[str, object] = {
        "suite": suite,
        "task": suite.split("/", maxsplit=1)[0],
        "correct": "an annotated gold span lies inside a cited sentence of the gold document",
        "split": "test",
        "limit": None,
        "seed": 0,
        "sample_ids": (),
        "questions": questions,
        "data_hash": "9f2c1d7be0a4465f8c1e",
        "pipeline": "4be19c2a77d0f3aa51c6",
        "embedding_model": "all-MiniLM-L6-v2",
        "prompt_hash": "",
        "settings": {"minimum_answer_score": "0.35"},
        "commit": "ad571110c0ffee00d15ea5e",
        "versions": {"python": "3.11.9", "numpy": "2.4.6", "tantivy": "0.27.0"},
        "started_at": "2026-01-02T03:04:05+00:00",
    }
    return Header(**(values | changed))  # type: ignore[arg-type]


def record(
    number: int,
    *,
    is_right: bool = True,
    confidence: float = 0.5,
    is_answered: bool = True,
    is_answerable: bool = True,
    language: str = "en",
    is_hostile: bool = False,
    is_found: bool = True,
    error: str = "",
) -> Record:
    """A question whose gold sentence is quoted (`is_right`) or another one is; the gold stands at 100."""
    question, gold, marked, other = CHINESE if language == "zh" else ENGLISH
    if is_hostile:
        question, other = f"{question} {HOSTILE}", f"{other} {HOSTILE} \u202egnidrocca"
    domain = "legal" if number % 3 else "technical"
    document = f"contracts/{domain}/agreement-{number % 7}-with-a-name-that-is-long-and-unbroken_v2.txt"
    start = gold.index(marked)
    elsewhere = document if is_found else "contracts/other/annex.txt"
    quoted = (
        CitedSource(document, 100, 100 + len(gold), gold, is_verbatim=True)
        if is_right and is_answerable
        else CitedSource(elsewhere, 900, 900 + len(other), other, is_verbatim=number % 5 > 0)
    )
    chunks = [
        ChunkScore(
            quoted.document, quoted.start - 40, quoted.end + 600, 0.9, {"dense": 0.71, "lexical": 12.4}
        ),
        *(ChunkScore(f"annex-{i}.txt", 0, 800, 0.8 - i / 10, {"lexical": 9.0 - i}) for i in range(9)),
    ]
    return Record(
        id=f"q-{number:05}",
        question=question,
        language=language,
        domain=domain,
        group=document,
        is_test=True,
        is_answerable=is_answerable,
        gold=_gold(document, marked, 100 + start, gold) if is_answerable else Gold(),
        gold_places=(Place(document, 100 + start, 100 + start + len(marked)),) if is_answerable else (),
        chunks=() if error else tuple(chunks),
        status="" if error else "answered" if is_answered else "abstained",
        reason="" if is_answered else "low_confidence",
        answer="" if error else quoted.text,
        sentences=() if error else (CitedSentence(quoted.text, (quoted,), confidence, "supported"),),
        confidence=0.0 if error else confidence,
        is_calibrated=True,
        signals={"support_maximum": confidence},
        timings_ms={} if error else _timings(number),
        error=error,
    )


def _gold(document: str, marked: str, start: int, sentence: str) -> Gold:
    return Gold(
        answers=(marked,), documents=(document,), marks=(Mark(document, start, marked),), evidence=(sentence,)
    )


def _timings(number: int) -> dict[str, float]:
    random = np.random.default_rng(number)
    return {
        "retrieve": float(random.lognormal(3.6, 0.4)),
        "generate": float(random.lognormal(5.4, 0.5)),
        "cite": float(random.lognormal(0.2, 0.3)),
        "calibrate": float(random.lognormal(-1, 0.3)),
    }


def mixed_records(n: int, seed: int = 0) -> list[Record]:
    """Outcomes drawn from known probabilities: an answer of confidence c is right with probability c."""
    random = np.random.default_rng(seed)
    records = []
    for number in range(n):
        is_answerable = bool(random.random() > 0.2)
        confidence = float(random.beta(2.2, 1.6) if is_answerable else random.beta(1.6, 4))
        records.append(
            record(
                number,
                is_right=bool(random.random() < confidence),
                confidence=round(confidence, 4),
                is_answered=confidence > 0.55,
                is_answerable=is_answerable,
                language="zh" if random.random() < 0.4 else "en",
                is_hostile=number % 4 == 0,
                is_found=number % 6 > 0,
                error="StoreUnavailableError: the database is locked <b>" if number % 97 == 96 else "",
            )
        )
    return records


def ranking_records(n: int) -> list[Record]:
    """Records of a retrieval suite: the gold document at rank 1, 2, 3, ... and every fifth not found."""
    return [
        Record(
            id=f"q-{number:05}",
            question=ENGLISH[0],
            language="en",
            domain="technical",
            group=str(number),
            is_test=True,
            is_answerable=True,
            gold=Gold(documents=(f"gold-{number}",)),
            ranked=tuple(
                RankedDocument(
                    f"gold-{number}" if rank == number % 5 and rank else f"d-{rank}", 1 / (rank + 1)
                )
                for rank in range(10)
            ),
            timings_ms={"search": 20.0 + number},
        )
        for number in range(n)
    ]


def write_run(
    path: Path, records: Sequence[Record], metrics: dict[str, tuple[float, float, float]], **changed: object
) -> RunFolder:
    """A run's folder with these records; `metrics` has value, low and high by name."""
    folder = RunFolder(path)
    folder.begin(header(questions=len(records), **changed))  # type: ignore[arg-type]
    for _ in folder.append(iter(records)):
        pass
    written = {
        name: {"value": value, "low": low, "high": high, "n": len(records)}
        for name, (value, low, high) in metrics.items()
    }
    (folder.path / METRICS_FILE).write_text(json.dumps(written), encoding="utf-8")
    return folder


READING = {
    "evidence_hit": (0.612, 0.578, 0.645),
    "EM": (0.081, 0.064, 0.099),
    "F1": (0.347, 0.322, 0.371),
    "BLEU": (18.42, 16.9, 20.1),
    "citation_recall": (0.911, 0.893, 0.928),
    "citation_precision": (0.874, 0.851, 0.896),
    "accuracy": (0.634, 0.601, 0.666),
    "coverage": (0.553, 0.52, 0.585),
    "risk": (0.243, 0.207, 0.281),
    "Brier": (0.187, 0.175, 0.199),
    "smECE": (0.031, 0.021, 0.052),
    "AUROC": (0.781, 0.75, 0.811),
    "AURC": (0.196, 0.169, 0.225),
    "answerability_AUROC": (0.842, 0.811, 0.871),
}
RANKING = {"nDCG@10": (0.441, 0.402, 0.481), "R@10": (0.472, 0.43, 0.51), "MRR@10": (0.51, 0.45, 0.57)}
