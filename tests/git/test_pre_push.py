"""The hook ``pre-push`` of the local repository may reject a push."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import Identity, NotPushedError, PushRejectedError
from tests.builders import Builder
from tests.servers import served

ANN = Identity("Ann", "ann@example.com")
SCRIPT = f"""#!{sys.executable}
import os, sys
with open("said", "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n" + sys.stdin.read())
if os.path.exists("refuse"):
    sys.exit("not on a Friday")
"""


@pytest.fixture(params=["file", "git", "http"])
def url(request: pytest.FixtureRequest, bare: Builder) -> Iterator[str]:
    """The other repository, which is empty."""
    assert isinstance(bare.repo, Repo)
    if request.param == "file":
        yield bare.repo.path
        return
    with served(request.param, bare.repo) as url:
        yield url


@pytest.fixture
def folder(disk: Builder) -> Path:
    """A repository with a version and the hook."""
    disk.tags("m@v1.0.0")
    hook = disk.git_dir / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(SCRIPT)
    hook.chmod(0o755)
    assert isinstance(disk.repo, Repo)
    return Path(disk.repo.path)


def test_what_it_is_told(disk: Builder, folder: Path, url: str) -> None:
    registry = disk.registry
    id = registry._store.tags(["m@v1.0.0"])[0].id
    registry.push(remote=url)
    ref, zeros = "refs/tags/m@v1.0.0", "0" * 40
    assert (folder / "said").read_text() == f"{url} {url}\n{ref} {id} {ref} {zeros}\n"
    (folder / "said").unlink()
    registry.push(remote=url)
    assert (folder / "said").read_text() == f"{url} {url}\n"
    (folder / "said").unlink()
    registry.delete_tags("m@v1.0.0", push=url)
    assert (folder / "said").read_text() == f"{url} {url}\n(delete) {zeros} {ref} {id}\n"


def test_it_rejects_a_push(disk: Builder, folder: Path, url: str, bare: Builder) -> None:
    registry = disk.registry
    (folder / "refuse").touch()
    with pytest.raises(PushRejectedError, match="'pre-push' rejected .*: not on a Friday; nothing"):
        registry.push(remote=url)
    with pytest.raises(NotPushedError, match="not on a Friday"):
        registry.assign("m", "v1.0.0", "prod", author=ANN, push=url)
    assert list(bare.registry) == []
    (folder / "refuse").unlink()
    registry.push(remote=url)
    (folder / "refuse").touch()
    with pytest.raises(PushRejectedError, match="not on a Friday"):
        registry.delete_tags("m@v1.0.0", push=url)
    assert len(registry.history()) == len(bare.registry.history()) == 2


def test_it_cannot_be_started(disk: Builder, folder: Path, bare: Builder) -> None:
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
    assert not (folder / "said").exists()
