"""Plots with matplotlib."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from importlib.resources import files
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.dates import num2date

from modelversions import InvalidArgumentError, MissingExtraError, Registry
from modelversions.plot import COLORS, _text, timeline
from modelversions.testing import memory_registry, new_commit

START = datetime(2026, 2, 20, tzinfo=timezone.utc)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_window() -> Iterator[None]:
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    yield
    plt.close("all")


def register(registry: Registry, version: str, day: float, model: str = "churn") -> None:
    new_commit(registry)
    registry.register(model, version, when=START + day * DAY)


@pytest.fixture
def registry() -> Registry:
    registry = memory_registry()
    register(registry, "v1.0.0", 0)
    registry.assign("churn", "v1.0.0", "prod", when=START + 5 * DAY)
    register(registry, "v1.1.0", 20)
    registry.assign("churn", "v1.1.0", "dev", when=START + 21 * DAY)
    register(registry, "v2.0.0", 60)
    registry.assign("churn", "v2.0.0", "prod", when=START + 65 * DAY)
    registry.deregister("churn", "v1.1.0", when=START + 100 * DAY)
    return registry


def bars(axes: Axes) -> list[tuple[int, datetime, datetime]]:
    """Return the row, the start and the end of each bar."""
    found = []
    boxes = [
        path.get_extents().bounds
        for row in axes.collections
        if isinstance(row, PolyCollection)
        for path in row.get_paths()
    ]
    for x, y, width, height in boxes:
        times = (num2date(x), num2date(x + width))
        start, end = (one.replace(hour=0, minute=0, second=0, microsecond=0) for one in times)
        found.append((round(y + height / 2), start, end))
    return sorted(found)


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def rows(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_the_timeline(registry: Registry) -> None:
    axes = timeline(registry["churn"])
    assert axes.get_title(loc="left") == "churn"
    assert rows(axes) == ["versions", "dev", "prod"]
    assert bars(axes) == [
        (1, START + 21 * DAY, START + 100 * DAY),
        (2, START + 5 * DAY, START + 65 * DAY),
        (2, START + 65 * DAY, START + 104 * DAY),  # current, so it extends to the end of the plot
    ]
    active, deregistered = axes.collections[:2]
    assert [len(one.get_offsets()) for one in (active, deregistered)] == [2, 1]  # type: ignore[arg-type]
    assert texts(axes).count("v1.0.0") == texts(axes).count("v2.0.0") == 2


def test_it_draws_on_given_axes(registry: Registry) -> None:
    from matplotlib import pyplot as plt

    figure, (above, below) = plt.subplots(2)
    assert timeline(registry["churn"], above) is above
    assert not below.has_data()
    assert plt.get_fignums() == [figure.number]


def test_names_without_enough_space_are_omitted(registry: Registry) -> None:
    for number in range(10):
        register(registry, f"v3.0.{number}", 90 + number / 24)
    registry.assign("churn", "v3.0.9", "brief", when=START + 91 * DAY)
    registry.unassign("churn", "v3.0.9", "brief", when=START + 91.1 * DAY)
    names = [text for text in texts(timeline(registry["churn"])) if text.startswith("v3")]
    assert names == ["v3.0.9"]


def test_a_bare_commit(registry: Registry) -> None:
    commit = new_commit(registry)
    registry.assign("churn", stage="dev", commit=commit, when=START + 101 * DAY)
    registry.assign("churn", "v1.0.0", "prod", when=START + 200 * DAY)
    assert commit[:7] in texts(timeline(registry["churn"]))


def test_one_event() -> None:
    registry = memory_registry({"churn": ["v1.0.0"]})
    axes = timeline(registry["churn"])
    assert rows(axes) == ["versions"]
    assert texts(axes) == ["v1.0.0"]
    axes.figure.canvas.draw()


def test_a_model_without_versions() -> None:
    registry = memory_registry()
    registry.assign("churn", stage="dev", commit="HEAD", force=True)
    assert rows(timeline(registry["churn"])) == ["versions", "dev"]


def test_times_near_the_maximum() -> None:
    registry = memory_registry(commits=1)
    registry.register("churn", "v1.0.0", when=datetime(9999, 12, 30, tzinfo=timezone.utc))
    registry.assign("churn", "v1.0.0", "prod", when=datetime(9999, 12, 30, 1, tzinfo=timezone.utc))
    timeline(registry["churn"]).figure.canvas.draw()


def test_names_are_not_formulas() -> None:
    assert _text("$x$") == r"\$x\$"


def test_colors_equal_those_of_the_html_output() -> None:
    css = files("modelversions.display").joinpath("style.css").read_text("utf-8")
    found = re.findall(r"\.mv-hue\d { --mv-hue: (#\w+)", css)
    assert tuple(found) == COLORS


def test_an_argument_that_is_not_a_model() -> None:
    with pytest.raises(InvalidArgumentError, match=r"such as registry\['churn'\], not 'churn'"):
        timeline("churn")  # type: ignore[arg-type]


def test_without_matplotlib(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'modelversions\[plot\]'"):
        timeline(registry["churn"])


def test_axes_with_a_shared_time_axis(registry: Registry) -> None:
    from matplotlib import pyplot as plt

    register(registry, "v1.0.0", 400, "later")
    _, (first, second) = plt.subplots(2, sharex=True)
    timeline(registry["churn"], first)
    timeline(registry["later"], second)
    start, end = map(num2date, first.get_xlim())
    assert start < START
    assert end > START + 400 * DAY
    assert second.get_xlim() == first.get_xlim()


def test_more_stages_than_the_limit() -> None:
    registry = memory_registry()
    register(registry, "v1.0.0", 0)
    for number in range(25):
        registry.assign("churn", "v1.0.0", f"s{number:02}", when=START + (1 + number) * DAY)
    axes = timeline(registry["churn"])
    assert rows(axes) == ["versions", *(f"s{number:02}" for number in range(5, 25))]
    assert axes.get_xlabel() == "5 more stages"


def test_invalid_axes(registry: Registry) -> None:
    from matplotlib import pyplot as plt

    figure, several = plt.subplots(2)
    removed = figure.add_subplot()
    removed.remove()
    polar = figure.add_subplot(projection="polar")
    wrong: list[Any] = ["ax", figure, several, removed, polar]
    for ax in wrong:
        with pytest.raises(InvalidArgumentError, match="ax must be Axes of a figure"):
            timeline(registry["churn"], ax)
