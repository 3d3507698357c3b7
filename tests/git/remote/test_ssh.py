"""SSH, with a program of the tests in place of ``ssh``."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import (
    AuthenticationError,
    ConfigurationError,
    DubiousOwnershipError,
    Registry,
    RemoteError,
    RemoteTimeoutError,
)
from modelversions.git import programs
from modelversions.git.config import GitConfig
from modelversions.git.programs import Programs
from modelversions.git.remote.clients import _SocketStream, _TimeoutSSHVendor, connect
from modelversions.git.urls import Url
from tests.builders import Builder, irregular_tags, same

SSH = """
import sys
from dulwich.cli import main
command, path = sys.argv[-1].split(" ", 1)
print("hello from the server", file=sys.stderr)
raise SystemExit(main([command.removeprefix("git-"), path.strip("'")]))
"""


@pytest.fixture
def ssh(served_repo: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a repository behind a program that acts as ``ssh``."""
    script = tmp_path / "ssh.py"
    script.write_text(SSH)
    monkeypatch.setenv("GIT_SSH_COMMAND", f"{sys.executable} -W ignore {script}")
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    assert isinstance(served_repo.repo, Repo)
    return f"ssh://ann@host:22{served_repo.repo.path}"


def test_ssh_is_a_program(ssh: str, served_repo: Builder) -> None:
    irregular_tags(served_repo)
    with Registry.open(ssh) as remote_registry:
        assert same(remote_registry, served_repo.registry)
    path = ssh.removeprefix("ssh://ann@host:22")
    with Registry.open(f"host:{path}", timeout=None) as remote_registry:
        assert remote_registry["m"] == served_repo.registry["m"]


@pytest.mark.parametrize(
    ("port", "version", "options"),
    [(None, None, ""), (7, 2, "-p 7 -o SetEnv=GIT_PROTOCOL=version=2 ")],
)
def test_ssh_is_called_as_git_calls_it(port: int | None, version: int | None, options: str) -> None:
    stream = _TimeoutSSHVendor(["echo"], 5).run_command(
        "host", b"git-receive-pack '/m'", "ann", port, protocol_version=version
    )
    assert stream.read().decode() == f"{options}ann@host git-receive-pack '/m'\n"
    stream.close()


@pytest.mark.parametrize(
    ("variant", "command", "supported"),
    [
        (None, "plink -batch", False),
        (None, "/x/TortoisePlink.EXE", False),
        ("plink", "ssh", False),
        ("ssh", "plink", True),
        ("auto", "ssh", True),
        ("simple", "ssh", True),
        ("nonsense", "ssh", False),
    ],
)
def test_variants_of_ssh(
    ssh: str, monkeypatch: pytest.MonkeyPatch, variant: str | None, command: str, *, supported: bool
) -> None:
    monkeypatch.setenv("GIT_SSH_VARIANT", variant or "auto")
    monkeypatch.setenv("GIT_SSH_COMMAND", command)
    url = Url.parse(ssh.replace(":22", ""))
    store = Programs(None, GitConfig(None))
    if supported:
        connect(url, store, 1, None)
    else:
        with pytest.raises(
            ConfigurationError, match="whose options are not supported; use OpenSSH"
        ):
            connect(url, store, 1, None)


@pytest.mark.parametrize(
    ("variant", "program", "options"),
    [
        ("simple", "echo", ""),
        ("ssh", "echo", "-o SetEnv=GIT_PROTOCOL=version=2 "),
        ("auto", '[ "$1" = -G ] || echo "$@"; #', "-o SetEnv=GIT_PROTOCOL=version=2 "),
        ("auto", '[ "$1" != -G ] && echo "$@"; #', ""),
    ],
)
def test_the_options_of_a_variant(variant: str, program: str, options: str) -> None:
    vendor = _TimeoutSSHVendor(["sh", "-c", f'{program} "$@"', "ssh"], 5, variant)
    stream = vendor.run_command("host", b"git-upload-pack '/m'", protocol_version=2)
    assert stream.read().decode() == f"{options}host git-upload-pack '/m'\n"
    stream.close()
    if not options:
        with pytest.raises(
            ConfigurationError, match="accepts no options, .* to port 7; use OpenSSH"
        ):
            vendor.run_command("host", b"git-upload-pack '/m'", port=7)


def test_the_error_output_of_ssh_is_shown(ssh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; sys.exit('Permission denied (publickey).')"
    monkeypatch.setenv("GIT_SSH_COMMAND", f'{sys.executable} -c "{code}"')
    with (
        Registry.open(ssh) as remote_registry,
        pytest.raises(AuthenticationError, match=r"Permission denied \(publickey\)"),
    ):
        len(remote_registry)


def test_an_interrupt_is_raised_and_terminates_ssh(
    ssh: str, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.tags("m@v1.0.0", "m#prod#1")
    write, calls, streams = _SocketStream.write, [0], list[_SocketStream]()
    serve = _SocketStream.serve

    def serving(stream: _SocketStream, command: list[str], other: socket.socket) -> None:
        streams.append(stream)
        serve(stream, command, other)
        inner = stream.read

        def reading(size: int) -> bytes:
            interrupt()
            return inner(size)

        stream.read = reading  # type: ignore[assignment]

    def writing(stream: _SocketStream, data: bytes) -> int:
        interrupt()
        return write(stream, data)

    def interrupt() -> None:
        calls[0] -= 1
        if calls[0] == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(_SocketStream, "serve", serving)
    monkeypatch.setattr(_SocketStream, "write", writing)
    for number in (1, 2, 3, 5, 9, 14):
        calls[0] = number
        with Registry.open(ssh) as remote_registry, pytest.raises(KeyboardInterrupt):
            remote_registry.history()
        assert all(stream._process is not None for stream in streams)
        assert all(stream._process.poll() is not None for stream in streams if stream._process)


def test_a_remote_of_another_users_repository_is_not_used(
    disk: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = disk.repo.get_config()
    config.set(b"core", b"sshCommand", b"touch /nonexistent/ran")
    config.write_to_path()
    monkeypatch.setattr(programs, "_owner", lambda _path: os.geteuid() + 1)
    with pytest.raises(DubiousOwnershipError, match=r"using its remotes .* safe.directory"):
        disk.registry.fetch(remote="ssh://host/x")


@pytest.mark.parametrize("variant", ["ssh", "auto"])
def test_an_ssh_without_output_is_terminated_after_the_timeout(
    ssh: str, monkeypatch: pytest.MonkeyPatch, variant: str
) -> None:
    monkeypatch.setenv("GIT_SSH_VARIANT", variant)
    monkeypatch.setattr("modelversions.git.remote.clients.EXIT_TIMEOUT", 0.01)
    code = "import signal, time; signal.signal(signal.SIGPIPE, signal.SIG_IGN); time.sleep(600)"
    monkeypatch.setenv("GIT_SSH_COMMAND", f'exec {sys.executable} -c "{code}"')
    with Registry.open(ssh, timeout=0.2) as remote_registry, pytest.raises(RemoteTimeoutError):
        len(remote_registry)


def test_the_program_can_be_configured(
    ssh: str, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.tags("m@v1.0.0")
    program = os.environ["GIT_SSH_COMMAND"]
    monkeypatch.delenv("GIT_SSH_COMMAND")
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(f"[core]\n\tsshCommand = {program}\n")
    with Registry.open(ssh) as remote_registry:
        assert "m" in remote_registry


def test_a_program_that_does_not_exist_is_an_error(
    ssh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIT_SSH_COMMAND")
    monkeypatch.setenv("GIT_SSH", "/nowhere/my ssh")
    with (
        Registry.open(ssh) as remote_registry,
        pytest.raises(RemoteError, match="there is no program '/nowhere/my ssh'; install it"),
    ):
        len(remote_registry)
