"""Kinds of servers, each with the repository ``models.git``, and the options to open it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from dulwich.objects import Tree
from dulwich.repo import Repo

from modelversions import Identity, Registry
from tests.builders import Builder, irregular_tags, same
from tests.compat.git import Git, init
from tests.compat.gto import RandomNames, repository
from tests.compat.test_gto import write_history
from tests.remote import servers

ANN = Identity("Ann", "ann@example.com")
NAME = "models.git"


@attrs.frozen
class ServedRepo:
    """A repository, and a server that serves it."""

    git: Git
    """C git in the repository itself."""
    url: str
    """The URL of the repository."""
    port: int
    options: dict[str, Any] = attrs.Factory(dict)
    """The options of ``Registry.open``."""
    version: int = 2
    """The protocol version of the server."""

    def open(self, **options: Any) -> Registry:
        """Open the registry through the server."""
        return Registry.open(self.url, **{**self.options, **options})

    @property
    def local(self) -> Registry:
        """Open the registry in the repository itself."""
        return Registry.open(self.git.path)

    def at(self, port: int) -> str:
        """Return the URL with another port, such as that of a proxy."""
        return self.url.replace(f":{self.port}/", f":{port}/")


def check_irregular_tags(served_repo: ServedRepo) -> None:
    """Add irregular tags, and compare how they are read."""
    with (
        Repo(str(served_repo.git.path)) as repo,
        served_repo.open() as remote,
        served_repo.local as local,
    ):
        builder = Builder(repo)
        builder.commit()
        irregular_tags(builder)
        builder.tag("m@v9.0.0", builder.add(Tree()), 90, kind="tree")
        with served_repo.open() as unread:
            assert unread.latest() == local.latest()
            assert str(unread["m"].latest) == "m@v2.0.0"
        assert same(remote, local)
        assert len(local.problems()) > 4


def check_every_write(served_repo: ServedRepo) -> None:
    """Write and delete tags through the server, and compare with the repository itself."""
    with served_repo.open() as remote, served_repo.local as local:
        head = served_repo.git("rev-parse", "HEAD").strip()
        first = remote.register("m", "v1.0.0", author=ANN, message="first\n\nof all")
        assert (first.commit, local.event("m@v1.0.0")) == (head, first)
        remote.assign("m", "v1.0.0", "prod", author=ANN)
        remote.unassign("m", "v1.0.0", "prod", author=ANN)
        remote.assign("n", stage="dev", register=True, author=ANN, commit="main")
        remote.deregister("m", "v1.0.0", author=ANN)
        remote.deprecate("m", author=ANN)
        assert same(remote, local)
        assert list(remote.delete_tags("m@deprecated", first)) == ["m@deprecated", "m@v1.0.0"]
        assert same(remote, local)


def bare(root: Path, fill: Callable[[Path], Git]) -> Git:
    """Create a bare repository in a server's directory, as a clone of one made by ``fill``."""
    source = fill(root / "source")
    source("clone", "-q", "--bare", ".", str(root / NAME))
    git = Git(root / NAME)
    git("config", "http.receivepack", "true")
    return git


def with_one_commit(path: Path) -> Git:
    """Create a repository with one commit."""
    git = init(path)
    git.commit()
    return git


def with_history(path: Path) -> Git:
    """Create a repository with histories of many models."""
    git, commits = repository(path, 300)
    chance = RandomNames(20)
    with Registry.open(path) as registry:
        for number in range(40):
            model = chance.models(number)
            write_history(registry, chance, model, random.Random(number).sample(commits, 20))  # noqa: S311
    return git


@contextmanager
def server(
    kind: str, root: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServedRepo]:
    """Serve a repository by one kind of server."""
    name, _, more = kind.partition(" ")
    if "filter" in more:
        git("config", "uploadpack.allowFilter", "true")
    version = 0 if "v0" in more else 2
    with ExitStack() as stack:
        if name == "daemon":
            url = stack.enter_context(servers.git_daemon(root))
            yield ServedRepo(git, url + NAME, int(url.split(":")[2].strip("/")))
        elif name == "web":
            auth, tls = "auth" in more, "tls" in more
            web = stack.enter_context(servers.web(root, auth=auth, tls=tls, version=version))
            if web.authority:
                monkeypatch.setenv("GIT_SSL_CAINFO", str(web.authority))
            login = {"credentials": lambda _url, _hint: ("ann", servers.PASSWORD)} if auth else {}
            yield ServedRepo(git, web.url + NAME, web.port, login, version)
        else:
            ssh = stack.enter_context(servers.sshd(root, version=version))
            monkeypatch.setenv("GIT_SSH_COMMAND", ssh.command)
            yield ServedRepo(git, ssh.url + NAME, ssh.port, {}, version)


KINDS = (
    "daemon",
    "daemon filter",
    "web",
    "web filter",
    "web v0",
    "web auth tls",
    "ssh",
    "ssh v0",
)


@pytest.fixture(params=KINDS)
def served_repo(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServedRepo]:
    """A repository with one commit, behind each kind of server."""
    with server(
        request.param, tmp_path, bare(tmp_path, with_one_commit), monkeypatch
    ) as served_repo:
        yield served_repo


@pytest.fixture(params=["daemon", "web"])
def common_server_repo(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServedRepo]:
    """A repository with one commit, behind the two most common kinds of servers."""
    with server(
        request.param, tmp_path, bare(tmp_path, with_one_commit), monkeypatch
    ) as served_repo:
        yield served_repo


@pytest.fixture(params=["daemon", "daemon filter", "web v0", "web auth tls", "ssh"])
def repo_with_history(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServedRepo]:
    """A repository with many histories, behind each kind of server."""
    with server(request.param, tmp_path, bare(tmp_path, with_history), monkeypatch) as served_repo:
        yield served_repo
