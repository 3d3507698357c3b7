"""Tuples of events, problems, commits and changes are displayed as tables."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from modelversions import Changes, Commits, Event, Events, Problems, Registry
from modelversions.display.parts import NONE
from modelversions.display.sequences import sync_html
from modelversions.git.sync import Conflict, SyncResult
from modelversions.testing import memory_registry
from modelversions.values.sequences import ValueTuple
from tests.builders import Builder, at
from tests.display.helpers import Page


@pytest.fixture
def registry(builder: Builder) -> Registry:
    builder.commit("c2", 1, "c1")
    builder.tag("churn@v1.0.0", "c1", 10)
    builder.tag("churn@v2.0.0", "c2", 20, message="second\n\nmore")
    builder.tag("churn#prod#1", "c1", 30, tagger=None)
    builder.tag("other@v1.0.0", "c1", 40)
    builder.tag("other@v1.0.0!", "c1", 50)
    builder.tag("third#dev#1", "c2", 60)
    builder.tag("third@deprecated", "c2", 70)
    builder.ref("refs/tags/light@v1.0.0", builder.commits["c1"])
    return builder.registry


def _all(registry: Registry) -> list[ValueTuple[Any]]:
    return [registry.history(), registry.problems(), registry.commits(), registry.diff(at(0))]


def test_they_are_tuples(registry: Registry) -> None:
    kinds = [Events, Problems, Commits, Changes]
    for found, kind in zip(_all(registry), kinds):
        assert type(found) is kind
        assert isinstance(found, tuple)
        assert found == tuple(found)
        assert hash(found) == hash(tuple(found))
        assert type(found[:1]) is kind
        assert found[:1] == (found[0],)
        assert type(pickle.loads(pickle.dumps(found))) is kind
        assert pickle.loads(pickle.dumps(found)) == found
        assert list(found.__rich_repr__()) == list(found)
        assert kind() == ()
    assert type(registry["churn"].history) is type(registry["churn"][0].history) is Events
    assert type(registry["churn"].problems) is Problems


def test_reprs_are_short(registry: Registry) -> None:
    assert repr(registry.history()[:1]) == "<Events: 1 event>"
    assert [repr(one) for one in _all(registry)] == [
        "<Events: 7 events>",
        "<Problems: 3 problems>",
        "<Commits: 2 commits>",
        f"<Changes: {len(registry.diff(at(0)))} changes>",
    ]


def test_records(registry: Registry) -> None:
    assert registry.history().to_records() == registry.to_records("history")
    assert registry.problems().to_records() == registry.to_records("problems")
    assert registry.diff(at(0)).to_records()[0] == {
        "kind": "registered",
        "model": "churn",
        "stage": None,
        "before": None,
        "after": "v1.0.0",
    }
    commits = registry.commits().to_records()
    assert [row["versions"] for row in commits] == ["churn@v2.0.0", "churn@v1.0.0"]
    assert commits[0]["author_name"] == "Ann"


def test_text(registry: Registry, builder: Builder) -> None:
    lines = str(registry.history()).splitlines()
    assert lines[0].split() == ["Time", "Model", "Event", "Stage", "Version", "Author", "Message"]
    assert lines[4].endswith("churn  registration    -      v2.0.0   Ann     second")
    assert str(registry.problems()).splitlines()[2].startswith("churn#prod#1  no-tagger")
    assert str(registry.diff(at(0))).splitlines()[5].split() == [
        "churn",
        "stage",
        "prod",
        builder.commits["c1"][:7],  # the bare commit was the holder before v1.0.0
        "v1.0.0",
    ]
    assert str(registry.commits()).splitlines()[2].split()[-1] == "churn@v2.0.0"


def test_a_long_message_as_text(builder: Builder) -> None:
    builder.tag("m@v1.0.0", message="x" * 1000)
    assert str(builder.registry.history()).endswith("x…")
    assert len(str(builder.registry["m"]).splitlines()[2]) < 300


class TestCommits:
    def test_versions_are_read_once_and_when_needed(self, registry: Registry) -> None:
        commits = registry.commits()
        first = commits.versions
        assert first is commits.versions
        assert {key[:1]: value for key, value in first.items()}
        assert [str(one) for one in first[commits[0].commit]] == ["churn@v2.0.0"]
        assert dict(pickle.loads(pickle.dumps(commits)).versions) == first
        assert commits[:1].versions is first

    def test_no_commits(self) -> None:
        assert Builder().registry.commits() == ()
        assert Builder().registry.commits().versions == {}

    def test_commits_with_versions_are_dimmed(self, builder: Builder) -> None:
        builder.commit("c2", 1, "c1")
        builder.tags(*(f"m{number}@v1.0.0" for number in range(7)))
        html = builder.registry.commits()._repr_html_()
        assert html.count("mv-dim") == 2  # including the style sheet
        assert "m4@v1.0.0" in html
        assert "m5@v1.0.0" not in html
        assert "and 2 more" in html


def test_html(registry: Registry) -> None:
    for found in _all(registry):
        page = Page(found._repr_html_())
        assert page.tags.count("table") == 1
        assert page.tags.count("tr") == len(found) + 1
        empty = Page(type(found)()._repr_html_())
        assert "table" not in empty.tags
        assert empty.text == f"No {type(found).__name__.lower()}."
    events = Page(registry.history()._repr_html_()).texts
    assert events.index("other") > events.index("third")  # newest first
    assert "unassigned from " not in events
    assert "deregistered " in events


def test_many(registry: Registry) -> None:
    event = registry.history()[0]
    page = Page(Events([event] * 250)._repr_html_())
    assert page.tags.count("tr") == 101
    assert "150 more events: " in page.texts


def test_one_change(registry: Registry, builder: Builder) -> None:
    texts = [Page(change._repr_html_()).text for change in registry.diff(at(0))]
    assert f"churn registered {NONE} →  v1.0.0" in texts
    short = builder.commits["c1"][:7]
    assert any(text.startswith(f"churn prod {short}") for text in texts)
    assert "third deprecated " in texts


def test_a_sync_result() -> None:
    conflicts = (Conflict("m@v2.0.0", "a" * 40, "b" * 40), Conflict("m", "", "c" * 40))
    page = Page(SyncResult("https://host/m", ("m@v1.0.0",), ("m@v0.1.0",), conflicts)._repr_html_())
    assert "1 transferred, 1 unchanged" in page.texts
    assert {"2 conflicts, not changed:", "another ref", "aaaaaaa", "m@v1.0.0"} <= set(page.texts)
    assert "details" not in Page(sync_html(SyncResult("x", (), (), ()))).tags


def test_the_repr_of_a_commit(registry: Registry) -> None:
    commit = registry.commits()[0]
    assert repr(commit) == f"<Commit {commit.commit[:7]} 'c2'>"


def test_the_fields_for_rich(registry: Registry) -> None:
    event: Event = registry["churn"].history[0]
    fields: dict[str, Any] = dict(event.__rich_repr__())  # type: ignore[arg-type]
    assert fields["model"] == "churn"
    assert "schema" not in fields
    version = registry["churn"][0]
    assert list(version.__rich_repr__())[:2] == ["churn", "v2.0.0"]
    assert list(registry["churn"].__rich_repr__()) == ["churn", ("latest", "v2.0.0"), ("tags", 3)]
    assert list(registry["third"].__rich_repr__())[1] == ("latest", None)


def test_commits_beyond_the_limit() -> None:
    registry = memory_registry(commits=4)
    some, all_commits = registry.commits(limit=3), registry.commits(limit=4)
    assert (len(some), some.has_more) == (3, True)
    assert (len(all_commits), all_commits.has_more) == (4, False)
    assert not registry.commits(limit=None).has_more
    assert registry.commits(limit=0).has_more
    assert pickle.loads(pickle.dumps(some)).has_more
    assert "3 commits, newest first; there are more: " in some._repr_html_()
    assert "4 commits, newest first</" in all_commits._repr_html_()
