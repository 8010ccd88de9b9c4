"""`make demo`: ingest the handbook, serve it, ask over REST, and check what comes back.

python -m api.demo [--picture FILE.svg]     with a picture of what it prints
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from api.client import AttestClient
from api.schemas import ConfidenceOut, OutcomeOut

COLLECTION = "handbook"
HANDBOOK = Path(__file__).resolve().parents[1] / "docs"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question of the demo and whether the handbook can answer it."""

    question: str
    is_answerable: bool


QUESTIONS = (
    Ask("Where does Attest store its state?", is_answerable=True),
    Ask("Which file formats does Attest read?", is_answerable=True),
    Ask("文档里没有答案时，Attest 会怎么做？", is_answerable=True),
    Ask("Which hospitals in Rotterdam use Attest?", is_answerable=False),
)


def main() -> int:
    """Exit status 0 if the three answers and the one abstention came as expected."""
    parser = argparse.ArgumentParser(prog="python -m api.demo", description=__doc__)
    parser.add_argument("--picture", type=Path, help="also write what is printed as SVG")
    picture: Path | None = parser.parse_args().picture
    console = Console(width=100, record=True)
    with tempfile.TemporaryDirectory(prefix="attest-demo-") as home:
        console.rule(f"attest ingest {HANDBOOK.name} --collection {COLLECTION}")
        subprocess.run(  # noqa: S603  # our own command
            [*_attest(), "ingest", str(HANDBOOK), "--collection", COLLECTION, "--home", home], check=True
        )
        with _server(home) as url, AttestClient(url) as client:
            console.rule(f"POST {url}/v1/query")
            outcomes = [client.query(ask.question, COLLECTION) for ask in QUESTIONS]
    for ask, outcome in zip(QUESTIONS, outcomes, strict=True):
        console.print(_panel(ask, outcome))
    unexpected = [
        ask.question
        for ask, outcome in zip(QUESTIONS, outcomes, strict=True)
        if (outcome.status != "abstained") != ask.is_answerable
    ]
    if picture is not None:
        svg = console.export_svg(title="make demo")
        picture.write_text(re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL))  # no fonts from elsewhere
    for question in unexpected:
        console.print(f"not as expected: {question}", style="red")
    return 1 if unexpected else 0


@contextmanager
def _server(home: str) -> Iterator[str]:
    """A server on a free port, and its URL once it is ready."""
    command = [*_attest(), "serve", "--port", "0", "--home", home]
    with subprocess.Popen(  # noqa: S603  # our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            ready = server.stdout.readline() if server.stdout else ""
            if " at http" not in ready:
                raise SystemExit("the server did not start; run `attest serve` to see why")
            yield ready.split()[-1]
        finally:
            server.terminate()


def _attest() -> list[str]:
    return [sys.executable, "-c", "from rag.cli import main; main()"]


def _panel(ask: Ask, outcome: OutcomeOut) -> Panel:
    if outcome.abstention is not None:
        lines = [f"[yellow]No answer:[/] {outcome.abstention.message}", "", "Closest sources:"]
        lines += [
            f"  · {source.document_title} ({source.uri})" for source in outcome.abstention.closest_sources
        ]
        lines += [""]
    else:
        lines = []
        for citation in outcome.citations:
            [source] = citation.sources
            where = source.location
            lines.append(f"{_plain(citation.text)} [cyan]{_plain(citation.marker)}[/]")
            lines.append(
                f"  [dim]{_plain(citation.marker)} {source.document_title} ({source.uri}), characters "
                f"{where.start_char_index}-{where.end_char_index}, revision {source.revision[:12]}[/]"
            )
        lines += ["", f"[dim]{_confidence(outcome.confidence)}[/]"]
    total = outcome.timings_ms.get("total", 0.0)
    lines += [f"[dim]{outcome.status} by the {outcome.generator} generator in {total:.0f} ms[/]"]
    return Panel("\n".join(lines), title=_plain(ask.question), title_align="left")


def _confidence(confidence: ConfidenceOut) -> str:
    """What the score is: a probability with the n behind it, or an order only."""
    if not confidence.calibrated or confidence.n_calibration is None:
        return f"confidence {confidence.score:.2f}, not calibrated"
    n = f"n = {confidence.n_calibration:,} answers"
    return f"confidence {confidence.score:.2f}: the probability of being right, calibrated on {n}"


def _plain(text: str) -> str:
    """Text of a document, in which brackets are no markup."""
    return text.replace("[", r"\[")


if __name__ == "__main__":
    sys.exit(main())
