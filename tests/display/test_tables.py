"""Tables as text, and one-line reprs."""

from __future__ import annotations

import pytest

from modelversions import Registry, TagName
from modelversions.display.tables import Table
from tests.builders import Builder


@pytest.fixture
def registry(builder: Builder) -> Registry:
    builder.commit("c2", 5)
    builder.tag("churn@v3.0.0", "c1", 10)
    builder.tag("churn@v3.1.0", "c2", 20, message="<script>alert('&')</script>\n\nmore")
    builder.tag("churn#prod#1", "c1", 30)
    builder.tag("churn#dev#2", "c2", 40)
    builder.tag("cv=pool#prod#1", "c2", 50)
    builder.tag("old@v1.0.0", "c1", 60)
    builder.tag("old@deprecated", "c1", 70)
    return builder.registry


def test_the_registry_as_text(registry: Registry, builder: Builder) -> None:
    assert str(registry) == (
        "Model             Latest version  #dev    #prod\n"
        "----------------  --------------  ------  -------\n"
        "churn             v3.1.0          v3.1.0  v3.0.0\n"
        f"cv:pool           -               -       {builder.commits['c2'][:7]}\n"
        "old (deprecated)  v1.0.0          -       -"
    )


def test_a_model_as_text(registry: Registry, builder: Builder) -> None:
    lines = str(registry["churn"]).splitlines()
    assert lines[0].split() == ["Version", "Stages", "Registered", "Commit", "Author", "Message"]
    assert lines[2].startswith(f"v3.1.0   dev     2023-11-14 22:13  {builder.commits['c2'][:7]}")
    assert lines[2].endswith("Ann <ann@example.com>  <script>alert('&')</script>")
    assert len(lines) == 4


def test_empty_tables(builder: Builder) -> None:
    assert str(Builder().registry) == "Model  Latest version\n-----  --------------"
    builder.tags("m@v1.0.0", "m@v1.0.0!")
    assert len(str(builder.registry["m"]).splitlines()) == 2


def test_reprs_are_one_line(registry: Registry) -> None:
    assert repr(registry) == "<Registry 'memory': 3 models>"
    assert repr(registry["churn"]) == "<Model churn: latest v3.1.0, 4 tags>"
    assert repr(registry["cv:pool"]) == "<Model cv:pool: no active version, 1 tag>"
    assert repr(registry["churn"].stages) == (
        "{'dev': <Version churn@v3.1.0>, 'prod': <Version churn@v3.0.0>}"
    )
    assert repr(registry["churn"].history[0]) == (
        "<Event 2023-11-14 22:13:30+0000 registration churn v3.0.0>"
    )
    assert f"{registry['churn'][0]:>15}|{registry['churn'].history[0]:.10}" == (
        "   churn@v3.1.0|2023-11-14"
    )
    assert f"{registry['churn'][0].semver:>8}" == "  v3.1.0"
    name = "TagName(kind=EventKind.ASSIGNMENT, model='m', stage='prod', counter=3)"
    assert repr(TagName.parse("m#prod#3")) == name


def test_a_table_without_rows() -> None:
    assert Table(("a", "b"), ()).text() == "a  b\n-  -"


def test_a_cell_cannot_control_the_terminal() -> None:
    text = Table(("a",), (("\x1b[2J\x9b1A\r\n\t\x7f\u2028é",),)).text()
    assert text.splitlines()[2] == "\ufffd[2J\ufffd1A" + "\ufffd" * 5 + "é"
