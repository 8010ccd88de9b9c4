"""A report set as one HTML page that needs nothing else, or as Markdown tables."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from evals.report.contents import RunReport
from rag.language import language_of

_HERE = Path(__file__).parent
_MARKDOWN_SIGNS = re.compile(r"([\\`*\[\]<>|#])")


def html_page(runs: Sequence[RunReport]) -> str:
    """The whole page; every text of a record is escaped, and a policy in the page forbids scripts."""
    # Escaping is on for all templates, whatever their suffix: questions and documents may be hostile.
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breakable": breakable,
        "figure": figure,
        "language": language_of,
        "milliseconds": milliseconds,
        "moment": moment,
        "percent": percent,
        "share_of": share_of,
        "short": short,
        "thousands": thousands,
        "words": words,
    }
    title = runs[0].header.suite if len(runs) == 1 else f"{len(runs)} runs"
    # S704: the style sheet is a file of this package.
    style = Markup((_HERE / "page.css").read_text(encoding="utf-8"))  # noqa: S704
    return environment.get_template("page.html.jinja").render(runs=runs, title=title, style=style)


def markdown(runs: Sequence[RunReport]) -> str:
    """A table of every run's main metrics where there are several, then one table of all metrics a run."""
    lines = []
    if len(runs) > 1:
        lines += ["| suite | split | n | main metrics |", "|---|---|--:|---|"]
        for run in runs:
            shown = ", ".join(f"{_plain(name)} {figure(run.figures[name].value)}" for name in run.headlines)
            header = run.header
            lines.append(f"| {_plain(header.suite)} | {_plain(header.split)} | {run.recorded} | {shown} |")
        lines.append("")
    for run in runs:
        header = run.header
        lines += [
            f"**{_plain(header.suite)}**, split {_plain(header.split)}, {run.recorded} questions, "
            f"{run.failed} failed, commit `{header.commit[:12] or 'unknown'}`, "
            f"data `{header.data_hash[:12]}`",
            "",
            "| metric | value | 95 % interval | n |",
            "|---|--:|:-:|--:|",
        ]
        lines += [
            f"| {_plain(name)} | {figure(item.value)} | {figure(item.low)} – {figure(item.high)} | {item.n} |"
            for name, item in run.figures.items()
        ]
        lines.append("")
    return "\n".join(lines)


def figure(value: float) -> str:
    """Three decimals, one for BLEU and others that go to 100; a dash for what is not a number."""
    if math.isnan(value):
        return "–"
    text = f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return text.replace("-", "−")


def short(value: float) -> str:
    """Two decimals without the leading zero, for small print: .58."""
    return figure(round(value, 2))[:-1].replace("0.", ".", 1) if abs(value) < 1 else f"{value:.1f}"


def percent(share: float | None) -> str:
    """A share in per cent, without decimals; a dash for None."""
    return "–" if share is None else f"{100 * share:.0f} %"


def thousands(count: int) -> str:
    """An integer with its thousands set apart."""
    return f"{count:,}"


def milliseconds(time: float) -> str:
    """A time in the unit that suits it."""
    if time >= 1000:
        return f"{time / 1000:.1f} s"
    return f"{time:.0f} ms" if time >= 10 else f"{time:.1f} ms"


def moment(iso: str) -> str:
    """An ISO time to the minute."""
    return iso[:16].replace("T", " ") + (" UTC" if iso.endswith("+00:00") else "")


def share_of(value: float, scale: float) -> str:
    """How far `value` is along an axis that ends at `scale`, as a CSS percentage."""
    return f"{100 * min(1.0, max(0.0, value / scale)):.1f}%"


def words(name: str) -> str:
    """An identifier as words."""
    return name.replace("_", " ")


def breakable(name: str) -> Markup:
    """A name that may be broken after its separators, so that it fits a phone."""
    # S704: what is marked safe has been escaped on the line.
    return Markup(re.sub(r"([/_@])", r"\1<wbr>", str(escape(name))))  # noqa: S704


def _plain(text: str) -> str:
    return _MARKDOWN_SIGNS.sub(r"\\\1", text)
