"""A repository's programs are run exactly if C git accepts its ownership."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from modelversions import DubiousOwnershipError
from modelversions.git.local.local_store import LocalStore
from tests.compat.git import ENV, init

pytestmark = pytest.mark.compat


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="changes owners")
@pytest.mark.parametrize("owner", [0, 1234])
@pytest.mark.parametrize("sudo", ["", "1234", "4321"])
@pytest.mark.parametrize("listed", [None, "*", "{root}", "{root}/", "{root}/.git", ""])
@pytest.mark.parametrize("part", ["", ".git"])
def test_git_trusts_the_same_repositories(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: int,
    sudo: str,
    listed: str | None,
    part: str,
) -> None:
    root = (tmp_path / "repo").resolve()
    git = init(root)
    git.commit()
    store = LocalStore.open(root)
    os.chown(root / part, owner, 0)
    text = "" if listed is None else f"[safe]\n\tdirectory = {listed.format(root=root)}\n"
    (tmp_path / "global").write_text(text)
    env = {"GIT_CONFIG_GLOBAL": str(tmp_path / "global"), "SUDO_UID": sudo}
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=root,
        env={name: value for name, value in {**ENV, **env}.items() if value},
        capture_output=True,
        check=False,
    )
    try:
        store._programs.require_trusted("a test")
        trusted = True
    except DubiousOwnershipError:
        trusted = False
    assert trusted == (done.returncode == 0), done.stderr
    store.close()
