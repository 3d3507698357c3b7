"""Fixtures for all tests, which use no identity, configuration or repository of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dulwich.repo import Repo
from hypothesis import Phase, settings

from modelversions import Registry
from tests.builders import Builder
from tests.servers import served

settings.register_profile("default", deadline=None, derandomize=True)
settings.register_profile(
    "mutation",
    settings.get_profile("default"),
    max_examples=30,
    phases=[Phase.explicit, Phase.generate],  # the first failure suffices
)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="count a skipped test as a failure")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in (
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
        "EMAIL",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "XDG_CONFIG_HOME",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSH_VARIANT",
        "GIT_SSL_CAINFO",
        *(f"{scheme}_proxy" for scheme in ("http", "https", "all", "no")),
        *(f"{scheme}_PROXY" for scheme in ("HTTP", "HTTPS", "ALL", "NO")),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def short_lock_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for locks only briefly."""
    monkeypatch.setattr("modelversions.git.locks.TIMEOUT", 0.001)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Builder]:
    """A bare repository without commits, on disk."""
    with Repo.init_bare(str(tmp_path / "bare"), mkdir=True) as repo:
        yield Builder(repo)


@pytest.fixture
def served_repo(bare: Builder) -> Builder:
    """A bare repository with two commits, for servers and remotes."""
    bare.commit()
    bare.commit("c2", 1, "c1")
    return bare


@pytest.fixture(params=["git", "http"])
def registry(request: pytest.FixtureRequest, served_repo: Builder) -> Iterator[Registry]:
    """The registry of ``served_repo`` at a URL of each of dulwich's servers."""
    with served(request.param, served_repo.repo) as url, Registry.open(url) as registry:
        yield registry


@pytest.fixture
def builder() -> Builder:
    """A repository in memory, with one commit."""
    builder = Builder()
    builder.commit()
    return builder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Builder]:
    """A repository on disk, with one commit."""
    with Repo.init(str(tmp_path / "repo"), mkdir=True) as repo:
        builder = Builder(repo)
        builder.commit()
        yield builder
