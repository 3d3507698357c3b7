"""Replace refs and grafts stand in for objects, as Git reads them."""

from __future__ import annotations

import pytest

from modelversions import Registry
from tests.builders import Builder


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
    replace(line, ids[2], ids[0])
    assert len(line.registry.history()) == 3


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
