"""Replace refs and grafts stand in for objects, as Git reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelversions import ProblemKind, Registry
from tests.builders import Builder, at


@pytest.fixture
def line(disk: Builder) -> Builder:
    for number in (2, 3, 4):
        disk.commit(f"c{number}", number, f"c{number - 1}")
    return disk


def subjects(builder: Builder) -> list[str]:
    with Registry.open(builder.git_dir.parent) as registry:
        return [commit.subject for commit in registry.commits()]


def replace(builder: Builder, old: str, new: str, base: str = "refs/replace") -> None:
    builder.ref(f"{base}/{old}", new)


@pytest.mark.parametrize("packed", [False, True])
def test_a_commit_is_replaced(line: Builder, *, packed: bool) -> None:
    replace(line, line.commits["c3"], line.commits["c1"])
    if packed:
        line.pack()
    assert subjects(line) == ["c4", "c1"]
    assert line.registry._store.resolve("HEAD~1") == line.commits["c3"]  # its id stays
    with pytest.raises(LookupError):
        line.registry._store.resolve("HEAD~2")


@pytest.mark.parametrize(
    ("variable", "setting", "shown"),
    [
        (None, None, ["c4", "c1"]),
        (None, "false", ["c4", "c3", "c2", "c1"]),
        ("GIT_NO_REPLACE_OBJECTS", None, ["c4", "c3", "c2", "c1"]),
        ("GIT_NO_REPLACE_OBJECTS", "true", ["c4", "c1"]),
    ],
)
def test_settings(
    line: Builder,
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
    setting: str | None,
    shown: list[str],
) -> None:
    replace(line, line.commits["c3"], line.commits["c1"])
    if variable:
        monkeypatch.setenv(variable, "")
    if setting:
        line.configure("useReplaceRefs", setting)
    assert subjects(line) == shown


def test_other_refs(line: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    replace(line, line.commits["c3"], line.commits["c1"], "refs/other")
    assert len(subjects(line)) == 4
    monkeypatch.setenv("GIT_REPLACE_REF_BASE", "refs/other")
    assert subjects(line) == ["c4", "c1"]


def test_a_tag_object_is_replaced_twice_and_in_a_circle(line: Builder) -> None:
    ids = [line.tag(f"m@v{number}.0.0", message=f"number {number}") for number in range(3)]
    replace(line, ids[0], ids[1])
    replace(line, ids[1], ids[2])
    messages = [event.message for event in line.registry.history()]
    assert messages == ["number 2"] * 3
    replace(line, ids[2], ids[0])  # Git reads none of them
    assert not line.registry.history()
    assert [problem.kind for problem in line.registry.problems()] == [ProblemKind.MISSING] * 3


@pytest.mark.parametrize(
    "ask",
    [lambda registry: registry["m"].latest.commit, lambda registry: registry.history()[0].commit],
    ids=["one", "all"],
)
def test_each_question_reads_a_tag_again_that_is_replaced(
    line: Builder, ask: Callable[[Registry], str]
) -> None:
    id = line.tag("m@v1.0.0", "c1")
    other = line.tag("other", "c2")
    registry = line.registry
    registry["m"].history  # noqa: B018  # reads it
    assert ask(registry) == line.commits["c1"]
    replace(line, id, other)
    assert ask(registry) == line.commits["c2"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_tag_that_was_read_is_replaced(line: Builder, *, packed: bool) -> None:
    line.tag("m@v1.0.0", "c1")
    other = line.tag("other", "c2")
    line.commit("c9", 9, "c4")
    line.pack()
    (line.git_dir / "refs" / "tags" / "other").unlink(missing_ok=True)
    registry = line.registry
    old, new = line.commits["c1"], line.commits["c2"]
    then = registry.as_of(at(10**6))
    for view in (registry, then):
        assert [version.commit for version in view.at(old)] == [old]
    id = registry._store.tags(["m@"])[0].id
    replace(line, id, other)
    if packed:
        line.pack()
    for view in (registry, then):
        assert view.at(old) == ()
        assert [version.commit for version in view.at(new)] == [new]
        assert view.latest()["m"].commit == view["m"].history[0].commit == new
    Path(line.git_dir, "refs", "replace", id).unlink(missing_ok=True)
    line.configure("useReplaceRefs", "false")
    with Registry.open(line.git_dir.parent) as without:
        assert without.latest()["m"].commit == old


def test_commits_that_are_replaced_leave_peeled_ids(line: Builder) -> None:
    line.tag("m@v1.0.0", "c1")
    line.pack()
    replace(line, line.commits["c3"], line.commits["c1"])
    assert line.registry._store.tags()[0].peeled == line.commits["c1"]


@pytest.mark.parametrize("form", ["x/{}", "{}-1", "a/b/{}"])
def test_names_of_refs(line: Builder, form: str) -> None:
    replace(line, form.format(line.commits["c3"]), line.commits["c1"])
    assert subjects(line) == ["c4", "c1"]


def test_what_is_no_replacement(line: Builder) -> None:
    folder = line.git_dir / "refs" / "replace"
    folder.mkdir()
    (folder / line.commits["c3"]).write_text("nonsense\n")
    (folder / line.commits["c2"]).mkdir()
    (folder / "short").write_text(line.commits["c1"])
    assert len(subjects(line)) == 4


def test_grafts(line: Builder) -> None:
    grafts = line.git_dir / "info" / "grafts"
    grafts.parent.mkdir(exist_ok=True)
    grafts.write_text(f"# a comment\n{line.commits['c4']} {line.commits['c2'].upper()}\n\n")
    assert subjects(line) == ["c4", "c2", "c1"]
    grafts.write_text(f"{line.commits['c4']}\n")
    assert subjects(line) == ["c4"]
