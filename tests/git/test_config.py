"""Git's configuration: all its sources, booleans, and sections for URLs."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from dulwich.refs import HEADREF, Ref
from dulwich.repo import Repo

from modelversions import ConfigurationError
from modelversions.git.config import GitConfig, parse_bool


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.init(str(tmp_path / "repo"), mkdir=True)


def write(repo: Repo, text: str) -> None:
    with Path(repo.controldir(), "config").open("a", encoding="utf-8") as file:
        file.write(text)


def env(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": str(tmp_path / "global"), **more}


def test_each_source_overrides_the_previous_ones(tmp_path: Path, repo: Repo) -> None:
    (tmp_path / "system").write_text("[a]\n\tb = system\n")
    variables = {"GIT_CONFIG_SYSTEM": str(tmp_path / "system"), "GIT_CONFIG_GLOBAL": ""}
    found = [GitConfig(repo, variables).get_all("a.b")]
    variables["GIT_CONFIG_GLOBAL"] = str(tmp_path / "global")
    (tmp_path / "global").write_text("[a]\n\tb = global\n")
    write(repo, "[a]\n\tb = local\n[extensions]\n\tworktreeConfig = true\n")
    Path(repo.controldir(), "config.worktree").write_text("[a]\n\tb = worktree\n")
    variables |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "A.B",
        "GIT_CONFIG_VALUE_0": "count",
        "GIT_CONFIG_PARAMETERS": "'a.b'='command line'",
    }
    config = GitConfig(repo, variables)
    found.append(config.get_all("a.b"))
    assert found == [
        ["system"],
        ["system", "global", "local", "worktree", "count", "command line"],
    ]
    assert config.get_all("a.b", protected=True) == ["system", "global", "count", "command line"]
    assert config.get("A.b") == "command line"
    assert config.stack().get((b"a",), b"b") == b"command line"
    assert config.get("a.c") is None


def test_a_subsection_does_not_fall_back(tmp_path: Path, repo: Repo) -> None:
    write(repo, '[gpg]\n\tprogram = one\n[gpg "ssh"]\n\tformat = two\n')
    config = GitConfig(repo, env(tmp_path))
    assert (config.get("gpg.ssh.program"), config.get("gpg.ssh.format")) == (None, "two")
    assert config.subsections("gpg") == ["ssh"]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("'a.b'='c d'", {"a.b": "c d"}),
        ("'a.b=c=d'", {"a.b": "c=d"}),
        ("'a.b' 'a.c'=''", {"a.b": "true", "a.c": ""}),
        ("'a.b'=", {"a.b": ""}),
        (r"'a.b'='it'\''s'", {"a.b": "it's"}),
        (r"'a.b'='no'\!", {"a.b": "no!"}),
        ("'a.x.y.b'='1'  'a.b'='2'", {"a.x.y.b": "1", "a.b": "2"}),
        ("", {"a.b": None}),
    ],
)
def test_the_settings_of_the_command_line(
    tmp_path: Path, text: str, pairs: dict[str, str | None]
) -> None:
    config = GitConfig(None, env(tmp_path, GIT_CONFIG_PARAMETERS=text))
    assert {key: config.get(key) for key in pairs} == pairs


@pytest.mark.parametrize(
    "variables",
    [
        {"GIT_CONFIG_PARAMETERS": "a.b=c"},
        {"GIT_CONFIG_PARAMETERS": "'a.b'='c'x"},
        {"GIT_CONFIG_PARAMETERS": "'nosection'"},
        {"GIT_CONFIG_COUNT": "x"},
        {"GIT_CONFIG_COUNT": "1"},
        {"GIT_CONFIG_NOSYSTEM": "maybe"},
    ],
)
def test_variables_that_cannot_be_read(tmp_path: Path, variables: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        GitConfig(None, env(tmp_path, **variables)).get("a.b")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "global").write_text("[broken\n")
    with pytest.raises(ConfigurationError, match="git config --list --show-origin"):
        GitConfig(None, env(tmp_path)).stack()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[(text, True) for text in ("true", "YES", "On", "1", "2", "-1", "0x1", "1k", "3G", " 7")],
        *[(text, False) for text in ("false", "No", "off", "0", "", "0k", "0x0", "00")],
    ],
)
def test_booleans(tmp_path: Path, repo: Repo, text: str, *, expected: bool) -> None:
    assert parse_bool("a.b", text) is expected
    write(repo, f'[tag]\n\tgpgSign = "{text}"\n\tforceSignAnnotated\n')
    config = GitConfig(repo, env(tmp_path))
    assert config.get_bool("tag.gpgsign", default=not expected) is expected
    assert config.get_bool("tag.forceSignAnnotated")
    assert config.get_bool("tag.other", default=True)


@pytest.mark.parametrize("text", ["maybe", "1x", "k", "1 k", "0x", "1.5"])
def test_an_invalid_boolean(text: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"bad boolean value '{text}' for 'http.sslVerify'"
    ):
        parse_bool("http.sslVerify", text)


def test_paths_are_expanded(tmp_path: Path, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    write(repo, "[core]\n\thooksPath = ~/hooks\n[http]\n\tsslCert = ~/cert\n")
    config = GitConfig(repo, env(tmp_path))
    assert config.get_path("core.hooksPath") == "/home/ann/hooks"
    assert config.get_path("core.other") is None
    settings = config.for_url("http", "https://host/")
    assert (settings.get_path("sslcert"), settings.get_path("x")) == ("/home/ann/cert", None)


def test_bytes_that_are_not_utf8(tmp_path: Path, repo: Repo) -> None:
    with Path(repo.controldir(), "config").open("ab") as file:
        file.write(b"[user]\n\tname = J\xf6rg\n")
    name = GitConfig(repo, env(tmp_path)).get("user.name")
    assert name is not None
    assert os.fsencode(name) == b"J\xf6rg"


def test_settings_for_a_url(tmp_path: Path, repo: Repo) -> None:
    write(
        repo,
        '[http "https://host/team"]\n\tproxy = team\n\textraHeader = A: 2\n'
        "[http]\n\tproxy = all\n\tsslVerify = no\n\textraHeader = A: 1\n"
        '[http "https://HOST:443/"]\n\tproxy = host\n\textraHeader = A: 3\n'
        '[http "https://ann@host/team"]\n\textraHeader =\n\textraHeader = A: 4\n'
        '[http "host"]\n\textraHeader = never\n[other]\n\tproxy = other\n',
    )
    config = GitConfig(repo, env(tmp_path))
    team = config.for_url("http", "https://host/team/models.git")
    assert (team.get("Proxy"), team.get("none")) == ("team", None)
    assert team.get_all("extraHeader") == ["A: 2"]
    assert config.for_url("http", "https://ann@host/team/x").get_all("extraheader") == ["A: 4"]
    host = config.for_url("http", "https://host/else")
    assert (host.get("proxy"), host.get_all("extraheader")) == ("host", ["A: 1", "A: 3"])
    other = config.for_url("http", "http://host/team")
    assert (other.get("proxy"), other.get_bool("sslVerify", default=True)) == ("all", False)
    assert other.get_bool("none", default=True)


class TestIncludes:
    """Files that are included under a condition, from each source."""

    @pytest.mark.parametrize(
        ("condition", "holds"),
        [
            ("gitdir:repo/", True),
            ("gitdir:repo", False),
            ("gitdir:r?p[n-p]/", True),
            ("gitdir:*/.git", True),
            ("gitdir:/**/repo/", True),
            ("gitdir:/repo/", False),
            ("gitdir:REPO/", False),
            ("gitdir/i:REPO/", True),
            ("gitdir:~/repo/", True),
            ("gitdir:./repo/", False),
            ("gitdir:[r/", False),
            ("onbranch:m*", True),
            ("onbranch:m*/", False),
            ("hasconfig:remote.*.url:https://host/**", True),
            ("hasconfig:remote.*.url:https://host/*", False),
            ("unknown:x", False),
        ],
    )
    @pytest.mark.parametrize("source", ["global", "local", "command line"])
    def test_a_condition(
        self,
        tmp_path: Path,
        repo: Repo,
        monkeypatch: pytest.MonkeyPatch,
        condition: str,
        holds: bool,
        source: str,
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        repo.refs.set_symbolic_ref(HEADREF, Ref(b"refs/heads/main"))
        (tmp_path / "more").write_text("[a]\n\tb = included\n")
        text = f'[includeIf "{condition}"]\n\tpath = {tmp_path}/more\n'
        variables = env(tmp_path)
        if source == "global":
            (tmp_path / "global").write_text(text)
        elif source == "local":
            write(repo, text)
        else:
            variables |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"includeIf.{condition}.path",
                "GIT_CONFIG_VALUE_0": f"{tmp_path}/more",
            }
        write(repo, '[remote "origin"]\n\turl = https://host/team/m.git\n\tfetch = x\n')
        config = GitConfig(repo, variables)
        assert config.get("a.b") == ("included" if holds else None)

    def test_a_detached_head_is_on_no_branch(self, tmp_path: Path, repo: Repo) -> None:
        Path(repo.controldir(), "HEAD").write_text("1" * 40 + "\n")
        (tmp_path / "more").write_text("[a]\n\tb = included\n")
        write(repo, f'[includeIf "onbranch:**"]\n\tpath = {tmp_path}/more\n')
        assert GitConfig(repo, env(tmp_path)).get("a.b") is None

    def test_a_relative_path_on_the_command_line(self, tmp_path: Path, repo: Repo) -> None:
        variables = env(tmp_path, GIT_CONFIG_PARAMETERS="'include.path=more' 'include.other=x'")
        with pytest.raises(ConfigurationError, match="relative config includes must come from fi"):
            GitConfig(repo, variables).get("a.b")

    def test_a_repository_without_a_configuration(self, tmp_path: Path, repo: Repo) -> None:
        Path(repo.controldir(), "config").unlink()
        assert GitConfig(repo, env(tmp_path)).get("core.bare") is None


def test_blocks_of_two_threads_that_overlap() -> None:
    """Each thread reads the sources once in its block; afterwards they are read again."""
    env = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "m.key", "GIT_CONFIG_VALUE_0": "one"}
    config = GitConfig(None, env)
    entered, leave = threading.Event(), threading.Event()

    def block() -> None:
        with config.held():
            assert config.get("m.key") == "one"
            entered.set()
            leave.wait()

    thread = threading.Thread(target=block)
    thread.start()
    entered.wait()
    env["GIT_CONFIG_VALUE_0"] = "two"
    with config.held():
        assert config.get("m.key") == "two"
        leave.set()
        thread.join()
    env["GIT_CONFIG_VALUE_0"] = "three"
    assert config.get("m.key") == "three"
