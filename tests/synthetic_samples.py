"""Answers whose true probability of being right is known, and runs that hold them."""

from pathlib import Path

import numpy as np

from evals.calibrate.samples import Sample
from evals.questions import Gold
from evals.records import CitedSentence, CitedSource, Header, Place, Record, RunFolder

STARTED_AT = "2026-01-02T03:04:05+00:00"


def samples(
    n: int, *, seed: int = 0, suite: str = "reading/one", language: str = "en", per_document: int = 4
) -> list[Sample]:
    """Of signals `good` (log-odds of being right), `half` (the same with noise) and `noise`."""
    rng = np.random.default_rng(seed)
    good = rng.normal(0.8, 1.5, n)
    half, noise = good + rng.normal(0, 2, n), rng.normal(0, 5, n)
    right = rng.random(n) < 1 / (1 + np.exp(-good))
    return [
        Sample(
            suite=suite,
            cluster=f"{suite.partition('/')[2]}:d{number // per_document}",
            language=language,
            domain="legal" if number % 2 else "medical",
            signals={
                "good": float(good[number]),
                "half": float(half[number]),
                "noise": float(noise[number]),
                "constant": 1.0,
            },
            is_correct=bool(right[number]),
            is_answerable=True,
        )
        for number in range(n)
    ]


def write_run(
    path: Path, answers: list[Sample], *, pipeline: str = "p1", extra: tuple[Record, ...] = ()
) -> Path:
    """A run whose records are these answers, then `extra`."""
    folder = RunFolder(path)
    folder.begin(header(answers[0].suite, pipeline))
    list(folder.append(iter([*(record(number, one) for number, one in enumerate(answers)), *extra])))
    return path


def header(suite: str, pipeline: str = "p1") -> Header:
    return Header(
        suite=suite,
        task=suite.partition("/")[0],
        correct="the gold span is cited",
        split="train",
        limit=None,
        seed=0,
        sample_ids=(),
        questions=1,
        data_hash="d",
        pipeline=pipeline,
        embedding_model="m",
        prompt_hash="",
        settings={},
        commit="c",
        versions={},
        started_at=STARTED_AT,
    )


def record(number: int, sample: Sample, *, is_test: bool = False, error: str = "") -> Record:
    """A record that is right if the sample is: its only quotation covers the gold place or misses it."""
    start = 0 if sample.is_correct else 50
    source = CitedSource("doc", start, start + 10, "0123456789", is_verbatim=True)
    return Record(
        id=f"q{number}",
        question="?",
        language=sample.language,
        domain=sample.domain,
        group=sample.cluster.partition(":")[2],
        is_test=is_test,
        is_answerable=True,
        gold=Gold(answers=("01",), documents=("doc",)),
        gold_places=(Place("doc", 0, 2),),
        sentences=(CitedSentence("0123456789", (source,), 0.5, "supported"),),
        signals={} if error else sample.signals,
        error=error,
    )
