"""Pages of many models: the times to build, load and filter them, and their sizes.

``python -m tests.browser.large`` prints the results; the tests assert limits. Times of Python are
processor times, so that other programs on the machine do not affect them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import attrs

from modelversions import Catalog, Registry
from tests.benchmarks.repositories import Repositories, Shape
from tests.browser.helpers import PROGRAMS, console_errors
from tests.catalog.many import make_repositories

if TYPE_CHECKING:  # Playwright is not installed for all tests
    from playwright.sync_api import Page

EACH = 150
"""The number of tags of a model with 100 versions: a stage is assigned after every second one."""

_FILTER = """async (text) => {
    const search = document.querySelector("input[type=search]");
    const start = performance.now();
    search.value = text;
    search.dispatchEvent(new Event("input"));
    document.body.offsetHeight; // include the layout
    const time = performance.now() - start;
    await new Promise(requestAnimationFrame);
    return [time, document.querySelector("[role=status]").textContent];
}"""
_PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"


@attrs.frozen
class Built:
    """A page with its size and the times to build it."""

    url: str
    reading: float
    """The seconds to read the history of all models."""
    building: float
    """The seconds of ``to_html()``, including reading."""
    size: int
    """In bytes."""


@attrs.frozen
class Timing:
    """The times of a page in a browser; the minimum of several runs in milliseconds."""

    first_screen: float
    filtering: float
    """The time of the slowest of several searches."""


def build_registry(directory: Path, models: int) -> Built:
    """Build the page of models with 100 versions each, in a repository after ``git gc``."""
    path = Repositories(directory).path(Shape(models * EACH, EACH))
    page = directory / "models.html"

    def read() -> None:
        with Registry.open(path) as registry:
            registry.history()

    def build() -> None:
        with Registry.open(path) as registry:
            registry.to_html(page)

    return Built(page.as_uri(), _seconds(read), _seconds(build), page.stat().st_size)


def build_catalog(directory: Path, repositories: int) -> Built:
    """Build the page of repositories with 10 models each."""
    root = directory / "repositories"
    root.mkdir()
    make_repositories(root, repositories, 10)
    page = directory / "catalog.html"
    paths = sorted((root / "team").iterdir())

    def read() -> None:
        Catalog(paths).history()

    def build() -> None:
        Catalog(paths).to_html(page)

    return Built(page.as_uri(), _seconds(read), _seconds(build), page.stat().st_size)


def _seconds(call: Callable[[], None]) -> float:
    """Return the processor time of a call in seconds, the minimum of two."""
    times = []
    for _ in range(2):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def show(page: Page, url: str, searches: dict[str, str]) -> Timing:
    """Load a page and search in it.

    Args:
        page: an empty page.
        url: the URL of the page to measure.
        searches: search texts, with the expected number of models as the page shows it.
    """
    first = []
    for _ in range(3):
        page.goto("about:blank")
        page.goto(url)
        first.append(float(page.evaluate(_PAINTED)))
    times = {text: [] for text in searches}  # type: dict[str, list[float]]
    for _ in range(5):
        for text, expected in searches.items():
            time, status = page.evaluate(_FILTER, text)
            assert status == expected
            times[text].append(time)
    return Timing(min(first), max(map(min, times.values())))


def main() -> int:
    """Print the results."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--repositories", type=int, default=1000)
    options = parser.parse_args()
    program = next(filter(None, map(shutil.which, PROGRAMS)))
    with TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        page = browser.new_page()
        errors = console_errors(page)
        registry = build_registry(Path(name), options.models)
        catalog = build_catalog(Path(name), options.repositories)
        for subject, built in (("registry", registry), ("catalog", catalog)):
            count = options.models if subject == "registry" else options.repositories * 10
            shown = show(page, built.url, {"": f"{count:,} models", "no": f"0 of {count:,} models"})
            print(
                f"{subject}: reading {built.reading:.2f} s, with the page {built.building:.2f} s "
                f"({built.building / built.reading:.2f} x), {built.size / 1e6:.2f} MB, "
                f"first screen {shown.first_screen:.0f} ms, filter {shown.filtering:.1f} ms"
            )
        browser.close()
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
