"""Pushes and fetches by path, compared with those of C git in the same repositories."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelversions import Identity, ModelVersionsError, Registry
from modelversions.git.objects.object_checks import first_invalid
from modelversions.git.objects.object_files import ObjectFiles
from tests.compat.git import ENV, Git, init
from tests.git.objects.test_object_checks import CASES, TAG, TAGGERS, TREE

pytestmark = pytest.mark.compat

ANN = Identity("Ann", "ann@example.com")


@pytest.fixture
def source(tmp_path: Path) -> Git:
    """A repository with three commits, packed, and a version on each."""
    git = init(tmp_path / "source")
    for number in range(1, 4):
        (git.path / "file").write_text(f"{number}\n")
        git("add", "file")
        git("commit", "-q", "-m", f"{number}")
        git("tag", "-a", "-m", "a version", f"m@v{number}.0.0")
    git("gc", "-q")
    return git


@pytest.fixture
def registry(source: Git) -> Iterator[Registry]:
    with Registry.open(source.path) as registry:
        yield registry


def bare(path: Path, *options: str) -> Git:
    return init(path, "--bare", *options)


def modes(root: Path) -> dict[str, int]:
    """Return the modes of refs, reflogs and packs, by name or suffix."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file() and path.relative_to(root).parts[0] in ("refs", "logs", "objects"):
            kind = path.suffix if path.suffix in (".pack", ".idx") else path.name
            found[kind] = stat.S_IMODE(path.stat().st_mode)
    return found


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
@pytest.mark.parametrize("shared", ["umask", "group", "all", "0640"])
def test_modes_and_reflogs(
    registry: Registry, source: Git, tmp_path: Path, umask: int, shared: str
) -> None:
    before = os.umask(umask)
    try:
        ours, theirs = (bare(tmp_path / name) for name in ("ours", "theirs"))
        for git in (ours, theirs):
            git("config", "core.sharedRepository", shared)
            git("config", "core.logAllRefUpdates", "always")
            git("config", "receive.unpackLimit", "1")
        assert len(registry.push(remote=str(ours.path)).transferred) == 3
        source("push", "-q", str(theirs.path), "--tags")
    finally:
        os.umask(before)
    found = modes(ours.path)
    assert found == {name: mode for name, mode in modes(theirs.path).items() if name in found}
    assert set(found) == {".pack", ".idx", *(f"m@v{number}.0.0" for number in (1, 2, 3))}
    logs = [git("reflog", "show", "--format=%H %gs", "m@v1.0.0") for git in (ours, theirs)]
    assert logs[0] == logs[1]
    assert ours("fsck", "--strict", "--no-dangling") == ""


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("receive", "refs/tags/m@v1.0.0"),
        ("transfer", "refs/tags/"),
        ("transfer", "refs/tags/m"),
        ("receive", "!refs/tags"),
        ("receive", "^refs/tags"),
    ],
)
def test_hidden_refs(
    registry: Registry, source: Git, tmp_path: Path, section: str, value: str
) -> None:
    git = bare(tmp_path / "target")
    git("config", f"{section}.hideRefs", value)
    try:
        registry.push(remote=str(git.path))
        ours = True
    except ModelVersionsError:
        ours = False
    written = git("for-each-ref", "--format=%(refname)").split()
    assert written == (
        source("for-each-ref", "--format=%(refname)", "refs/tags").split() if ours else []
    )
    again = bare(tmp_path / "again")
    again("config", f"{section}.hideRefs", value)
    done = subprocess.run(
        ["git", "push", "-q", "--atomic", str(again.path), "--tags"],
        cwd=source.path,
        env=ENV,
        check=False,
        capture_output=True,
    )
    assert ours == (done.returncode == 0), done.stderr


def test_a_shallow_clone_as_source_and_as_target(source: Git, tmp_path: Path) -> None:
    url = f"file://{source.path}"
    source("clone", "-q", "--bare", "--depth", "1", url, str(tmp_path / "target"))
    source("clone", "-q", "--depth", "1", url, str(tmp_path / "clone"))
    target, clone = Git(tmp_path / "target"), Git(tmp_path / "clone")
    with Registry.open(source.path) as registry:
        registry.push("m@v1.0.0", remote=str(target.path))
    target("fsck", "--no-dangling")
    assert target("cat-file", "-t", "m@v1.0.0^{commit}").strip() == "commit"
    with Registry.open(clone.path) as registry:
        registry.register("new", "v1.0.0", author=ANN)
        assert registry.push("new@v1.0.0").transferred == ("new@v1.0.0",)
        registry.assign("new", "v1.0.0", "prod", author=ANN)
        empty = bare(tmp_path / "empty")
        with pytest.raises(ModelVersionsError, match="is in neither repository"):
            registry.push(remote=str(empty.path))
        assert empty("for-each-ref") == ""
    source("fsck", "--strict", "--no-dangling")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="changes owners")
@pytest.mark.parametrize("owned", ["source", "target"])
@pytest.mark.parametrize("command", ["push", "fetch"])
def test_a_repository_of_another_user(
    source: Git, tmp_path: Path, owned: str, command: str
) -> None:
    git = bare(tmp_path / "target")
    with Registry.open(source.path) as registry:
        os.chown(source.path if owned == "source" else git.path, 1234, 0)
        with pytest.raises(ModelVersionsError, match="dubious ownership"):
            getattr(registry, command)(remote=str(git.path))
    done = subprocess.run(
        ["git", command, str(git.path), "refs/tags/*:refs/tags/*"],
        cwd=source.path,
        env=ENV,
        check=False,
        capture_output=True,
    )
    assert b"dubious ownership" in done.stderr


@pytest.mark.parametrize("case", [*CASES, *TAGGERS])
def test_objects_that_git_rejects(tmp_path: Path, case: str) -> None:
    git = init(tmp_path / "repo")
    commit, tree = git.commit(), git("rev-parse", "HEAD^{tree}").strip()
    kind = "commit" if case in CASES else "tag"
    text = CASES[case][0].replace(TREE, tree) if case in CASES else ""
    text = text or TAG.format(c1=commit, tagger=TAGGERS[case][0])
    arguments = ("-t", kind, "--literally", "-w", "--stdin")
    id = git("hash-object", *arguments, text=text).strip()
    packed = subprocess.run(
        ["git", "pack-objects", "--stdout"],
        cwd=git.path,
        env=ENV,
        input=f"{id}\n".encode(),
        capture_output=True,
        check=True,
    ).stdout
    done = subprocess.run(
        ["git", "index-pack", "--stdin", "--strict", "--fix-thin"],
        cwd=git.path,
        env=ENV,
        input=packed,
        capture_output=True,
        check=False,
    )
    with Registry.open(git.path) as registry:
        repo = registry._store.repo  # type: ignore[attr-defined]
        found = first_invalid(ObjectFiles(repo, "here"), [id], repo.object_format)
    assert (found is None) == (done.returncode == 0), (found, done.stderr)


@pytest.mark.parametrize("name", ["origin", ""])
def test_the_input_of_the_pre_push_hook(tmp_path: Path, name: str) -> None:
    """It equals that of C git, except for the order of the tags."""
    inputs: list[list[str]] = []
    for tool in ("ours", "theirs"):
        git, target = init(tmp_path / tool / "source"), bare(tmp_path / tool / "target")
        git.commit()
        git("remote", "add", "origin", "../target")
        for tag in ("m@v1.0.0", "m#prod#1"):
            git("tag", "-a", "-m", "text", tag, env={"GIT_COMMITTER_DATE": "@1700000000 +0000"})
        hook = git.path / ".git" / "hooks" / "pre-push"
        hook.write_text('#!/bin/sh\n(echo "$1" "${2##*/}"; cat) >>input\n')
        hook.chmod(0o755)
        remote = name or str(target.path)
        if tool == "ours":
            with Registry.open(git.path) as registry:
                registry.push("m@v1.0.0", remote=remote)
                registry.push(remote=remote)
                registry.push(remote=remote)
                registry.delete_tags("m@v1.0.0", push=remote)
        else:
            git("push", "-q", remote, "m@v1.0.0")
            git("push", "-q", remote, "--tags")
            git("push", "-q", remote, "--tags")
            git("push", "-q", remote, "--delete", "m@v1.0.0")
        lines = (git.path / "input").read_text().replace(f"{tool}/", "").splitlines()
        inputs.append(lines)
    assert inputs[0] == inputs[1]
    assert len(inputs[0]) == 7
