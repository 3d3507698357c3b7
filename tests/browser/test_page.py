"""The page in a browser, from ``file://``: displayed text and interactions."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from modelversions import EventKind, Identity, Problem, ProblemKind
from modelversions.display.parts import NONE
from modelversions.testing import memory_registry
from modelversions.values.event import EPOCH
from modelversions.values.web_pages import WebPages
from tests.browser.helpers import axe_findings, console_errors, screenshot
from tests.browser.pages import NOW, example_model, repository, team, write
from tests.display.helpers import large_model, model, row
from tests.display.test_html import HOSTILE

if TYPE_CHECKING:  # Playwright is not installed for all tests
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

LAST_TWO = ["recsys:two-tower", "search-ranker"]
UNREACHABLE = (
    "cannot reach 'https://host/nlp.git': connection refused; check that it is a Git server"
)
SIZES = {"wide": (1160, 800), "narrow": (390, 844)}


@pytest.fixture
def url(page: Page, tmp_path: Path) -> str:
    """A page of a team's models; the browser's clock is 3 hours after the page was written."""
    page.clock.set_fixed_time(NOW)
    return write(tmp_path, repository(*team()))


def lines(page: Page) -> list[str]:
    """Return the texts of the rows of the dashboard."""
    rows = page.locator("#models\\~ tbody tr")
    return [" ".join(one.split()) for one in rows.all_inner_texts()]


def names(page: Page) -> list[str]:
    found: list[str] = page.locator("#models\\~ tbody td.name a").all_inner_texts()
    return found


def choose(page: Page, stage: str) -> None:
    page.get_by_role("radio", name=stage, exact=True).check(force=True)


def wait_for(page: Page, title: str) -> None:
    """Wait until a view is shown."""
    page.wait_for_function("(title) => document.title === title", arg=title)


def scroll_to_the_end(page: Page) -> None:
    """Scroll until all rows are appended."""
    more = page.locator("#more\\~")
    for _ in range(100):
        page.mouse.wheel(0, 20_000)
        page.wait_for_timeout(50)
        if more.is_hidden():
            return
    pytest.fail("rows are missing")


def section(page: Page, title: str) -> Locator:
    heading = re.compile(rf"^{title} \(")
    return page.locator("section", has=page.get_by_role("heading", name=heading))


class TestDashboard:
    def test_the_text(self, page: Page, url: str) -> None:
        page.goto(url)
        assert page.title() == "Models"
        assert page.get_by_role("heading", level=1).inner_text() == "Models"
        about = page.locator("#about\\~").inner_text()
        assert about == (
            "10 models, 89 versions in github.com/team/models · read 11 Mar 2026, 00:00 UTC"
            " · 2 problems"
        )
        assert page.get_by_role("columnheader").all_inner_texts()[:8] == [
            "Model", "Latest version", "dev", "prod", "staging", "Versions", "Last change", "Tag",
        ]  # fmt: skip
        found = lines(page)
        assert len(found) == 9
        assert found[0] == "anomaly v2.2.0 v2.0.0 v2.2.0 v2.1.0 9 2 days ago Zoë Ünal"
        assert found[3].startswith(f"cv/pool {NONE} {NONE} ")
        assert found[6] == f"new v0.1.0 {NONE} {NONE} {NONE} 1 1 day ago Ann Arber"
        assert "'v1.0' is not a version name" in section(page, "Problems").inner_text()

    def test_a_page_of_a_view_of_the_past(self, page: Page, tmp_path: Path) -> None:
        registry = memory_registry({"churn": ["v1.0.0"]})
        path = tmp_path / "models.html"
        registry.as_of(NOW).to_html(path)
        page.goto(path.as_uri())
        about = page.locator("#about\\~").inner_text()
        assert about.startswith("1 model, 1 version in memory, as of 2026-03-11 00:00:00 +00:00 ·")
        registry.as_of(EPOCH).to_html(path)
        page.goto("about:blank")
        page.goto(path.as_uri())
        assert page.locator("#empty\\~").inner_text() == "There were no models at that time."

    def test_search(self, page: Page, url: str) -> None:
        page.goto(url)
        search = page.get_by_role("searchbox", name="Search models")
        search.fill("R C")
        assert names(page) == ["churn", "fraud-detector", "recsys:two-tower", "search-ranker"]
        assert page.get_by_role("status").inner_text() == "4 of 9 models"
        search.fill("nothing")
        assert names(page) == []
        assert page.locator("#empty\\~").inner_text() == "No model matches. Clear search and filter"
        page.get_by_role("button", name="Clear search and filter").click()
        assert len(names(page)) == 9
        assert search.input_value() == ""

    def test_filter_by_stage(self, page: Page, url: str) -> None:
        page.goto(url)
        choose(page, "staging")
        assert names(page) == ["anomaly", "churn"]
        choose(page, "prod")
        assert names(page) == ["anomaly", "churn", "cv/pool", "fraud-detector", *LAST_TWO]
        choose(page, "All")
        assert len(names(page)) == 9

    def test_deprecated_models(self, page: Page, url: str) -> None:
        page.goto(url)
        assert "old-churn" not in names(page)
        page.get_by_role("checkbox", name="deprecated (1)").check()
        assert "old-churn" in names(page)
        assert any(one.startswith("old-churn deprecated v3.0.0") for one in lines(page))
        page.get_by_role("checkbox", name="deprecated (1)").uncheck()
        assert "old-churn" not in names(page)

    @pytest.mark.parametrize(
        ("column", "first", "last"),
        [
            ("Model", "search-ranker", "anomaly"),
            ("Versions", "churn", "cv/pool"),
            ("Last change", "new", "cleaned"),
            ("Latest version", "churn", "gone"),
            ("prod", "churn", "new"),
        ],
    )
    def test_sort(self, page: Page, url: str, column: str, first: str, last: str) -> None:
        page.goto(url)
        button = page.locator("#models\\~").get_by_role("button", name=column)
        button.click()
        assert (names(page)[0], names(page)[-1]) == (first, last)
        header = page.get_by_role("columnheader", name=column)
        assert header.get_attribute("aria-sort") == "descending"
        button.click()
        assert header.get_attribute("aria-sort") == "ascending"
        assert names(page)[0] != first

    def test_filters_are_in_the_url(self, page: Page, url: str) -> None:
        page.goto(url)
        page.get_by_role("searchbox").fill("ch")
        choose(page, "prod")
        page.wait_for_url("**#?q=ch&stage=prod")
        page.goto("about:blank")
        page.goto(f"{url}#?q=ch&stage=prod&sort=versions&descending=1")
        assert names(page) == ["churn", "search-ranker"]
        assert page.get_by_role("radio", name="prod").is_checked()
        page.goto("about:blank")
        page.goto(f"{url}#?sort=nothing&deprecated")
        assert len(names(page)) == 10

    def test_problems_are_shown(self, page: Page, url: str) -> None:
        page.goto(url)
        page.get_by_role("button", name="2 problems").click()
        assert page.locator(":focus").inner_text() == "Models with problems"
        page.get_by_role("link", name="churn (1)").click()
        wait_for(page, f"churn {NONE} Models")
        page.locator(".read", has_text="read 11 Mar 2026, 00:00 UTC").wait_for()

    def test_deprecated_models_that_match(self, page: Page, url: str) -> None:
        page.goto(url)
        page.get_by_role("searchbox").fill("old")
        assert names(page) == []
        page.get_by_role("button", name="Show 1 deprecated model that matches").click()
        assert names(page) == ["old-churn"]
        assert page.locator("#hidden\\~").is_hidden()

    def test_versions_are_links(self, page: Page, url: str) -> None:
        page.goto(url)
        page.locator("#rows\\~ td.stage").get_by_role("link", name="v9.1.0", exact=True).click()
        page.get_by_role("region", name="Version v9.1.0").wait_for()
        page.goto(url)
        page.locator("#rows\\~").get_by_role("link", name="0000000", exact=True).click()
        page.get_by_text("is held by the commit 0000000").wait_for()

    def test_rows_with_long_names_have_a_limited_height(self, page: Page, tmp_path: Path) -> None:
        stages = tuple(f"s{number:02}" for number in range(30))
        long, middle = "x" * 240, "a-name-of-two-lines-but-not-more-than-those"
        page.goto(
            write(tmp_path, repository(large_model(long, 30, stages), example_model(middle, 9, 1)))
        )
        heights = [
            (one.bounding_box() or {})["height"] for one in page.locator("#rows\\~ tr").all()
        ]
        assert max(heights) < 70
        link, version = (
            page.locator("#rows\\~ tr").first.locator(f"td.{kind} a").bounding_box()
            for kind in ("name", "latest")
        )
        assert link
        assert version
        assert abs(link["y"] - version["y"]) < 6
        page.get_by_role("link", name=long).click()
        holders = page.get_by_role("list", name="Stages")
        assert holders.get_by_role("listitem").count() == 20
        holders.get_by_role("button", name="and 10 more stages").click()
        assert holders.get_by_role("listitem").count() == 30

    def test_stages_in_the_url(self, page: Page, url: str) -> None:
        page.goto(f"{url}#?stage=nope&sort=%23prod&descending=1")
        assert page.get_by_role("radio", name="All", exact=True).is_checked()
        assert page.get_by_role("status").inner_text() == "9 models"
        header = page.get_by_role("columnheader", name="prod")
        assert header.get_attribute("aria-sort") == "descending"
        page.wait_for_url("**#?sort=%23prod&descending=1")
        page.goto("about:blank")
        page.goto(f"{url}#?sort=%23nope")
        header = page.get_by_role("columnheader", name="Model")
        assert header.get_attribute("aria-sort") == "ascending"

    def test_many_models_and_stages(self, page: Page, tmp_path: Path) -> None:
        stages = tuple(f"stage{number:02}" for number in range(12))
        models = [large_model(f"m{number:03}", 1, ("stage00",)) for number in range(300)]
        page.goto(write(tmp_path, repository(*models, large_model("wide", 12, stages))))
        assert len(names(page)) < 200
        assert "7 more stages without a column" in page.locator("#omitted\\~").inner_text()
        page.set_viewport_size({"width": 800, "height": 800})
        page.get_by_text("10 more stages without a column").wait_for()
        page.set_viewport_size({"width": 1160, "height": 800})
        page.get_by_text("7 more stages without a column").wait_for()
        _check_width(page)
        page.get_by_role("combobox", name="Stage").select_option("stage11")
        assert names(page) == ["wide"]
        assert "stage11" in page.get_by_role("columnheader").all_inner_texts()
        page.get_by_role("combobox", name="Stage").select_option("All stages")
        scroll_to_the_end(page)
        assert len(names(page)) == 301

    def test_back_shows_the_same_row(self, page: Page, tmp_path: Path) -> None:
        models = [large_model(f"m{number:03}", 1) for number in range(300)]
        page.goto(write(tmp_path, repository(*models)))
        page.get_by_role("searchbox").fill("m")
        page.wait_for_url("**#?q=m")
        scroll_to_the_end(page)
        link = page.get_by_role("link", name="m290", exact=True)
        link.scroll_into_view_if_needed()
        before = page.evaluate("() => scrollY")
        assert before > 10_000
        link.click()
        wait_for(page, f"m290 {NONE} Models")
        assert page.evaluate("() => scrollY") == 0
        page.go_back()
        wait_for(page, "Models")
        assert abs(page.evaluate("() => scrollY") - before) < 100
        assert page.locator(":focus").inner_text() == "m290"


class TestDetails:
    def test_a_model(self, page: Page, url: str) -> None:
        page.goto(url)
        page.get_by_role("link", name="churn", exact=True).click()
        wait_for(page, f"churn {NONE} Models")
        assert page.url.endswith("#churn")
        head = " ".join(page.locator("#details\\~ .head").inner_text().split())
        assert head.startswith("churn v10.0.0 latest, 5 Mar 2026")
        assert page.locator(":focus").inner_text() == "churn"
        panel = page.get_by_role("region", name="Version v10.0.0")
        facts = dict(
            zip(panel.locator("dt").all_inner_texts(), panel.locator("dd").all_inner_texts())
        )
        assert facts["Registered"] == "2026-03-05 21:00:00 +00:00"
        assert facts["Author"] == "Bob Söhne <bob@example.com>"
        assert facts["Tag"] == "churn@v10.0.0"
        assert facts["Message"] == "Retrained on the July snapshot"
        assert re.fullmatch("[0-9a-f]{40}", facts["Commit"])
        assert panel.get_by_role("link", name=facts["Commit"]).get_attribute("href") == (
            f"https://github.com/team/models/commit/{facts['Commit']}"
        )
        assert panel.get_by_role("link", name="churn@v10.0.0").get_attribute("href") == (
            "https://github.com/team/models/releases/tag/churn%40v10.0.0"
        )
        assert section(page, "Versions").locator("tbody tr").count() == 31
        assert page.get_by_role("img", name="Timeline of churn").locator("circle").count() == 31
        assert "it has no tagger" in section(page, "Problems").inner_text()
        page.go_back()
        wait_for(page, "Models")
        assert page.locator(":focus").inner_text() == "churn"

    def test_the_version_list(self, page: Page, url: str) -> None:
        page.goto(f"{url}#churn")
        picker = page.get_by_role("combobox", name="Version")
        assert picker.locator("option").all_inner_texts()[:2] == ["v10.0.0 (latest)", "v9.2.0"]
        picker.select_option("v0.2.0")
        page.wait_for_url("**#churn@v0.2.0")
        panel = page.get_by_role("region", name="Version v0.2.0")
        assert "The learning rate was halved.\nThe features are those of v1." in panel.inner_text()
        assert (
            section(page, "Versions").locator("tr[aria-current]").inner_text().startswith("v0.2.0")
        )
        assert page.locator(":focus").get_attribute("aria-label") == "Version"
        page.go_back()
        page.get_by_role("region", name="Version v10.0.0").wait_for()

    def test_history(self, page: Page, url: str) -> None:
        page.goto(f"{url}#churn")
        history = section(page, "History")
        rows = [" ".join(one.split()) for one in history.locator("tbody tr").all_inner_texts()]
        assert rows[0] == "5 Mar 2026 dev assigned to v10.0.0, previously v9.0.0 by Bob Söhne"
        assert rows[1].startswith("5 Mar 2026 registered v10.0.0 by Bob Söhne Retrained on")
        assert len(rows) == 40
        history.get_by_role("button", name="Show 22 more of 62").click()
        assert history.locator("tbody tr").count() == 62
        assert history.get_by_role("button", name="more").is_hidden()
        details = history.locator("details").first
        details.locator("summary").click()
        assert "The learning rate was halved." in details.inner_text()

    @pytest.mark.parametrize(
        ("link", "shown"),
        [
            ("#churn@v3.1.0", "Version v3.1.0"),
            ("#churn@latest", "Version v10.0.0"),
            ("#churn#staging", "Version v9.1.0"),
            ("#recsys:two-tower", "Version v2.1.0"),
            ("#recsys%3Atwo-tower%40v1.0.0", "Version v1.0.0"),
            ("#cleaned@v2.0.0", "Version v2.0.0"),
        ],
    )
    def test_deep_links(self, page: Page, url: str, link: str, shown: str) -> None:
        page.goto(f"{url}{link}")
        page.get_by_role("region", name=shown).wait_for()
        assert page.locator("#dashboard\\~").is_hidden()

    def test_links_without_a_target(self, page: Page, url: str) -> None:
        page.goto(f"{url}#churn@v99.0.0")
        assert page.get_by_role("alert").inner_text() == "churn has no version v99.0.0."
        page.goto(f"{url}#<b>nothing</b>")
        assert page.get_by_role("alert").inner_text() == "This page has no model <b>nothing</b>."
        assert len(names(page)) == 9
        page.goto(f"{url}#%")
        assert page.get_by_role("alert").inner_text() == "This page has no model %."
        page.goto(f"{url}#gone#prod")
        assert page.get_by_role("alert").inner_text() == "No version of gone is in the stage prod."

    def test_problems_of_malformed_names(self, page: Page, tmp_path: Path, url: str) -> None:
        note = page.get_by_text("Tags with malformed names are included")
        page.goto(f"{url}#churn")
        page.get_by_text("it has no tagger").wait_for()
        assert note.count() == 0
        found = [Problem(ProblemKind.MALFORMED_NAME, "churn@1", "churn", "it is not a name")]
        one = attrs.evolve(repository(*team()), problems=found)
        page.goto("about:blank")
        page.goto(f"{write(tmp_path, one)}#churn")
        note.wait_for()

    def test_a_long_name_of_a_version(self, page: Page, tmp_path: Path) -> None:
        version = "v1.0.0-" + "x" * 900
        assign = row("m#p", kind=EventKind.ASSIGNMENT, version=version, stage="p", at=1)
        rows = [row(f"m@{version}", version=version), assign]
        page.goto(write(tmp_path, repository(model("m", rows))) + "#m")
        heading = page.get_by_role("region", name="Version v1.0.0-").get_by_role("heading")
        assert (heading.bounding_box() or {})["height"] < 50
        holders = page.get_by_role("list", name="Stages")
        assert (holders.bounding_box() or {})["height"] < 50
        _check_width(page)

    def test_states_without_versions(self, page: Page, url: str) -> None:
        page.goto(f"{url}#cv/pool")
        text = page.locator("#details\\~").inner_text()
        assert "no active version" in text
        assert "No version was registered." in text
        page.goto(f"{url}#cv/pool#prod")
        alert = page.get_by_role("alert")
        assert alert.inner_text() == (
            "The stage prod of cv/pool is held by the commit 0000000, which has no version."
        )
        assert "assigned to commit 0000000 by Ann Arber" in " ".join(text.split())
        page.goto(f"{url}#gone")
        assert "no active version" in page.locator("#details\\~").inner_text()
        assert page.locator("optgroup[label=Deregistered] option").all_inner_texts() == ["v1.0.0"]
        page.goto(f"{url}#old-churn")
        assert "deprecated" in page.locator("#details\\~ .head").inner_text()

    def test_other_urls_of_commits(self, page: Page, tmp_path: Path) -> None:
        pages = WebPages(None, lambda sha: f"https://host/{sha}?x=%3C" if sha[0] == "0" else None)
        page.goto(write(tmp_path, repository(example_model("m", 3, 1), pages=pages)) + "#m")
        links = page.locator("#details\\~ a[href^='https://host/0']")
        assert links.count() >= 1


def test_keyboard_only(page: Page, url: str) -> None:
    page.goto(url)
    page.keyboard.press("/")
    page.keyboard.type("churn")
    assert names(page) == ["churn"]
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("value") == ""
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="dev").is_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.get_by_role("checkbox").is_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.get_by_role("columnheader", name="Model").get_attribute("aria-sort") == "descending"
    assert page.locator(":focus").inner_text() == "Model"
    for _ in range(7):
        page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "churn"
    page.keyboard.press("Enter")
    wait_for(page, f"churn {NONE} Models")
    page.keyboard.press("Tab")  # the latest version
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.wait_for_url("**#churn@v9.2.0")
    page.get_by_role("region", name="Version v9.2.0").wait_for()
    page.keyboard.press("ArrowDown")
    page.wait_for_url("**#churn@v9.1.0")
    page.go_back()
    page.go_back()
    page.go_back()
    wait_for(page, "Models")
    assert names(page) == ["churn"]
    assert page.locator(":focus").inner_text() == "churn"


@attrs.define
class SlowServer:
    """Sends a page up to a part of the data of the first model, and the rest after an event."""

    url: str
    rest: threading.Event

    @classmethod
    @contextmanager
    def of(cls, text: str, end: int | None = None) -> Iterator[SlowServer]:
        middle = text.index('class="model-data">') + 500
        rest = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(text[:middle].encode())
                self.wfile.flush()
                rest.wait(20)
                self.wfile.write(text[middle:end].encode())

            def log_message(self, *_args: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield cls(f"http://127.0.0.1:{server.server_port}/models.html", rest)
            finally:
                rest.set()
                server.shutdown()
                thread.join()


def test_dates_of_the_timeline_do_not_overlap(page: Page, tmp_path: Path) -> None:
    rows = [row("m@v1.0.0", version="v1.0.0"), row("m@v2.0.0", version="v2.0.0", at=1)]
    for index, year in enumerate((1970, 9999)):
        time = rows[index].time.replace(year=year)
        rows[index] = attrs.evolve(rows[index], time=time)
    page.goto(write(tmp_path, repository(model("m", rows))) + "#m")
    for width, _ in SIZES.values():
        page.set_viewport_size({"width": width, "height": 800})
        labels = page.locator("svg.timeline .axis")
        labels.first.wait_for()
        page.wait_for_function(
            "(width) => document.querySelector('svg.timeline').viewBox.baseVal.width < width",
            arg=width,
        )
        boxes = [one.bounding_box() for one in labels.all()]
        spans = [(one["x"], one["x"] + one["width"]) for one in boxes if one]
        assert spans
        assert all(left[1] < right[0] for left, right in itertools.pairwise(spans))


class TestLoading:
    """The data of the models arrive after the dashboard, as on a slow network."""

    @pytest.fixture
    def text(self, tmp_path: Path) -> str:
        write(tmp_path, repository(*team()))
        return (tmp_path / "models.html").read_text("utf-8")

    def test_a_click_before_the_data(self, page: Page, text: str) -> None:
        with SlowServer.of(text) as server:
            page.goto(server.url, wait_until="commit")
            page.get_by_role("link", name="churn", exact=True).click()
            page.get_by_text("Loading\u2026").wait_for()
            assert page.locator(":focus").inner_text() == "churn"
            server.rest.set()
            page.get_by_role("region", name="Version v10.0.0").wait_for()
            assert page.locator(":focus").inner_text() == "churn"

    def test_back_before_the_data(self, page: Page, text: str) -> None:
        with SlowServer.of(text) as server:
            page.goto(f"{server.url}#churn", wait_until="commit")
            page.get_by_text("Loading\u2026").wait_for()
            page.get_by_role("link", name="Models", exact=True).click()
            wait_for(page, "Models")
            server.rest.set()
            page.wait_for_load_state()
            assert len(names(page)) == 9
            assert page.locator(":focus").inner_text() == "churn"

    def test_data_that_is_never_received(self, page: Page, text: str) -> None:
        with SlowServer.of(text, text.index('class="model-data">') + 501) as server:
            server.rest.set()
            page.goto(server.url)
            page.get_by_role("link", name="churn", exact=True).click()
            page.get_by_text("The data of this model are missing").wait_for()


class TestFrames:
    """A page in a frame of another page, as in the HTML viewer of JupyterLab."""

    @pytest.mark.parametrize("kind", ["srcdoc", "blob"])
    def test_links_and_search(self, page: Page, tmp_path: Path, kind: str) -> None:
        write(tmp_path, repository(*team()))
        text = (tmp_path / "models.html").read_text("utf-8")
        outer = "http://127.0.0.1/outer.html"
        body = "<!DOCTYPE html><link rel=icon href='data:,'><iframe width=1100 height=700></iframe>"
        page.route(outer, lambda route: route.fulfill(body=body, content_type="text/html"))
        page.goto(outer)
        script = """([text, kind]) => {
            const frame = document.querySelector("iframe");
            if (kind === "srcdoc") frame.srcdoc = text;
            else frame.src = URL.createObjectURL(new Blob([text], {type: "text/html"}));
        }"""
        page.evaluate(script, [text, kind])
        frame = page.frame_locator("iframe")
        frame.get_by_role("searchbox").fill("chur")
        page.wait_for_timeout(600)  # the URL changes later; an error would be shown in the console
        frame.get_by_role("link", name="churn", exact=True).click()
        frame.get_by_role("region", name="Version v10.0.0").wait_for()
        frame.get_by_role("link", name="Models", exact=True).click()
        frame.get_by_role("heading", name="Models", exact=True).wait_for()
        assert page.url == outer


class TestCatalog:
    @pytest.fixture
    def catalog(self, page: Page, tmp_path: Path) -> str:
        page.clock.set_fixed_time(NOW)
        models = team()
        parts = [
            repository(*models[:3], name="churn"),
            repository(*models[3:6], name="team/vision", pages=WebPages()),
            repository(models[1], name="copy", pages=WebPages()),
        ]
        errors = {"nlp": UNREACHABLE}
        return write(tmp_path, *parts, errors=errors, title="All models")

    def test_repositories(self, page: Page, catalog: str) -> None:
        page.goto(catalog)
        about = page.locator("#about\\~").inner_text()
        assert about.startswith("7 models, 86 versions in 4 repositories, 1 not read · read")
        assert lines(page)[0].startswith("churn anomaly v2.2.0")
        assert "connection refused" in section(page, "Not read").inner_text()
        page.get_by_role("searchbox").fill("vision fraud")
        assert names(page) == ["fraud-detector"]
        page.get_by_role("searchbox").fill("")
        page.locator("#models\\~").get_by_role("button", name="Model").click()
        page.locator("#models\\~").get_by_role("button", name="Model").click()
        assert names(page)[:3] == ["anomaly", "churn", "churn"]
        page.locator("#models\\~").get_by_role("button", name="Repository").click()
        assert [one.split()[0] for one in lines(page)] == ["churn"] * 3 + ["team/vision"] * 3 + [
            "copy"
        ]

    def test_links_name_the_repository(self, page: Page, catalog: str) -> None:
        page.goto(catalog)
        page.get_by_role("link", name="churn", exact=True).last.click()
        assert page.url.endswith("#copy/churn")
        page.goto(f"{catalog}#team/vision/cv/pool")
        assert page.get_by_role("heading", level=1).last.inner_text() == "cv/pool"
        page.goto(f"{catalog}#churn/churn@v1.0.0")
        page.get_by_role("region", name="Version v1.0.0").wait_for()

    def test_models_with_the_same_path(self, page: Page, tmp_path: Path) -> None:
        """A plain link refers to the repository with the longest matching name."""
        parts = [
            repository(
                example_model("b/c", 1, 1), example_model("x", 1, 1), name="a", pages=WebPages()
            ),
            repository(example_model("c", 2, 1), name="a/b", pages=WebPages()),
            repository(example_model("x", 3, 1), name="", pages=WebPages()),
        ]
        url = write(tmp_path, *parts, errors={})
        page.goto(f"{url}#a/b/c")
        assert page.get_by_role("heading", level=1).last.inner_text() == "c"
        page.get_by_role("link", name="Models").click()
        page.get_by_role("link", name="b/c").click()
        wait_for(page, f"b/c {NONE} Models")
        assert page.url.endswith("#a//b/c")

    def test_without_repositories(self, page: Page, tmp_path: Path) -> None:
        page.goto(write(tmp_path, errors={}))
        assert page.locator("#empty\\~").inner_text() == "No repositories."


class TestHostile:
    def test_text_is_escaped(self, page: Page, tmp_path: Path) -> None:
        """No script is run, nothing is wider than the page, and the text is readable."""
        dialogs: list[Any] = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        texts = [text for text in HOSTILE if text]
        rows = [
            row(
                f"m@v{at}.0.0",
                version=f"v{at}.0.0",
                at=at,
                message=text,
                author=Identity(text, text),
            )
            for at, text in enumerate(texts)
        ]
        problems = [Problem(ProblemKind.NO_TAGGER, text, None, text) for text in texts]
        one = repository(model("m", rows), name=HOSTILE[0], pages=WebPages())
        one = type(one)(HOSTILE[0], HOSTILE[4], WebPages(), one.models, problems)
        url = write(tmp_path, one, errors={text: text for text in texts}, title=HOSTILE[1])
        for width, height in SIZES.values():
            page.set_viewport_size({"width": width, "height": height})
            page.goto("about:blank")
            page.goto(url)
            assert page.get_by_role("heading", level=1).inner_text() == HOSTILE[1]
            assert HOSTILE[0] in page.locator("body").inner_text()
            _check_width(page)
            for at, text in enumerate(texts):
                page.goto(f"{url}#{HOSTILE[0]}/m@v{at}.0.0")
                panel = page.get_by_role("region", name=f"Version v{at}.0.0")
                shown = panel.locator(".message").text_content() or ""
                if "\x00" not in text and text.isprintable() and len(text) < 100:
                    assert shown == text
                assert len(shown) < 10_100
                _check_width(page)
        assert dialogs == []
        assert page.locator("img, b, script:not([type]):not([src])").count() == 6

    def test_long_names(self, page: Page, tmp_path: Path) -> None:
        name = "team/" + "long-name-" * 18 + "x"
        stage = "stage-" * 15 + "x"
        page.clock.set_fixed_time(NOW)
        url = write(
            tmp_path, repository(example_model(name, 5, 3, (stage, "prod")), large_model("m", 3))
        )
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            for view, link in {"dashboard": "#", "details": f"#{name}"}.items():
                page.goto("about:blank")
                page.goto(url + link)
                _check_width(page)
                screenshot(page, f"page-long-names-{view}-{size}")

    def test_the_policy_blocks_other_scripts(self, browser: Browser, tmp_path: Path) -> None:
        url = write(tmp_path, repository(*team()))
        path = tmp_path / "models.html"
        text = path.read_text("utf-8").replace(
            "</body>", "<script>document.title='run'</script></body>"
        )
        path.write_text(text, "utf-8")
        with browser.new_context() as context:
            page = context.new_page()
            errors = console_errors(page)
            page.goto(url)
            assert page.title() == "Models"
            assert any("Content Security Policy" in one for one in errors)
            with pytest.raises(Exception, match="TrustedHTML"):
                page.evaluate("() => { document.body.innerHTML = '<b>x</b>'; }")


def _check_width(page: Page) -> None:
    wide, shown = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert wide <= shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
class TestViews:
    """Screenshots of all views for review, and the findings of axe-core."""

    def views(self, page: Page, scheme: str, size: str, directory: Path) -> dict[str, str]:
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.clock.set_fixed_time(NOW)
        for name in ("one", "all", "none"):
            (directory / name).mkdir()
        one = write(directory / "one", repository(*team()))
        many = [repository(*team()[:4], name="churn"), repository(*team()[4:], name="team/vision")]
        errors = {"nlp": UNREACHABLE}
        return {
            "dashboard": one,
            "dashboard-deprecated": f"{one}#?deprecated=1",
            "dashboard-no-match": f"{one}#?q=nothing",
            "details": f"{one}#churn@v9.2.0",
            "one-event": f"{one}#new",
            "no-versions": f"{one}#cv/pool",
            "deregistered": f"{one}#gone",
            "catalog": write(directory / "all", *many, errors=errors, title="All models"),
            "no-models": write(directory / "none", repository()),
        }

    def test_they_are_accessible(self, page: Page, tmp_path: Path, scheme: str, size: str) -> None:
        for name, url in self.views(page, scheme, size, tmp_path).items():
            page.goto("about:blank")
            page.goto(url)
            _check_width(page)
            screenshot(page, f"page-{name}-{size}-{scheme}")
            assert axe_findings(page) == []


def test_print(page: Page, tmp_path: Path) -> None:
    models = [large_model(f"m{number:03}", 1) for number in range(300)]
    url = write(tmp_path, repository(*models))
    page.goto(url)
    assert len(names(page)) < 300
    pdf = page.pdf()
    assert pdf.startswith(b"%PDF")
    assert len(names(page)) == 300
    page.emulate_media(media="print")
    assert page.get_by_role("searchbox").is_hidden()
    page.goto(f"{url}#m001")
    assert page.get_by_role("combobox").is_hidden()
    assert "github.com/team/models · read" in page.locator(".read").inner_text()


def test_without_javascript(browser: Browser, tmp_path: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(write(tmp_path, repository(*team())))
        assert "needs JavaScript" in page.locator("body").inner_text()
