"""Errors of servers and connections."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from dulwich.client import HTTPProxyUnauthorized
from dulwich.errors import GitProtocolError, SendPackError
from dulwich.repo import Repo

from modelversions import (
    AuthenticationError,
    ProblemKind,
    PushRejectedError,
    Registry,
    RemoteError,
    RemoteTimeoutError,
    RepositoryNotFoundError,
    VersionExistsError,
)
from modelversions.git import store as base
from modelversions.git.objects.received_packs import Fetched
from modelversions.git.remote.error_translation import translate_error
from modelversions.git.remote.transport import PushResult, Refs, Transport
from tests.builders import Builder, same
from tests.git.remote.helpers import ANN, SECRET, WHEN
from tests.servers import PATH, git_server, guarded, http_server, proxied, refusing


@pytest.mark.parametrize(
    ("status", "body", "kind", "error", "message"),
    [
        ("404 Not Found", b"no model here", "text/plain", RepositoryNotFoundError, "no model here"),
        ("404 Not Found", b"<h1>", "text/html", RepositoryNotFoundError, "(not found)"),
        ("403 Forbidden", b"not you", "text/plain", AuthenticationError, "HTTP 403 not you"),
        ("407 Proxy", b"", "text/plain", AuthenticationError, "the proxy requires credentials"),
        ("500 Oh", b"", "text/html", RemoteError, "HTTP 500 Internal Server Error"),
        ("200 OK", b"<html>", "text/html", RemoteError, "cannot reach"),
    ],
)
def test_an_http_error_includes_the_servers_message(
    served_repo: Builder,
    status: str,
    body: bytes,
    kind: str,
    error: type[Exception],
    message: str,
) -> None:
    assert isinstance(served_repo.repo, Repo)
    with (
        http_server(served_repo.repo, refusing(status, body, kind)) as url,
        Registry.open(url) as remote_registry,
        pytest.raises(error) as caught,
    ):
        len(remote_registry)
    assert message in str(caught.value)
    assert url in str(caught.value)


def test_a_repository_that_does_not_exist_is_an_error(url: str) -> None:
    with (
        Registry.open(url.replace(PATH, "/other.git")) as remote_registry,
        pytest.raises((RepositoryNotFoundError, RemoteError)),
    ):
        len(remote_registry)


@pytest.mark.parametrize("limit", [0, 30, 300])
@pytest.mark.parametrize("silent", [False, True])
def test_a_connection_that_stalls_or_breaks_is_an_error_within_the_timeout(
    url: str, served_repo: Builder, limit: int, silent: bool
) -> None:
    served_repo.tags("m@v1.0.0")
    port = int(url.split(":")[2].split("/", maxsplit=1)[0])
    with (
        proxied(port, limit=limit, silent=silent) as proxy,
        Registry.open(url.replace(str(port), str(proxy.port)), timeout=0.3) as remote_registry,
        pytest.raises(RemoteTimeoutError if silent else RemoteError) as caught,
    ):
        str(remote_registry)
    if silent:
        assert "sent nothing for 0.3 seconds" in str(caught.value)
        assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, ConnectionError)


def test_a_push_whose_answer_is_lost_succeeds(
    remote_registry: Registry, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Transport.send

    def lost(transport: Transport, *arguments: Any, **options: Any) -> PushResult:
        real(transport, *arguments, **options)
        raise RemoteError("the connection broke", location="server")

    monkeypatch.setattr(Transport, "send", lost)
    assert remote_registry.register("m", author=ANN).tag == "m@v0.0.1"
    assert served_repo.registry["m"].latest


def test_a_push_that_was_not_sent_is_an_error(
    remote_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> PushResult:
        raise RemoteError("the connection broke", location="server")

    monkeypatch.setattr(Transport, "send", down)
    with pytest.raises(RemoteError, match="^the connection broke$"):
        remote_registry.register("m", author=ANN)
    monkeypatch.setattr(Transport, "fetch_pack", down)
    with pytest.raises(RemoteError, match="^the connection broke$"):
        remote_registry.commits()
    assert "m" not in remote_registry


@pytest.mark.parametrize("answers", [True, False])
def test_a_push_with_an_unknown_result_is_an_error(
    remote_registry: Registry, monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    real = Transport.refs

    def lost(_: Transport, compute_updates: Any, *__: Any, **___: Any) -> PushResult:
        compute_updates({})
        if not answers:
            monkeypatch.setattr(Transport, "refs", down)
        raise RemoteError("the connection broke", location="server")

    def down(*_: Any) -> Refs:
        monkeypatch.setattr(Transport, "refs", real)
        raise RemoteError("still broken", location="server")

    monkeypatch.setattr(Transport, "send", lost)
    with pytest.raises(
        RemoteError,
        match="the connection broke. The following tags may .* been updated: 'm@v0.0.1'",
    ):
        remote_registry.register("m", author=ANN)
    assert "m" not in remote_registry


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("", "rejected the tag 'm@v0.0.1': hook declined; nothing was written"),
        (
            "tags are frozen",
            "hook declined; the server's output: tags are frozen; nothing was written",
        ),
    ],
)
def test_a_refusal_includes_the_servers_output(
    remote_registry: Registry, monkeypatch: pytest.MonkeyPatch, output: str, message: str
) -> None:
    def refuse(*_: Any, **__: Any) -> PushResult:
        return PushResult({"refs/tags/m@v0.0.1": "hook declined"}, frozenset(), output)

    monkeypatch.setattr(Transport, "send", refuse)
    with pytest.raises(PushRejectedError) as caught:
        remote_registry.register("m", author=ANN)
    assert message in str(caught.value)
    assert caught.value.tag == "m@v0.0.1"
    assert isinstance(caught.value, PermissionError)


def locked(*_: Any, **__: Any) -> PushResult:
    """Answer as JGit does while another client writes the ref."""
    return PushResult({"refs/tags/m@v0.0.1": "failed to lock"}, frozenset(), "")


def test_a_push_is_retried_while_a_ref_is_locked(
    remote_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, answers = Transport.send, iter([locked])

    def send(*args: Any, **options: Any) -> PushResult:
        return next(answers, real)(*args, **options)

    monkeypatch.setattr(Transport, "send", send)
    assert remote_registry.register("m", author=ANN).tag == "m@v0.0.1"


@pytest.mark.usefixtures("short_lock_timeout")
def test_a_ref_that_stays_locked_is_a_refusal(
    remote_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Transport, "send", locked)
    with pytest.raises(PushRejectedError, match="'m@v0.0.1': failed to lock"):
        remote_registry.register("m", author=ANN)
    assert "m" not in remote_registry


def test_a_pack_that_a_server_cannot_store_is_a_refusal(
    served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_client: Any, _path: Any, decide: Any, _pack: Any, progress: Any, **_: Any) -> None:
        decide(dict(served_repo.repo.refs.as_dict()))
        progress(b"Resolving deltas:  50% (1/2)\rdisk is ")
        progress(b"full\n")
        raise SendPackError(b"unpack index-pack failed")

    steps: list[Any] = []
    monkeypatch.setattr("modelversions.git.remote.clients.TcpClient.send_pack", refuse)
    assert isinstance(served_repo.repo, Repo)
    with (
        git_server(served_repo.repo) as url,
        Registry.open(url, progress=lambda *step: steps.append(step)) as remote_registry,
        pytest.raises(
            PushRejectedError, match="unpack index-pack failed; the server's output: disk is full;"
        ),
    ):
        remote_registry.register("m", author=ANN, commit=served_repo.commits["c1"])
    assert (1, 2, "resolving deltas") in steps


def test_a_refusal_because_of_a_concurrent_write_is_a_conflict(
    remote_registry: Registry, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def register_first(*_: Any, **__: Any) -> PushResult:
        monkeypatch.undo()
        served_repo.registry.register("m", "v1.0.0", author=ANN)
        return PushResult({"refs/tags/m@v1.0.0": "reference already exists"}, frozenset(), "")

    monkeypatch.setattr(Transport, "send", register_first)
    with pytest.raises(VersionExistsError):
        remote_registry.register("m", "v1.0.0", author=ANN)


def test_a_tag_at_which_the_server_fails_does_not_affect_others(
    served_repo: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.tags("m@v1.0.0", "m@v1.1.0", "m@v1.2.0", "n@v1.0.0")
    broken = served_repo.registry._store.tags(["m@v1.1.0"])[0].id
    real = Transport.fetch

    def failing(transport: Transport, wants: Any, **options: Any) -> Fetched:
        if broken in wants:
            raise RemoteError("upload-pack: possible repository corruption", location="server")
        return real(transport, wants, **options)

    monkeypatch.setattr(Transport, "fetch", failing)
    with Registry.open(url) as remote_registry:
        assert [event.tag for event in remote_registry.history()] == [
            "m@v1.0.0",
            "m@v1.2.0",
            "n@v1.0.0",
        ]
        problem = next(one for one in remote_registry.problems() if one.kind is ProblemKind.MISSING)
        assert problem.tag == "m@v1.1.0"
        assert "possible repository corruption" in problem.message
        monkeypatch.undo()
        assert len(remote_registry.history()) == 4  # what was missing is requested again


def test_tags_without_a_time_are_fetched_with_their_commits_at_once(
    served_repo: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        served_repo.commit(f"d{number}", number)
        served_repo.tag(f"m@v1.0.{number}", f"d{number}", tagger=None)
    requests: list[int] = []
    real = Transport.fetch

    def count(transport: Transport, wants: Any, **options: Any) -> Fetched:
        requests.append(len(wants))
        return real(transport, wants, **options)

    monkeypatch.setattr(Transport, "fetch", count)
    with Registry.open(url) as remote_registry:
        assert remote_registry.history() == served_repo.registry.history()
        assert requests == [20, 20]


def test_tags_at_which_the_server_fails_are_found_by_bisection(
    served_repo: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"m@v1.0.{number}" for number in range(64)]
    served_repo.tags(*names)
    broken = {
        ref.id for ref in served_repo.registry._store.tags(["m@v1.0.7", "m@v1.0.33", "m@v1.0.34"])
    }
    requests: list[int] = []
    real = Transport.fetch

    def failing(transport: Transport, wants: Any, **options: Any) -> Fetched:
        requests.append(len(wants))
        if not broken.isdisjoint(wants):
            raise RemoteError("upload-pack: possible repository corruption", location="server")
        return real(transport, wants, **options)

    monkeypatch.setattr(Transport, "fetch", failing)
    with Registry.open(url) as remote_registry:
        found = remote_registry.history()
        assert {event.tag for event in found} == set(names) - {"m@v1.0.7", "m@v1.0.33", "m@v1.0.34"}
        assert len(requests) < 30


def test_a_server_that_fails_at_large_requests(
    served_repo: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.tags(*(f"m@v1.0.{number}" for number in range(16)))
    real = Transport.fetch

    def failing(transport: Transport, wants: Any, **options: Any) -> Fetched:
        if len(wants) > 4:
            raise RemoteError("the pack is too large", location="server")
        return real(transport, wants, **options)

    monkeypatch.setattr(Transport, "fetch", failing)
    with Registry.open(url) as remote_registry:
        assert len(remote_registry.history()) == 16


def test_after_a_timeout_tags_are_not_requested_separately(
    served_repo: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.tags("m@v1.0.0", "m@v1.1.0")
    requests: list[Any] = []

    def silent(_: Transport, wants: Any, **__: Any) -> Fetched:
        requests.append(wants)
        raise RemoteTimeoutError("sent nothing", location="server")

    monkeypatch.setattr(Transport, "fetch", silent)
    with Registry.open(url) as remote_registry, pytest.raises(RemoteTimeoutError):
        remote_registry.history()
    assert len(requests) == 1


def test_a_tag_whose_commit_cannot_be_sent_is_missing_until_it_can(
    served_repo: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.tags("m@v1.0.0")
    served_repo.tag("m@v1.1.0", tagger=None)
    real = Transport.fetch

    def failing(transport: Transport, wants: Any, **options: Any) -> Fetched:
        if options.get("depth"):
            raise RemoteError("the connection broke", location="server")
        return real(transport, wants, **options)

    monkeypatch.setattr(Transport, "fetch", failing)
    with Registry.open(url) as remote_registry:
        assert len(remote_registry.history()) == 1
        monkeypatch.undo()
        assert same(remote_registry, served_repo.registry)


def test_secrets_are_kept_out_of_errors_and_their_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise GitProtocolError(f"cannot use {SECRET}") from ValueError(quote(SECRET))

    monkeypatch.setattr("modelversions.git.remote.http._Http.get_refs", fail)
    with (
        Registry.open("https://ann:p%40ss%20w%3Ard@host/m") as remote_registry,
        pytest.raises(RemoteError, match=r"cannot use \*\*\*;") as caught,
    ):
        len(remote_registry)
    assert caught.value.__cause__ is None


def test_errors_of_proxies_and_of_servers_without_atomic_pushes() -> None:
    proxy = translate_error(HTTPProxyUnauthorized(None, "u"), "server", 1, ())
    assert isinstance(proxy, AuthenticationError)
    many = translate_error(GitProtocolError("Server does not support atomic push"), "server", 1, ())
    assert "does not support atomic pushes of several tags; nothing was pushed" in str(many)
    bare = translate_error(ValueError(), "server", 1, ())
    assert ": ValueError;" in str(bare)


def test_a_ref_without_a_reported_status_is_looked_up(
    remote_registry: Registry, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreported = PushResult({}, frozenset({"refs/tags/m@v0.0.1"}), "")
    monkeypatch.setattr(Transport, "send", lambda *_, **__: unreported)
    with pytest.raises(RemoteError, match="may or may not have been updated: 'm@v0.0.1'; check"):
        remote_registry.register("m", author=ANN)
    commit = base.NewTag("m@v0.0.1", served_repo.commits["c1"], "m\n", ANN, WHEN)
    monkeypatch.undo()
    real = Transport.send
    monkeypatch.setattr(Transport, "send", lambda *a, **k: (real(*a, **k), unreported)[1])
    remote_registry._store.create([commit])
    assert "m" in served_repo.registry


def test_an_exception_of_progress_is_not_wrapped(served_repo: Builder, url: str) -> None:
    class Stop(Exception):  # noqa: N818  # a caller's own
        pass

    def stop(*_: Any) -> None:
        raise Stop

    served_repo.tags("m@v1.0.0")
    with Registry.open(url, progress=stop) as remote_registry, pytest.raises(Stop) as caught:
        remote_registry.history()
    assert caught.value.__cause__ is None


def test_a_registry_can_be_closed_while_a_server_sends_nothing(
    url: str, served_repo: Builder
) -> None:
    served_repo.tags("m@v1.0.0")
    port = int(url.split(":")[2].split("/", maxsplit=1)[0])
    with proxied(port, limit=0, silent=True) as proxy, ThreadPoolExecutor() as pool:
        remote_registry = Registry.open(url.replace(str(port), str(proxy.port)), timeout=2)
        requests = pool.submit(list, remote_registry)
        while not proxy.connections:
            pass
        remote_registry.close()
        assert isinstance(requests.exception(), RemoteError)


def test_a_login_is_requested_again_after_it_was_changed(served_repo: Builder) -> None:
    served_repo.tags("m@v1.0.0")
    passwords = ["old", "new"]
    guards = guarded("ann", "old"), guarded("ann", "new")

    def changing(app: Any) -> Any:
        remote_registries = [guard(app) for guard in guards]

        def choose(environ: dict[str, Any], start: Any) -> Any:
            return remote_registries[len(passwords) == 1](environ, start)

        return choose

    assert isinstance(served_repo.repo, Repo)
    with (
        http_server(served_repo.repo, changing) as url,
        Registry.open(
            url, credentials=lambda _url, _hint: ("ann", passwords[0])
        ) as remote_registry,
    ):
        assert "m" in remote_registry
        passwords.pop(0)
        assert "m" in remote_registry


@pytest.mark.parametrize(
    "secret", ["s3cret/pw", "s3cret%2Fpw", "s3cret%2fpw", "YW5uOnMzY3JldC9wdw=="]
)
def test_a_secret_is_redacted_in_each_form(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise GitProtocolError(f"the header says  {secret}")

    monkeypatch.setattr("modelversions.git.remote.http._Http.get_refs", fail)
    with (
        Registry.open("https://ann:s3cret%2Fpw@host/m") as remote_registry,
        pytest.raises(RemoteError) as caught,
    ):
        len(remote_registry)
    error = caught.value
    assert "the header says ***;" in str(error)
    assert (error.__cause__, error.__context__) == (None, None)


def test_a_token_as_a_user_name_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise GitProtocolError("no ghp_0123456789abcdef here")

    monkeypatch.setattr("modelversions.git.remote.http._Http.get_refs", fail)
    with (
        Registry.open("https://ghp_0123456789abcdef@host/m") as remote_registry,
        pytest.raises(RemoteError) as caught,
    ):
        len(remote_registry)
    assert "ghp_" not in str(caught.value) + caught.value.location + repr(remote_registry._store)


def test_a_servers_message_is_shortened_and_sanitized() -> None:
    error = translate_error(GitProtocolError("\x1b[31mred\n" + 5000 * "x"), "server", 1, ())
    assert ": [31mred xxx" in str(error)
    assert len(str(error)) < 1200


def test_configured_headers_are_sent_only_to_their_server(served_repo: Builder) -> None:
    served_repo.tags("m@v1.0.0")
    heads: list[tuple[str, str]] = []

    def recording(app: Any) -> Any:
        def record(environ: dict[str, Any], start: Any) -> Any:
            heads.append((environ["HTTP_HOST"], environ.get("HTTP_PRIVATE_TOKEN", "")))
            if environ["HTTP_HOST"].startswith("localhost"):
                query = f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
                target = f"http://127.0.0.1:{environ['SERVER_PORT']}{query}"
                start("302 Found", [("Location", target)])
                return [b""]
            return app(environ, start)

        return record

    assert isinstance(served_repo.repo, Repo)
    with http_server(served_repo.repo, recording) as url:
        other = url.replace("127.0.0.1", "localhost")
        prefix = other.removesuffix(PATH)
        text = f'[http "{prefix}"]\n\textraHeader = PRIVATE-TOKEN: s3cret\n[http]\n\tx = 1\n'
        Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(text)
        with Registry.open(other) as remote_registry:
            assert len(remote_registry.history()) == 1
        with (
            Registry.open(other.replace(PATH, "/nothing")) as remote_registry,
            pytest.raises(RepositoryNotFoundError),
        ):
            len(remote_registry)
    assert {head for host, head in heads if host.startswith("127")} == {""}
    assert {head for host, head in heads if host.startswith("localhost")} == {"s3cret"}
