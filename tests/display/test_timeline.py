"""The timeline of a model as SVG."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta

import attrs
import pytest

from modelversions import EventKind
from modelversions.display.markup import write
from modelversions.display.timeline import WIDTH, timeline_svg
from modelversions.git.store import TagRef
from modelversions.model.model import Model
from tests.builders import Builder
from tests.display.helpers import large_model, model, row


def _texts(model: Model) -> list[str]:
    return re.findall("<text[^>]*>([^<]*)", write(timeline_svg(model)))


def _versions(hours: int) -> Model:
    return model(
        "m",
        [
            row("m@v1.0.0", version="v1.0.0"),
            row("m@v2.0.0", version="v2.0.0", at=hours),
        ],
    )


def test_versions_and_lanes() -> None:
    svg = write(timeline_svg(large_model("m", 4)))
    assert svg.count("<circle") == 4
    assert svg.count("<rect") == 4
    assert "<title>v3.0.0 in dev, 2024-01-02 11:00 to now</title>" in svg
    assert "<title>v0.0.0 in dev, 2024-01-01 05:00 to 2024-01-02 11:00</title>" in svg
    assert 'aria-label="Timeline of m: versions, and stages dev, prod, staging"' in svg


def test_labels_do_not_overlap() -> None:
    svg = write(timeline_svg(large_model("m", 100)))
    labels = re.findall(r'<text x="([\d.]+)" y="22"[^>]*>([^<]+)', svg)
    spans = sorted((float(x) - 3.35 * len(name), float(x) + 3.35 * len(name)) for x, name in labels)
    assert 5 < len(spans) < 40
    assert all(left[1] < right[0] for left, right in itertools.pairwise(spans))
    assert spans[-1][1] <= WIDTH


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (0, "31 Dec 23:00 2023"),
        (4, "1 Jan 04:00"),
        (30, "1 Jan 12:00"),
        (24 * 7, "3 Jan"),
        (24 * 40, "27 Jan"),
        (24 * 200, "Mar"),
        (24 * 500, "Jan 2025"),
        (24 * 365 * 6, "2026"),
        (24 * 365 * 900, "2400"),
        (24 * 365 * 1900, "2500"),
        (24 * 365 * 4000, "3000"),
    ],
)
def test_dates_on_each_scale(hours: int, expected: str) -> None:
    texts = _texts(_versions(hours))
    assert any(text.startswith(expected) for text in texts), texts
    assert len(texts) < 16


def test_times_at_the_ends_of_the_calendar() -> None:
    rows = [row("m@v1.0.0", version="v1.0.0"), row("m@v2.0.0", version="v2.0.0", at=1)]
    late = rows[0].time.replace(year=9999)
    early = rows[0].time.replace(year=1970)
    rows = [
        attrs.evolve(rows[0], time=early),
        attrs.evolve(rows[1], time=late),
    ]
    texts = _texts(model("m", rows))
    assert "9999" not in "".join(texts)
    assert [text for text in texts if text.isdigit()] == [f"{year}000" for year in range(2, 10)]
    assert _texts(model("m", [rows[1]]))


def test_a_bare_commit_and_a_deregistered_version(builder: Builder) -> None:
    builder.tag("m#dev#1", "c1", 10)
    builder.commit("c2", 1)
    builder.tag("m@v1.0.0", "c2", 90000)
    builder.tag("m@v1.0.0!", "c2", 180000)
    svg = write(timeline_svg(builder.registry["m"]))
    assert f"<title>{builder.commits['c1'][:7]} in dev" in svg
    assert "deregistered; registered" in svg


def test_it_is_bounded() -> None:
    stages = tuple(f"a-stage-with-a-long-name-{number:02}" for number in range(40))
    svg = write(timeline_svg(large_model("m", 2000, stages)))
    assert "28 more stages are not shown" in svg
    assert svg.count("<circle") == 200
    assert svg.count("<text") < 800


def test_stages_alone() -> None:
    only = model("m", [row("m#dev#1", kind=EventKind.ASSIGNMENT, stage="dev")])
    assert only._snapshot.refs == (TagRef("m#dev#1", "0" * 40),)
    assert timedelta() == only.history[0].time - only.timeline()[0].start
    assert "dev" in _texts(only)
