"""The result of a user's unit test does not depend on the home directory; no program is run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import testing
from modelversions.testing import AUTHOR
from tests.builders import Builder

HOSTILE = """
[user]
	name = Someone Else
	email = else@example.com
[tag]
	gpgSign = true
[commit]
	gpgSign = true
[gpg]
	program = {program}
[core]
	hooksPath = {hooks}
	commentChar = a
[i18n]
	commitEncoding = latin1
[transfer]
	fsckObjects = not a boolean
"""

UNIT_TEST = """
from modelversions import Registry
from modelversions.testing import memory_registry, new_commit

pytest_plugins = ["modelversions.pytest_plugin"]


def test_a_release(model_registry, capsys):
    model_registry.register("churn", "v1.0.0", commit="HEAD~1")
    model_registry.register("churn", "v1.1.0", message="a release")
    new_commit(model_registry)
    event = model_registry.register("churn", bump="major")
    model_registry.assign("churn", "v1.0.0", "prod")
    other = memory_registry()
    assert len(model_registry.push(remote=other).transferred) == 4
    model_registry.delete_tags(event, push=other)
    assert not model_registry.verify("churn@v1.1.0")
    assert model_registry.problems() == ()
    with capsys.disabled():
        print([event.to_dict() for event in other.history()])
"""

ON_DISK = "from modelversions import Registry; Registry.open({path!r}).register('m')"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory whose configuration names programs that create marker files."""
    home, hooks = tmp_path / "hostile", tmp_path / "hooks"
    for directory in (home, hooks):
        directory.mkdir()
    for program in ("gpg", "pre-commit", "post-commit", "reference-transaction", "pre-receive"):
        path = hooks / program
        path.write_text(f"#!/bin/sh\ntouch {home}/{program}.ran\nexit 1\n")
        path.chmod(0o755)
    (home / ".gitconfig").write_text(HOSTILE.format(program=hooks / "gpg", hooks=hooks))
    return home


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with a home directory, without the Git variables of these tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=home,
        env={**kept, "HOME": str(home), "PYTHONPATH": str(Path(testing.__file__).parents[1])},
    )


def marks(home: Path) -> list[str]:
    return sorted(path.name for path in home.glob("*.ran"))


def test_a_user_s_test_does_not_depend_on_the_home(home: Path, tmp_path: Path) -> None:
    """The result equals that with an empty home directory, and no program is run."""
    empty = tmp_path / "empty"
    empty.mkdir()
    shown = []
    for directory in (empty, home):
        (directory / "test_user.py").write_text(UNIT_TEST)
        done = run(directory, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_user.py")
        assert done.returncode == 0, done.stdout + done.stderr
        shown += [line for line in done.stdout.splitlines() if line.startswith("[{")]
        assert marks(directory) == []
    assert shown[0] == shown[1]
    assert str(AUTHOR.email) in shown[0]


def test_the_same_home_runs_programs_for_a_repository_on_disk(home: Path, disk: Builder) -> None:
    assert isinstance(disk.repo, Repo)
    code = ON_DISK.format(path=disk.repo.path)
    done = run(home, "-c", code)
    assert "SigningError" in done.stderr
    assert marks(home) == ["gpg.ran"]
    run(home, "-c", code.replace("'m'", "'m', sign=False"))
    assert marks(home) == ["gpg.ran", "reference-transaction.ran"]
