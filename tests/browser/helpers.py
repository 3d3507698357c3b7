"""Helpers for tests in a browser."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Playwright is not installed for all tests
    from playwright.sync_api import Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
"""Possible names of the browser's executable."""

BUILD = Path(__file__).parents[2] / "build" / "browser"
"""The directory of the screenshots."""


def console_errors(page: Page) -> list[str]:
    """Return a list to which console errors and exceptions of a page are added."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda one: errors.append(one.text) if one.type == "error" else None)
    return errors


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def axe_findings(page: Page, within: str = "html") -> list[str]:
    """Return the serious and critical findings of axe-core, with the elements.

    Args:
        page: the page.
        within: the selector of the elements to check.
    """
    page.evaluate(_axe())
    results = page.evaluate(
        "(within) => axe.run(within, {resultTypes: ['violations']})", arg=within
    )
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in results["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def screenshot(page: Page, name: str) -> None:
    """Store a screenshot of the whole page in the build directory."""
    BUILD.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=BUILD / f"{name}.png", full_page=True)
