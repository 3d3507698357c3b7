"""The hook ``pre-push`` of the local repository may reject a push."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import Identity, NotPushedError, PushRejectedError
from tests.builders import Builder

ANN = Identity("Ann", "ann@example.com")
SCRIPT = f"""#!{sys.executable}
import os, sys
with open("log", "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n" + sys.stdin.read())
with open("variables", "w") as file:
    names = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    file.write(" ".join(os.environ.get(name, "-") for name in names))
if os.path.exists("refuse"):
    sys.exit("not on a Friday")
"""


@pytest.fixture
def directory(disk: Builder) -> Path:
    """A repository with a version and the hook."""
    disk.tags("m@v1.0.0")
    hook = disk.git_dir / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(SCRIPT)
    hook.chmod(0o755)
    assert isinstance(disk.repo, Repo)
    return Path(disk.repo.path)


def test_its_arguments_and_input(disk: Builder, directory: Path, url: str) -> None:
    registry = disk.registry
    id = registry._store.tags(["m@v1.0.0"])[0].id
    registry.push(remote=url)
    ref, zeros = "refs/tags/m@v1.0.0", "0" * 40
    assert (directory / "log").read_text() == f"{url} {url}\n{ref} {id} {ref} {zeros}\n"
    (directory / "log").unlink()
    registry.push(remote=url)
    assert (directory / "log").read_text() == f"{url} {url}\n"
    (directory / "log").unlink()
    registry.delete_tags("m@v1.0.0", push=url)
    assert (directory / "log").read_text() == f"{url} {url}\n(delete) {zeros} {ref} {id}\n"


def test_it_rejects_a_push(disk: Builder, directory: Path, url: str, bare: Builder) -> None:
    registry = disk.registry
    (directory / "refuse").touch()
    with pytest.raises(PushRejectedError, match="'pre-push' rejected .*: not on a Friday; nothing"):
        registry.push(remote=url)
    with pytest.raises(NotPushedError, match="not on a Friday"):
        registry.assign("m", "v1.0.0", "prod", author=ANN, push=url)
    assert list(bare.registry) == []
    (directory / "refuse").unlink()
    registry.push(remote=url)
    (directory / "refuse").touch()
    with pytest.raises(PushRejectedError, match="not on a Friday"):
        registry.delete_tags("m@v1.0.0", push=url)
    assert len(registry.history()) == len(bare.registry.history()) == 2


def test_it_cannot_be_started(disk: Builder, directory: Path, bare: Builder) -> None:
    hook = disk.git_dir / "hooks" / "pre-push"
    hook.write_text("#!/no/such/program\n")
    assert isinstance(bare.repo, Repo)
    with pytest.raises(PushRejectedError, match="No such file"):
        disk.registry.push(remote=bare.repo.path)
    hook.write_text(f"#!{sys.executable}\nraise SystemExit(1)\n")
    with pytest.raises(PushRejectedError, match="it gave no reason"):
        disk.registry.push(remote=bare.repo.path)
    hook.chmod(0o644)
    assert disk.registry.push(remote=bare.repo.path).transferred == ("m@v1.0.0",)
    assert not (directory / "log").exists()


def test_its_environment(
    disk: Builder, directory: Path, bare: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an ordinary work tree, it names no repository, so that a hook can use others."""
    assert isinstance(bare.repo, Repo)
    monkeypatch.setenv("GIT_DIR", "/another/.git")
    monkeypatch.setenv("GIT_WORK_TREE", "/another")
    monkeypatch.setenv("GIT_INDEX_FILE", "/another/index")
    disk.registry.push(remote=bare.repo.path)
    assert (directory / "variables").read_text() == "- - -"
    monkeypatch.setenv("GIT_DIR", str(disk.git_dir))
    disk.registry.push(remote=bare.repo.path)
    assert (directory / "variables").read_text() == f"{disk.git_dir} /another /another/index"


def test_its_environment_in_a_bare_repository(bare: Builder, tmp_path: Path) -> None:
    bare.tags("m@v1.0.0")
    hook = bare.git_dir / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(SCRIPT)
    hook.chmod(0o755)
    with Repo.init_bare(str(tmp_path / "other"), mkdir=True) as other:
        bare.registry.push(remote=other.path)
    assert (bare.git_dir / "variables").read_text() == f"{bare.git_dir} - -"


def test_its_output_is_bounded_and_the_programs_that_it_starts_are_not_awaited(
    disk: Builder, bare: Builder, directory: Path
) -> None:
    assert isinstance(bare.repo, Repo)
    sleeping = directory / "sleeping"
    (disk.git_dir / "hooks" / "pre-push").write_text(
        f"""#!{sys.executable}
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(sleeping)!r}, "w").write(str(child.pid))
sys.exit("x" * 100_000)
"""
    )
    with pytest.raises(PushRejectedError) as caught:
        disk.registry.push(remote=bare.repo.path)
    os.kill(int(sleeping.read_text()), signal.SIGKILL)  # it is still running
    assert len(str(caught.value)) < 20_000
