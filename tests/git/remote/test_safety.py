"""Servers: no tag with a wrong type is written, no failure looks like an empty registry."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from dulwich.objects import Tree
from dulwich.repo import Repo

from modelversions import (
    Identity,
    Registry,
    RemoteError,
    RemoteTimeoutError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from modelversions.git.remote.http import HttpStatusError
from modelversions.git.remote.transport import Refs, Transport
from tests.builders import Builder, same
from tests.servers import LOCAL, Wsgi, git_server, http_server

ANN = Identity("Ann", "ann@example.com")
NOT_SENT = (RevisionNotFoundError, RemoteError)
"""The errors for an object that a server does not send; dulwich's HTTP server has status 500."""


@pytest.fixture
def served_repo(served_repo: Builder) -> Builder:
    """A bare repository with two commits, to be served."""
    served_repo.commit("c2", 1, "c1")
    return served_repo


def ref_id(served_repo: Builder, name: str) -> str:
    return served_repo.repo.refs[f"refs/tags/{name}".encode()].decode()  # type: ignore[index]


def test_the_id_of_a_tag_object_names_its_commit(served_repo: Builder, registry: Registry) -> None:
    served_repo.tags("m@v1.0.0", commit="c1")
    tag = ref_id(served_repo, "m@v1.0.0")
    planned = registry.register("n", "v1.0.0", commit=tag, author=ANN, dry_run=True)
    event = registry.register("n", "v1.0.0", commit=tag, author=ANN)
    assert planned.commit == event.commit == served_repo.commits["c1"]
    assert served_repo.registry["n"]["v1.0.0"].commit == served_repo.commits["c1"]
    assert served_repo.registry.problems() == ()
    assert [version.model for version in registry.at(tag)] == ["m", "n"]


@pytest.mark.parametrize("name", ["c1", "c2"])
def test_the_id_of_a_commit(served_repo: Builder, registry: Registry, name: str) -> None:
    served_repo.tags("m@v1.0.0", commit="c1")
    event = registry.register("n", "v1.0.0", commit=served_repo.commits[name].upper(), author=ANN)
    assert event.commit == served_repo.commits[name]


@pytest.mark.parametrize("what", ["tree", "blob", "nothing"])
def test_the_id_of_anything_else_is_refused(
    served_repo: Builder, registry: Registry, what: str
) -> None:
    tree = Tree()
    id = {"tree": served_repo.add(tree), "blob": served_repo.blob("x"), "nothing": "ab" * 20}[what]
    for dry_run in (True, False):
        with pytest.raises(NOT_SENT):
            registry.register("m", "v1.0.0", commit=id, author=ANN, dry_run=dry_run)
    with pytest.raises(NOT_SENT):
        registry.at(id)
    assert served_repo.registry.history() == ()


def test_a_tag_of_a_blob_is_refused(served_repo: Builder, registry: Registry) -> None:
    blob = served_repo.blob("x")
    served_repo.tag("m@v1.0.0", blob, kind="blob")
    for id in (blob, ref_id(served_repo, "m@v1.0.0")):
        with pytest.raises(NOT_SENT):
            registry.register("n", "v1.0.0", commit=id, author=ANN)
    assert served_repo.registry.history() == ()


@pytest.mark.parametrize("error", [RemoteTimeoutError, RemoteError])
def test_a_failure_is_not_a_missing_commit(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, error: type[RemoteError]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("failed", location="x", status=503)

    monkeypatch.setattr(Transport, "fetch", fail)
    with pytest.raises(error, match="failed"):
        registry.at("ab" * 20)


@contextmanager
def failing(served_repo: Builder, status: str) -> Iterator[tuple[str, list[str]]]:
    """Serve a repository that answers each fetch with a status; the list contains its requests."""
    fetches: list[str] = []

    def wrap(app: Wsgi) -> Wsgi:
        def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] == "GET":
                return app(environ, start)
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            fetches.append(environ["PATH_INFO"])
            start(status, [("Content-Type", "text/plain"), ("Retry-After", "3600")])
            return [b"no"]

        return answer

    assert isinstance(served_repo.repo, Repo)
    with http_server(served_repo.repo, wrap) as url:
        yield url, fetches


@pytest.mark.parametrize(
    "status", ["429 Too Many Requests", "500 Internal", "502 Bad", "503 Busy", "599 Other"]
)
def test_a_failing_fetch_is_an_error_after_one_attempt(served_repo: Builder, status: str) -> None:
    served_repo.tags("m@v1.0.0", "m#prod#1", "m#prod#2", "n@v1.0.0")
    with failing(served_repo, status) as (url, fetches), Registry.open(url) as registry:
        for read in (registry.history, registry.stages, lambda: registry["m"].stages):
            fetches.clear()
            with pytest.raises(RemoteError, match=f"HTTP {status[:3]}") as caught:
                read()
            assert caught.value.status == int(status[:3])
            assert len(fetches) == 1


def test_a_failing_fetch_of_a_tag_without_a_time(
    served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.raw(
        "m@v1.0.0", f"object {served_repo.commits['c1']}\ntype commit\ntag m@v1.0.0\n\nx\n"
    )
    fetch = Transport.fetch

    def fail_at_depth(self: Transport, wants: Any, **options: Any) -> Any:
        if options.get("depth"):
            raise RemoteError("HTTP 503", location="x", status=503)
        return fetch(self, wants, **options)

    monkeypatch.setattr(Transport, "fetch", fail_at_depth)
    assert isinstance(served_repo.repo, Repo)
    with (
        git_server(served_repo.repo) as url,
        Registry.open(url) as registry,
        pytest.raises(RemoteError, match="HTTP 503"),
    ):
        registry.history()


def test_a_status_without_a_name() -> None:
    assert str(HttpStatusError(599, "")) == "HTTP 599"
    assert str(HttpStatusError(503, "")) == "HTTP 503 Service Unavailable"


@contextmanager
def answering(status: int, headers: dict[str, str]) -> Iterator[tuple[int, list[dict[str, str]]]]:
    """Serve one answer to every request; the list contains the headers received, in lower case."""
    received: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            received.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer((LOCAL, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port, received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    "pattern", ["", "HTTP://LocalHost:{}/", "http://LOCALHOST:{}", "http://localhost:{}/"]
)
def test_a_configured_header_does_not_follow_a_redirect(
    monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    with answering(404, {}) as (target, at_target):
        location = f"http://{LOCAL}:{target}/x/info/refs?service=git-upload-pack"
        with answering(302, {"Location": location}) as (port, at_origin):
            section = f"http.{pattern.format(port)}" if pattern else "http"
            pairs = {"extraHeader": "X-Secret: hush", "userAgent": "custom"}
            monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(pairs)))
            for number, (name, value) in enumerate(pairs.items()):
                monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", f"{section}.{name}")
                monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
            with (
                Registry.open(f"http://localhost:{port}/x") as registry,
                pytest.raises(RepositoryNotFoundError),
            ):
                registry.history()
    assert at_origin
    assert at_target
    assert not [headers for headers in at_target if "x-secret" in headers]


def test_a_server_that_lists_no_peeled_ids(
    served_repo: Builder, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tag objects are read: an annotated tag is not treated as a lightweight one."""
    served_repo.tags("m@v1.0.0", "m#prod#1", "n@v1.0.0", commit="c1")
    served_repo.ref("refs/tags/n@v2.0.0", served_repo.commits["c2"])
    served_repo.tag("o@v1.0.0", ref_id(served_repo, "n@v1.0.0"), kind="tag")
    listed = Transport.refs

    def without_peeled(transport: Transport, prefixes: Any) -> Any:
        return Refs(listed(transport, prefixes).ids, {})

    monkeypatch.setattr(Transport, "refs", without_peeled)
    assert registry.latest().keys() == {"m", "n", "o"}
    assert same(registry, served_repo.registry)
    assert [problem.tag for problem in registry["n"].problems] == ["n@v2.0.0"]
    registry.register("p", "v1.0.0", commit="m@v1.0.0", author=ANN)
    assert served_repo.registry["p"].versions[0].commit == served_repo.commits["c1"]
    assert not registry.verify("m@v1.0.0")
    served_repo.commit("c3", 5, "c2")
    assert [version.model for version in registry.at(served_repo.commits["c1"])] == [
        "m",
        "n",
        "o",
        "p",
    ]


def test_a_lightweight_tag_is_not_fetched_to_be_verified(
    served_repo: Builder, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.tags("m@v1.0.0-rc.1", commit="c1")
    served_repo.ref("refs/tags/m@v1.0.0", served_repo.commits["c2"])
    monkeypatch.setattr(Transport, "fetch", pytest.fail)
    assert not registry.verify("m@v1.0.0")
