"""Replace refs and grafts: revisions, commits and tags equal those of C git."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import pytest

from modelversions import Registry
from tests.compat.git import Git, init

pytestmark = pytest.mark.compat


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A repository with five commits and two tags."""
    git = init(tmp_path / "repo")
    for number in range(5):
        git.commit(1_700_000_000 + number, f"commit {number}")
    for name in ("m@v1.0.0", "m@v2.0.0"):
        git("tag", "-a", "-m", name, name, "HEAD~1")
    return git


def check(git: Git, monkeypatch: pytest.MonkeyPatch, **env: str) -> None:
    """Compare revisions, the log and the tags with those of C git."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    log = git("log", "--format=%H %s", env=env).splitlines()
    tags = git(
        "for-each-ref", "--format=%(refname:strip=2) %(contents:subject)", "refs/tags", env=env
    )
    with Registry.open(git.path) as registry:
        assert [f"{one.id} {one.subject}" for one in registry.commits(limit=None)] == log
        for revision in ("HEAD~1", "HEAD~2", "HEAD^", "m@v1.0.0^{}"):
            try:
                expected = git("rev-parse", "-q", "--verify", f"{revision}^{{commit}}", env=env)
            except Exception:  # noqa: BLE001  # Git has no such revision
                with pytest.raises(LookupError):
                    registry._store.resolve(revision)
            else:
                assert registry._store.resolve(revision) == expected.strip()
        found = {event.tag: event.message for event in registry.history()}
    assert found == dict(line.split(" ", 1) for line in tags.splitlines() if "@" in line)


VARIANTS = [{}, {"GIT_NO_REPLACE_OBJECTS": "1"}, {"GIT_REPLACE_REF_BASE": "refs/other/"}]


@pytest.mark.parametrize("env", VARIANTS)
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("setting", ["", "true", "false"])
def test_replace_refs(
    git: Git, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], setting: str, *, packed: bool
) -> None:
    git("replace", "HEAD~1", "HEAD~3")
    old, new = git("rev-parse", "refs/tags/m@v1.0.0", "refs/tags/m@v2.0.0").split()
    git("replace", old, new)
    git("replace", "--graft", "HEAD", "HEAD~2")
    if setting:
        git("config", "core.useReplaceRefs", setting)
    if packed:
        git("pack-refs", "--all")
    check(git, monkeypatch, **env)


def test_grafts(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    head, other = git("rev-parse", "HEAD", "HEAD~3").split()
    grafts = git.path / ".git" / "info" / "grafts"
    grafts.parent.mkdir(exist_ok=True)
    grafts.write_text(f"# a comment\n{head} {other}\n\n")
    check(git, monkeypatch)
    grafts.write_text(f"{head}\n")
    check(git, monkeypatch)


def test_a_shallow_clone(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("clone", "-q", "--depth=2", f"file://{git.path}", str(tmp_path / "clone"))
    clone = Git(tmp_path / "clone")
    clone("fetch", "-q", "--depth=2", "origin", "refs/tags/*:refs/tags/*")
    check(clone, monkeypatch)


@pytest.mark.parametrize("form", ["{}", "x/{}", "{}-more", "{upper}", "x/y/{upper}z"])
def test_names_of_replace_refs(git: Git, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    old, new = git("rev-parse", "HEAD~1", "HEAD~3").split()
    ref = git.path / ".git" / "refs" / "replace" / form.format(old, upper=old.upper())
    ref.parent.mkdir(parents=True)
    ref.write_text(f"{new}\n")
    check(git, monkeypatch)


@pytest.mark.parametrize("length", [3, 4, 5])
def test_chains_of_replacements(git: Git, length: int) -> None:
    for number in range(6):
        git("tag", "-a", "-m", f"number {number}", f"n@v{number}.0.0")
    ids = [git("rev-parse", f"n@v{number}.0.0").strip() for number in range(6)]
    for old, new in itertools.pairwise(ids[: length + 1]):
        git("replace", old, new)
    with Registry.open(git.path) as registry:
        found = registry.event("n@v0.0.0")
        try:
            subject = git("for-each-ref", "--format=%(contents:subject)", "refs/tags/n@v0.0.0")
        except subprocess.CalledProcessError:  # the chain is too long
            assert found is None
        else:
            assert found is not None
            assert found.message == subject.strip() == f"number {length}"
