"""Run a Git server that is written in Python: ``python_server KIND ROOT PORT``.

It runs in a process of its own, so that it shares no state of dulwich with the tests.
"""

from __future__ import annotations

import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server
from wsgiref.util import shift_path_info

from dulwich.server import FileSystemBackend, TCPGitServer
from dulwich.web import make_wsgi_chain

LOCAL = "127.0.0.1"


class _ThreadingGitServer(ThreadingMixIn, TCPGitServer):
    daemon_threads = True
    request_queue_size = 64


class _ThreadingWsgiServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class _RootBackend(FileSystemBackend):
    """Open the path of a request below the root."""

    def open_repository(self, path: str | bytes) -> Any:
        text = path.decode() if isinstance(path, bytes) else path
        return super().open_repository(text.lstrip("/"))


def dulwich_git(root: Path, port: int) -> Any:
    """Return dulwich's ``git://`` server."""
    return _ThreadingGitServer(_RootBackend(str(root)), LOCAL, port)


def dulwich_http(root: Path, port: int) -> Any:
    """Return dulwich's smart HTTP server."""
    return _wsgi_server(make_wsgi_chain(_RootBackend(str(root))), port)


def klaus(root: Path, port: int) -> Any:
    """Return a server of klaus applications, one for each directory below the root.

    An application lists its repositories once, at the first request for the directory.
    """
    from klaus import make_app

    applications: dict[str, Any] = {}

    def dispatch(environ: dict[str, Any], start_response: Any) -> Any:
        directory = shift_path_info(environ) or ""
        if directory not in applications:
            paths = [str(path) for path in (root / directory).glob("*.git")]
            applications[directory] = make_app(
                paths, "models", use_smarthttp=True, unauthenticated_push=True
            )
        return applications[directory](environ, start_response)

    return _wsgi_server(dispatch, port)


def _wsgi_server(application: Any, port: int) -> Any:
    return make_server(LOCAL, port, application, server_class=_ThreadingWsgiServer)


KINDS = {"dulwich-git": dulwich_git, "dulwich-http": dulwich_http, "klaus": klaus}

if __name__ == "__main__":
    KINDS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3])).serve_forever()
