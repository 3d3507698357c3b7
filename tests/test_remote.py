"""A registry at a URL, served by dulwich on loopback: read without a clone, written by pushes."""

from __future__ import annotations

import errno
import logging
import os
import pickle
import runpy
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from dulwich.client import HTTPProxyUnauthorized
from dulwich.errors import GitProtocolError, SendPackError
from dulwich.repo import Repo

from modelversions import (
    AuthenticationError,
    CommitTakenError,
    ConfigurationError,
    DubiousOwnershipError,
    Identity,
    InvalidArgumentError,
    InvalidNameError,
    ModelNotFoundError,
    ProblemKind,
    PushRejectedError,
    Registry,
    RemoteError,
    RemoteTimeoutError,
    RepositoryError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    StageHeldError,
    TagExistsError,
    VersionExistsError,
    WriteConflictError,
)
from modelversions.git import programs
from modelversions.git import store as base
from modelversions.git import tag_object as tag_format
from modelversions.git.config import GitConfig
from modelversions.git.objects.received_packs import Fetched
from modelversions.git.programs import Programs
from modelversions.git.remote import remote_tags
from modelversions.git.remote.clients import _SocketStream, _TimeoutSSHVendor, connect
from modelversions.git.remote.error_translation import translate_error
from modelversions.git.remote.remote_store import RemoteStore
from modelversions.git.remote.transport import PushResult, Refs, Transport
from modelversions.git.urls import Url
from tests.builders import CORPORA, Builder, corpus, odd, same
from tests.lines import PATH, git_server, guarded, http_server, proxied, refusing, relaying
from tests.test_corpora import NAMES

ANN = Identity("Ann", "ann@example.com")
WHEN = datetime(2024, 1, 1, tzinfo=timezone.utc)
SECRET = "p@ss w:rd"  # noqa: S105  # what a URL has to quote


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Builder]:
    """A bare repository with one commit, to be served."""
    with Repo.init_bare(str(tmp_path / "far"), mkdir=True) as repo:
        builder = Builder(repo)
        builder.commit()
        yield builder


@pytest.fixture(params=["git", "http"])
def url(request: pytest.FixtureRequest, far: Builder) -> Iterator[str]:
    """The URL at which it is served."""
    assert isinstance(far.repo, Repo)
    with git_server(far.repo) if request.param == "git" else http_server(far.repo) as url:
        yield url


@pytest.fixture
def door(url: str) -> Iterator[Registry]:
    """The registry at that URL."""
    with Registry.open(url) as registry:
        yield registry


def test_a_server_tells_what_its_repository_does(door: Registry, far: Builder) -> None:
    odd(far)
    assert same(door, far.registry)
    assert door["m"]["v1.1.0"].registered_at == far.registry["m"]["v1.1.0"].registered_at
    assert door.at("main") == far.registry.at("main")
    assert door.event("m@v2.0.0") == far.registry.event("m@v2.0.0")


@pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the corpora are not at {CORPORA}")
@pytest.mark.parametrize("name", NAMES)
def test_a_server_tells_what_real_registries_do(name: str, tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path)) as repo:
        builder = Builder(repo)
        corpus(name, builder)
        with git_server(repo) as url, Registry.open(url) as door:
            assert same(door, builder.registry)


def test_many_commits_are_asked_for_in_parts(
    far: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_tags, "HAVES", 2)
    for number in range(5):
        far.commit(f"d{number}", number)
        far.tag(f"m@v1.0.{number}", f"d{number}", number)
        far.tag(f"n@v1.0.{number}", f"d{number}", number)
    steps: list[tuple[int, int | None, str]] = []
    with Registry.open(url, progress=lambda *step: steps.append(step)) as door:
        assert same(door, far.registry)
        told = [step for step in steps if step[2] == "tags read"]
        assert told[-1] == (2, 2, "tags read") or told[-1][0] == told[-1][1]
        assert any(what == "bytes received" and total is None for _, total, what in steps)
        steps.clear()
        assert len(door.history()) == 10
        assert not steps  # what was read is kept


def test_the_latest_version_takes_no_object(
    far: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.tags("m@v1.0.0", "m@v2.0.0")
    monkeypatch.setattr(Transport, "fetch", None)
    with Registry.open(url) as door:
        latest = door["m"].latest
        assert latest is not None
        assert (latest.name, latest.commit) == ("v2.0.0", far.commits["c1"])
        assert str(door.latest()["m"]) == "m@v2.0.0"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/m", "git://127.0.0.1:1/m"])
def test_a_server_that_cannot_be_reached_is_an_error_with_the_reason(url: str) -> None:
    reason = os.strerror(errno.ECONNREFUSED)
    with Registry.open(url, timeout=5) as door, pytest.raises(RemoteError) as caught:
        len(door)
    assert f"{reason}; check that it is a Git server" in str(caught.value)
    assert len(str(caught.value)) < 180


@pytest.mark.parametrize("name", ["a\nb", "a\0b", "", "-a", "ü", "a@b"])
def test_a_name_that_no_model_can_have_is_not_asked_for(
    door: Registry, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with monkeypatch.context() as context:
        context.setattr(Transport, "refs", None)
        assert name not in door
        assert door.get(name) is None
    with pytest.raises(ModelNotFoundError):
        door[name]


def test_opening_a_url_sends_nothing() -> None:
    door = Registry.open("git://127.0.0.1:1/nobody.git", timeout=5)
    with pytest.raises(RemoteError, match="cannot reach 'git://127.0.0.1:1/nobody.git'"):
        list(door)
    door.close()
    door.close()


def test_every_verb_works_at_a_url(door: Registry, far: Builder) -> None:
    here = far.registry
    commit = far.commits["c1"]
    event = door.register("m", "v1.0.0", author=ANN, when=WHEN, message="first")
    assert here.event("m@v1.0.0") == event
    door.assign("m", "v1.0.0", "prod", author=ANN)
    assert door["m"].stages["prod"].commit == commit
    door.unassign("m", "v1.0.0", "prod", author=ANN)
    assert not door["m"].stages
    both = door.assign("n", stage="dev", register=True, author=ANN, commit=commit)
    assert [event.tag for event in here["n"].history] == ["n@v0.0.1", both.tag]
    door.deregister("m", "v1.0.0", author=ANN)
    door.deprecate("m", author=ANN)
    assert here["m"].deprecated
    planned = door.register("o", author=ANN, dry_run=True)
    assert planned.tag == "o@v0.0.1"
    assert "o" not in here
    assert same(door, here)


def test_the_same_bytes_are_written_as_in_a_repository(door: Registry, far: Builder) -> None:
    there = door.register("m", "v1.0.0", author=ANN, when=WHEN, message="first\n# gone\n")
    id = far.repo.refs[b"refs/tags/m@v1.0.0"]  # type: ignore[index]
    door.delete_tags(there)
    far.registry.register("m", "v1.0.0", author=ANN, when=WHEN, message="first\n# gone\n")
    assert far.repo.refs[b"refs/tags/m@v1.0.0"] == id  # type: ignore[index]


def test_tags_are_deleted_only_as_they_were_seen(
    door: Registry, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.tags("m@v1.0.0", "m@v2.0.0")
    first, second = door["m"].history
    seen = RemoteStore.tags
    changed = far.tag("other", "c1", 99)

    def behind_the_back(store: RemoteStore, prefixes: Any = ("",)) -> Any:
        found = seen(store, prefixes)
        far.ref("refs/tags/m@v1.0.0", changed)
        return found

    monkeypatch.setattr(RemoteStore, "tags", behind_the_back)
    with pytest.raises(WriteConflictError, match="'m@v1.0.0' was changed concurrently"):
        door.delete_tags(first)
    monkeypatch.undo()
    assert door.delete_tags() == {}
    assert list(door.delete_tags(second)) == ["m@v2.0.0"]
    assert "m" in far.registry


def test_a_tag_that_is_there_is_not_overwritten(door: Registry, far: Builder) -> None:
    far.tags("m@v1.0.0")
    with pytest.raises(VersionExistsError, match="registered already"):
        door.register("m", "v1.0.0", author=ANN)
    with pytest.raises(CommitTakenError):
        door.register("m", "v2.0.0", author=ANN)
    again = base.NewTag("m@v1.0.0", far.commits["c1"], "m\n", ANN, WHEN)
    with pytest.raises(TagExistsError, match="'m@v1.0.0' exists already in '(git|http)://"):
        door._store.create([again])
    with pytest.raises(TagExistsError):
        door._store.check_tag_name("m@v1.0.0")
    with pytest.raises(WriteConflictError, match="one would be a directory of the other"):
        door._store.create([base.NewTag("m@v1.0.0/x", far.commits["c1"], "m\n", ANN, WHEN)])


def test_a_tag_is_signed_before_it_is_sent(
    door: Registry, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature = "-----BEGIN SSH SIGNATURE-----\n"
    monkeypatch.setattr(
        tag_format, "sign", lambda *arguments: f"{signature}{arguments[3]}\n".encode()
    )
    door.register("m", "v1.0.0", author=ANN, sign="my key")
    door.register("n", "v1.0.0", author=ANN, sign=True)
    raw = far.repo[b"refs/tags/m@v1.0.0"].as_raw_string().decode()
    assert raw.endswith(f"\n\nRegistering artifact m version v1.0.0\n{signature}my key\n")
    assert far.repo[b"refs/tags/n@v1.0.0"].as_raw_string().endswith(b"\nNone\n")


def test_a_name_that_git_cannot_keep_is_refused_before_anything_is_sent(door: Registry) -> None:
    with pytest.raises(InvalidNameError, match="Git does not allow such a tag name"):
        door.register("a//b", "v1.0.0", author=ANN)


def test_a_writer_who_was_slower_plans_anew(
    door: Registry, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.tags("m@v1.0.0")
    real = Transport.send

    def slower(transport: Transport, *arguments: Any, **options: Any) -> PushResult:
        monkeypatch.undo()
        far.registry.assign("m", "v1.0.0", "prod", author=ANN)
        return real(transport, *arguments, **options)

    monkeypatch.setattr(Transport, "send", slower)
    with pytest.raises(StageHeldError):
        door.assign("m", "v1.0.0", "prod", author=ANN)
    assert door.assign("m", "v1.0.0", "prod", author=ANN, force=True).counter == 2


@pytest.mark.parametrize("revision", ["HEAD", "@", "main", "heads/main", "refs/heads/main", "t"])
def test_a_commit_is_named_by_what_the_server_lists(
    door: Registry, far: Builder, revision: str
) -> None:
    far.tag("t", "c1")
    assert door.register("m", author=ANN, commit=revision).commit == far.commits["c1"]


def test_a_commit_is_named_by_its_full_sha(door: Registry, far: Builder) -> None:
    sha = far.commits["c1"]
    assert door.register("m", author=ANN, commit=sha.upper()).commit == sha


@pytest.mark.parametrize("revision", ["HEAD~1", "abcdef0", "main^", "HEAD:file", "@{1}", "a\0b"])
def test_what_only_a_clone_can_resolve_is_an_error_that_says_so(
    door: Registry, revision: str
) -> None:
    with pytest.raises(RevisionNotFoundError, match="only a clone knows short SHAs"):
        door.register("m", author=ANN, commit=revision)


def test_a_branch_that_is_not_there_is_an_error(door: Registry) -> None:
    with pytest.raises(RevisionNotFoundError, match="there is no branch or tag 'nope' at "):
        door.register("m", author=ANN, commit="nope")


def test_an_empty_server_has_no_models_and_no_commits(tmp_path: Path) -> None:
    with (
        Repo.init_bare(str(tmp_path)) as repo,
        http_server(repo) as url,
        Registry.open(url) as door,
    ):
        assert not door
        assert door.problems() == ()
        assert door.commits() == ()
        assert door.stages() == ()
        with pytest.raises(ModelNotFoundError):
            door["m"]
        with pytest.raises(RevisionNotFoundError, match="HEAD names no commit yet; push something"):
            door.register("m", author=ANN)


def test_commits_are_listed_as_in_a_repository(door: Registry, far: Builder) -> None:
    for number in range(2, 6):
        far.commit(f"c{number}", number, f"c{number - 1}")
    assert door.commits(limit=3) == far.registry.commits(limit=3)
    assert door.commits(limit=None) == far.registry.commits(limit=None)
    assert door.commits(limit=0) == ()


def test_the_configuration_is_read_from_the_servers_head(door: Registry, far: Builder) -> None:
    far.tags("m@v1.0.0")
    store = door._store
    assert store.read_file(".gto") is None
    far.commit_file(".gto", "stages: [prod]\n")
    assert store.read_file(".gto") == b"stages: [prod]\n"
    assert store.read_file(".gto") == b"stages: [prod]\n"
    assert store.read_file("other") is None
    tree = far.repo[far.repo[b"HEAD"].tree].copy()  # type: ignore[attr-defined]
    tree.add(b"folder", 0o40000, far.repo[b"HEAD"].tree)  # type: ignore[attr-defined]
    far.commit("folder", 5, tree=far.add(tree))
    assert store.read_file("folder") is None


def test_a_file_that_was_filtered_out_is_fetched_by_its_id(
    door: Registry, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.commit_file(".gto", "stages: [prod]\n")
    real = Transport.fetch

    def filtering(transport: Transport, wants: Any, **options: Any) -> Fetched:
        if "depth" not in options:  # the blob, which dulwich's server gives to nobody by its id
            objects = Fetched()
            objects.add_object(far.repo[wants[0].encode()])
            return objects
        objects = real(transport, wants, **options)
        for id in [id for id in objects if objects[id].type_name == b"blob"]:
            del objects._raw[id]
        return objects

    monkeypatch.setattr(Transport, "fetch", filtering)
    assert door._store.read_file(".gto") == b"stages: [prod]\n"


def test_a_server_that_does_not_send_the_configuration_is_an_error(
    door: Registry, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.commit_file(".gto", "stages: [prod]\n")
    monkeypatch.setattr(Transport, "fetch", lambda *_, **__: Fetched())
    with pytest.raises(RemoteError, match="did not send '.gto' of its HEAD; pass stages= to"):
        door._store.read_file(".gto")


def test_a_head_that_is_no_commit_has_no_files(
    door: Registry, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = far.repo[far.repo[b"HEAD"].tree]  # type: ignore[attr-defined]

    def other(_: Transport, wants: Any, **__: Any) -> Fetched:
        objects = Fetched()
        objects._raw[wants[0].encode()] = (tree.type_num, tree.as_raw_string())
        return objects

    monkeypatch.setattr(Transport, "fetch", other)
    assert door._store.read_file(".gto") is None


def test_files_that_are_not_wanted_are_taken_up_to_a_size(
    door: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelversions.git.remote.transport.MAX_BYTES", 10)
    with pytest.raises(RemoteError, match="more than 10 bytes, having"):
        door.commits()


def test_a_filter_that_a_server_does_not_like_is_left_out(
    door: Registry, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Transport.fetch_pack

    def picky(transport: Transport, *arguments: Any, **options: Any) -> None:
        if options.get("filter"):
            raise RemoteError("filter 'tree' not supported", location="there")
        real(transport, *arguments, **options)

    monkeypatch.setattr(Transport, "fetch_pack", picky)
    assert door.commits() == far.registry.commits()


def test_a_servers_stages_are_heeded(door: Registry, far: Builder) -> None:
    far.tags("m@v1.0.0")
    far.commit_file(".gto", "stages: [prod]\n")
    with pytest.raises(ValueError, match="stage 'dev' is not allowed in this registry"):
        door.assign("m", "v1.0.0", "dev", author=ANN)
    assert door.assign("m", "v1.0.0", "prod", author=ANN).stage == "prod"


def test_a_signature_is_checked_from_the_servers_bytes(door: Registry, far: Builder) -> None:
    far.tags("m@v1.0.0")
    far.ref("refs/tags/m@v2.0.0", far.commits["c1"])
    assert str(door.verify("m@v1.0.0").status) == "unsigned"
    assert str(door.verify("m@v2.0.0").status) == "unsigned"


def test_a_server_neither_pushes_nor_fetches(door: Registry) -> None:
    with pytest.raises(InvalidArgumentError, match="is a server, where each verb writes at once"):
        door.push()
    with pytest.raises(InvalidArgumentError, match="is a server"):
        door.register("m", author=ANN, push=True)
    assert "m" not in door


def test_what_was_read_pickles_without_a_server(door: Registry, far: Builder) -> None:
    odd(far)
    assert pickle.loads(pickle.dumps(door["m"])) == far.registry["m"]


def test_a_sha256_repository_is_read_and_not_written(tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path), object_format="sha256") as repo:
        builder = Builder(repo).tags("m@v1.0.0")
        objects = Fetched(object_format=repo.object_format)
        for id in repo.object_store:
            objects.add_object(repo.object_store[id])
        store = RemoteStore(Url.parse("git://host/m"), base.RemoteOptions())
        refs = builder.registry._store.tags()
        taken = store._tags._taken([refs[0]._replace(peeled=builder.commits["c1"])], objects)
        assert taken[refs[0].id].commit == builder.commits["c1"]
        with pytest.raises(RepositoryError, match="uses SHA-256, to which nothing can be pushed"):
            store.delete(refs)
        with pytest.raises(RepositoryError, match="uses SHA-256, to which nothing can be pushed"):
            store.create([base.NewTag("m@v2.0.0", refs[0].id, "m\n", ANN, WHEN)])


# who may


def test_credentials_are_asked_for_once_and_kept(far: Builder) -> None:
    far.tags("m@v1.0.0")
    asked: list[tuple[str, str | None]] = []

    def credentials(url: str, hint: str | None) -> tuple[str, str]:
        asked.append((url, hint))
        return "ann", SECRET

    assert isinstance(far.repo, Repo)
    with http_server(far.repo, guarded("ann", SECRET)) as url:
        with Registry.open(url.replace("//", "//ann@"), credentials=credentials) as door:
            assert len(door["m"].history) == 1
            door.register("m", "v2.0.0", author=ANN, force=True)
            assert same(door, far.registry)
        assert asked == [(url, "ann")]


def refused(door: Registry) -> AuthenticationError:
    """Return the error with which a server does not let in."""
    with door, pytest.raises(AuthenticationError) as caught:
        len(door)
    return caught.value


def test_a_password_in_the_url_is_used_and_not_shown(
    far: Builder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    far.tags("m@v1.0.0")
    assert isinstance(far.repo, Repo)
    with http_server(far.repo, guarded("ann", SECRET)) as url:
        with Registry.open(url.replace("//", "//ann:p%40ss%20w%3Ard@")) as door:
            assert "m" in door
            assert repr(door) == f"<Registry {url!r}>"
        door = Registry.open(url.replace("//", "//ann:wr0ng@"))
        error = refused(door)
        assert "it rejected the login from the URL" in str(error)
        assert "wr0ng" not in repr(error) + str(error.location)
    for secret in (SECRET, "p%40ss", "wr0ng"):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        (None, "it requires credentials; pass credentials="),
        (lambda _url, _hint: None, "it requires credentials; pass credentials="),
        (lambda _url, _hint: ("ann", "wr0ng"), "it rejected the login from credentials="),
    ],
)
def test_a_server_that_wants_other_credentials_is_an_error(
    far: Builder, credentials: Any, words: str
) -> None:
    assert isinstance(far.repo, Repo)
    with (
        http_server(far.repo, guarded("ann", SECRET)) as url,
        Registry.open(url, credentials=credentials) as door,
    ):
        for _ in range(2):
            error = refused(door)
            assert words in str(error)
            assert "wr0ng" not in repr(error)
            assert isinstance(error, PermissionError)


def test_credentials_that_are_none_are_an_error_without_them(far: Builder) -> None:
    assert isinstance(far.repo, Repo)
    with (
        http_server(far.repo, guarded("ann", SECRET)) as url,
        Registry.open(url, credentials=lambda _url, _hint: ("ann", SECRET, 7)) as door,  # type: ignore[arg-type,return-value]
        pytest.raises(InvalidArgumentError, match="must return a user's name and") as caught,
    ):
        len(door)
    assert SECRET not in repr(caught.value) + str(vars(caught.value))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"credentials": ("ann", SECRET)}, "credentials must be a callable, not a tuple"),
        ({"progress": 7}, "progress must be a callable, not a int"),
        ({"timeout": 0}, "timeout must be a number of seconds above 0, or None, not 0"),
        ({"timeout": "1"}, "timeout must be a number of seconds above 0, or None, not '1'"),
    ],
)
def test_what_is_of_no_use_is_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words) as caught:
        Registry.open("https://host/m", **options)
    assert SECRET not in str(vars(caught.value))


# what can go wrong


@pytest.mark.parametrize(
    ("status", "words", "kind", "error", "message"),
    [
        ("404 Not Found", b"no model here", "text/plain", RepositoryNotFoundError, "no model here"),
        ("404 Not Found", b"<h1>", "text/html", RepositoryNotFoundError, "(not found)"),
        ("403 Forbidden", b"not you", "text/plain", AuthenticationError, "HTTP 403 not you"),
        ("407 Proxy", b"", "text/plain", AuthenticationError, "the proxy requires credentials"),
        ("500 Oh", b"", "text/html", RemoteError, "HTTP 500 Internal Server Error"),
        ("200 OK", b"<html>", "text/html", RemoteError, "cannot reach"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(
    far: Builder, status: str, words: bytes, kind: str, error: type[Exception], message: str
) -> None:
    assert isinstance(far.repo, Repo)
    with (
        http_server(far.repo, refusing(status, words, kind)) as url,
        Registry.open(url) as door,
        pytest.raises(error) as caught,
    ):
        len(door)
    assert message in str(caught.value)
    assert url in str(caught.value)


def test_a_repository_that_is_not_there_is_an_error(url: str) -> None:
    with (
        Registry.open(url.replace(PATH, "/other.git")) as door,
        pytest.raises((RepositoryNotFoundError, RemoteError)),
    ):
        len(door)


@pytest.mark.parametrize("limit", [0, 30, 300])
@pytest.mark.parametrize("silent", [False, True])
def test_a_line_that_stalls_or_breaks_is_an_error_in_time(
    url: str, far: Builder, limit: int, silent: bool
) -> None:
    far.tags("m@v1.0.0")
    port = int(url.split(":")[2].split("/", maxsplit=1)[0])
    with (
        proxied(port, limit=limit, silent=silent) as proxy,
        Registry.open(url.replace(str(port), str(proxy.port)), timeout=0.3) as door,
        pytest.raises(RemoteTimeoutError if silent else RemoteError) as caught,
    ):
        str(door)
    if silent:
        assert "sent nothing for 0.3 seconds" in str(caught.value)
        assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, ConnectionError)


def test_a_push_whose_answer_is_lost_has_happened(
    door: Registry, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Transport.send

    def lost(transport: Transport, *arguments: Any, **options: Any) -> PushResult:
        real(transport, *arguments, **options)
        raise RemoteError("the line broke", location="there")

    monkeypatch.setattr(Transport, "send", lost)
    assert door.register("m", author=ANN).tag == "m@v0.0.1"
    assert far.registry["m"].latest


def test_a_push_that_was_not_sent_is_an_error(
    door: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> PushResult:
        raise RemoteError("the line broke", location="there")

    monkeypatch.setattr(Transport, "send", down)
    with pytest.raises(RemoteError, match="^the line broke$"):
        door.register("m", author=ANN)
    monkeypatch.setattr(Transport, "fetch_pack", down)
    with pytest.raises(RemoteError, match="^the line broke$"):
        door.commits()
    assert "m" not in door


@pytest.mark.parametrize("answers", [True, False])
def test_a_push_of_which_nothing_is_known_is_an_error_that_says_so(
    door: Registry, monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    real = Transport.refs

    def lost(_: Transport, compute_updates: Any, *__: Any, **___: Any) -> PushResult:
        compute_updates({})
        if not answers:
            monkeypatch.setattr(Transport, "refs", down)
        raise RemoteError("the line broke", location="there")

    def down(*_: Any) -> Refs:
        monkeypatch.setattr(Transport, "refs", real)
        raise RemoteError("still broken", location="there")

    monkeypatch.setattr(Transport, "send", lost)
    with pytest.raises(
        RemoteError, match="the line broke. It is unknown whether 'm@v0.0.1' was updated"
    ):
        door.register("m", author=ANN)
    assert "m" not in door


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "rejected the tag 'm@v0.0.1': hook declined; nothing was written"),
        (
            "tags are frozen",
            "hook declined; the server's output: tags are frozen; nothing was written",
        ),
    ],
)
def test_a_servers_refusal_is_told_in_its_words(
    door: Registry, monkeypatch: pytest.MonkeyPatch, words: str, message: str
) -> None:
    def refuse(*_: Any, **__: Any) -> PushResult:
        return PushResult({"refs/tags/m@v0.0.1": "hook declined"}, frozenset(), words)

    monkeypatch.setattr(Transport, "send", refuse)
    with pytest.raises(PushRejectedError) as caught:
        door.register("m", author=ANN)
    assert message in str(caught.value)
    assert caught.value.tag == "m@v0.0.1"
    assert isinstance(caught.value, PermissionError)


def test_a_pack_that_a_server_cannot_take_is_a_refusal(
    far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_client: Any, _path: Any, decide: Any, _pack: Any, progress: Any, **_: Any) -> None:
        decide(dict(far.repo.refs.as_dict()))
        progress(b"Resolving deltas:  50% (1/2)\rdisk is ")
        progress(b"full\n")
        raise SendPackError(b"unpack index-pack failed")

    steps: list[Any] = []
    monkeypatch.setattr("modelversions.git.remote.clients._Tcp.send_pack", refuse)
    assert isinstance(far.repo, Repo)
    with (
        git_server(far.repo) as url,
        Registry.open(url, progress=lambda *step: steps.append(step)) as door,
        pytest.raises(
            PushRejectedError, match="unpack index-pack failed; the server's output: disk is full;"
        ),
    ):
        door.register("m", author=ANN, commit=far.commits["c1"])
    assert (1, 2, "resolving deltas") in steps


def test_a_refusal_because_somebody_was_faster_is_no_refusal(
    door: Registry, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faster(*_: Any, **__: Any) -> PushResult:
        monkeypatch.undo()
        far.registry.register("m", "v1.0.0", author=ANN)
        return PushResult({"refs/tags/m@v1.0.0": "reference already exists"}, frozenset(), "")

    monkeypatch.setattr(Transport, "send", faster)
    with pytest.raises(VersionExistsError):
        door.register("m", "v1.0.0", author=ANN)


def test_a_tag_that_the_server_fails_at_costs_no_other(
    far: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.tags("m@v1.0.0", "m@v1.1.0", "m@v1.2.0", "n@v1.0.0")
    broken = far.registry._store.tags(["m@v1.1.0"])[0].id
    real = Transport.fetch

    def failing(transport: Transport, wants: Any, **options: Any) -> Fetched:
        if broken in wants:
            raise RemoteError("upload-pack: possible repository corruption", location="there")
        return real(transport, wants, **options)

    monkeypatch.setattr(Transport, "fetch", failing)
    with Registry.open(url) as door:
        assert [event.tag for event in door.history()] == ["m@v1.0.0", "m@v1.2.0", "n@v1.0.0"]
        problem = next(one for one in door.problems() if one.kind is ProblemKind.MISSING)
        assert problem.tag == "m@v1.1.0"
        assert "possible repository corruption" in problem.message
        monkeypatch.undo()
        assert len(door.history()) == 4  # what was lost is asked for again


def test_a_server_that_is_silent_is_not_asked_for_each_tag_alone(
    far: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.tags("m@v1.0.0", "m@v1.1.0")
    asked: list[Any] = []

    def silent(_: Transport, wants: Any, **__: Any) -> Fetched:
        asked.append(wants)
        raise RemoteTimeoutError("was silent", location="there")

    monkeypatch.setattr(Transport, "fetch", silent)
    with Registry.open(url) as door, pytest.raises(RemoteTimeoutError):
        door.history()
    assert len(asked) == 1


def test_a_tag_whose_commit_cannot_be_sent_is_lost_for_the_moment(
    far: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.tags("m@v1.0.0")
    far.tag("m@v1.1.0", tagger=None)
    real = Transport.fetch

    def failing(transport: Transport, wants: Any, **options: Any) -> Fetched:
        if options.get("depth"):
            raise RemoteError("the line broke", location="there")
        return real(transport, wants, **options)

    monkeypatch.setattr(Transport, "fetch", failing)
    with Registry.open(url) as door:
        assert len(door.history()) == 1
        monkeypatch.undo()
        assert same(door, far.registry)


def test_secrets_are_kept_out_of_errors_and_their_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise GitProtocolError(f"cannot use {SECRET}") from ValueError(quote(SECRET))

    monkeypatch.setattr("modelversions.git.remote.http._Http.get_refs", fail)
    with (
        Registry.open("https://ann:p%40ss%20w%3Ard@host/m") as door,
        pytest.raises(RemoteError, match=r"cannot use \*\*\*;") as caught,
    ):
        len(door)
    assert caught.value.__cause__ is None


def test_what_a_proxy_or_a_plain_server_says_is_explained() -> None:
    proxy = translate_error(HTTPProxyUnauthorized(None, "u"), "there", 1, ())
    assert isinstance(proxy, AuthenticationError)
    many = translate_error(GitProtocolError("Server does not support atomic push"), "there", 1, ())
    assert "does not support atomic pushes of several tags; nothing was pushed" in str(many)
    bare = translate_error(ValueError(), "there", 1, ())
    assert ": ValueError;" in str(bare)


def test_a_server_that_says_nothing_of_a_tag_is_asked_what_became_of_it(
    door: Registry, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreported = PushResult({}, frozenset({"refs/tags/m@v0.0.1"}), "")
    monkeypatch.setattr(Transport, "send", lambda *_, **__: unreported)
    with pytest.raises(RemoteError, match="It is unknown whether 'm@v0.0.1' was updated; check"):
        door.register("m", author=ANN)
    commit = base.NewTag("m@v0.0.1", far.commits["c1"], "m\n", ANN, WHEN)
    monkeypatch.undo()
    real = Transport.send
    monkeypatch.setattr(Transport, "send", lambda *a, **k: (real(*a, **k), unreported)[1])
    door._store.create([commit])
    assert "m" in far.registry


def test_what_progress_raises_comes_out_as_it_is(far: Builder, url: str) -> None:
    class Stop(Exception):  # noqa: N818  # a caller's own
        pass

    def stop(*_: Any) -> None:
        raise Stop

    far.tags("m@v1.0.0")
    with Registry.open(url, progress=stop) as door, pytest.raises(Stop) as caught:
        door.history()
    assert caught.value.__cause__ is None


def test_a_registry_can_be_closed_while_a_server_is_silent(url: str, far: Builder) -> None:
    far.tags("m@v1.0.0")
    port = int(url.split(":")[2].split("/", maxsplit=1)[0])
    with proxied(port, limit=0, silent=True) as proxy, ThreadPoolExecutor() as pool:
        door = Registry.open(url.replace(str(port), str(proxy.port)), timeout=2)
        asked = pool.submit(list, door)
        while not proxy.lines:
            pass
        door.close()
        assert isinstance(asked.exception(), RemoteError)


def test_a_login_is_asked_for_again_when_it_was_changed(far: Builder) -> None:
    far.tags("m@v1.0.0")
    passwords = ["old", "new"]
    lock = guarded("ann", "old"), guarded("ann", "new")

    def changing(app: Any) -> Any:
        doors = [guard(app) for guard in lock]

        def choose(environ: dict[str, Any], start: Any) -> Any:
            return doors[len(passwords) == 1](environ, start)

        return choose

    assert isinstance(far.repo, Repo)
    with (
        http_server(far.repo, changing) as url,
        Registry.open(url, credentials=lambda _url, _hint: ("ann", passwords[0])) as door,
    ):
        assert "m" in door
        passwords.pop(0)
        assert "m" in door


@pytest.mark.parametrize(
    "secret", ["s3cret/pw", "s3cret%2Fpw", "s3cret%2fpw", "YW5uOnMzY3JldC9wdw=="]
)
def test_a_secret_is_concealed_in_each_form(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise GitProtocolError(f"the header says  {secret}")

    monkeypatch.setattr("modelversions.git.remote.http._Http.get_refs", fail)
    with (
        Registry.open("https://ann:s3cret%2Fpw@host/m") as door,
        pytest.raises(RemoteError) as caught,
    ):
        len(door)
    error = caught.value
    assert "the header says ***;" in str(error)
    assert (error.__cause__, error.__context__) == (None, None)


def test_a_token_as_a_name_is_no_more_shown_than_a_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise GitProtocolError("no ghp_0123456789abcdef here")

    monkeypatch.setattr("modelversions.git.remote.http._Http.get_refs", fail)
    with (
        Registry.open("https://ghp_0123456789abcdef@host/m") as door,
        pytest.raises(RemoteError) as caught,
    ):
        len(door)
    assert "ghp_" not in str(caught.value) + caught.value.location + repr(door._store)


def test_a_servers_words_are_short_and_do_no_harm() -> None:
    error = translate_error(GitProtocolError("\x1b[31mred\n" + 5000 * "x"), "there", 1, ())
    assert ": [31mred xxx" in str(error)
    assert len(str(error)) < 1200


def test_a_program_that_is_not_there_is_an_error(ssh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIT_SSH_COMMAND")
    monkeypatch.setenv("GIT_SSH", "/nowhere/my ssh")
    with (
        Registry.open(ssh) as door,
        pytest.raises(RemoteError, match="there is no program '/nowhere/my ssh'; install it"),
    ):
        len(door)


def test_headers_of_the_configuration_go_to_their_server_only(far: Builder) -> None:
    far.tags("m@v1.0.0")
    heads: list[tuple[str, str]] = []

    def noting(app: Any) -> Any:
        def note(environ: dict[str, Any], start: Any) -> Any:
            heads.append((environ["HTTP_HOST"], environ.get("HTTP_PRIVATE_TOKEN", "")))
            if environ["HTTP_HOST"].startswith("localhost"):
                query = f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
                target = f"http://127.0.0.1:{environ['SERVER_PORT']}{query}"
                start("302 Found", [("Location", target)])
                return [b""]
            return app(environ, start)

        return note

    assert isinstance(far.repo, Repo)
    with http_server(far.repo, noting) as url:
        other = url.replace("127.0.0.1", "localhost")
        place = other.removesuffix(PATH)
        text = f'[http "{place}"]\n\textraHeader = PRIVATE-TOKEN: s3cret\n[http]\n\tx = 1\n'
        Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(text)
        with Registry.open(other) as door:
            assert len(door.history()) == 1
        with (
            Registry.open(other.replace(PATH, "/nothing")) as door,
            pytest.raises(RepositoryNotFoundError),
        ):
            len(door)
    assert {head for host, head in heads if host.startswith("127")} == {""}
    assert {head for host, head in heads if host.startswith("localhost")} == {"s3cret"}


# ssh, by a program of our own in its place

SSH = """
import sys
from dulwich.cli import main
command, path = sys.argv[-1].split(" ", 1)
print("hello from the server", file=sys.stderr)
raise SystemExit(main([command.removeprefix("git-"), path.strip("'")]))
"""


@pytest.fixture
def ssh(far: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a repository behind a program that does what ssh would."""
    script = tmp_path / "ssh.py"
    script.write_text(SSH)
    monkeypatch.setenv("GIT_SSH_COMMAND", f"{sys.executable} -W ignore {script}")
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    assert isinstance(far.repo, Repo)
    return f"ssh://ann@host:22{far.repo.path}"


def test_ssh_is_a_program(ssh: str, far: Builder) -> None:
    odd(far)
    with Registry.open(ssh) as door:
        assert same(door, far.registry)
    path = ssh.removeprefix("ssh://ann@host:22")
    with Registry.open(f"host:{path}", timeout=None) as door:
        assert door["m"] == far.registry["m"]


@pytest.mark.parametrize(
    ("port", "version", "options"),
    [(None, None, ""), (7, 2, "-p 7 -o SetEnv=GIT_PROTOCOL=version=2 ")],
)
def test_ssh_is_called_as_git_calls_it(port: int | None, version: int | None, options: str) -> None:
    line = _TimeoutSSHVendor(["echo"], 5).run_command(
        "host", b"git-receive-pack '/m'", "ann", port, protocol_version=version
    )
    assert line.read().decode() == f"{options}ann@host git-receive-pack '/m'\n"
    line.close()


@pytest.mark.parametrize(
    ("variant", "command", "fits"),
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
    ssh: str, monkeypatch: pytest.MonkeyPatch, variant: str | None, command: str, *, fits: bool
) -> None:
    monkeypatch.setenv("GIT_SSH_VARIANT", variant or "auto")
    monkeypatch.setenv("GIT_SSH_COMMAND", command)
    url = Url.parse(ssh.replace(":22", ""))
    store = Programs(None, GitConfig(None))
    if fits:
        connect(url, store, 1, None)
    else:
        with pytest.raises(ConfigurationError, match="whose options are not supported here"):
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
    line = vendor.run_command("host", b"git-upload-pack '/m'", protocol_version=2)
    assert line.read().decode() == f"{options}host git-upload-pack '/m'\n"
    line.close()
    if not options:
        with pytest.raises(ConfigurationError, match="takes no options, .* to port 7; use OpenSSH"):
            vendor.run_command("host", b"git-upload-pack '/m'", port=7)


def test_what_ssh_complains_of_is_told(ssh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    complaint = "import sys; sys.exit('Permission denied (publickey).')"
    monkeypatch.setenv("GIT_SSH_COMMAND", f'{sys.executable} -c "{complaint}"')
    with (
        Registry.open(ssh) as door,
        pytest.raises(AuthenticationError, match=r"Permission denied \(publickey\)"),
    ):
        len(door)


def test_an_interrupt_is_raised_and_ends_ssh(
    ssh: str, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.tags("m@v1.0.0", "m#prod#1")
    write, calls, begun = _SocketStream.write, [0], list[_SocketStream]()
    serve = _SocketStream.serve

    def serving(line: _SocketStream, command: list[str], side: socket.socket) -> None:
        begun.append(line)
        serve(line, command, side)
        inner = line.read

        def reading(size: int) -> bytes:
            interrupt()
            return inner(size)

        line.read = reading  # type: ignore[assignment]

    def writing(line: _SocketStream, data: bytes) -> int:
        interrupt()
        return write(line, data)

    def interrupt() -> None:
        calls[0] -= 1
        if calls[0] == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(_SocketStream, "serve", serving)
    monkeypatch.setattr(_SocketStream, "write", writing)
    for number in (1, 2, 3, 5, 9, 14):
        calls[0] = number
        with Registry.open(ssh) as door, pytest.raises(KeyboardInterrupt):
            door.history()
        assert all(line._process is not None for line in begun)
        assert all(line._process.poll() is not None for line in begun if line._process)


def test_a_program_that_another_users_repository_names_is_not_run(
    disk: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = disk.repo.get_config()
    config.set(b"core", b"sshCommand", b"touch /nonexistent/ran")
    config.write_to_path()
    monkeypatch.setattr(programs, "_owner", lambda _path: os.geteuid() + 1)
    with pytest.raises(DubiousOwnershipError, match=r"running 'touch .* safe.directory"):
        disk.registry.fetch(remote="ssh://host/x")


@pytest.mark.parametrize("variant", ["ssh", "auto"])
def test_an_ssh_that_says_nothing_is_given_up_and_ended(
    ssh: str, monkeypatch: pytest.MonkeyPatch, variant: str
) -> None:
    monkeypatch.setenv("GIT_SSH_VARIANT", variant)
    monkeypatch.setattr("modelversions.git.remote.clients.EXIT_TIMEOUT", 0.01)
    waits = "import signal, time; signal.signal(signal.SIGPIPE, signal.SIG_IGN); time.sleep(600)"
    monkeypatch.setenv("GIT_SSH_COMMAND", f'exec {sys.executable} -c "{waits}"')
    with Registry.open(ssh, timeout=0.2) as door, pytest.raises(RemoteTimeoutError):
        len(door)


def test_the_program_can_be_configured(
    ssh: str, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.tags("m@v1.0.0")
    program = os.environ["GIT_SSH_COMMAND"]
    monkeypatch.delenv("GIT_SSH_COMMAND")
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(f"[core]\n\tsshCommand = {program}\n")
    with Registry.open(ssh) as door:
        assert "m" in door


# proxies


def test_a_proxy_is_used_for_its_scheme(far: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    far.tags("m@v1.0.0")
    assert isinstance(far.repo, Repo)
    with http_server(far.repo, relaying) as url, ExitStack() as stack:
        port = int(url.split(":")[2].split("/")[0])
        proxy = stack.enter_context(proxied(port))
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # for another scheme
        with Registry.open(url) as door:
            assert "m" in door
        monkeypatch.setenv("http_proxy", f"ann:s3%2Fcret@127.0.0.1:{proxy.port}")
        with Registry.open("http://models.invalid" + PATH) as door:
            assert "m" in door
        assert proxy.total
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        proxy.reset()
        with Registry.open(url) as door:
            assert "m" in door
        assert not proxy.total


def test_a_proxy_can_be_configured(far: Builder) -> None:
    far.tags("m@v1.0.0")
    assert isinstance(far.repo, Repo)
    with http_server(far.repo, relaying) as url:
        port = int(url.split(":")[2].split("/")[0])
        text = f"[http]\n\tproxy = http://127.0.0.1:{port}\n"
        Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(text)
        with Registry.open("http://models.invalid" + PATH) as door:
            assert "m" in door


def test_the_example_shows_its_progress(
    door: Registry, far: Builder, capsys: pytest.CaptureFixture[str]
) -> None:
    far.tags("m@v1.0.0", "m#prod#1")
    example = Path(__file__).parents[1] / "examples" / "progress.py"
    runpy.run_path(str(example))["main"](door._store.location)
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == "2 events"
    assert "tags read" in shown.err


def test_a_file_url_is_a_repository_on_this_machine(far: Builder) -> None:
    far.tags("m@v1.0.0")
    assert isinstance(far.repo, Repo)
    with Registry.open(f"file://{far.repo.path}") as door:
        assert same(door, far.registry)
    with pytest.raises(RepositoryNotFoundError, match="is not in a Git repository"):
        Registry.open(f"file://{far.repo.path}/objects")


def test_a_url_may_be_rewritten_by_the_configuration(far: Builder, url: str) -> None:
    far.tags("m@v1.0.0")
    text = f'[url "{url.removesuffix(PATH)}/"]\n\tinsteadOf = models:\n'
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(text)
    with Registry.open(f"models:{PATH[1:]}") as door:
        assert same(door, far.registry)


def test_lightweight_tags_are_problems_there_as_here(door: Registry, far: Builder) -> None:
    far.ref("refs/tags/m@v1.0.0", far.commits["c1"])
    assert [problem.kind for problem in door.problems()] == [ProblemKind.LIGHTWEIGHT]
    assert door.problems() == far.registry.problems()


def test_the_author_at_a_url_is_the_configured_one(
    door: Registry, far: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    for number, part in enumerate(("name", "email")):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", f"user.{part}")
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", part)
    event = door.register("m", "v9.0.0", commit=far.commit())
    assert str(event.author) == "name <email>"
