"""The private names of dulwich that this package uses.

No other module uses private names of dulwich. ``tests/git/test_dulwich.py`` fails if a new dulwich
changes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from dulwich.client import GitClient, HttpGitClient, SSHGitClient, TCPGitClient
from dulwich.errors import GitProtocolError
from dulwich.protocol import Protocol
from dulwich.refs import Ref
from dulwich.repo import Repo

Connected = tuple[Protocol, Callable[[], bool], "IO[bytes] | None"]
"""A protocol, a function that returns whether data can be read, and the error output."""

Connect = Callable[["tuple[str, int]", bytes, "str | bytes", "int | None"], Connected]
"""Connect to a host and port, and request a service for a path, with a protocol version."""


def reflog_path(repo: Repo, name: Ref) -> str:
    """Return the path of a reflog's file; the public method fails at malformed entries."""
    return repo._reflog_path(name)


class Budget:
    """The bytes that a server may send in answer to one request."""

    def __init__(self, limit: int | None) -> None:
        """Allow up to ``limit`` bytes; None for any number."""
        self._limit = limit
        self._received = 0

    def limited(self, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
        """Return a function that calls ``read``, and raises an error above the limit."""
        limit = self._limit
        if limit is None:
            return read

        def counted(size: int) -> bytes:
            data = read(size)
            self._received += len(data)
            if self._received > limit:
                raise GitProtocolError(f"it sends more than {limit} bytes")
            return data

        return counted


class QuietClient:
    """A client without dulwich's warnings, with a limit for the bytes of an answer."""

    budget = Budget(None)

    @staticmethod
    def _warn_filter_objects() -> None:
        """Do not warn: a server without filters sends more, which is expected."""


class _ClosingClient(QuietClient):
    """A client that closes its connection; dulwich leaves it open after an error."""

    _protocol: Protocol | None = None

    def _limited(self, connected: Connected) -> Connected:
        self._protocol = protocol = connected[0]
        protocol.read = self.budget.limited(protocol.read)
        return connected

    def close(self) -> None:
        """Close the connection."""
        if self._protocol is not None:
            self._protocol.close()


class TcpClient(_ClosingClient, TCPGitClient):
    """A client for ``git daemon`` that connects by calling a function."""

    def __init__(self, host: str, port: int | None, connect: Connect) -> None:
        """Create a client; ``connect`` is called for each request."""
        super().__init__(host, port=port)
        self._connect_with = connect

    def _connect(
        self, cmd: bytes, path: str | bytes, protocol_version: int | None = None
    ) -> Connected:
        self.protocol_version = protocol_version or 0
        address = self._host, self._port
        connected = self._connect_with(address, cmd, path, protocol_version)
        return self._limited(connected)


class SshClient(_ClosingClient, SSHGitClient):
    """A client for ``ssh``."""

    def _connect(
        self, cmd: bytes, path: str | bytes, protocol_version: int | None = None
    ) -> Connected:
        connected: Connected = super()._connect(cmd, path, protocol_version)
        return self._limited(connected)


class HttpClient(QuietClient, HttpGitClient):
    """A client for HTTP whose requests are sent by ``send()``."""

    def send(
        self,
        url: str,
        headers: Mapping[str, str],
        data: bytes | Iterator[bytes] | None,
        *,
        raise_for_status: bool,
    ) -> tuple[Any, Callable[[int], bytes]]:
        """Send a request; return the response and a function that reads its content."""
        raise NotImplementedError

    def _http_request(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        data: bytes | Iterator[bytes] | None = None,
        raise_for_status: bool = True,  # noqa: FBT001, FBT002  # as in dulwich
    ) -> tuple[Any, Callable[[int], bytes]]:
        if headers is None:  # "packfile-uris", which Git follows only if it is configured to
            raise GitProtocolError(f"it refers to {url!r} instead of sending the pack")
        found, read = self.send(url, headers, data, raise_for_status=raise_for_status)
        return found, self.budget.limited(read)


def limit_answer(client: GitClient, limit: int | None) -> None:
    """Limit the bytes that a server may send in answer to the next request."""
    assert isinstance(client, QuietClient)
    client.budget = Budget(limit)
