"""Modes, reflogs, hooks and deletions equal those of C git."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from modelversions import Identity, Registry, WriteConflictError
from tests.compat.git import ENV, Git, init

pytestmark = pytest.mark.compat

ANN = Identity("Ann", "ann@example.com")
WHEN = datetime.fromtimestamp(1_700_000_100, timezone.utc)
DATE = {"GIT_COMMITTER_DATE": "1700000100 +0000"}
TAG = "x/m@v1.0.0"
MESSAGE = "Registering artifact x/m version v1.0.0"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Git, Git]:
    """Two equal repositories: one for C git, one for this library."""
    theirs, ours = init(tmp_path / "theirs"), init(tmp_path / "ours")
    for git in (theirs, ours):
        git.commit()
        git("tag", "-a", "-m", "x", "m@v1.0.0", env=DATE)
        git("pack-refs", "--all")
        git("tag", "-a", "-m", "x", "n@v1.0.0", env=DATE)
        git("tag", "-f", "-a", "-m", "y", "m@v1.0.0", env=DATE)
    return theirs, ours


def write(theirs: Git, ours: Git) -> None:
    """Create the same tag in both."""
    theirs("tag", "-a", "-m", MESSAGE, TAG, env=DATE)
    in_ours(write, ours)


def delete(theirs: Git, ours: Git, tag: str = "m@v1.0.0") -> None:
    """Delete the same tag in both."""
    old = theirs("rev-parse", f"refs/tags/{tag}").strip()
    theirs("update-ref", "--no-deref", "-d", f"refs/tags/{tag}", old)
    in_ours(delete, ours, tag)


def delete_loose(theirs: Git, ours: Git) -> None:
    """Delete a tag that is not packed."""
    delete(theirs, ours, "n@v1.0.0")


def in_ours(work: Callable[..., None], ours: Git, tag: str = "m@v1.0.0") -> None:
    """Do the same with this library."""
    with Registry.open(ours.path) as registry:
        if work is write:
            registry.register("x/m", "v1.0.0", author=ANN, when=WHEN)
        else:
            registry.delete_tags(tag)


def modes(git: Git) -> dict[str, str]:
    """Return the modes of refs, reflogs and objects."""
    root = git.path / ".git"
    found = [root / "packed-refs"]
    found += [path for name in ("refs", "logs", "objects") for path in (root / name).rglob("*")]
    return {str(path.relative_to(root)): oct(stat.S_IMODE(path.stat().st_mode)) for path in found}


@pytest.mark.parametrize("umask", [0o022, 0o077])
@pytest.mark.parametrize("shared", ["", "umask", "group", "all", "true", "2", "0640", "0660"])
def test_modes(pair: tuple[Git, Git], shared: str, umask: int) -> None:
    for git in pair:
        git("config", "core.logAllRefUpdates", "always")
        if shared:
            git("config", "core.sharedRepository", shared)
    before = os.umask(umask)
    try:
        write(*pair)
        delete(*pair)
    finally:
        os.umask(before)
    theirs, ours = map(modes, pair)
    assert ours == theirs


@pytest.mark.parametrize("setting", ["", "true", "false", "always"])
@pytest.mark.parametrize("existing", [False, True])
def test_reflogs(pair: tuple[Git, Git], setting: str, *, existing: bool) -> None:
    for git in pair:
        if setting:
            git("config", "core.logAllRefUpdates", setting)
        if existing:
            git("reflog", "exists", "HEAD")
            log = git.path / ".git" / "logs" / "refs" / "tags" / "x" / "m@v1.0.0"
            log.parent.mkdir(parents=True)
            log.touch()

    def logs(git: Git) -> dict[str, str]:
        root = git.path / ".git" / "logs" / "refs" / "tags"
        return {str(path.relative_to(root)): _text(path) for path in root.rglob("*")}

    write(*pair)
    assert logs(pair[1]) == logs(pair[0])
    delete(*pair, TAG)
    assert logs(pair[1]) == logs(pair[0])


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


@pytest.mark.parametrize("code", [0, 1])
def test_the_input_of_the_hook(pair: tuple[Git, Git], code: int) -> None:
    """It equals that of Git, which additionally runs the hook for ``packed-refs`` with zero IDs."""
    for git in pair:
        hook = git.path / ".git" / "hooks" / "reference-transaction"
        hook.write_text(
            f'#!/bin/sh\n(echo "$1"; cat) >>input\n[ "$1" != prepared ] || exit {code}\n'
        )
        hook.chmod(0o755)
    for work in (write, delete_loose):
        for git in pair:
            (git.path / "input").unlink(missing_ok=True)
        if code == 0:
            work(*pair)
        else:
            with pytest.raises(subprocess.CalledProcessError):
                work(*pair)
            with pytest.raises(WriteConflictError, match="rejected the tag"):
                in_ours(work, pair[1], "n@v1.0.0")
        theirs, ours = (hook_input(git.path / "input") for git in pair)
        assert ours == theirs
    listing = ("for-each-ref", "--format=%(refname) %(objectname)")
    assert pair[1](*listing) == pair[0](*listing)


def hook_input(path: Path) -> list[tuple[str, str]]:
    """Return the states and lines that a hook received, without those with zero IDs only."""
    lines = path.read_text().splitlines()
    return [(state, line) for state, line in zip(lines[::2], lines[1::2]) if line[:81].strip("0 ")]


def test_writing_concurrently_with_pack_refs(tmp_path: Path) -> None:
    git = init(tmp_path / "repo")
    git.commit()
    stop = threading.Event()

    def pack() -> None:
        while not stop.is_set():
            subprocess.run(["git", "pack-refs", "--all"], cwd=git.path, env=ENV, check=False)

    packer = threading.Thread(target=pack)
    packer.start()
    try:
        with Registry.open(git.path) as registry:
            for number in range(60):
                registry.register(f"a{number}/b/m", "v1.0.0", author=ANN)
                if number % 3 == 0:
                    registry.delete_tags(f"a{number}/b/m@v1.0.0")
    finally:
        stop.set()
        packer.join()
    expected = {f"a{number}/b/m@v1.0.0" for number in range(60) if number % 3}
    assert set(git("tag").split()) == expected


def test_the_time_of_deleting_five_of_100_000_tags(tmp_path: Path) -> None:
    """``packed-refs`` is rewritten once, in at most five times the time of C git."""
    theirs, ours = init(tmp_path / "theirs"), init(tmp_path / "ours")
    tags = [f"m@v0.0.{number}" for number in range(5)]
    times = []
    for git in (theirs, ours):
        git.commit()
        git("tag", "-a", "-m", "x", "t", env=DATE)
        id = git("rev-parse", "t").strip()
        git("pack-refs", "--all")
        packed = git.path / ".git" / "packed-refs"
        peeled = git("rev-parse", "HEAD").strip()
        names = sorted(f"refs/tags/m@v0.0.{n}" for n in range(100_000))
        lines = packed.read_text().splitlines(keepends=True)
        lines[-2:-2] = [f"{id} {name}\n^{peeled}\n" for name in names]
        packed.write_text("".join(lines))
    os.sync()  # so that writing the files above to the disk is not timed
    start = time.perf_counter()
    theirs("tag", "-d", *tags)
    times.append(time.perf_counter() - start)
    with Registry.open(ours.path) as registry:
        refs = [ref for ref in registry._store.tags(tags) if ref.name in tags]
        os.sync()
        start = time.perf_counter()
        registry._store.delete(refs)
        times.append(time.perf_counter() - start)
    assert theirs("for-each-ref") == ours("for-each-ref")
    files = [git.path / ".git" / "packed-refs" for git in (theirs, ours)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert times[1] < 5 * times[0], times


def test_a_hook_can_run_the_programs_of_git(pair: tuple[Git, Git]) -> None:
    """``git --exec-path`` is first in ``PATH``, as ``. git-sh-setup`` needs it."""
    for git in pair:
        hook = git.path / ".git/hooks/reference-transaction"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(
            '#!/bin/sh\necho "$GIT_EXEC_PATH ${PATH%%:*}" >output\n'
            "NONGIT_OK=1\n. git-sh-setup\necho sourced >>output\n"
        )
        hook.chmod(0o755)
    write(*pair)
    outputs = [(git.path / "output").read_text() for git in pair]
    assert outputs[0] == outputs[1]
    assert outputs[1].endswith("\nsourced\n")
