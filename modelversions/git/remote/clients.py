"""Create clients of dulwich with timeouts."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import tempfile
from contextlib import suppress
from typing import IO

from dulwich.client import (
    GitClient,
    SubprocessSSHVendor,
)
from dulwich.protocol import Protocol

from modelversions.errors import ConfigurationError
from modelversions.git._dulwich import Connect, Connected, SshClient, TcpClient
from modelversions.git.programs import Programs
from modelversions.git.protocols import check_protocol
from modelversions.git.remote.http import Login, http_client
from modelversions.git.remote.http_settings import read_settings
from modelversions.git.urls import Url

_PUTTY = ("plink", "tortoiseplink", "putty")
EXIT_TIMEOUT = 1
"""The seconds that a program may take to exit after its streams were closed."""


def connect(url: Url, programs: Programs, timeout: float | None, login: Login | None) -> GitClient:
    """Return a client for a server; nothing is sent yet.

    Args:
        url: the server's URL.
        programs: runs ``core.sshCommand``, and contains Git's configuration.
        timeout: the seconds to wait for data from the server.
        login: user name and password for HTTP, sent only to their origin.

    Raises:
        ConfigurationError: the protocol is not allowed; or a setting for HTTP is invalid, or not
            supported.
    """
    check_protocol(url.scheme, programs.config)
    if url.scheme == "git":
        return TcpClient(url.host, url.port, _connect_tcp(timeout))
    if url.scheme == "ssh":
        return _ssh(url, programs, timeout)
    return http_client(url, read_settings(url, programs.config), timeout, login)


class _SocketStream:
    """A socket with a timeout and the interface that dulwich expects."""

    def __init__(self, connection: socket.socket, timeout: float | None) -> None:
        connection.settimeout(timeout)
        self._socket = connection
        self._file = connection.makefile("rb")
        self.read = self._file.read
        self.stderr: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def serve(self, command: list[str], other: socket.socket) -> None:
        """Run a program on the other socket; its error output can be read from ``stderr``."""
        with other, tempfile.NamedTemporaryFile(delete=False) as stderr_file:
            self.stderr = open(stderr_file.name, "rb")  # noqa: SIM115  # closed by close()
            os.unlink(stderr_file.name)
            ends = (other.fileno(), other.fileno(), stderr_file.fileno())
            self._process = subprocess.Popen(  # noqa: S603  # the program that the user configured
                command, stdin=ends[0], stdout=ends[1], stderr=ends[2]
            )

    def write(self, data: bytes) -> int:
        """Send all data."""
        self._socket.sendall(data)
        return len(data)

    def can_read(self) -> bool:
        """Return whether data can be read without waiting."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return bool(selector.select(0))

    def end_writing(self) -> None:
        """Close the socket for writing."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the socket, and terminate the program on the other socket, if any."""
        with suppress(OSError):  # wakes another thread that reads
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


def _connect_tcp(timeout: float | None) -> Connect:
    """Return a function that connects to ``git daemon`` with a timeout."""

    def connect(
        address: tuple[str, int], cmd: bytes, path: str | bytes, protocol_version: int | None
    ) -> Connected:
        stream = _SocketStream(socket.create_connection(address, timeout), timeout)
        protocol = Protocol(
            stream.read, stream.write, stream.close, shutdown_write=stream.end_writing
        )
        name = path.encode() if isinstance(path, str) else path
        name = name[1:] if name.startswith(b"/~") else name
        version = b"\0\0version=2\0" if protocol_version == 2 else b""  # noqa: PLR2004  # the version
        host, port = address
        shown = f"[{host}]" if ":" in host else host
        protocol.send_cmd(b"git-" + cmd, name, f"host={shown}:{port}".encode() + version)
        return protocol, stream.can_read, None

    return connect


class _TimeoutSSHVendor(SubprocessSSHVendor):
    """Runs ``ssh`` as Git does, on a socket, so that reading has a timeout."""

    def __init__(self, program: list[str], timeout: float | None, variant: str = "ssh") -> None:
        """Run ``program``; the variant is "ssh", "simple" (no options) or "auto" (detect it)."""
        self._program = program
        self._variant = variant
        self._timeout = timeout

    def run_command(  # type: ignore[override]  # noqa: PLR0917  # dulwich's parameters
        self,
        host: str,
        command: bytes,
        username: str | None = None,
        port: int | None = None,
        password: str | None = None,  # noqa: ARG002  # ssh has its own keys
        key_filename: str | None = None,  # noqa: ARG002
        ssh_command: str | None = None,  # noqa: ARG002  # passed to __init__
        protocol_version: int | None = None,
    ) -> _SocketStream:
        """Start the program that the user configured."""
        target = f"{username}@{host}" if username else host
        options = ["-p", str(port)] if port else []
        if protocol_version:
            options += ["-o", f"SetEnv=GIT_PROTOCOL=version={protocol_version}"]
        if not self._accepts_options([*options, target]):
            if port:
                raise ConfigurationError(
                    f"the SSH program {self._program[-1]!r} accepts no options, so it cannot "
                    f"connect to port {port}; use OpenSSH, or set GIT_SSH_VARIANT=ssh if the "
                    "program accepts OpenSSH's options",
                    file="ssh.variant",
                )
            options = []
        arguments = [*options, target, os.fsdecode(command)]
        own, other = socket.socketpair()
        stream = _SocketStream(own, self._timeout)
        try:
            stream.serve([*self._program, *arguments], other)
        except OSError:
            stream.close()
            raise
        return stream

    def _accepts_options(self, arguments: list[str]) -> bool:
        """Return whether the program accepts OpenSSH's options; like Git, test it with ``-G``."""
        if self._variant == "auto":
            try:
                tested = subprocess.run(  # noqa: S603  # the program that is run next
                    [*self._program, "-G", *arguments],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    check=False,
                    timeout=self._timeout,
                )
            except subprocess.TimeoutExpired as error:
                raise TimeoutError(str(error)) from error
            self._variant = "simple" if tested.returncode else "ssh"
        return self._variant == "ssh"


def _variant(programs: Programs, command: str) -> str:
    """Return the variant of an SSH program, as configured or by its name."""
    configured = os.environ.get("GIT_SSH_VARIANT") or programs.config.get("ssh.variant")
    if configured and configured != "auto":
        return configured
    name = os.path.basename(command.split(maxsplit=1)[0]).lower().removesuffix(".exe")
    return name if name in ("ssh", *_PUTTY) else "auto"


def _ssh(url: Url, programs: Programs, timeout: float | None) -> GitClient:
    """Return a client that runs ``GIT_SSH_COMMAND``, ``core.sshCommand`` or ``GIT_SSH``."""
    command = os.environ.get("GIT_SSH_COMMAND")
    if command is None:
        command = programs.config.get("core.sshCommand")
    program = os.environ.get("GIT_SSH") or "ssh"
    variant = _variant(programs, command or program)
    if variant not in ("auto", "ssh", "simple"):
        raise ConfigurationError(
            f"the SSH program {command or program!r} is of the variant {variant!r}, whose options "
            "are not supported; use OpenSSH, or set GIT_SSH_VARIANT=ssh if the program accepts "
            "OpenSSH's options",
            file="ssh.variant",
        )
    # as in Git, the shell runs a command, but not a program
    run = ["sh", "-c", f'{command} "$@"', command] if command else [program]
    return SshClient(
        url.host,
        port=url.port,
        username=url.username,
        vendor=None  # on Windows, programs cannot use sockets
        if os.name == "nt"
        else _TimeoutSSHVendor(run, timeout, variant),
        ssh_command=command or program,
    )
