"""The URLs of commit and tag pages on the web."""

from __future__ import annotations

import pytest

from modelversions import InvalidArgumentError
from modelversions.values.web_pages import WebPages, check_commit_url, checked_url


@pytest.mark.parametrize(
    ("home", "commit", "tag"),
    [
        ("https://github.com/t/m", "/commit/abc", "/releases/tag/churn%23prod%231"),
        ("https://github.corp.example/t/m", "/commit/abc", "/releases/tag/churn%23prod%231"),
        ("https://gitlab.example.com/a/t/m", "/-/commit/abc", "/-/tags/churn%23prod%231"),
        ("https://salsa.debian.org/t/m", "/-/commit/abc", "/-/tags/churn%23prod%231"),
        ("https://bitbucket.org/t/m", "/commits/abc", "/commits/tag/churn%23prod%231"),
        ("https://codeberg.org/t/m", "/commit/abc", "/src/tag/churn%23prod%231"),
        ("http://gitea.local:3000/t/m", "/commit/abc", "/src/tag/churn%23prod%231"),
        ("https://forgejo.example/t/m", "/commit/abc", "/src/tag/churn%23prod%231"),
    ],
)
def test_known_hosts(home: str, commit: str, tag: str) -> None:
    pages = WebPages(home)
    assert pages.repository == home
    assert pages.commit("abc") == home + commit
    assert pages.tag("churn#prod#1") == home + tag


@pytest.mark.parametrize(
    "home", [None, "https://host/t/m", "https://bitbucket.corp/t/m", "https://notgithub.com/t/m"]
)
def test_other_hosts_have_no_links(home: str | None) -> None:
    pages = WebPages(home)
    assert (pages.repository, pages.commit("abc"), pages.tag("m@v1.0.0")) == (None, None, None)


def test_a_custom_commit_url() -> None:
    assert WebPages(None, "https://h/c?id={commit}").commit("a/b") == "https://h/c?id=a%2Fb"
    assert WebPages(None, lambda sha: f"https://h/{sha}").commit("abc") == "https://h/abc"
    assert WebPages(None, lambda _: None).commit("abc") is None
    assert WebPages(None, lambda sha: f"javascript:{sha}").commit("abc") is None
    both = WebPages("https://github.com/t/m", "https://h/{commit}")
    assert both.commit("abc") == "https://h/abc"
    assert both.tag("m@v1.0.0") == "https://github.com/t/m/releases/tag/m%40v1.0.0"


@pytest.mark.parametrize(
    "url",
    [
        None,
        3,
        "javascript:alert(1)",
        "data:text/html,x",
        "//host/x",
        "https:///x",
        "https://user:secret@host/x",
        'https://host/"onclick=',
        "https://host/a b",
        "https://host/\x00",
        "https://[host/x",
        "https://host/" + "a" * 3000,
    ],
)
def test_urls_that_are_not_safe_as_links(url: object) -> None:
    assert checked_url(url) is None


def test_the_argument_commit_url() -> None:
    assert check_commit_url(None) is None
    assert check_commit_url("https://h/{commit}") == "https://h/{commit}"
    assert check_commit_url(str.upper) == str.upper
    for wrong in ("https://h/commit", "ftp://h/{commit}", 3):
        with pytest.raises(InvalidArgumentError, match="commit_url must be a URL such as"):
            check_commit_url(wrong)
