"""A headless Chromium, and pages in it whose console must not show errors."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.helpers import PROGRAMS, console_errors

if TYPE_CHECKING:  # Playwright is not installed for all tests
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page of a new profile; an error in its console fails the test."""
    with browser.new_context(viewport={"width": 1160, "height": 800}) as context:
        page = context.new_page()
        page.set_default_timeout(10_000)
        errors = console_errors(page)
        yield page
        assert errors == []
