"""Lines to servers: dulwich's clients, with a patience that ends."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from dulwich.client import (
    GitClient,
    LocalGitClient,
    SSHGitClient,
    SubprocessSSHVendor,
    TCPGitClient,
    TraditionalGitClient,
)
from dulwich.protocol import Protocol

from modelversions.errors import ConfigurationError
from modelversions.git.programs import Programs
from modelversions.git.remote.http import Login, Quiet, http_client
from modelversions.git.remote.http_settings import read_settings
from modelversions.git.urls import Url

_PUTTY = ("plink", "tortoiseplink", "putty")
EXIT_TIMEOUT = 1
"""How many seconds a program may take to end once nobody listens to it."""


def connect(url: Url, programs: Programs, timeout: float | None, login: Login | None) -> GitClient:
    """Return a client for a server; nothing is sent yet.

    Args:
        url: where the server is.
        programs: what runs ``core.sshCommand``, with Git's configuration.
        timeout: how many seconds it may be silent.
        login: name and password for HTTP, sent to their own origin only.

    Raises:
        ConfigurationError: a setting for HTTP is invalid, or not supported.
        DubiousOwnershipError: another user's repository names the program for SSH.
    """
    if url.scheme == "git":
        return _Tcp(url.host, url.port, timeout)
    if url.scheme == "ssh":
        return _ssh(url, programs, timeout)
    if url.scheme == "file":
        return LocalGitClient()
    return http_client(url, read_settings(url, programs.config), timeout, login)


class _ClosingClient(Quiet, TraditionalGitClient):
    """A client that closes its line when it is closed: dulwich leaves it open if a talk fails."""

    _talk: Protocol | None = None

    def close(self) -> None:
        if self._talk is not None:
            self._talk.close()


class _SocketStream:
    """A socket as dulwich wants it; reading and writing fail once it was silent for too long."""

    def __init__(self, line: socket.socket, timeout: float | None) -> None:
        line.settimeout(timeout)
        self._socket = line
        self._file = line.makefile("rb")
        self.read = self._file.read
        self.stderr: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def serve(self, command: list[str], side: socket.socket) -> None:
        """Put a program at the other end; what it complains of can be read from ``stderr``."""
        with side, tempfile.NamedTemporaryFile(delete=False) as said:
            self.stderr = open(said.name, "rb")  # noqa: SIM115  # close() closes it
            os.unlink(said.name)
            ends = (side.fileno(), side.fileno(), said.fileno())
            self._process = subprocess.Popen(  # noqa: S603  # the program that the user has for it
                command, stdin=ends[0], stdout=ends[1], stderr=ends[2]
            )

    def write(self, data: bytes) -> int:
        """Send all of it."""
        self._socket.sendall(data)
        return len(data)

    def can_read(self) -> bool:
        """Say whether something has come."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return bool(selector.select(0))

    def end_writing(self) -> None:
        """Let the other end know that nothing more will come."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the socket, and end the program that may be behind it."""
        with suppress(OSError):  # whoever still reads from it is woken
            self._socket.shutdown(socket.SHUT_RDWR)
        self._file.close()
        self._socket.close()
        if self._process is not None:
            try:
                self._process.wait(EXIT_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self.stderr is not None:
            self.stderr.close()


class _Tcp(_ClosingClient, TCPGitClient):
    """A client for ``git daemon`` that does not wait for ever."""

    def __init__(self, host: str, port: int | None, timeout: float | None) -> None:
        super().__init__(host, port=port)
        self._timeout = timeout

    def _connect(
        self, cmd: bytes, path: str | bytes, protocol_version: int | None = None
    ) -> tuple[Protocol, Callable[[], bool], IO[bytes] | None]:
        """Ask for a service, for the newest protocol that it may be spoken in."""
        line = _SocketStream(
            socket.create_connection((self._host, self._port), self._timeout), self._timeout
        )
        talk = Protocol(line.read, line.write, line.close, shutdown_write=line.end_writing)
        self._talk = talk
        name = path.encode() if isinstance(path, str) else path
        name = name[1:] if name.startswith(b"/~") else name
        self.protocol_version = protocol_version or 0
        version = b"\0\0version=2\0" if protocol_version == 2 else b""  # noqa: PLR2004  # its name
        place = f"[{self._host}]" if ":" in self._host else self._host
        host = f"host={place}:{self._port}".encode()
        talk.send_cmd(b"git-" + cmd, name, host + version)
        return talk, line.can_read, None


class _Ssh(_ClosingClient, SSHGitClient):
    """A client for ``ssh``."""

    def _connect(
        self, cmd: bytes, path: str | bytes, protocol_version: int | None = None
    ) -> tuple[Protocol, Callable[[], bool], IO[bytes] | None]:
        """Ask for a service, and remember the line."""
        connected = super()._connect(cmd, path, protocol_version)
        self._talk = connected[0]
        return connected


class _TimeoutSSHVendor(SubprocessSSHVendor):
    """Runs ``ssh`` as Git does, behind a socket: reading from one can be given up."""

    def __init__(self, program: list[str], timeout: float | None, variant: str = "ssh") -> None:
        """Run ``program``; the variant is "ssh", "simple" (no options) or "auto" (ask it)."""
        self._program = program
        self._variant = variant
        self._timeout = timeout

    def run_command(  # type: ignore[override]  # noqa: PLR0917  # dulwich asks for just these
        self,
        host: str,
        command: bytes,
        username: str | None = None,
        port: int | None = None,
        password: str | None = None,  # noqa: ARG002  # the keys of ssh are its own
        key_filename: str | None = None,  # noqa: ARG002
        ssh_command: str | None = None,  # noqa: ARG002  # it is known already
        protocol_version: int | None = None,
    ) -> _SocketStream:
        """Start the program that the user has for it."""
        target = f"{username}@{host}" if username else host
        options = ["-p", str(port)] if port else []
        if protocol_version:
            options += ["-o", f"SetEnv=GIT_PROTOCOL=version={protocol_version}"]
        if not self._takes([*options, target]):
            if port:
                raise ConfigurationError(
                    f"the SSH program {self._program[-1]!r} takes no options, so it cannot connect "
                    f"to port {port}; use OpenSSH, or set GIT_SSH_VARIANT=ssh if it takes the same",
                    file="ssh.variant",
                )
            options = []
        arguments = [*options, target, os.fsdecode(command)]
        ours, theirs = socket.socketpair()
        line = _SocketStream(ours, self._timeout)
        try:
            line.serve([*self._program, *arguments], theirs)
        except OSError:
            line.close()
            raise
        return line

    def _takes(self, arguments: list[str]) -> bool:
        """Return whether the program takes OpenSSH's options; Git asks it with ``-G`` too."""
        if self._variant == "auto":
            try:
                asked = subprocess.run(  # noqa: S603  # the program is the one that is run next
                    [*self._program, "-G", *arguments],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    check=False,
                    timeout=self._timeout,
                )
            except subprocess.TimeoutExpired as error:
                raise TimeoutError(str(error)) from error
            self._variant = "simple" if asked.returncode else "ssh"
        return self._variant == "ssh"


def _variant(programs: Programs, command: str) -> str:
    """Return which options an SSH program takes: as configured, or by its name."""
    configured = os.environ.get("GIT_SSH_VARIANT") or programs.config.get("ssh.variant")
    if configured and configured != "auto":
        return configured
    name = os.path.basename(command.split(maxsplit=1)[0]).lower().removesuffix(".exe")
    return name if name in ("ssh", *_PUTTY) else "auto"


def _ssh(url: Url, programs: Programs, timeout: float | None) -> GitClient:
    """Take the program from ``GIT_SSH_COMMAND``, ``core.sshCommand`` or ``GIT_SSH``."""
    command = os.environ.get("GIT_SSH_COMMAND")
    if command is None:
        command = programs.config.get("core.sshCommand")
        own = programs.config.get_all("core.sshCommand", protected=True)
        if command is not None and own[-1:] != [command]:  # the repository names it
            programs.require_trusted(f"running {command!r}")
    program = os.environ.get("GIT_SSH") or "ssh"
    variant = _variant(programs, command or program)
    if variant not in ("auto", "ssh", "simple"):
        raise ConfigurationError(
            f"the SSH program {command or program!r} is of the variant {variant!r}, whose options "
            "are not supported here; use OpenSSH, or set GIT_SSH_VARIANT=ssh if it takes the same",
            file="ssh.variant",
        )
    # a command is the shell's to read, a program is not: so Git has it
    run = ["sh", "-c", f'{command} "$@"', command] if command else [program]
    return _Ssh(
        url.host,
        port=url.port,
        username=url.username,
        vendor=None  # there are no sockets for programs
        if os.name == "nt"
        else _TimeoutSSHVendor(run, timeout, variant),
        ssh_command=command or program,
    )
