"""The example notebook on a real kernel."""

from __future__ import annotations

import json
import re
import tempfile
from typing import Any

import pytest

from tests.browser.notebook import PATH, VIEW, execute, outputs, run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def executed() -> Any:
    return execute()


@pytest.fixture(scope="module")
def stored() -> Any:
    nbformat = pytest.importorskip("nbformat")
    return nbformat.read(PATH, as_version=4)


def test_the_stored_outputs_are_current(executed: Any, stored: Any) -> None:
    """After a change, run ``python -m tests.browser.notebook``."""
    assert [cell.source for cell in executed.cells] == [cell.source for cell in stored.cells]
    assert outputs(executed) == outputs(stored)


def test_it_runs_without_warnings_and_errors(executed: Any) -> None:
    assert {one["output_type"] for one in outputs(executed)} == {
        "display_data",
        "execute_result",
        "stream",
    }
    streams = {one["name"] for one in outputs(executed) if one["output_type"] == "stream"}
    assert streams == {"stdout"}


def test_the_outputs(executed: Any) -> None:
    results = outputs(executed)
    html = [text(one["data"]["text/html"]) for one in results if "text/html" in one["data"]]
    printed = [one["text"] for one in results if one["output_type"] == "stream"]
    assert html[0].startswith("Models 0 models in gitlab.example.com/team/models No models yet")
    assert "'v2.0' is not a version name: the patch segment is missing, try 'v2.0.0'" in printed[0]
    assert "churn v2.0.0" in html[3]
    assert "History (9) Time Event" in html[4]
    assert "Tune the learning rate churn@v2.0.0" in html[5]
    assert printed[1].splitlines()[-1] == "prod v1.0.0 2026-04-25 None"
    assert results[-1]["data"] == {"text/plain": "<RegistryForm: 2 models>"}
    assert [one["images"] for one in results].count(True) == 1


def text(html: str) -> str:
    without = re.sub("<style>.*?</style>", "", html)
    return " ".join(re.sub("<[^>]+>", " ", without).split())


def test_progress_is_a_widget_in_a_notebook() -> None:
    import nbformat

    source = """
from modelversions.progress_bar import ProgressBars
show = ProgressBars()
show(1, 2, "tags read")
show(2, 2, "tags read")
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    run(notebook)
    (output,) = notebook.cells[0].outputs
    assert VIEW in output["data"]
    assert output["data"]["text/plain"].startswith("tags read")


def test_no_output_depends_on_the_machine() -> None:
    content = PATH.read_text("utf-8")
    notebook = json.loads(content)
    assert tempfile.gettempdir() not in content
    assert "/home/" not in content
    assert notebook["metadata"].keys() == {"kernelspec", "language_info"}
    assert all(cell["metadata"] == {} for cell in notebook["cells"])
