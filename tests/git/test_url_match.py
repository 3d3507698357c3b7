"""Matching URLs of the configuration; tests/compat compares ``git config --get-urlmatch``."""

from __future__ import annotations

import pytest

from modelversions.git.url_match import match_url, same_origin

URL = "https://ann@Host.example.com/team/models.git"


@pytest.mark.parametrize(
    "pattern",
    [
        None,
        "https://host.example.com",
        "HTTPS://HOST.example.com/",
        "https://host.example.com:443/team",
        "https://*.example.com/team/",
        "https://ann@host.example.com/team/models.git",
        "https://host.example.com/team/models.git/",
        "https://host.example.com/x/../team",
        "https://host.example.com/%74eam",
    ],
)
def test_patterns_that_match(pattern: str | None) -> None:
    assert match_url(pattern, URL) is not None


@pytest.mark.parametrize(
    "pattern",
    [
        "http://host.example.com",
        "https://host.example.com:8443",
        "https://example.com",
        "https://*.com",
        "https://host.example.com/tea",
        "https://bob@host.example.com",
        "host.example.com",
        "https://",
        "https://host.example.com:port",
        "",
    ],
)
def test_patterns_that_do_not(pattern: str) -> None:
    assert match_url(pattern, URL) is None


def test_the_better_match() -> None:
    patterns = [
        None,
        "https://*.example.com",
        "https://host.example.com",
        "https://host.example.com/team",
        "https://ann@host.example.com/team",
    ]
    found = [match_url(pattern, URL) for pattern in patterns]
    assert sorted(match for match in found if match) == found


def test_origins() -> None:
    assert same_origin("HTTP://LocalHost/a", "http://localhost:80/b")
    assert not same_origin("http://localhost", "https://localhost")
    assert not same_origin("http://localhost", "http://localhost:81")
    assert not same_origin("localhost", "localhost")
