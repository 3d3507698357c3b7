"""Git's configuration: what we take from it is what ``git config`` and ``git var`` say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelversions import Identity
from modelversions.stores.disk.local import LocalStore
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
    "worktree's that is not switched on": {
        "repo/.git/config+": NAME.format("local"),
        "repo/.git/config.worktree": NAME.format("worktree"),
    },
    "the last of several": {"repo/.git/config+": NAME.format("one") + NAME.format("two")},
    "another case": {"repo/.git/config+": "[USER]\n\tNAME = loud\n"},
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
    "include that is not there": {
        "home/.gitconfig": NAME.format("global") + "[include]\n\tpath = nowhere\n"
    },
    "include if in a folder": {
        "home/.gitconfig": '[includeIf "gitdir:**/repo/"]\n\tpath = more\n',
        "home/more": NAME.format("included"),
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
    for folder in ("home", "xdg/git"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "system"))
    return git


def env(**more: str) -> dict[str, str]:
    """Return the environment that the test set up, and unset what stands in for it elsewhere."""
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
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "User.Name",
            "GIT_CONFIG_VALUE_0": "One",
            "GIT_CONFIG_KEY_1": "user.name",
            "GIT_CONFIG_VALUE_1": "Two",
        },
        {},
    ],
)
def test_the_identity_is_git_var_s(git: Git, variables: dict[str, str]) -> None:
    git("config", "user.name", "Conf")
    git("config", "user.email", "conf@example.com")
    expected = git("var", "GIT_COMMITTER_IDENT", env=env(**variables)).rpartition(">")[0] + ">"
    store = LocalStore.open(git.path)
    assert str(Identity.from_git(store.config, {**os.environ, **variables})) == expected
    store.close()
