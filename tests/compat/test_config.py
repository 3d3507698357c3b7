"""Git's configuration: values equal those that ``git config`` and ``git var`` print."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from modelversions import ConfigurationError, Identity
from modelversions.git.config import GitConfig
from modelversions.git.local.local_store import LocalStore
from tests.compat.git import Git, init

pytestmark = pytest.mark.compat

NAME = "[user]\n\tname = {}\n"
LAYOUTS: dict[str, dict[str, str]] = {
    "global": {"home/.gitconfig": NAME.format("global")},
    "xdg": {"xdg/git/config": NAME.format("xdg")},
    "global over xdg": {
        "xdg/git/config": NAME.format("xdg"),
        "home/.gitconfig": NAME.format("global"),
    },
    "system": {"system": NAME.format("system")},
    "global over system": {
        "system": NAME.format("system"),
        "home/.gitconfig": NAME.format("global"),
    },
    "local over global": {
        "home/.gitconfig": NAME.format("global"),
        "repo/.git/config+": NAME.format("local"),
    },
    "worktree over local": {
        "repo/.git/config+": NAME.format("local") + "[extensions]\n\tworktreeConfig = true\n",
        "repo/.git/config.worktree": NAME.format("worktree"),
    },
    "worktree that is not enabled": {
        "repo/.git/config+": NAME.format("local"),
        "repo/.git/config.worktree": NAME.format("worktree"),
    },
    "the last of several": {"repo/.git/config+": NAME.format("one") + NAME.format("two")},
    "upper case": {"repo/.git/config+": "[USER]\n\tNAME = loud\n"},
    "quotes and comments": {"repo/.git/config+": '[user]\n\tname = "a # b" c ; d\n'},
    "include": {
        "home/.gitconfig": NAME.format("global") + "[include]\n\tpath = more\n",
        "home/more": NAME.format("included"),
    },
    "include before": {
        "home/.gitconfig": "[include]\n\tpath = more\n" + NAME.format("global"),
        "home/more": NAME.format("included"),
    },
    "include by home": {
        "repo/.git/config+": "[include]\n\tpath = ~/more\n",
        "home/more": NAME.format("included"),
    },
    "include of a missing file": {
        "home/.gitconfig": NAME.format("global") + "[include]\n\tpath = nowhere\n"
    },
    "include if in a directory": {
        "home/.gitconfig": '[includeIf "gitdir:**/repo/"]\n\tpath = more\n',
        "home/more": NAME.format("included"),
    },
    **{
        f"include if {condition}": {
            "home/.gitconfig": NAME.format("global")
            + f'[includeIf "{condition}"]\n\tpath = more\n',
            "home/more": NAME.format("included"),
            "repo/.git/config+": '[remote "origin"]\n\turl = https://host/team/models.git\n',
        }
        for condition in (
            "gitdir:repo/",
            "gitdir:repo",
            "gitdir:rep?/",
            "gitdir:r*o/",
            "gitdir:/*/*/**/repo/",
            "gitdir:/**/repo/.git",
            "gitdir:repo/.git/",
            "gitdir:[q-s]epo/",
            "gitdir:[!r]epo/",
            "gitdir:[r/",
            "gitdir:REPO/",
            "gitdir/i:REPO/",
            "gitdir:~/**",
            "gitdir:~/../repo/",
            "gitdir:.git",
            "gitdir:",
            "onbranch:m*n",
            "onbranch:other",
            "onbranch:ma",
            "hasconfig:remote.*.url:https://host/**",
            "hasconfig:remote.*.url:https://host/*",
            "hasconfig:remote.*.url:https://*/team/models.git",
            "hasconfig:remote.*.url:git@host:**",
            "hasconfig:user.name:x",
            "unknown:x",
        )
    },
    "include if elsewhere": {
        "home/.gitconfig": NAME.format("global") + '[includeIf "gitdir:/no/"]\n\tpath = more\n',
        "home/more": NAME.format("included"),
    },
    "include if on a branch": {
        "repo/.git/config+": '[includeIf "onbranch:main"]\n\tpath = ~/more\n',
        "home/more": NAME.format("included"),
    },
    "nothing": {},
}


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    git = init(tmp_path / "repo")
    git.commit()
    for directory in ("home", "xdg/git"):
        (tmp_path / directory).mkdir(parents=True)
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "system"))
    return git


def env(**more: str) -> dict[str, str]:
    """Return the environment of the test, and unset the variables that override it."""
    names = ("HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_SYSTEM")
    unset = (
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_GLOBAL",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
    )
    return {**{name: os.environ[name] for name in names}, **dict.fromkeys(unset, ""), **more}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_precedence_and_includes(git: Git, layout: str) -> None:
    for name, content in LAYOUTS[layout].items():
        path = git.path.parent / name.removesuffix("+")
        path.write_text((path.read_text() if name.endswith("+") else "") + content)
    expected = git("config", "--default", "", "--get", "user.name", env=env()).rstrip("\n")
    store = LocalStore.open(git.path)
    assert (store.config("user.name") or "") == expected
    store.close()


@pytest.mark.parametrize(
    "variables",
    [
        {"GIT_COMMITTER_NAME": "Env", "GIT_COMMITTER_EMAIL": "env@example.com"},
        {"GIT_COMMITTER_NAME": " Env, Jr. "},
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Count"},
        {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "include.path",
            "GIT_CONFIG_VALUE_0": "~/passed",
        },
        {"GIT_CONFIG_PARAMETERS": "'user.name=First' 'include.path=~/passed'"},
        {"GIT_CONFIG_PARAMETERS": "'include.path=~/passed' 'user.name=Last'"},
        {"GIT_CONFIG_PARAMETERS": "'includeIf.gitdir:repo/.path=~/passed'"},
        {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "User.Name",
            "GIT_CONFIG_VALUE_0": "One",
            "GIT_CONFIG_KEY_1": "user.name",
            "GIT_CONFIG_VALUE_1": "Two",
        },
        {},
    ],
)
def test_the_identity_equals_that_of_git_var(
    git: Git, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    git("config", "user.name", "Conf")
    git("config", "user.email", "conf@example.com")
    (git.path.parent / "home" / "passed").write_text(NAME.format("passed"))
    expected = git("var", "GIT_COMMITTER_IDENT", env=env(**variables)).rpartition(">")[0] + ">"
    store = LocalStore.open(git.path)
    assert str(Identity.from_git(store.config)) == expected
    store.close()


URL_SECTIONS = (
    '[http]\n\tkey = all\n[http "https://host"]\n\tkey = host\n',
    '[http "https://host/"]\n\tkey = slash\n[http "https://HOST:443/team"]\n\tkey = team\n',
    '[http "https://*.host.org/"]\n\tkey = star\n[http "https://a.host.org"]\n\tkey = exact\n',
    '[http "https://ann@host"]\n\tkey = user\n[http "https://host/te"]\n\tkey = part\n',
    '[http "host"]\n\tkey = bare\n[http "https://host/%74eam/../team"]\n\tkey = dots\n',
    '[http "https://host/team"]\n\tkey = team\n[http]\n\tkey = late\n',
    '[http "http://host:80"]\n\tkey = port\n[http "http://host:8080"]\n\tkey = other\n',
)
URLS = (
    "https://host/team/x.git",
    "https://host",
    "https://ann@host/team",
    "https://a.host.org/",
    "https://a.b.host.org/",
    "http://Host/team",
    "http://host:8080/",
    "https://host/tea",
)


@pytest.mark.parametrize("sections", URL_SECTIONS)
@pytest.mark.parametrize("url", URLS)
def test_the_section_for_a_url_equals_that_of_git(git: Git, sections: str, url: str) -> None:
    with (git.path / ".git" / "config").open("a") as file:
        file.write(sections)
    command = ("config", "--get-urlmatch", "http.key", url)
    try:
        expected = git(*command, env=env()).rstrip("\n")
    except subprocess.CalledProcessError:
        expected = "none"
    store = LocalStore.open(git.path)
    assert (store._config.for_url("http", url).get("key") or "none") == expected
    store.close()


@pytest.mark.parametrize(
    "text",
    ["true", "Yes", "on", "1", "2", "-7", "0x10", "1k", "0", "no", "OFF", "", "0x0", "maybe", "1x"],
)
def test_booleans_equal_those_of_git(git: Git, text: str) -> None:
    git("config", "tag.gpgSign", text)
    try:
        expected = git("config", "--type=bool", "tag.gpgSign", env=env()).strip()
    except subprocess.CalledProcessError:
        expected = "error"
    store = LocalStore.open(git.path)
    try:
        ours = str(store._config.get_bool("tag.gpgSign")).lower()
    except ConfigurationError:
        ours = "error"
    assert ours == expected
    store.close()


@pytest.mark.parametrize("value", ["plain", "it's", "two words", "", "a=b", "!bang", "ümlaut"])
def test_parameters_of_git_c_are_read(git: Git, value: str) -> None:
    """An alias prints the variable that ``git -c`` sets."""
    parameters = git(
        "-c", f"user.name={value}", "-c", "alias.passed=!printenv GIT_CONFIG_PARAMETERS", "passed"
    )
    variables = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "",
        "GIT_CONFIG_PARAMETERS": parameters.rstrip("\n"),
    }
    assert GitConfig(None, variables).get("user.name") == value
