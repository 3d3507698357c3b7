"""The notebook and the form in JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.helpers import BUILD, axe_findings
from tests.browser.lab import Lab, running
from tests.browser.notebook import PATH

if TYPE_CHECKING:  # Playwright is not installed for all tests
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

CODE = """
from modelversions.testing import memory_registry, new_commit
registry = memory_registry(
    {"churn": ["v1.0.0", "v1.1.0"], "fraud/detector": ["v0.1.0"]},
    {"churn": {"prod": "v1.0.0"}},
    commits=0,
    allowed_stages=["dev", "prod"],
)
new_commit(registry, "Retrain on the July snapshot of all customers, <b>without</b> the stale ones")
new_commit(registry, "Tune the learning rate")
registry.form()
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def form(lab: Lab, page: Page) -> Locator:
    """The form of a small registry."""
    page.set_viewport_size({"width": 1160, "height": 1300})
    lab.open(page, CODE)
    return page.locator(".mv-form")


def expect(locator: Locator) -> Any:
    from playwright.sync_api import expect as expectation

    expectation.set_options(timeout=30_000)
    return expectation(locator)


def sha(commit: Locator) -> str:
    """Return the full SHA of a commit in the list from its tooltip."""
    title = str(commit.locator("button").get_attribute("title"))
    return title.splitlines()[-1]


def row(form: Locator, model: str) -> Locator:
    """Return the row of a model in the dashboard below the form."""
    return form.locator("table tr", has_text=model)


def field(form: Locator, name: str) -> Locator:
    return form.get_by_label(name, exact=True).and_(form.locator(":visible"))


def select_action(form: Locator, action: str) -> None:
    """Display the panel of an action."""
    form.get_by_role("button", name=action, exact=True).first.click()
    expect(form.locator(".mv-write:visible")).to_have_text(action)


def choose(form: Locator, name: str, option: str) -> None:
    """Choose an option of a displayed list."""
    control = form.get_by_label(name, exact=True).and_(form.locator("select:visible"))
    control.select_option(option)


def field_with_messages(form: Locator, name: str) -> Locator:
    """Return the field together with the messages about its value."""
    label = form.page.get_by_label(name, exact=True)
    return form.locator(".mv-field:visible").filter(has=label)


def test_registering_a_version_in_the_example(lab: Lab, page: Page) -> None:
    page.set_viewport_size({"width": 1160, "height": 1300})
    lab.open(page, PATH)
    form = page.locator(".mv-form")
    commits = form.locator(".mv-commit")
    expect(commits.first).to_contain_text("Balance the classes")
    field(form, "Model").fill("churn")
    expect(commits.nth(1)).to_contain_text("has v2.0.0")
    commits.first.click()  # anywhere in the row
    expect(field(form, "Commit")).to_have_value(sha(commits.first))
    field(form, "Version").press_sequentially("v2.1")
    expect(form).to_contain_text("'v2.1' is not a version name: the patch segment is missing, try")
    button = form.locator(".mv-write:visible")
    expect(button).to_be_disabled()
    for theme in ("Dark", "Light"):
        lab.set_theme(page, theme)
        take_screenshot(form, f"form-{theme.lower()}")
        assert axe_findings(page, ".modelversions") == []
        for name, text in (("dashboard", "2 models"), ("details", "Versions in full")):
            output = page.locator(".jp-OutputArea-output .modelversions", has_text=text).first
            take_screenshot(output, f"notebook-{name}-{theme.lower()}")
    form.get_by_role("button", name="v2.1.0").click()
    expect(button).to_be_enabled()
    expect(row(form, "churn")).to_contain_text("v2.0.0")
    button.dblclick()
    expect(form.locator(".mv-done[role=status]:visible")).to_contain_text(
        "churn: registered v2.1.0 at"
    )
    expect(row(form, "churn").locator("td").nth(1)).to_have_text("v2.1.0")
    expect(row(form, "churn").locator("td.mv-number")).to_have_text(
        "4"
    )  # written once despite the double click
    expect(field(form, "Version")).to_have_value("")
    expect(button).to_be_disabled()
    take_screenshot(form, "form-done-light")


def take_screenshot(element: Locator, name: str) -> None:
    BUILD.mkdir(parents=True, exist_ok=True)
    element.screenshot(path=BUILD / f"{name}.png")


def test_an_error_is_shown_next_to_its_field(form: Locator) -> None:
    expect(form.locator(".mv-commit").nth(1)).to_contain_text("<b>without</b>")  # escaped
    field(form, "Model").fill("churn")
    form.locator(".mv-commit", has_text="has v1.1.0").click()
    field(form, "Version").fill("v1.2.0")
    expect(field_with_messages(form, "Commit").get_by_role("alert")).to_contain_text(
        "'v1.1.0' of model 'churn' was registered"
    )
    field(form, "Version").fill("v1.0.0")
    expect(field_with_messages(form, "Version").get_by_role("alert")).to_contain_text(
        "'v1.0.0' of model 'churn' is registered"
    )
    expect(row(form, "churn").locator("td.mv-number")).to_have_text("2")


def test_registering_a_version_by_keyboard(form: Locator, page: Page) -> None:
    field(form, "Model").focus()
    page.keyboard.type("new/model")
    page.keyboard.press("Tab")  # the SHA
    page.keyboard.press("Tab")  # the first commit
    page.keyboard.press("Enter")
    first = form.locator(".mv-commit button").first
    expect(first).to_be_focused()
    expect(field(form, "Commit")).to_have_value(sha(form.locator(".mv-commit").first))
    field(form, "Version").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the second of the next versions
    expect(field(form, "Version")).to_have_value("v0.1.0")
    field(form, "Message (optional)").focus()
    page.keyboard.type("By keyboard")
    button = form.locator(".mv-write:visible")
    expect(button).to_be_enabled()
    page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(form.locator(".mv-done[role=status]:visible")).to_contain_text(
        "new/model: registered v0.1.0 at"
    )
    expect(row(form, "new/model")).to_contain_text("v0.1.0")


def test_stages_and_deregistration(form: Locator) -> None:
    select_action(form, "Assign stage")
    choose(form, "Model", "churn")
    choose(form, "Version", "v1.1.0")
    form.get_by_role("button", name="prod", exact=True).click()
    expect(form).to_contain_text("Now v1.0.0.")
    take_screenshot(form, "form-assign-light")
    form.locator(".mv-write:visible").dblclick()
    expect(form.locator(".mv-done[role=status]:visible")).to_contain_text(
        "churn: prod assigned to v1.1.0"
    )
    expect(row(form, "churn").locator("td").nth(2)).to_have_text("v1.1.0")
    choose(form, "Version", "v1.0.0")
    field(form, "Stage").fill("test")
    expect(form.get_by_role("alert")).to_contain_text("'test' is not allowed")

    select_action(form, "Unassign stage")
    choose(form, "Model", "churn")
    choose(form, "Stage and version", "prod: v1.1.0")
    expect(form).to_contain_text("v1.0.0 is in prod then.")
    form.locator(".mv-write:visible").click()
    expect(row(form, "churn").locator("td").nth(2)).to_have_text("v1.0.0")

    select_action(form, "Deregister version")
    choose(form, "Model", "churn")
    choose(form, "Version", "v1.0.0 (prod)")
    form.locator(".mv-write:visible").click()
    expect(row(form, "churn").locator("td.mv-number")).to_have_text("1")
