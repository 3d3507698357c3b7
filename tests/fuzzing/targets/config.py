"""Git's configuration of a repository and of the environment."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

from dulwich.repo import Repo

from modelversions.errors import ModelVersionsError
from modelversions.git.config import GitConfig
from modelversions.git.remote.http_settings import read_settings
from modelversions.git.remotes import RemoteUrls
from modelversions.git.urls import Url, is_url
from modelversions.git.web_url import web_url_of_remote
from modelversions.values.identity import Identity
from tests.fuzzing import seeds as cases
from tests.fuzzing.scratch import scratch

MODULES = (
    "modelversions.git.config",
    "modelversions.git.config_conditions",
    "modelversions.git.url_match",
    "modelversions.git.urls",
    "modelversions.git.web_url",
)
_ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "true", "GIT_CONFIG_GLOBAL": ""}
_URL = Url.parse("https://example.com/models.git")
_PASSED = b"\0"
"""Separates the file from GIT_CONFIG_PARAMETERS."""
_FILES = (
    b"""[core]
\tbare = 0x1k
[remote "origin"]
\turl = git@example.com:a/b.git
[url "https://example.com/"]
\tinsteadOf = git@example.com:
\tpushInsteadOf = "x y"
""",
    b"""[http]
\textraHeader = A: b
\textraHeader =
[http "https://*.example.com"]
\tproxy = socks5://u:p@h:1
[http "https://example.com"]
\tsslVerify = no ; c
""",
    b"""[user]
\tname = Ann \\
 Lee
\temail = "a@b\\t"
[a "b\\"c"] d
[a.B]
e
# c
""",
    b"""[includeIf "gitdir:**/x/"]
\tpath = ../other
[includeIf "onbranch:m*"]
\tpath = config
[includeIf "hasconfig:remote.*.url:**"]
\tpath = x
[includeIf "gitdir/i:[a-"]
\tpath=y
""",
    b"[extensions]\n\tworktreeConfig = true\n\0'user.name'='Ann' 'a.b.c=d' 'x.y'",
    b"\0'include.path'='/nowhere' 'user.email'='a'\\''b'",
    b"\xef\xbb\xbf[user]\r\n\tname = Ann\r\n",
)


def seeds() -> Iterator[bytes]:
    """Yield some files, and the files of the cases."""
    yield from _FILES
    for _, files in cases.built():
        yield files["config"]


@functools.cache
def _repository() -> Repo:
    """Return a repository; its configuration is written for each input."""
    return Repo.init(str(scratch() / "repo"), mkdir=True)


def check(data: bytes) -> None:
    """Read the bytes as a repository's configuration; those after a NUL are the environment's."""
    own, _, passed = data.partition(_PASSED)
    repo = _repository()
    for name in ("config", "config.worktree"):
        (scratch() / "repo" / ".git" / name).write_bytes(own)
    text = passed.replace(b"\0", b"").decode(errors="surrogateescape")
    _read(GitConfig(repo, {**_ENVIRONMENT, "GIT_CONFIG_PARAMETERS": text}))


def _read(config: GitConfig) -> None:
    for read in (
        lambda: config.get_bool("core.bare"),
        lambda: config.get_all("user.name", protected=True),
        lambda: config.get_path("core.worktree"),
        lambda: config.get("a.b.c"),
        lambda: _check_remotes(config),
        lambda: read_settings(_URL, config),
        lambda: Identity.from_git(config.get),
    ):
        with contextlib.suppress(ModelVersionsError):
            read()
    web = web_url_of_remote(config)
    assert web is None or web.startswith(("https://", "http://"))


def _check_remotes(config: GitConfig) -> None:
    stack = config.stack()
    for name in config.subsections("remote"):
        with contextlib.suppress(ModelVersionsError):
            RemoteUrls.of(name, stack, "/")
        for url in config.get_all(f"remote.{name}.url"):
            if is_url(url):
                Url.parse(url)
