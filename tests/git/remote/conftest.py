"""Fixtures: a repository that dulwich serves on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dulwich.repo import Repo

from modelversions import Registry
from tests.builders import Builder
from tests.servers import git_server, http_server


@pytest.fixture
def served_repo(bare: Builder) -> Builder:
    """A bare repository with one commit, to be served."""
    bare.commit()
    return bare


@pytest.fixture(params=["git", "http"])
def url(request: pytest.FixtureRequest, served_repo: Builder) -> Iterator[str]:
    """The URL of ``served_repo`` on each of dulwich's servers."""
    assert isinstance(served_repo.repo, Repo)
    with (
        git_server(served_repo.repo)
        if request.param == "git"
        else http_server(served_repo.repo) as url
    ):
        yield url


@pytest.fixture
def remote_registry(url: str) -> Iterator[Registry]:
    """The registry at that URL."""
    with Registry.open(url) as registry:
        yield registry


@pytest.fixture
def registry(remote_registry: Registry) -> Registry:
    """The registry at that URL, under a shorter name."""
    return remote_registry
