"""Servers in Python only, and a proxy that counts bytes, stalls or drops the connection."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import attrs
from dulwich.repo import MemoryRepo, Repo
from dulwich.server import DictBackend, TCPGitServer
from dulwich.web import make_wsgi_chain

LOCAL = "127.0.0.1"
PATH = "/models.git"
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@contextmanager
def git_server(repo: Repo | MemoryRepo) -> Iterator[str]:
    """Serve a repository by dulwich's server for ``git://``, with protocol version 0."""
    server = TCPGitServer(DictBackend(_served(repo)), LOCAL, 0)
    with _serving(server):
        yield f"git://{LOCAL}:{server.server_address[1]}{PATH}"


@contextmanager
def http_server(repo: Repo, wrap: Callable[[Wsgi], Wsgi] = lambda app: app) -> Iterator[str]:
    """Serve a repository by dulwich's server for ``http://``, behind the middleware ``wrap``."""
    app = wrap(make_wsgi_chain(DictBackend(_served(repo))))
    server = make_server(LOCAL, 0, app, handler_class=_Silent)
    with _serving(server):
        yield f"http://{LOCAL}:{server.server_port}{PATH}"


def served(kind: str, repo: Repo | MemoryRepo) -> AbstractContextManager[str]:
    """Serve a repository on disk by one of dulwich's servers: ``"git"`` or ``"http"``."""
    assert isinstance(repo, Repo)
    return git_server(repo) if kind == "git" else http_server(repo)


def _served(repo: Repo | MemoryRepo) -> Any:
    """Return the repository by its path: one server uses bytes, the other text."""
    return {PATH.encode(): repo, PATH: repo}


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def _serving(server: Any) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def guarded(name: str, password: str) -> Callable[[Wsgi], Wsgi]:
    """Return a middleware that requires a user name and a password."""
    token = base64.b64encode(f"{name}:{password}".encode()).decode()

    def wrap(app: Wsgi) -> Wsgi:
        def guard(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            if environ.get("HTTP_AUTHORIZATION") == f"Basic {token}":
                return app(environ, start)
            start("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="models"')])
            return [b"login required"]

        return guard

    return wrap


def relaying(app: Wsgi) -> Wsgi:
    """Serve as a proxy does, whose requests contain whole URLs."""

    def relay(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        environ["PATH_INFO"] = path[path.index(PATH) :]
        return app(environ, start)

    return relay


def refusing(status: str, message: bytes, kind: str = "text/plain") -> Callable[[Wsgi], Wsgi]:
    """Return a middleware that answers every request with an error."""

    def wrap(_: Wsgi) -> Wsgi:
        def refuse(_: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            start(status, [("Content-Type", kind)])
            return [message]

        return refuse

    return wrap


@attrs.define
class Raw:
    """Answers each connection with some bytes, then with a piece again and again."""

    port: int
    start: bytes
    piece: bytes = b""
    asked: threading.Event = attrs.Factory(threading.Event)
    closed: threading.Semaphore = attrs.Factory(lambda: threading.Semaphore(0))
    """Released for each connection that the client has closed."""

    @property
    def url(self) -> str:
        """The URL of a repository; other paths are answered in the same way."""
        return f"http://{LOCAL}:{self.port}/models.git"

    def serve(self, listener: socket.socket) -> None:
        """Accept connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client:
            with suppress(OSError):
                client.recv(65536)
                self.asked.set()
                client.sendall(self.start)
                client.settimeout(0.02 if self.piece else None)
                while not self._is_closed(client):
                    client.sendall(self.piece)
            self.closed.release()

    @staticmethod
    def _is_closed(client: socket.socket) -> bool:
        try:
            return not client.recv(65536)
        except TimeoutError:
            return False


@contextmanager
def raw_server(start: bytes, piece: bytes = b"") -> Iterator[Raw]:
    """Serve bytes that may not be valid HTTP, or are sent too slowly."""
    with socket.create_server((LOCAL, 0)) as listener:
        raw = Raw(listener.getsockname()[1], start, piece)
        threading.Thread(target=raw.serve, args=(listener,), daemon=True).start()
        try:
            yield raw
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


@attrs.define
class Proxy:
    """Forwards connections to a port, counts bytes, and may stall or drop connections."""

    port: int
    target: int
    limit: int | None = None
    """The maximum number of bytes from the server per connection; None for no limit."""
    silent: bool = False
    """Whether the connection stalls at the limit; otherwise it is dropped."""
    received: int = 0
    """The number of bytes from the server."""
    sent: int = 0
    """The number of bytes to the server."""
    connections: int = 0
    """The number of connections."""
    _ended: threading.Event = attrs.Factory(threading.Event)

    @property
    def total(self) -> int:
        """The number of bytes in both directions."""
        return self.received + self.sent

    def reset(self) -> None:
        """Set all counts to 0."""
        self.received = self.sent = self.connections = 0

    def end(self) -> None:
        """Close idle connections."""
        self._ended.set()

    def serve(self, listener: socket.socket) -> None:
        """Accept connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self.connections += 1
                server = socket.create_connection((LOCAL, self.target))
                for end, other, work in ((client, server, self._up), (server, client, self._down)):
                    threading.Thread(target=work, args=(end, other), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                self.sent += len(data)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        remaining = self.limit
        with suppress(OSError), server, client:
            while data := server.recv(65536):
                if remaining is not None:
                    data, remaining = data[:remaining], remaining - len(data)
                self.received += len(data)
                client.sendall(data)
                if remaining is not None and remaining <= 0:
                    if self.silent:
                        self._ended.wait()
                    break
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(target: int, *, limit: int | None = None, silent: bool = False) -> Iterator[Proxy]:
    """Run a proxy in front of a port."""
    with socket.create_server((LOCAL, 0)) as listener:
        proxy = Proxy(listener.getsockname()[1], target, limit, silent)
        threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.end()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
