"""What a calibration shows at its end: its sets, its scales, its certificates, and how good it seems."""

from rich.console import Console
from rich.table import Table

from evals.calibrate.calibration import Calibration
from evals.calibrate.estimates import design_effects_of, estimates_of
from rag.calibrator import Threshold

NOTES = (
    "Each certificate holds by itself, for questions drawn like those certified on: from the same sets in "
    "the same shares. A design effect above 1 means that a document's answers err together, and that the "
    "certificate is too hopeful by that much. Without a certificate a threshold is only the best known."
)


def show(made: Calibration) -> None:
    """Print it on standard output."""
    console = Console()
    for table in (_sets(made), _scales(made), _certificates(made), _estimates(made)):
        console.print(table)
    console.print(NOTES, style="dim")


def _sets(made: Calibration) -> Table:
    table = _table("answers used", "suite", "fit", "calibrate", "tune", "certify", "right means")
    for used in made.calibrator.sets:
        counts = (used.fit, used.calibrate, used.tune, used.certify)
        table.add_row(used.suite, *map(str, counts), used.correct)
    sums = [sum(getattr(used, part) for used in made.calibrator.sets) for part in _PARTS]
    table.add_row("all", *map(str, sums), "", style="bold")
    return table


def _scales(made: Calibration) -> Table:
    alternatives = list(dict.fromkeys(kind for chosen in made.scales for kind in chosen.brier))
    table = _table("scale of probabilities, by Brier score", "language", "n", "chosen", *alternatives)
    for chosen in made.scales:
        scores = (f"{chosen.brier[kind]:.4f}" if kind in chosen.brier else "-" for kind in alternatives)
        table.add_row(chosen.language, str(chosen.n), chosen.scale.kind, *scores)
    return table


def _certificates(made: Calibration) -> Table:
    columns = ("group", "risk", "threshold", "coverage", "certificate", "wrong", "accepted", "n", "effect")
    table = _table("thresholds", *columns)
    for threshold, effect in zip(made.calibrator.thresholds, design_effects_of(made), strict=True):
        table.add_row(*_certificate_row(threshold, effect))
    return table


def _certificate_row(threshold: Threshold, effect: float) -> tuple[str, ...]:
    coverage = "-" if threshold.coverage is None else f"{threshold.coverage:.3f}"
    known = (threshold.group, f"{threshold.target_risk:.0%}", f"{threshold.value:.3f}", coverage)
    proof = threshold.certificate
    if proof is None:
        return (*known, "none", "-", "-", "-", "-")
    counts = (proof.wrong, proof.accepted, proof.n)
    return (*known, f"{proof.confidence_level:.0%}", *map(str, counts), f"{effect:.1f}")


def _estimates(made: Calibration) -> Table:
    estimates = estimates_of(made)
    names = list(dict.fromkeys(item.name for found in estimates for item in found.measured))
    table = _table("on the certifying answers, with 95 % intervals", "group", "n", *names)
    for found in estimates:
        by_name = {
            item.name: f"{item.value:.3f} ({item.low:.3f} to {item.high:.3f})" for item in found.measured
        }
        n = max((item.n for item in found.measured), default=0)
        table.add_row(found.group, str(n), *(by_name.get(name, "-") for name in names))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left")
    return table


_PARTS = ("fit", "calibrate", "tune", "certify")
