from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage
from synthetic_runs import mixed_records, ranking_records, write_run

from evals.report.contents import report_of
from evals.report.page import html_page
from evals.score import score

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Look:
    name: str
    width: int
    scheme: Literal["light", "dark"]
    medium: Literal["screen", "print"] = "screen"


LOOKS = [
    Look("wide", 1280, "light"),
    Look("phone", 360, "light"),
    Look("dark", 1280, "dark"),
    Look("phone-dark", 360, "dark"),
    Look("print", 800, "light", "print"),
]


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    reading = write_run(folder / "a", mixed_records(300), {}, suite="reading/covid_qa")
    ranking = write_run(folder / "b", ranking_records(60), {}, suite="retrieval/ir_cranfield")
    for run in (reading, ranking):
        score(run)
    path = folder / "report.html"
    path.write_text(html_page([report_of(reading, 1), report_of(ranking, 2)]), encoding="utf-8")
    return path


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_the_report_fits_its_width_and_logs_nothing(
    browser: Browser, report: Path, screenshots: Path, look: Look
) -> None:
    page = browser.new_page(viewport={"width": look.width, "height": 900}, color_scheme=look.scheme)
    page.emulate_media(media=look.medium)
    complaints: list[str] = []

    def keep(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    page.on("console", keep)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: _note_request(request.url, complaints))
    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true })")
    page.screenshot(path=screenshots / f"report-{look.name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") == look.width
    assert complaints == []
    assert page.evaluate("document.querySelectorAll('body script, body img').length") == 0
    page.close()


def test_a_keyboard_reaches_the_results_and_every_link_has_its_target(browser: Browser, report: Path) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    dangling = (
        "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.querySelector(a.hash)).length"
    )
    assert page.evaluate(dangling) == 0
    page.close()


def _note_request(url: str, complaints: list[str]) -> None:
    if not url.startswith(("file:", "data:")):
        complaints.append(f"asked for {url}")
