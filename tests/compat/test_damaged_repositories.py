"""C git lists the same refs and reads the same objects of damaged repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from modelversions import Registry
from tests.compat.git import ENV, Git, init

pytestmark = pytest.mark.compat

LOOSE = [
    "{id} and more",
    "{id}\tx",
    "{id}\nsecond",
    "{ID}",
    "{id}\r\n",
    "{id}x",
    "{short}",
    " {id}",
]
LOOSE += ["", "ref: refs/tags/m@v1.0.0", "ref:refs/tags/m@v1.0.0", "ref: refs/tags/n@v1.0.0"]
PACKED = ["{id} refs/tags/a..b@v1.0.0", "{ID} refs/tags/b@v1.0.0", "{id} refs/tags/b@v1.0.0 x"]
PACKED += ["{id} refs/tags/b@v1.0.0.lock", "{id} refs/tags/.b@v1.0.0", "{id} refs/tags/b@v1.0.0."]


def listed(path: Path) -> set[str]:
    """Return the tags that Git lists; it omits broken refs."""
    command = ["git", "for-each-ref", "--format=%(refname:strip=2)", "refs/tags"]
    done = subprocess.run(command, cwd=path, env=ENV, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.decode().split("\n")) - {""}


PACKED += ["{id}\trefs/tags/b@v1.0.0", "{id}\rrefs/tags/b@v1.0.0", "{id}  refs/tags/b@v1.0.0"]
PACKED += ["{id} \trefs/tags/b@v1.0.0"]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A repository with the tag ``m@v1.0.0``."""
    git = init(tmp_path / "repo")
    git.commit()
    git("tag", "-a", "-m", "x", "m@v1.0.0")
    return git


@pytest.mark.parametrize("text", LOOSE)
def test_loose_refs(git: Git, text: str) -> None:
    id = git("rev-parse", "m@v1.0.0").strip()
    ref = git.path / ".git" / "refs" / "tags" / "n@v1.0.0"
    ref.write_bytes(text.format(id=id, ID=id.upper(), short=id[:39]).encode())
    with Registry.open(git.path) as registry:
        found = {event.tag for event in registry.history()}
    assert found == listed(git.path)


@pytest.mark.parametrize("text", PACKED)
def test_packed_refs(git: Git, text: str) -> None:
    id = git("rev-parse", "m@v1.0.0").strip()
    git("pack-refs", "--all")
    packed = git.path / ".git" / "packed-refs"
    entry = text.format(id=id, ID=id.upper()) + "\n"
    lines = packed.read_text().splitlines(keepends=True)
    packed.write_text("".join([*lines[:2], entry, *lines[2:]]))
    with Registry.open(git.path) as registry:
        found = {ref.name for ref in registry._store.tags()}
    assert found == listed(git.path)
