"""Fixtures: a repository that dulwich serves on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dulwich.repo import Repo

from modelversions import Registry
from tests.builders import Builder
from tests.servers import git_server, http_server


@pytest.fixture
def far(bare: Builder) -> Builder:
    """A bare repository with one commit, to be served."""
    bare.commit()
    return bare


@pytest.fixture(params=["git", "http"])
def url(request: pytest.FixtureRequest, far: Builder) -> Iterator[str]:
    """The URL at which it is served."""
    assert isinstance(far.repo, Repo)
    with git_server(far.repo) if request.param == "git" else http_server(far.repo) as url:
        yield url


@pytest.fixture
def remote_registry(url: str) -> Iterator[Registry]:
    """The registry at that URL."""
    with Registry.open(url) as registry:
        yield registry
