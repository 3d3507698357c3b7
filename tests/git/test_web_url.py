"""The web URL of a repository, from that of its remote."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelversions import Registry
from modelversions.git.config import GitConfig
from modelversions.git.urls import Url
from modelversions.git.web_url import web_url, web_url_of_remote
from tests.builders import Builder


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://github.com/t/m.git", "https://github.com/t/m"),
        ("https://user:secret@github.com/t/m.git/", "https://github.com/t/m"),
        ("http://host:8080/t/m", "http://host:8080/t/m"),
        ("git@github.com:t/m.git", "https://github.com/t/m"),
        ("ssh://git@host:2222/t/m.git", "https://host/t/m"),
        ("ssh://git@ssh.github.com:443/t/m.git", "https://github.com/t/m"),
        ("git@altssh.gitlab.com:t/m", "https://gitlab.com/t/m"),
        ("git://host/t/m b", "https://host/t/m%20b"),
        ("ssh://git@[::1]/t/m", "https://[::1]/t/m"),
        ("file:///t/m", None),
        ("host:.git", None),
        ("https://user:p@ss/word@host/t/m", None),
        ("ssh://a@b@host/t/m", "https://host/t/m"),
    ],
)
def test_the_url(remote: str, expected: str | None) -> None:
    try:
        url = Url.parse(remote)
    except OSError:
        assert expected is None
    else:
        assert web_url(url) == expected


def test_a_host_that_contains_a_user_has_no_web_url() -> None:
    assert web_url(Url("ssh", "a@host", None, "/t/m")) is None


def _remote(disk: Builder, name: str, url: str) -> GitConfig:
    config = disk.repo.get_config()
    config.set((b"remote", name.encode()), b"url", url.encode())
    config.write_to_path()
    return GitConfig(disk.repo)


def test_the_remote(disk: Builder) -> None:
    assert web_url_of_remote(GitConfig(disk.repo)) is None
    assert web_url_of_remote(_remote(disk, "up", "git@host:t/m.git")) == "https://host/t/m"
    assert web_url_of_remote(_remote(disk, "other", "git@host:t/n.git")) is None
    assert web_url_of_remote(_remote(disk, "origin", "https://host/o.git")) == "https://host/o"
    assert web_url_of_remote(_remote(disk, "origin", "../elsewhere")) is None
    assert web_url_of_remote(_remote(disk, "origin", "https://")) is None


def test_the_url_is_rewritten_as_by_git(disk: Builder, tmp_path: Path) -> None:
    config = disk.repo.get_config()
    config.set((b"url", b"git@github.com:"), b"insteadOf", b"gh:")
    config.write_to_path()
    assert web_url_of_remote(_remote(disk, "origin", "gh:t/m")) == "https://github.com/t/m"
    (disk.git_dir / "config").write_text("[broken")
    assert web_url_of_remote(GitConfig(disk.repo)) is None
    assert tmp_path.exists()


def test_links_of_a_registry(disk: Builder) -> None:
    _remote(disk, "origin", "git@github.com:t/m.git")
    disk.tags("m@v1.0.0", "m#prod#1")
    link = 'href="https://github.com/t/m/releases/tag/m%40v1.0.0"'
    commit = f'href="https://github.com/t/m/commit/{disk.commits["c1"]}"'
    with Registry.open(disk.git_dir.parent) as registry:
        model = registry["m"]
        assert link in registry._repr_html_()
        assert link in registry.as_of(model.history[-1])._repr_html_()
        for shown in (model, model[0], model[0].history, registry.history(), registry.commits()):
            assert commit in shown._repr_html_()
    with Registry.open(disk.git_dir.parent, commit_url="https://h/{commit}") as registry:
        assert f'href="https://h/{disk.commits["c1"]}"' in registry["m"]._repr_html_()
    registry = Registry.from_repo(disk.repo, commit_url=lambda sha: f"https://h/x/{sha}")
    assert f'href="https://h/x/{disk.commits["c1"]}"' in registry["m"]._repr_html_()


def test_a_server_is_not_contacted_for_links() -> None:
    registry = Registry.open("https://user:secret@github.com/t/m.git")
    assert registry._store.find_pages().repository == "https://github.com/t/m"
