"""The protocols that may be used are those that Git would use."""

from __future__ import annotations

from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import ConfigurationError, Registry
from modelversions.git.config import GitConfig
from modelversions.git.protocols import check_protocol, is_allowed
from tests.builders import Builder


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({}, {"https", "http", "ssh", "git", "file"}),
        ({"protocol.allow": "never"}, set()),
        ({"protocol.allow": "never", "protocol.https.allow": "ALWAYS"}, {"https"}),
        ({"protocol.http.allow": "never"}, {"https", "ssh", "git", "file"}),
        ({"GIT_ALLOW_PROTOCOL": "https:file"}, {"https", "file"}),
        ({"GIT_ALLOW_PROTOCOL": "", "protocol.allow": "always"}, set()),
        ({"GIT_PROTOCOL_FROM_USER": "0"}, {"https", "http", "ssh", "git"}),
        (
            {"GIT_PROTOCOL_FROM_USER": "0", "protocol.file.allow": "always"},
            {"https", "http", "ssh", "git", "file"},
        ),
    ],
)
def test_what_is_allowed(settings: dict[str, str], allowed: set[str]) -> None:
    env = {name: value for name, value in settings.items() if name.isupper()}
    keys = [(key, value) for key, value in settings.items() if not key.isupper()]
    env["GIT_CONFIG_COUNT"] = str(len(keys))
    for number, (key, value) in enumerate(keys):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    config = GitConfig(None, env)
    protocols = ("https", "http", "ssh", "git", "file")
    assert {name for name in protocols if is_allowed(name, config, env)} == allowed


def test_the_file_protocol_is_only_for_urls_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = GitConfig(None, {})
    assert not is_allowed("file", config, {}, from_user=False)
    assert is_allowed("https", config, {}, from_user=False)
    (tmp_path / "config").write_text("[protocol]\nallow = perhaps\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    with pytest.raises(ConfigurationError, match="protocol.allow is 'perhaps', and must be one of"):
        check_protocol("https", GitConfig(None))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "git://127.0.0.1:1/x", "ssh://127.0.0.1/x"]
)
def test_a_server_is_not_contacted(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "https")
    name = url.partition(":")[0]
    with (
        Registry.open(url) as registry,
        pytest.raises(ConfigurationError, match=f"the protocol '{name}' is not allowed; if it"),
    ):
        len(registry)


def test_a_local_repository(disk: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(disk.repo, Repo)
    disk.tags("m@v1.0.0")
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "https")
    with pytest.raises(ConfigurationError, match="the protocol 'file' is not allowed"):
        Registry.open(f"file://{disk.repo.path}")
    with pytest.raises(ConfigurationError, match="the protocol 'file' is not allowed"):
        disk.registry.push(remote=disk.repo.path)
    with Registry.open(disk.repo.path) as registry:  # not a transport
        assert list(registry) == ["m"]
