"""The logger ``modelversions``: writes and requests are logged without secrets."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import Identity, Registry
from modelversions.testing import memory_registry
from tests.builders import Builder
from tests.servers import http_server

ANN = Identity("Ann", "ann@example.com")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "modelversions")
    return caplog


def lines(log: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    return [one.getMessage() for one in log.records if one.levelno == level]


def test_the_logger_has_a_null_handler() -> None:
    assert any(
        isinstance(handler, logging.NullHandler)
        for handler in logging.getLogger("modelversions").handlers
    )


def test_writes(log: pytest.LogCaptureFixture) -> None:
    registry = memory_registry()
    event = registry.register("m", "v1.0.0")
    registry.register("m", "v2.0.0", dry_run=True, force=True)
    deleted = registry.delete_tags(event)
    assert lines(log) == [
        f"created the tag 'm@v1.0.0' at {event.commit} in 'memory'",
        f"deleted the tag 'm@v1.0.0', {deleted['m@v1.0.0']} in 'memory'",
    ]
    assert {record.name.partition(".")[0] for record in log.records} == {"modelversions"}


def test_pushes_and_fetches(
    log: pytest.LogCaptureFixture, disk: Builder, served_repo: Builder
) -> None:
    disk.tags("m@v1.0.0", "n@v1.0.0")
    served_repo.tags("m@v2.0.0").tag("n@v1.0.0", message="another")
    url = str(served_repo.git_dir)
    disk.registry.push(remote=url)
    disk.registry.fetch(remote=url)
    (conflict,) = disk.registry.fetch(remote=url).conflicts
    assert lines(log)[:3] == [
        f"pushed the tag 'm@v1.0.0', remote {f'file://{url}'!r}",
        f"conflict with the remote {f'file://{url}'!r}: {conflict}",
        f"fetched the tag 'm@v2.0.0', remote {f'file://{url}'!r}",
    ]


def test_requests_without_secrets(
    log: pytest.LogCaptureFixture,
    served_repo: Builder,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    config = tmp_path / "config"
    config.write_text("[http]\n\textraHeader = X-Token: header-secret\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    assert isinstance(served_repo.repo, Repo)
    with http_server(served_repo.repo) as url:
        registry = Registry.open(url.replace("://", "://ann:url-secret@"), author=ANN)
        registry.register("m", "v1.0.0")
    assert any(line.startswith("request to ") for line in lines(log, logging.DEBUG))
    assert any(line.startswith("created the tag 'm@v1.0.0'") for line in lines(log))
    for record in log.records:
        assert "secret" not in record.getMessage()
