"""URLs: recognition and parsing; passwords are never shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modelversions import Registry, RepositoryNotFoundError
from modelversions.git.config import GitConfig
from modelversions.git.urls import Url, instead_of, is_url
from tests.builders import Builder


@pytest.mark.parametrize(
    ("text", "parts", "shown"),
    [
        ("https://host/a/b.git", ("https", "host", None, "/a/b.git", None), None),
        ("HTTP://host:81/a%20b", ("http", "host", 81, "/a%20b", None), "http://host:81/a%20b"),
        ("ssh://ann@host:22/a%20b", ("ssh", "host", 22, "/a b", "ann"), None),
        ("git+ssh://host/a", ("ssh", "host", None, "/a", None), "ssh://host/a"),
        (
            "ssh://Build-Host/a#b?c",
            ("ssh", "Build-Host", None, "/a#b?c", None),
            "ssh://Build-Host/a%23b%3Fc",
        ),
        ("ssh://host/~ann/m.git", ("ssh", "host", None, "/~ann/m.git", None), None),
        ("git://[::1]:9/a", ("git", "::1", 9, "/a", None), None),
        ("ann@host:models.git", ("ssh", "host", None, "models.git", "ann"), None),
        ("host:/srv/m.git", ("ssh", "host", None, "/srv/m.git", None), "ssh://host/srv/m.git"),
        ("[::1]:m.git", ("ssh", "::1", None, "m.git", None), None),
        ("file:///srv/a%20b", ("file", "", None, "/srv/a b", None), "file:///srv/a%20b"),
        (
            "https://a%40b:s3cret@host/m",
            ("https", "host", None, "/m", "a@b"),
            "https://host/m",
        ),
    ],
)
def test_a_url_has_parts(
    text: str, parts: tuple[str, str, int | None, str, str | None], shown: str | None
) -> None:
    url = Url.parse(text)
    assert is_url(text)
    assert (url.scheme, url.host, url.port, url.path, url.username) == parts
    assert str(url) == (shown or text)


def test_a_password_is_read_and_not_shown() -> None:
    url = Url.parse("https://ann:p%40ss@host/m.git")
    assert url.password == "p@ss"  # noqa: S105
    assert "p@ss" not in repr(url)
    assert "p%40ss" not in repr(url) + str(url)


@pytest.mark.parametrize("path", ["models", "./a:b", "/srv/a:b", "a/b:c", "", 7, "C:\\m", "c:m"])
def test_anything_else_is_a_path(path: object) -> None:
    assert not is_url(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "ftp://ann:s3cret@host/m",
            "'ftp://ann@host/m' cannot be opened: unsupported scheme 'ftp'",
        ),
        ("https://ann:s3cret@/m", "it has no host or no path"),
        ("https://host", "it has no host or no path"),
        ("https://ann:s3cret@host:port/m", "'https://…' cannot be opened: its host or port is"),
        ("https://ann:s3cret@host:99999/m", "its host or port is invalid"),
        ("https://ann:s3cret/x@host/m", "its host or port is invalid"),
        ("https://ann:s3cret@[::1/m", "its host or port is invalid"),
        ("https://x%0ahost=a@host/m", "it contains control characters"),
        ("ssh://host/a%00b", "it contains control characters"),
        ("ssh://-oProxyCommand=x/m", "a part that begins with '-' would be parsed as an option"),
        ("-x:m", "a part that begins with '-' would be parsed as an option"),
        ("host:-x", "a part that begins with '-' would be parsed as an option"),
        ("https://host/m?x=1", "'?' and '#' in it must be quoted"),
        ("ssh://ann:s3cret@host/m", "a password is supported only for https and http"),
    ],
)
def test_an_unusable_url_is_an_error_without_its_secret(text: str, message: str) -> None:
    with pytest.raises(RepositoryNotFoundError, match=re.escape(message)) as caught:
        Registry.open(text)
    assert "s3cret" not in str(caught.value) + repr(caught.value)


def test_a_file_url_is_a_path_of_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Url.parse("file:///srv/a%20b").path == "/srv/a b"
    monkeypatch.setattr("os.name", "nt")
    monkeypatch.setattr("urllib.request.url2pathname", lambda path: f"C:{path}")
    path = Url.parse("file:///srv/a").path
    monkeypatch.undo()
    assert path == "C:/srv/a"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("git@[host:2222]:path/x", ("host", 2222, "path/x", "git")),
        ("[host:22]:/path", ("host", 22, "/path", None)),
        ("[git@host:22]:/path", ("host", 22, "/path", "git")),
        ("[::1]:path", ("::1", None, "path", None)),
        ("[host]:path", ("host", None, "path", None)),
    ],
)
def test_a_port_in_brackets(text: str, parts: tuple[object, ...]) -> None:
    url = Url.parse(text)
    assert (url.host, url.port, url.path, url.username) == parts
    assert Url.parse(str(url)) == url


@pytest.mark.parametrize("text", ["[host:0]:path", "[host:99999]:path", "[host:x]:path"])
def test_an_invalid_port_in_brackets(text: str) -> None:
    with pytest.raises(RepositoryNotFoundError, match="its port is not a number from 1 to 65535"):
        Url.parse(text)


def test_sections_are_read_as_by_git(disk: Builder) -> None:
    text = '[url]\n\tinsteadOf = gh:\n[Url "https://host/"]\n\tinsteadOf = at:\n'
    with Path(disk.git_dir, "config").open("a", encoding="utf-8") as file:
        file.write(text)
    stack = GitConfig(disk.repo).stack()
    assert instead_of("gh:a/m", stack) == "gh:a/m"
    assert instead_of("at:a/m", stack) == "https://host/a/m"
