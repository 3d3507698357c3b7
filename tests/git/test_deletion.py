"""Tags deleted locally and at a remote: only equal ones; errors list the deleted tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dulwich.repo import Repo

from modelversions import (
    AuthenticationError,
    InvalidArgumentError,
    PartlyDeletedError,
    PushRejectedError,
    Registry,
    RemoteError,
    RepositoryNotFoundError,
    WriteConflictError,
)
from modelversions.git.remote.error_translation import AtomicPushError
from modelversions.git.remote.transport import PushResult, Transport
from tests.builders import Builder
from tests.git.test_exchange import configure, tags

ALL = ["m#prod#1", "m@v1.0.0", "n@v1.0.0"]
SERVERS = ["git", "http"]


@pytest.fixture
def remote_repo(bare: Builder) -> Builder:
    """The other repository: bare, empty."""
    return bare


@pytest.fixture
def local_repo(disk: Builder, url: str) -> Builder:
    """A repository with three tags, which its remote has too."""
    configure(disk, f'[remote "origin"]\n\turl = {url}\n')
    disk.tags(*ALL)
    disk.registry.push()
    return disk


def test_tags_are_deleted_in_both(local_repo: Builder, remote_repo: Builder, url: str) -> None:
    registry = local_repo.registry
    ids = {ref.name: ref.id for ref in registry._store.tags()}
    event = registry["m"].history[1]
    assert registry.delete_tags(event, "m#prod#1", push=True) == {
        name: ids[name] for name in ("m@v1.0.0", "m#prod#1")
    }
    assert tags(local_repo) == tags(remote_repo) == ["n@v1.0.0"]
    assert list(registry.delete_tags("n@v1.0.0", push=url)) == ["n@v1.0.0"]
    assert tags(local_repo) == tags(remote_repo) == []
    assert registry.delete_tags(push=True) == {}


def test_a_tag_that_the_remote_lacks(local_repo: Builder, remote_repo: Builder) -> None:
    remote_repo.registry.delete_tags("m@v1.0.0")
    local_repo.registry.delete_tags("m@v1.0.0", "m#prod#1", push=True)
    assert tags(local_repo) == tags(remote_repo) == ["n@v1.0.0"]
    remote_repo.registry.delete_tags("n@v1.0.0")
    local_repo.registry.delete_tags("n@v1.0.0", push=True)
    assert tags(local_repo) == []


def test_a_dry_run_deletes_nothing_and_connects_to_no_remote(
    local_repo: Builder, remote_repo: Builder
) -> None:
    assert list(local_repo.registry.delete_tags("m@v1.0.0", push=True, dry_run=True)) == [
        "m@v1.0.0"
    ]
    assert tags(local_repo) == tags(remote_repo) == ALL
    with pytest.raises(RepositoryNotFoundError, match="'other' is neither a remote"):
        local_repo.registry.delete_tags("m@v1.0.0", push="other", dry_run=True)


def test_a_tag_that_differs_at_the_remote(local_repo: Builder, remote_repo: Builder) -> None:
    id = remote_repo.tag("m@v1.0.0", local_repo.commits["c1"], 77)
    with pytest.raises(WriteConflictError, match=f"'m@v1.0.0' is {id} at .*nothing was") as caught:
        local_repo.registry.delete_tags("n@v1.0.0", "m@v1.0.0", push=True)
    assert caught.value.tag == "m@v1.0.0"
    assert tags(local_repo) == tags(remote_repo) == ALL


@pytest.mark.usefixtures("short_lock_timeout")
def test_a_tag_that_is_locked_locally(local_repo: Builder, remote_repo: Builder, url: str) -> None:
    lock = local_repo.git_dir / "refs" / "tags" / "m@v1.0.0.lock"
    lock.touch()
    with pytest.raises(
        PartlyDeletedError, match="tags 'm@v1.0.0' and 'n@v1.0.0' deleted at '"
    ) as e:
        local_repo.registry.delete_tags("m@v1.0.0", "n@v1.0.0", push=True)
    assert e.value.tags == ("m@v1.0.0", "n@v1.0.0")
    assert url.rstrip("/") in e.value.location
    assert isinstance(e.value.__cause__, WriteConflictError)
    assert (tags(remote_repo), tags(local_repo)) == (["m#prod#1"], ALL)
    with pytest.raises(WriteConflictError, match="is locked by another writer"):
        local_repo.registry.delete_tags("m@v1.0.0", push=True)  # the remote lacks it already
    lock.unlink()
    local_repo.registry.delete_tags("m@v1.0.0", "n@v1.0.0", push=True)
    assert tags(local_repo) == ["m#prod#1"]


@pytest.mark.parametrize("url", ["file"], indirect=True)
def test_a_repository_at_a_path_that_hides_the_tag(
    local_repo: Builder, remote_repo: Builder
) -> None:
    configure(remote_repo, "[receive]\nhideRefs = refs/tags/m\nhideRefs = refs/tags/m@v1.0.0\n")
    with pytest.raises(PushRejectedError, match="hides the ref"):
        local_repo.registry.delete_tags("m@v1.0.0", push=True)
    assert tags(local_repo) == tags(remote_repo) == ALL
    local_repo.tags("o@v1.0.0")
    assert "o@v1.0.0" in local_repo.registry.push().transferred


@pytest.mark.parametrize("url", ["file"], indirect=True)
def test_several_urls_to_push_to(local_repo: Builder, remote_repo: Builder, tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path / "second"), mkdir=True) as repo:
        second = Builder(repo)
        for path in (remote_repo.repo.path, repo.path):  # type: ignore[union-attr]
            configure(local_repo, f'[remote "origin"]\n\tpushurl = {path}\n')
        local_repo.registry.push()
        local_repo.registry.delete_tags("m@v1.0.0", push=True)
        assert tags(local_repo) == tags(remote_repo) == tags(second) == ["m#prod#1", "n@v1.0.0"]
        configure(second, "[receive]\nhideRefs = refs/tags\n")
        with pytest.raises(PartlyDeletedError, match="'n@v1.0.0' deleted at .*, but not at") as e:
            local_repo.registry.delete_tags("n@v1.0.0", push=True)
        assert e.value.tags == ("n@v1.0.0",)
        assert isinstance(e.value.__cause__, PushRejectedError)
        assert (tags(remote_repo), tags(second)) == (["m#prod#1"], ["m#prod#1", "n@v1.0.0"])
        assert tags(local_repo) == ["m#prod#1", "n@v1.0.0"]
        configure(remote_repo, "[receive]\nhideRefs = refs/tags\n")
        with pytest.raises(PushRejectedError):
            local_repo.registry.delete_tags("m#prod#1", push=True)


@pytest.mark.parametrize("url", SERVERS, indirect=True)
class TestServers:
    def test_the_answer_is_lost(
        self, local_repo: Builder, remote_repo: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Transport.send

        def lost(transport: Transport, *arguments: Any, **options: Any) -> PushResult:
            real(transport, *arguments, **options)
            raise RemoteError("the connection broke", location="remote")

        monkeypatch.setattr(Transport, "send", lost)
        local_repo.registry.delete_tags("m@v1.0.0", push=True)
        assert tags(local_repo) == tags(remote_repo) == ["m#prod#1", "n@v1.0.0"]

    def test_the_request_is_lost(
        self, local_repo: Builder, remote_repo: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lost(transport: Transport, compute_updates: Any, *_: Any, **__: Any) -> PushResult:
            compute_updates(transport.refs([""]).ids)
            raise RemoteError("the connection broke", location="remote")

        monkeypatch.setattr(Transport, "send", lost)
        with pytest.raises(RemoteError, match="^the connection broke; nothing was deleted$"):
            local_repo.registry.delete_tags("m@v1.0.0", push=True)
        monkeypatch.setattr(Transport, "tags", lambda *_: lost)

        def down(*_: Any) -> None:
            raise RemoteError("no route", location="remote")

        monkeypatch.setattr(Transport, "tags", down)
        with pytest.raises(
            RemoteError, match="broke. The following tags may .* deleted: 'm@v1.0.0' .*no route"
        ):
            local_repo.registry.delete_tags("m@v1.0.0", push=True)
        assert tags(local_repo) == tags(remote_repo) == ALL

    def test_nothing_is_sent(self, local_repo: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
        for error in (RemoteError, AuthenticationError):

            def down(*_: Any, error: type[Any] = error, **__: Any) -> PushResult:
                raise error("not reachable", location="remote")

            monkeypatch.setattr(Transport, "send", down)
            with pytest.raises(error, match="^not reachable$"):
                local_repo.registry.delete_tags("m@v1.0.0", push=True)
        assert tags(local_repo) == ALL

    def test_a_server_without_atomic_pushes_deletes_some(
        self, local_repo: Builder, remote_repo: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Transport.send

        def send(
            transport: Transport, compute_updates: Any, pack: Any, *, atomic: bool
        ) -> PushResult:
            if atomic:
                raise AtomicPushError("not supported", argument="atomic", value=None)
            ref = "refs/tags/n@v1.0.0"

            def compute(refs: Any) -> dict[str, str]:
                updates = dict(compute_updates(refs))
                updates.pop(ref, None)
                return updates

            real(transport, compute, pack, atomic=False)
            return PushResult({ref: "it is protected"}, frozenset(), "")

        monkeypatch.setattr(Transport, "send", send)
        with pytest.raises(
            PartlyDeletedError, match="deleted 'm@v1.0.0', but not 'n@v1.0.0': "
        ) as e:
            local_repo.registry.delete_tags("m@v1.0.0", "n@v1.0.0", push=True)
        assert e.value.tags == ("m@v1.0.0",)
        assert "it is protected" in str(e.value)
        assert (tags(remote_repo), tags(local_repo)) == (["m#prod#1", "n@v1.0.0"], ALL)
        with pytest.raises(PushRejectedError, match="it is protected.*; nothing was deleted$"):
            local_repo.registry.delete_tags("m@v1.0.0", "n@v1.0.0", push=True)

    def test_a_server_that_reports_nothing(
        self, local_repo: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def send(transport: Transport, compute_updates: Any, *_: Any, **__: Any) -> PushResult:
            updates = compute_updates(transport.refs([""]).ids)
            return PushResult({}, frozenset(updates), "")

        monkeypatch.setattr(Transport, "send", send)
        with pytest.raises(RemoteError, match=r"did not report whether .*n@v1.* was deleted; noth"):
            local_repo.registry.delete_tags("n@v1.0.0", push=True)

    def test_a_registry_at_a_url_needs_no_push(self, local_repo: Builder, url: str) -> None:
        with Registry.open(url) as registry:
            with pytest.raises(InvalidArgumentError, match="is a server, where changes are made"):
                registry.delete_tags("m@v1.0.0", push=True)
            registry.delete_tags("m@v1.0.0")
        assert tags(local_repo) == ALL


def test_a_repository_that_is_its_own_remote(disk: Builder) -> None:
    disk.tags("m@v1.0.0")
    assert isinstance(disk.repo, Repo)
    path = disk.repo.path
    for remote in (path, f"file://{path}", f"{path}/.git", Registry.open(path)):
        with pytest.raises(InvalidArgumentError, match="push= names this repository itself, "):
            disk.registry.delete_tags("m@v1.0.0", push=remote)
        assert list(disk.registry) == ["m"]
