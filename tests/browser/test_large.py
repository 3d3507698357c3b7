"""Check limits for pages of many models; see ``large.py``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.large import build_catalog, build_registry, show

if TYPE_CHECKING:  # Playwright is not installed for all tests
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_a_thousand_models_with_a_hundred_versions(page: Page, tmp_path: Path) -> None:
    built = build_registry(tmp_path, 1000)
    assert built.building < 3 * built.reading
    assert built.size < 15_000_000
    searches = {
        "": "1,000 models",
        "9": "271 of 1,000 models",
        "99": "19 of 1,000 models",
        "model-1": "111 of 1,000 models",
        "nothing": "0 of 1,000 models",
    }
    shown = show(page, built.url, searches)
    assert shown.first_screen < 1000
    assert shown.filtering < 100
    page.goto(f"{built.url}#model-999@v0.1.0")
    page.get_by_role("region", name="Version v0.1.0").wait_for()


def test_a_thousand_repositories_with_ten_models(page: Page, tmp_path: Path) -> None:
    built = build_catalog(tmp_path, 1000)
    searches = {
        "": "10,000 models",
        "models77. model7": "0 of 10,000 models",
        "models77 model7": "11 of 10,000 models",
        "model3": "1,000 of 10,000 models",
    }
    shown = show(page, built.url, searches)
    assert shown.first_screen < 1000
    assert shown.filtering < 100
    page.get_by_role("radio", name="prod").check(force=True)
    assert page.get_by_role("status").inner_text() == "1,000 of 10,000 models"
    first = page.locator("#rows\\~ tr").first
    page.get_by_role("button", name="Repository").click()
    assert first.inner_text().split()[:2] == ["models0", "model3"]
    page.get_by_role("button", name="Repository").click()
    assert first.inner_text().split()[:2] == ["models999", "model3"]
