"""What the confidence is worth on test questions, beside what one signal alone, or the length, would be.

    python -m evals.bench.confidence --train RUN [RUN ...] --test RUN [RUN ...] [--calibrator FILE]

The runs in --test are of test splits and were asked with any calibrator: probabilities are computed again
from their signals. A single signal becomes a probability by Platt scaling on the training runs, by language,
suites weighing equally, which is all that it can be given. The shipped calibrator certifies nothing;
what a collection's own one certifies is tried on every suite that has training and test questions.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import binomtest

from evals.calibrate.calibration import MINIMUM_SAMPLES, calibrate_on, decided_on
from evals.calibrate.fit import fit_scale, suite_weights
from evals.calibrate.samples import Sample, Samples, samples_from_runs
from evals.judge import is_correct
from evals.metrics import bootstrap
from evals.metrics.confidence import confidences
from evals.metrics.statistic import Measured
from evals.records import Record, RunFolder
from rag.calibrator import POOLED, Calibrator, load_calibrator
from rag.calibrators import shipped_calibrator
from rag.errors import InvalidRequestError

LENGTH = "answer_characters"
SHOWN = ("Brier", "smECE", "AUROC", "AURC", "coverage@0.05", "coverage@0.1", "coverage@0.2", "oracle@0.2")
CONSOLE = Console(width=260)


def test_records(paths: Sequence[Path], train: Sequence[Sample]) -> dict[str, list[Record]]:
    """The test records by suite, without those on a document of a training run, in whatever language."""
    seen = {sample.cluster.partition(":")[2] for sample in train}
    found: dict[str, list[Record]] = {}
    for path in paths:
        folder = RunFolder(path)
        suite = folder.header().suite
        kept = [r for r in folder.records() if r.is_test and not r.error and r.signals]
        found[suite] = [r for r in kept if r.group not in seen]
        if left_out := len(kept) - len(found[suite]):
            CONSOLE.print(
                f"{suite}: {left_out} of {len(kept)} questions are on documents that trained; left out"
            )
    return found


def with_probability(records: Sequence[Record], calibrator: Calibrator) -> list[Record]:
    """The records as if this calibrator had been in force."""
    return [replace(r, confidence=calibrator.probability(r.signals, r.language)) for r in records]


def by_one_signal(name: str, train: Sequence[Sample], records: Sequence[Record]) -> list[Record]:
    """The records with a probability that one signal alone gives."""
    scales = {}
    for language in {record.language for record in records}:
        own = [sample for sample in train if sample.language == language] or list(train)
        values = np.array([sample.signals.get(name, 0.0) for sample in own])
        sign = np.sign(np.corrcoef(values, [s.is_correct for s in own])[0, 1]) if values.std() > 0 else 1.0
        labels = np.array([sample.is_correct for sample in own])
        scales[language] = (sign, fit_scale("sigmoid", sign * values, labels, suite_weights(own)))
    return [
        replace(
            r, confidence=scales[r.language][1].probability(scales[r.language][0] * r.signals.get(name, 0.0))
        )
        for r in records
    ]


def measured(records: Sequence[Record]) -> Mapping[str, Measured]:
    """The confidence metrics, intervals clustered by document."""
    return {m.name: m for m in bootstrap.measure(list(confidences(records)), [r.group for r in records])}


def row_of(name: str, records: Sequence[Record]) -> list[str]:
    """Name, n, accuracy, mean probability, and each metric that is defined."""
    metrics = measured(records)
    n = metrics["Brier"].n
    accuracy = 1 - metrics["risk@full"].value
    mean = float(np.mean([record.confidence for record in records]))
    cells = [
        f"{m.value:.3f} ({m.low:.3f}-{m.high:.3f})" if (m := metrics.get(shown)) else "-" for shown in SHOWN
    ]
    return [name, str(n), f"{accuracy:.3f}", f"{mean:.3f}", *cells]


def show_suites(title: str, by_suite: Mapping[str, Sequence[Record]]) -> None:
    """A line for each suite, all together, each language and domain, and the mean AUROC over suites."""
    table = Table(*("questions", "n", "right", "mean p", *SHOWN), title=title)
    for name, records in by_suite.items():
        table.add_row(*row_of(name, records))
    everything = [record for records in by_suite.values() for record in records]
    table.add_section()
    table.add_row(*row_of("all", everything))
    for field in ("language", "domain"):
        for value in sorted({getattr(record, field) for record in everything}):
            table.add_row(*row_of(f"{field} {value}", [r for r in everything if getattr(r, field) == value]))
    CONSOLE.print(table)
    aurocs = [m["AUROC"].value for records in by_suite.values() if "AUROC" in (m := measured(records))]
    CONSOLE.print(f"mean AUROC over {len(aurocs)} suites: {np.mean(aurocs):.3f}\n")


def show_baselines(train: Sequence[Sample], calibrated: Sequence[Record]) -> None:
    """The Brier score beside every single signal's, least first."""
    names = sorted({name for sample in train for name in sample.signals})
    scores = {"calibrator": measured_brier(calibrated)}
    for name in track(names, "single signals", console=Console(stderr=True), transient=True):
        scores[name] = measured_brier(by_one_signal(name, train, calibrated))
    table = Table("Brier by", "value", title="beside one signal alone")
    best = sorted(scores.items(), key=lambda item: item[1])
    for name, value in [*best[:6], (f"{LENGTH} (length baseline)", scores[LENGTH])]:
        table.add_row(name, f"{value:.4f}")
    CONSOLE.print(table)


def measured_brier(records: Sequence[Record]) -> float:
    """The Brier score without an interval."""
    return float(np.mean([(r.confidence - is_correct(r)) ** 2 for r in records]))


def show_certificates(calibrator: Calibrator, train: Samples, by_suite: Mapping[str, list[Record]]) -> None:
    """What operators would be certified: each suite is a collection whose questions refine the calibrator.

    The calibrator is fitted on the suite's training questions as `attest eval calibrate --base` does it, and
    its certified thresholds are held against the suite's test questions.
    """
    columns = (
        "suite",
        "target risk",
        "certified on n",
        "wrong/accepted",
        "test n",
        "accepted",
        "risk",
        "holds",
    )
    table = Table(*columns, title="certificates of a collection's own calibrator, on its test questions")
    for suite, records in by_suite.items():
        own = tuple(sample for sample in train.items if sample.suite == suite)
        if len(own) < MINIMUM_SAMPLES:
            continue
        try:
            made = calibrate_on(
                replace(train, items=own), confidence_level=0.9, seed=0, base=calibrator
            ).calibrator
        except InvalidRequestError as error:  # too few right or wrong ones
            CONSOLE.print(f"{suite} gets no calibrator of its own: {error}")
            continue
        samples = [Sample("", "", r.language, r.domain, r.signals, is_correct(r)) for r in records]
        scores = decided_on(made, samples)
        for threshold in made.thresholds:
            proof = threshold.certificate
            if proof is None or threshold.group != POOLED:
                continue
            accepted = scores.probability >= threshold.value
            wrong, n = int((accepted & ~scores.is_correct).sum()), int(accepted.sum())
            table.add_row(
                suite,
                f"{threshold.target_risk:.2f}",
                str(proof.n),
                f"{proof.wrong}/{proof.accepted}",
                str(len(records)),
                str(n),
                f"{wrong / n:.3f}" if n else "-",
                verdict(wrong, n, threshold.target_risk),
            )
    CONSOLE.print(table)


def verdict(wrong: int, n: int, target: float) -> str:
    """Whether a risk holds; above it by no more than chance where the 95 % lower bound is below it."""
    if not n or wrong / n <= target:
        return "yes"
    return "within chance" if binomtest(wrong, n).proportion_ci(0.9).low <= target else "NO"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the confidence on test questions.")
    parser.add_argument(
        "--train", nargs="+", type=Path, required=True, help="runs the calibrator was fitted on"
    )
    parser.add_argument("--test", nargs="+", type=Path, required=True, help="runs of test splits")
    parser.add_argument("--calibrator", type=Path, help="default: the shipped one")
    arguments = parser.parse_args()
    calibrator = load_calibrator(arguments.calibrator) if arguments.calibrator else shipped_calibrator()
    if calibrator is None:
        parser.error("no calibrator is shipped; name one with --calibrator")
    train = samples_from_runs([RunFolder(path) for path in arguments.train])
    by_suite = {
        name: with_probability(records, calibrator)
        for name, records in test_records(arguments.test, train.items).items()
    }
    answers = {name: r for name, r in by_suite.items() if name.startswith(("reading/", "document/"))}
    show_suites("answerable questions: reading and document suites", answers)
    show_suites("with unanswerable ones: all suites", by_suite)
    show_baselines(train.items, [record for records in by_suite.values() for record in records])
    show_certificates(calibrator, train, by_suite)


if __name__ == "__main__":
    main()
