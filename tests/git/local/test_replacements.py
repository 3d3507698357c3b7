"""Replace refs and grafts, as Git reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelversions import ProblemKind, Registry
from tests.builders import Builder, at


@pytest.fixture
def four_commits(disk: Builder) -> Builder:
    for number in (2, 3, 4):
        disk.commit(f"c{number}", number, f"c{number - 1}")
    return disk


def subjects(builder: Builder) -> list[str]:
    with Registry.open(builder.git_dir.parent) as registry:
        return [commit.subject for commit in registry.commits()]


def replace(builder: Builder, old: str, new: str, base: str = "refs/replace") -> None:
    builder.ref(f"{base}/{old}", new)


@pytest.mark.parametrize("packed", [False, True])
def test_a_commit_is_replaced(four_commits: Builder, *, packed: bool) -> None:
    replace(four_commits, four_commits.commits["c3"], four_commits.commits["c1"])
    if packed:
        four_commits.pack()
    assert subjects(four_commits) == ["c4", "c1"]
    assert (
        four_commits.registry._store.resolve("HEAD~1") == four_commits.commits["c3"]
    )  # it keeps its id
    with pytest.raises(LookupError):
        four_commits.registry._store.resolve("HEAD~2")


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
    four_commits: Builder,
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
    setting: str | None,
    shown: list[str],
) -> None:
    replace(four_commits, four_commits.commits["c3"], four_commits.commits["c1"])
    if variable:
        monkeypatch.setenv(variable, "")
    if setting:
        four_commits.configure("useReplaceRefs", setting)
    assert subjects(four_commits) == shown


def test_other_refs(four_commits: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    replace(four_commits, four_commits.commits["c3"], four_commits.commits["c1"], "refs/other")
    assert len(subjects(four_commits)) == 4
    monkeypatch.setenv("GIT_REPLACE_REF_BASE", "refs/other")
    assert subjects(four_commits) == ["c4", "c1"]


def test_a_tag_object_is_replaced_twice_and_in_a_cycle(four_commits: Builder) -> None:
    ids = [four_commits.tag(f"m@v{number}.0.0", message=f"number {number}") for number in range(3)]
    replace(four_commits, ids[0], ids[1])
    replace(four_commits, ids[1], ids[2])
    messages = [event.message for event in four_commits.registry.history()]
    assert messages == ["number 2"] * 3
    replace(four_commits, ids[2], ids[0])  # Git reads none of them
    assert not four_commits.registry.history()
    assert [problem.kind for problem in four_commits.registry.problems()] == [
        ProblemKind.MISSING
    ] * 3


@pytest.mark.parametrize(
    "read",
    [lambda registry: registry["m"].latest.commit, lambda registry: registry.history()[0].commit],
    ids=["one", "all"],
)
def test_a_replaced_tag_is_read_again(
    four_commits: Builder, read: Callable[[Registry], str]
) -> None:
    id = four_commits.tag("m@v1.0.0", "c1")
    other = four_commits.tag("other", "c2")
    registry = four_commits.registry
    registry["m"].history  # noqa: B018  # reads it
    assert read(registry) == four_commits.commits["c1"]
    replace(four_commits, id, other)
    assert read(registry) == four_commits.commits["c2"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_tag_that_was_read_is_replaced(four_commits: Builder, *, packed: bool) -> None:
    four_commits.tag("m@v1.0.0", "c1")
    other = four_commits.tag("other", "c2")
    four_commits.commit("c9", 9, "c4")
    four_commits.pack()
    (four_commits.git_dir / "refs" / "tags" / "other").unlink(missing_ok=True)
    registry = four_commits.registry
    old, new = four_commits.commits["c1"], four_commits.commits["c2"]
    then = registry.as_of(at(10**6))
    for view in (registry, then):
        assert [version.commit for version in view.at(old)] == [old]
    id = registry._store.tags(["m@"])[0].id
    replace(four_commits, id, other)
    if packed:
        four_commits.pack()
    for view in (registry, then):
        assert view.at(old) == ()
        assert [version.commit for version in view.at(new)] == [new]
        assert view.latest()["m"].commit == view["m"].history[0].commit == new
    Path(four_commits.git_dir, "refs", "replace", id).unlink(missing_ok=True)
    four_commits.configure("useReplaceRefs", "false")
    with Registry.open(four_commits.git_dir.parent) as without:
        assert without.latest()["m"].commit == old


def test_replaced_commits_do_not_change_peeled_ids(four_commits: Builder) -> None:
    four_commits.tag("m@v1.0.0", "c1")
    four_commits.pack()
    replace(four_commits, four_commits.commits["c3"], four_commits.commits["c1"])
    assert four_commits.registry._store.tags()[0].peeled == four_commits.commits["c1"]


@pytest.mark.parametrize("form", ["x/{}", "{}-1", "a/b/{}"])
def test_names_of_refs(four_commits: Builder, form: str) -> None:
    replace(four_commits, form.format(four_commits.commits["c3"]), four_commits.commits["c1"])
    assert subjects(four_commits) == ["c4", "c1"]


def test_invalid_replacements(four_commits: Builder) -> None:
    directory = four_commits.git_dir / "refs" / "replace"
    directory.mkdir()
    (directory / four_commits.commits["c3"]).write_text("nonsense\n")
    (directory / four_commits.commits["c2"]).mkdir()
    (directory / "short").write_text(four_commits.commits["c1"])
    assert len(subjects(four_commits)) == 4


def test_grafts(four_commits: Builder) -> None:
    grafts = four_commits.git_dir / "info" / "grafts"
    grafts.parent.mkdir(exist_ok=True)
    grafts.write_text(
        f"# a comment\n{four_commits.commits['c4']} {four_commits.commits['c2'].upper()}\n\n"
    )
    assert subjects(four_commits) == ["c4", "c2", "c1"]
    grafts.write_text(f"{four_commits.commits['c4']}\n")
    assert subjects(four_commits) == ["c4"]
