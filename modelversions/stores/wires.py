"""Lines to servers: dulwich's clients, with a patience that ends and proxies as Git has them."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

from dulwich.client import (
    GitClient,
    HttpGitClient,
    HTTPProxyUnauthorized,
    HTTPUnauthorized,
    LocalGitClient,
    SSHGitClient,
    SubprocessSSHVendor,
    TCPGitClient,
    TraditionalGitClient,
    default_urllib3_manager,
)
from dulwich.config import ConfigDict, StackedConfig
from dulwich.errors import GitProtocolError, NotGitRepository
from dulwich.protocol import Protocol

from modelversions.stores.urls import Url

if TYPE_CHECKING:
    from urllib3 import PoolManager

_REDIRECTS = 5
_SMART = "application/x-git-"
_LONGEST = 1000
"""The bytes of a refusal that are worth repeating."""

_GOODBYE = 1
"""How many seconds a program may take to end once nobody listens to it."""


def connect(
    url: Url, config: StackedConfig, timeout: float | None, login: tuple[str, str] | None
) -> GitClient:
    """Return a client for a server; nothing is sent yet.

    Args:
        url: where the server is.
        config: Git's configuration, for ``http.*`` and ``core.sshCommand``.
        timeout: how many seconds it may be silent.
        login: name and password for HTTP, sent to this very host only.
    """
    if url.scheme == "git":
        return _Tcp(url.host, url.port, timeout)
    if url.scheme == "ssh":
        return _ssh(url, config, timeout)
    if url.scheme == "file":
        return LocalGitClient()
    return _Http(url.origin + url.path, _pool(url, config, timeout), login)


class _Quiet:
    """A client that does not log what this library sees to itself."""

    @staticmethod
    def _warn_filter_objects() -> None:
        """Say nothing: a server without filters sends more, which is all right."""


class _Lined(_Quiet, TraditionalGitClient):
    """A client that closes its line when it is closed: dulwich leaves it open if a talk fails."""

    _talk: Protocol | None = None

    def close(self) -> None:
        if self._talk is not None:
            self._talk.close()


class _Http(_Quiet, HttpGitClient):
    """A client that closes its connections when it is closed, or forgotten."""

    def __init__(self, base: str, manager: PoolManager, login: tuple[str, str] | None) -> None:
        name, password = login or (None, None)
        super().__init__(base, pool_manager=manager, username=name, password=password)
        weakref.finalize(self, manager.clear)
        self._manager = manager
        self._headers = dict(manager.headers)

    def close(self) -> None:
        self._manager.clear()

    def _http_request(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        data: bytes | Iterator[bytes] | None = None,
        raise_for_status: bool = True,  # noqa: FBT001,FBT002  # dulwich gives it so
    ) -> tuple[Any, Callable[[int], bytes]]:
        """Send a request; a refusal is read to its end, for what the server says."""
        ours = self._origin(url) == self._origin(self._base_url)
        # a redirect has led elsewhere: what is configured for this server is none of that one's
        self._manager.headers = self._headers if ours else _only_agent(self._headers)
        response, read = super()._http_request(url, headers, data, raise_for_status=False)
        if raise_for_status and response.status != HTTPStatus.OK:
            said = read(_LONGEST) if "text/plain" in (response.content_type or "") else b""
            response.close()
            words = said.decode(errors="replace")
            raise _refusal(response.status, words, response.headers, url)
        if "?service=" in url and not (response.content_type or "").startswith(_SMART):
            response.close()  # dulwich would take it for a list of files, and an empty one for none
            raise GitProtocolError("this is no answer of a server that speaks Git's protocol")
        return response, read


def _only_agent(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() == "user-agent"}


def _refusal(status: int, words: str, headers: Mapping[str, str], url: str) -> Exception:
    """Return the error that dulwich would raise, with the server's words."""
    if status == HTTPStatus.UNAUTHORIZED:
        return HTTPUnauthorized(headers.get("WWW-Authenticate"), url)
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return HTTPProxyUnauthorized(headers.get("Proxy-Authenticate"), url)
    if status == HTTPStatus.NOT_FOUND:
        return NotGitRepository(words or "not found")
    return GitProtocolError(f"HTTP {status} {words or HTTPStatus(status).phrase}")


class _Line:
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
                self._process.wait(_GOODBYE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self.stderr is not None:
            self.stderr.close()


class _Tcp(_Lined, TCPGitClient):
    """A client for ``git daemon`` that does not wait for ever."""

    def __init__(self, host: str, port: int | None, timeout: float | None) -> None:
        super().__init__(host, port=port)
        self._timeout = timeout

    def _connect(
        self, cmd: bytes, path: str | bytes, protocol_version: int | None = None
    ) -> tuple[Protocol, Callable[[], bool], IO[bytes] | None]:
        """Ask for a service, for the newest protocol that it may be spoken in."""
        line = _Line(
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


class _Ssh(_Lined, SSHGitClient):
    """A client for ``ssh``."""

    def _connect(
        self, cmd: bytes, path: str | bytes, protocol_version: int | None = None
    ) -> tuple[Protocol, Callable[[], bool], IO[bytes] | None]:
        """Ask for a service, and remember the line."""
        connected = super()._connect(cmd, path, protocol_version)
        self._talk = connected[0]
        return connected


class _PatientSsh(SubprocessSSHVendor):
    """Runs ``ssh`` as Git does, behind a socket: reading from one can be given up."""

    def __init__(self, program: list[str], timeout: float | None) -> None:
        self._program = program
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
    ) -> _Line:
        """Start the program that the user has for it."""
        target = f"{username}@{host}" if username else host
        options = ["-p", str(port)] if port else []
        if protocol_version:
            options += ["-o", f"SetEnv=GIT_PROTOCOL=version={protocol_version}"]
        arguments = [*options, target, os.fsdecode(command)]
        ours, theirs = socket.socketpair()
        line = _Line(ours, self._timeout)
        try:
            line.serve([*self._program, *arguments], theirs)
        except OSError:
            line.close()
            raise
        return line


def _ssh(url: Url, config: StackedConfig, timeout: float | None) -> GitClient:
    """Take the program from ``GIT_SSH_COMMAND``, ``core.sshCommand`` or ``GIT_SSH``."""
    command = os.environ.get("GIT_SSH_COMMAND")
    with suppress(KeyError):
        command = command or config.get((b"core",), b"sshCommand").decode()
    program = os.environ.get("GIT_SSH") or "ssh"
    # a command is the shell's to read, a program is not: so Git has it
    run = ["sh", "-c", f'{command} "$@"', command] if command else [program]
    return _Ssh(
        url.host,
        port=url.port,
        username=url.username,
        vendor=None if os.name == "nt" else _PatientSsh(run, timeout),  # no sockets for programs
        ssh_command=command or program,
    )


def _pool(url: Url, config: StackedConfig, timeout: float | None) -> PoolManager:
    """Make the pool of connections that dulwich would, but for proxies and patience."""
    import urllib3

    proxy = _proxy(url, config)
    overrides = ConfigDict()
    authority = os.environ.get("GIT_SSL_CAINFO")
    if authority:
        overrides.set((b"http",), b"sslCAInfo", authority.encode())
    base = url.origin + url.path
    told = {name for name, _ in _extra_headers(config, base)}
    retries = urllib3.Retry(
        total=_REDIRECTS,
        connect=0,
        read=0,
        other=0,
        redirect=_REDIRECTS,
        remove_headers_on_redirect={*urllib3.Retry.DEFAULT_REMOVE_HEADERS_ON_REDIRECT, *told},
    )

    def pool(*_proxy_of_dulwich: str, **options: Any) -> PoolManager:  # noqa: ANN401  # whatever it has
        options.pop("proxy_headers", None)
        options.update(retries=retries, timeout=urllib3.Timeout(connect=timeout, read=timeout))
        if proxy is None:
            return urllib3.PoolManager(**options)
        place, login = proxy
        headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
        return urllib3.ProxyManager(place, proxy_headers=headers, **options)

    stack = StackedConfig([overrides, *config.backends])  # type: ignore[list-item]
    manager: PoolManager = default_urllib3_manager(  # type: ignore[assignment]  # see pool()
        stack,
        base_url=base,
        pool_manager_cls=pool,  # type: ignore[arg-type]  # it is called, and no more
        proxy_manager_cls=pool,  # type: ignore[arg-type]
    )
    return manager


def _extra_headers(config: StackedConfig, base: str) -> Iterator[tuple[str, str]]:
    """Give the headers that are configured for a URL, or for all."""
    for section in config.sections():
        if section[0].lower() == b"http" and base.encode().startswith(section[1:2] or (b"",)):
            with suppress(KeyError):
                for header in config.get_multivar(section, b"extraHeader"):
                    name, _, value = header.decode(errors="replace").partition(":")
                    yield name, value.strip()


def _proxy(url: Url, config: StackedConfig) -> tuple[str, str] | None:
    """Return the proxy for a URL, and the login for it: ``http.proxy``, or the environment's.

    dulwich takes the environment's first one, whatever scheme it is for.
    """
    if not url.scheme.startswith("http") or proxy_bypass(url.host):
        return None
    found = getproxies()
    place = found.get(url.scheme) or found.get("all") or ""
    for section in ((b"http", url.origin.encode()), (b"http",)):
        with suppress(KeyError):
            place = config.get(section, b"proxy").decode()
            break
    scheme, slashes, rest = place.rpartition("://")
    login, _, host = rest.rpartition("@")
    return (f"{scheme if slashes else 'http'}://{host}", unquote(login)) if host else None


def secrets(url: Url, config: StackedConfig) -> list[str]:
    """Return what a configuration tells to servers and to nobody else."""
    proxy = _proxy(url, config)
    password = proxy[1].partition(":")[2] if proxy else ""
    headers = [value for _, value in _extra_headers(config, url.origin + url.path)]
    return [secret for secret in (password, *headers) if secret]
