"""Credentials for servers: when they are used, and that they are never shown."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from dulwich.repo import Repo

from modelversions import (
    InvalidArgumentError,
    Registry,
)
from tests.builders import Builder, same
from tests.git.remote.helpers import ANN, SECRET, refused
from tests.servers import guarded, http_server


def test_credentials_are_requested_once_and_kept(served_repo: Builder) -> None:
    served_repo.tags("m@v1.0.0")
    calls: list[tuple[str, str | None]] = []

    def credentials(url: str, hint: str | None) -> tuple[str, str]:
        calls.append((url, hint))
        return "ann", SECRET

    assert isinstance(served_repo.repo, Repo)
    with http_server(served_repo.repo, guarded("ann", SECRET)) as url:
        with Registry.open(url.replace("//", "//ann@"), credentials=credentials) as remote_registry:
            assert len(remote_registry["m"].history) == 1
            remote_registry.register("m", "v2.0.0", author=ANN, force=True)
            assert same(remote_registry, served_repo.registry)
        assert calls == [(url, "ann")]


def test_a_password_in_the_url_is_used_and_not_shown(
    served_repo: Builder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    served_repo.tags("m@v1.0.0")
    assert isinstance(served_repo.repo, Repo)
    with http_server(served_repo.repo, guarded("ann", SECRET)) as url:
        with Registry.open(url.replace("//", "//ann:p%40ss%20w%3Ard@")) as remote_registry:
            assert "m" in remote_registry
            assert repr(remote_registry) == f"<Registry {url!r}>"
        remote_registry = Registry.open(url.replace("//", "//ann:wr0ng@"))
        error = refused(remote_registry)
        assert "it rejected the login from the URL" in str(error)
        assert "wr0ng" not in repr(error) + str(error.location)
    for secret in (SECRET, "p%40ss", "wr0ng"):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        (None, "it requires credentials; pass credentials="),
        (lambda _url, _hint: None, "it requires credentials; pass credentials="),
        (lambda _url, _hint: ("ann", "wr0ng"), "it rejected the login from credentials="),
    ],
)
def test_a_server_that_requires_other_credentials_is_an_error(
    served_repo: Builder, credentials: Any, message: str
) -> None:
    assert isinstance(served_repo.repo, Repo)
    with (
        http_server(served_repo.repo, guarded("ann", SECRET)) as url,
        Registry.open(url, credentials=credentials) as remote_registry,
    ):
        for _ in range(2):
            error = refused(remote_registry)
            assert message in str(error)
            assert "wr0ng" not in repr(error)
            assert isinstance(error, PermissionError)


def test_the_error_for_invalid_credentials_does_not_contain_them(served_repo: Builder) -> None:
    assert isinstance(served_repo.repo, Repo)
    with (
        http_server(served_repo.repo, guarded("ann", SECRET)) as url,
        Registry.open(url, credentials=lambda _url, _hint: ("ann", SECRET, 7)) as remote_registry,  # type: ignore[arg-type,return-value]
        pytest.raises(InvalidArgumentError, match="must return a user name and") as caught,
    ):
        len(remote_registry)
    assert SECRET not in repr(caught.value) + str(vars(caught.value))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"credentials": ("ann", SECRET)},
            "credentials must be a callable, not a tuple; modelversions.credentials has",
        ),
        ({"progress": 7}, "progress must be True or a callable, not a int"),
        ({"timeout": 0}, "timeout must be a number of seconds above 0, or None, not 0"),
        ({"timeout": "1"}, "timeout must be a number of seconds above 0, or None, not '1'"),
    ],
)
def test_invalid_options_are_refused_when_opening(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message) as caught:
        Registry.open("https://host/m", **options)
    assert SECRET not in str(vars(caught.value))
