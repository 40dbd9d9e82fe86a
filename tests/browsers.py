"""A browser for tests that open pages; they are skipped by name where there is none."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def launched(*arguments: str) -> Iterator[Any]:
    """Launch the browser of the distribution, headless, with these arguments."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("needs a browser: install chromium from the distribution")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=program, args=[*arguments, *(["--no-sandbox"] if root else [])], timeout=180_000
        )
        yield found
        found.close()
