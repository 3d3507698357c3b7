"""Fixtures: a repository to push to and fetch from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dulwich.repo import Repo

from tests.builders import Builder
from tests.servers import served


@pytest.fixture(params=["file", "git", "http"])
def url(request: pytest.FixtureRequest, bare: Builder) -> Iterator[str]:
    """The path of the empty repository, or its URL on one of dulwich's servers."""
    assert isinstance(bare.repo, Repo)
    if request.param == "file":
        yield bare.repo.path
        return
    with served(request.param, bare.repo) as url:
        yield url
