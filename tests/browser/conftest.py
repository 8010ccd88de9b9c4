"""A headless Chromium, and a folder for what it saw."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium that ATTEST_TEST_CHROMIUM names."""
    program = os.environ.get("ATTEST_TEST_CHROMIUM", "")
    if not program:
        pytest.skip("no Chromium: set ATTEST_TEST_CHROMIUM, or run `make test-browser`")
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not start for root; the pages are ours.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=program, args=sandbox)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: the folder that ATTEST_SCREENSHOTS names, else a temporary one."""
    named = os.environ.get("ATTEST_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
