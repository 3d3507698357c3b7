"""Servers that need no more than Python, and a proxy that counts bytes, stalls or cuts the line."""

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
    """Serve a repository by dulwich's own server for ``git://``, in the first version."""
    server = TCPGitServer(DictBackend(_served(repo)), LOCAL, 0)
    with _serving(server):
        yield f"git://{LOCAL}:{server.server_address[1]}{PATH}"


@contextmanager
def http_server(repo: Repo, wrap: Callable[[Wsgi], Wsgi] = lambda app: app) -> Iterator[str]:
    """Serve a repository by dulwich's own server for ``http://``, behind some more."""
    app = wrap(make_wsgi_chain(DictBackend(_served(repo))))
    server = make_server(LOCAL, 0, app, handler_class=_Silent)
    with _serving(server):
        yield f"http://{LOCAL}:{server.server_port}{PATH}"


def served(kind: str, repo: Repo | MemoryRepo) -> AbstractContextManager[str]:
    """Serve a repository on disk by one of dulwich's servers: ``"git"`` or ``"http"``."""
    assert isinstance(repo, Repo)
    return git_server(repo) if kind == "git" else http_server(repo)


def _served(repo: Repo | MemoryRepo) -> Any:
    """Give the repository under its path; the servers differ in how they spell it."""
    return {PATH.encode(): repo, PATH: repo}


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


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
    """Ask for a name and a password."""
    token = base64.b64encode(f"{name}:{password}".encode()).decode()

    def wrap(app: Wsgi) -> Wsgi:
        def guard(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            if environ.get("HTTP_AUTHORIZATION") == f"Basic {token}":
                return app(environ, start)
            start("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="models"')])
            return [b"who are you?"]

        return guard

    return wrap


def relaying(app: Wsgi) -> Wsgi:
    """Serve as a proxy does, which is asked for whole URLs."""

    def relay(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        environ["PATH_INFO"] = path[path.index(PATH) :]
        return app(environ, start)

    return relay


def refusing(status: str, words: bytes, kind: str = "text/plain") -> Callable[[Wsgi], Wsgi]:
    """Answer everything with a refusal."""

    def wrap(_: Wsgi) -> Wsgi:
        def refuse(_: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            start(status, [("Content-Type", kind)])
            return [words]

        return refuse

    return wrap


@attrs.define
class Raw:
    """Answers each connection with bytes, and then with one piece after the other."""

    port: int
    start: bytes
    piece: bytes = b""
    asked: threading.Event = attrs.Factory(threading.Event)
    closed: threading.Semaphore = attrs.Factory(lambda: threading.Semaphore(0))
    """Is released for each connection that the client has closed."""

    @property
    def url(self) -> str:
        """The URL of a repository, of which there may be others."""
        return f"http://{LOCAL}:{self.port}/models.git"

    def serve(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
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
    """Answer in bytes that are no HTTP, or too slowly."""
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
    """Passes bytes on to a port, counts them, and may stall or cut the line on the way."""

    port: int
    target: int
    limit: int | None = None
    """So many bytes of the server's pass on each line; None for all."""
    silent: bool = False
    """Whether the line is silent then; or else it is cut."""
    received: int = 0
    """The bytes that came from the server."""
    sent: int = 0
    """The bytes that went to it."""
    lines: int = 0
    """The connections that were made."""
    _over: threading.Event = attrs.Factory(threading.Event)

    @property
    def total(self) -> int:
        """The bytes that passed, both ways."""
        return self.received + self.sent

    def reset(self) -> None:
        """Count anew."""
        self.received = self.sent = self.lines = 0

    def end(self) -> None:
        """Let go of the lines that are silent."""
        self._over.set()

    def serve(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self.lines += 1
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
        left = self.limit
        with suppress(OSError), server, client:
            while data := server.recv(65536):
                if left is not None:
                    data, left = data[:left], left - len(data)
                self.received += len(data)
                client.sendall(data)
                if left is not None and left <= 0:
                    if self.silent:
                        self._over.wait()
                    break
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(target: int, *, limit: int | None = None, silent: bool = False) -> Iterator[Proxy]:
    """Put a proxy before a port."""
    with socket.create_server((LOCAL, 0)) as listener:
        proxy = Proxy(listener.getsockname()[1], target, limit, silent)
        threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.end()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
