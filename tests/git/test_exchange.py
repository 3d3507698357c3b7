"""Tags pushed and fetched between repositories: missing ones are copied, none is overwritten."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from dulwich.client import LsRemoteResult, TCPGitClient
from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import MemoryRepo, Repo

from modelversions import (
    ConfigurationError,
    Conflict,
    Identity,
    InvalidArgumentError,
    InvalidNameError,
    NotPushedError,
    PushRejectedError,
    Registry,
    RemoteAheadError,
    RemoteError,
    RepositoryError,
    RepositoryNotFoundError,
    SyncResult,
    TagNotFoundError,
    VersionExistsError,
)
from modelversions.git import sync
from modelversions.git.exchange import ConnectedRemote
from modelversions.git.local.local_refs import LocalRefs, NewRef
from modelversions.git.remote.error_translation import AtomicPushError
from modelversions.git.remote.transport import PushResult, Transport
from tests.builders import Builder
from tests.servers import git_server

ANN = Identity("Ann", "ann@example.com")
SERVERS = ["git", "http"]


@pytest.fixture
def remote_repo(bare: Builder) -> Builder:
    """The other repository: bare, empty."""
    return bare


@pytest.fixture
def local_repo(disk: Builder, url: str) -> Builder:
    """A repository with a remote ``origin``."""
    configure(disk, f'[remote "origin"]\n\turl = {url}\n')
    return disk


def configure(builder: Builder, text: str) -> None:
    with Path(builder.repo.controldir(), "config").open("a") as file:  # type: ignore[union-attr]
        file.write(text)


def tags(builder: Builder) -> list[str]:
    return [ref.name for ref in builder.registry._store.tags()]


def test_all_events_that_the_remote_lacks_are_pushed(
    local_repo: Builder, remote_repo: Builder
) -> None:
    local_repo.commit("c2", 1, "c1")
    local_repo.tags("m@v1.0.0", "m#prod#1", "n@v1.0.0", "release-1", commit="c2")
    local_repo.ref("refs/tags/m@v2.0.0", local_repo.commits["c2"])
    result = local_repo.registry.push()
    assert result.transferred == ("m#prod#1", "m@v1.0.0", "n@v1.0.0")
    assert (result.unchanged, result.conflicts) == ((), ())
    assert tags(remote_repo) == list(result.transferred)
    assert remote_repo.registry.history() == local_repo.registry.history()
    assert local_repo.registry.push().unchanged == result.transferred
    assert remote_repo.registry.problems() == ()


def test_only_the_given_tags_are_pushed(local_repo: Builder, remote_repo: Builder) -> None:
    local_repo.tags("m@v1.0.0", "m#prod#1", "n@v1.0.0")
    registry = local_repo.registry
    assert registry.push(registry["m"].history[1]).transferred == ("m#prod#1",)
    latest = registry["n"].latest
    assert latest
    assert registry.push(latest, "m@v1.0.0").transferred == ("m@v1.0.0", "n@v1.0.0")
    assert tags(remote_repo) == ["m#prod#1", "m@v1.0.0", "n@v1.0.0"]
    with pytest.raises(TagNotFoundError):
        registry.push("m@v9.0.0")
    for nothing in (None, registry.event("typo"), 3):
        with pytest.raises(InvalidArgumentError, match="a tag must be given as text"):
            registry.push(nothing)  # type: ignore[arg-type]


def test_a_tag_that_differs_is_a_conflict_and_is_not_changed(
    local_repo: Builder, remote_repo: Builder
) -> None:
    local_repo.tags("m@v1.0.0", "m@v2.0.0")
    local = local_repo.registry._store.tags()
    remote_repo.tags("m@v1.0.0", "m@v3.0.0")
    remote = remote_repo.tag("m@v1.0.0", message="another")
    for result in (local_repo.registry.push(), local_repo.registry.fetch()):
        assert result.conflicts == (Conflict("m@v1.0.0", local[0].id, remote),)
        assert result.remote in str(result)
        assert f"conflict: m@v1.0.0: {local[0].id[:7]} local, {remote[:7]} remote" in str(result)
        assert repr(result.conflicts[0]) == f"<Conflict {result.conflicts[0]}>"
    assert result.transferred == ("m@v3.0.0",)
    assert {ref.name: ref.id for ref in remote_repo.registry._store.tags()}["m@v1.0.0"] == remote
    assert local_repo.registry._store.tags()[0] == local[0]


def test_missing_events_are_fetched(local_repo: Builder, remote_repo: Builder) -> None:
    remote_repo.commit("f1", 5)
    remote_repo.commit("f2", 6, "f1")
    remote_repo.tags("m@v1.0.0", "m#prod#1", "release-1", commit="f2")
    remote_repo.ref("refs/tags/m@v2.0.0", remote_repo.commits["f2"])
    steps: list[Any] = []
    with Registry.open(local_repo.repo.path, progress=lambda *step: steps.append(step)) as registry:  # type: ignore[union-attr]
        result = registry.fetch()
        assert result.transferred == ("m#prod#1", "m@v1.0.0")
        assert registry.history() == remote_repo.registry.history()
        assert registry.problems() == ()
        assert registry.fetch().unchanged == result.transferred
    assert tags(local_repo) == ["m#prod#1", "m@v1.0.0"]
    assert remote_repo.commits["f1"].encode() in local_repo.repo.object_store  # type: ignore[operator]
    assert str(result) == f"{result.remote}: 2 transferred, 0 unchanged"
    assert repr(result) == f"<SyncResult {result}>"


def test_a_tag_created_concurrently_is_not_overwritten(
    local_repo: Builder, remote_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote_repo.commit("f1", 5)
    remote_repo.tags("m@v1.0.0", commit="f1")
    real = LocalRefs.create

    def create_concurrently(refs: LocalRefs, tags: Sequence[NewRef]) -> None:
        local_repo.tag("m@v1.0.0", message="concurrent")
        real(refs, tags)

    monkeypatch.setattr(LocalRefs, "create", create_concurrently)
    result = local_repo.registry.fetch()
    assert result.transferred == ()
    assert [conflict.tag for conflict in result.conflicts] == ["m@v1.0.0"]


def test_a_tag_that_differs_at_the_remote_is_not_overwritten(
    local_repo: Builder, remote_repo: Builder
) -> None:
    local_repo.tags("m@v1.0.0")
    remote_repo.tags("m@v1.0.0")
    id = remote_repo.tag("m@v1.0.0", message="concurrent")
    result = local_repo.registry.push()
    assert result.transferred == ()
    assert [conflict.remote for conflict in result.conflicts] == [id]


def test_a_write_pushes_its_tags(local_repo: Builder, remote_repo: Builder) -> None:
    registry = local_repo.registry
    registry.register("m", "v1.0.0", author=ANN, push=True)
    registry.assign("n", stage="prod", register=True, author=ANN, push="origin")
    assert tags(remote_repo) == ["m@v1.0.0", "n#prod#1", "n@v0.0.1"]
    registry.deregister("m", "v1.0.0", author=ANN, push=True)
    registry.unassign("n", "v0.0.1", "prod", author=ANN, push=True)
    registry.deprecate("n", author=ANN, push=True)
    assert remote_repo.registry.history() == registry.history()
    registry.register("o", author=ANN, push=True, dry_run=True)
    assert "o" not in remote_repo.registry


def test_a_push_to_an_unknown_remote_is_refused_before_anything_is_written(
    disk: Builder,
) -> None:
    configure(disk, '[remote "up"]\n\turl = /nowhere\n')
    with pytest.raises(
        RepositoryNotFoundError, match=r"'origin' is neither a remote \(remotes: up\)"
    ):
        disk.registry.register("m", author=ANN, push=True)
    assert not tags(disk)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_write_that_pushes_nothing_closes_the_remote(
    local_repo: Builder, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    local_repo.tags("m@v1.0.0")
    closed: list[ConnectedRemote] = []
    real = ConnectedRemote.close

    def close(exchange: ConnectedRemote) -> None:
        closed.append(exchange)
        real(exchange)

    monkeypatch.setattr(ConnectedRemote, "close", close)
    version = "v2.0.0" if dry_run else "v1.0.0"
    refusal = contextlib.nullcontext() if dry_run else pytest.raises(VersionExistsError)
    with refusal:
        local_repo.registry.register(
            "m", version, author=ANN, push=True, force=True, dry_run=dry_run
        )
    assert len(closed) == 1


def test_nothing_is_written_if_the_remote_is_missing(disk: Builder, tmp_path: Path) -> None:
    configure(disk, f'[remote "origin"]\n\turl = {tmp_path}/nowhere\n')
    with pytest.raises(RepositoryNotFoundError, match="nowhere"):
        disk.registry.register("m", author=ANN, push=True)
    assert not tags(disk)


@pytest.mark.parametrize("dry_run", [True, False])
def test_nothing_is_written_if_the_remote_has_unknown_events(
    local_repo: Builder, remote_repo: Builder, dry_run: bool
) -> None:
    remote_repo.tags("m@v2.0.0")
    for _ in range(2):
        with pytest.raises(RemoteAheadError, match="has the tag 'm@v2.0.0', which is not") as error:
            local_repo.registry.register("m", author=ANN, push=True, dry_run=dry_run)
        assert error.value.tag == "m@v2.0.0"
        assert not tags(local_repo)
        remote_repo.tags("other@v2.0.0", "m2@v1.0.0", "m@nightly")
    local_repo.registry.fetch()
    local_repo.registry.register("m", author=ANN, push=True, force=True)
    assert "m@v2.0.1" in tags(remote_repo)


def test_nothing_is_written_if_a_tag_differs_at_the_remote(
    local_repo: Builder, remote_repo: Builder
) -> None:
    local_repo.tags("m@v1.0.0")
    remote_repo.tags("m@v1.0.0")
    remote_repo.tag("m@v1.0.0", message="another")
    with pytest.raises(RemoteAheadError, match=r"a different tag 'm@v1.0.0'; .*delete_tags"):
        local_repo.registry.assign("m", "v1.0.0", "prod", author=ANN, push=True)
    assert tags(local_repo) == ["m@v1.0.0"]


def test_the_local_tag_is_kept_if_the_remote_gets_another_one_meanwhile(
    local_repo: Builder, remote_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create_concurrently(*_: object) -> None:
        remote_repo.tags("m@v0.0.1")

    monkeypatch.setattr(sync, "check_fetched", create_concurrently)
    message = r"a different tag of that name: m@v0.0.1: .*; call registry.delete_tags\('m@v0.0.1'\)"
    with pytest.raises(NotPushedError, match=message):
        local_repo.registry.register("m", author=ANN, push=True)
    assert tags(local_repo) == ["m@v0.0.1"]


@pytest.mark.parametrize("url", SERVERS, indirect=True)
def test_a_rejected_tag_is_kept_locally(
    local_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = PushResult({"refs/tags/m@v0.0.1": "frozen"}, frozenset(), "")
    monkeypatch.setattr(Transport, "send", lambda *_, **__: result)
    message = "'m@v0.0.1' created locally but not pushed to .*: frozen.*; fix this, then call"
    with pytest.raises(NotPushedError, match=message) as caught:
        local_repo.registry.register("m", author=ANN, push=True)
    assert isinstance(caught.value.__cause__, PushRejectedError)
    assert tags(local_repo) == ["m@v0.0.1"]


@pytest.mark.parametrize(
    ("refused", "output", "message"),
    [
        (
            ["m@v1.0.0"],
            "frozen",
            "rejected the tag 'm@v1.0.0': no; the server's output: frozen; other tags accepted: 1;",
        ),
        (["m@v1.0.0", "m@v2.0.0"], "", "rejected the tag 'm@v1.0.0': no; check the server's rules"),
    ],
)
@pytest.mark.parametrize("url", SERVERS, indirect=True)
def test_a_refusal_includes_the_servers_message(
    local_repo: Builder,
    monkeypatch: pytest.MonkeyPatch,
    refused: list[str],
    output: str,
    message: str,
) -> None:
    local_repo.tags("m@v1.0.0", "m@v2.0.0")
    result = PushResult({f"refs/tags/{name}": "no" for name in refused}, frozenset(), output)
    monkeypatch.setattr(Transport, "send", lambda *_, **__: result)
    with pytest.raises(PushRejectedError) as caught:
        local_repo.registry.push()
    assert message in str(caught.value)


@pytest.mark.parametrize("url", SERVERS, indirect=True)
def test_several_tags_are_pushed_to_a_server_without_atomic_pushes(
    local_repo: Builder, remote_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_repo.tags("m@v1.0.0", "m@v2.0.0")
    real = Transport.send

    def not_atomic(transport: Transport, *arguments: Any, atomic: bool) -> PushResult:
        if atomic:
            raise AtomicPushError("not all or none", argument="atomic", value=None)
        return real(transport, *arguments, atomic=False)

    monkeypatch.setattr(Transport, "send", not_atomic)
    assert local_repo.registry.push().transferred == ("m@v1.0.0", "m@v2.0.0")
    assert tags(remote_repo) == ["m@v1.0.0", "m@v2.0.0"]


@pytest.mark.parametrize("url", SERVERS, indirect=True)
def test_an_interrupted_fetch_creates_no_tag(
    local_repo: Builder, remote_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote_repo.commit("f1", 5)
    remote_repo.tags("m@v1.0.0", commit="f1")

    def fail(*_: Any, **__: Any) -> None:
        raise RemoteError("the connection broke", location="remote")

    monkeypatch.setattr(Transport, "fetch_pack", fail)
    with pytest.raises(RemoteError):
        local_repo.registry.fetch()
    assert not tags(local_repo)


# how a remote is found


@pytest.mark.parametrize("key", ["proxy", "proxyAuthMethod"])
def test_a_proxy_of_the_remote_is_not_ignored(disk: Builder, key: str) -> None:
    def remote(url: str) -> None:
        config = f'[remote "one"]\n\turl = {url}\n\t{key} = basic\n'
        (disk.git_dir / "config").write_text(config)

    remote("http://127.0.0.1:1/x.git")
    with pytest.raises(ConfigurationError, match=f"remote.one.{key} is not supported; set http"):
        disk.registry.fetch(remote="one")
    remote("git://127.0.0.1:1/x.git")
    with pytest.raises(RemoteError):
        disk.registry.fetch(remote="one")


def test_a_remote_is_found_as_git_finds_it(disk: Builder, tmp_path: Path) -> None:
    with (
        Repo.init_bare(str(tmp_path / "pulls"), mkdir=True) as pulls,
        Repo.init_bare(str(tmp_path / "pushes"), mkdir=True) as pushes,
    ):
        Builder(pulls).commit()
        Builder(pulls).tags("m@v1.0.0", commit=Builder(pulls).commit())
        configure(
            disk,
            '[remote "origin"]\n\turl = short:pulls\n'
            f'[url "{tmp_path}/"]\n\tinsteadOf = short:\n'
            '[remote "two"]\n\turl = ../pulls\n\tpushurl = ../pushes\n',
        )
        registry = disk.registry
        assert registry.fetch().transferred == ("m@v1.0.0",)
        assert registry.fetch(remote="two").unchanged == ("m@v1.0.0",)
        assert registry.push(remote="two").unchanged == ()
        assert tags(Builder(pushes)) == ["m@v1.0.0"]
        assert registry.push(remote=str(tmp_path / "pushes")).unchanged == ("m@v1.0.0",)


def test_each_of_several_urls_is_pushed_to(disk: Builder, tmp_path: Path) -> None:
    with (
        Repo.init_bare(str(tmp_path / "one"), mkdir=True) as one,
        Repo.init_bare(str(tmp_path / "two"), mkdir=True) as two,
    ):
        for name in ("url", "pushurl"):
            lines = "".join(f"\t{name} = {repo.path}\n" for repo in (one, two))
            url = "" if name == "url" else "\turl = /nowhere\n"
            configure(disk, f'[remote "origin"]\n{url}{lines}')
            event = disk.registry.register(name, "v1.0.0", author=ANN)
            result = disk.registry.push(event)
            assert result.transferred == (event.tag,)
            assert result.remote == f"file://{one.path}, file://{two.path}"
            assert event.tag in tags(Builder(one))
            assert event.tag in tags(Builder(two))
            assert disk.registry.push(event).unchanged == (event.tag,)
        Builder(two).ref("refs/tags/url@v1.0.0", disk.commits["c1"])
        assert [one.tag for one in disk.registry.push("url@v1.0.0").conflicts] == ["url@v1.0.0"]
        Builder(one).repo.refs.remove_if_equals(Ref(b"refs/tags/pushurl@v1.0.0"), None)
        assert disk.registry.push("pushurl@v1.0.0").transferred == ("pushurl@v1.0.0",)


def test_if_one_url_fails_the_next_is_pushed_to(disk: Builder, tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path / "two"), mkdir=True) as two:
        configure(disk, f'[remote "origin"]\n\turl = {tmp_path}/one\n\turl = {two.path}\n')
        disk.tags("m@v1.0.0")
        with pytest.raises(RepositoryNotFoundError) as caught:
            disk.registry.push()
        assert f"{tmp_path}/one" in str(caught.value)
        assert str(caught.value).endswith(f"; the tags were pushed to file://{two.path}")
        assert tags(Builder(two)) == ["m@v1.0.0"]


def test_a_repository_in_memory_fetches_from_and_pushes_to_a_path(tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path)) as repo:
        remote_repo = Builder(repo).tags("m@v1.0.0")
        memory = Builder(MemoryRepo())
        assert memory.registry.fetch(remote=str(tmp_path)).transferred == ("m@v1.0.0",)
        memory.tag("m@v2.0.0", remote_repo.commits["c1"])
        assert memory.registry.push(remote=str(tmp_path)).transferred == ("m@v2.0.0",)


def test_a_hook_of_a_local_remote_is_not_bypassed(disk: Builder, tmp_path: Path) -> None:
    disk.tags("m@v1.0.0")
    with Repo.init_bare(str(tmp_path / "other"), mkdir=True) as repo:
        hook = Path(repo.path, "hooks", "pre-receive")
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
        with pytest.raises(
            PushRejectedError, match="pre-receive', which only Git can run; push with"
        ):
            disk.registry.push(remote=repo.path)
        hook.chmod(0o644)
        assert disk.registry.push(remote=repo.path).transferred == ("m@v1.0.0",)


def test_a_configuration_that_cannot_be_read_is_an_error(disk: Builder) -> None:
    configure(disk, "[remote\n")
    with pytest.raises(ConfigurationError):
        disk.registry.push()


def test_a_result_is_a_value() -> None:
    assert SyncResult("r", ("a",), (), ()) == SyncResult("r", ("a",), (), ())


class TestMaliciousServers:
    """Malicious answers of a server, which Git rejects."""

    def test_a_name_that_leads_out_of_the_repository_is_ignored(
        self, disk: Builder, remote_repo: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remote_repo.tags("m@v1.0.0")
        id = ObjectID(remote_repo.registry._store.tags()[0].id.encode())
        real = TCPGitClient.get_refs

        def malicious(client: TCPGitClient, *arguments: Any, **options: Any) -> LsRemoteResult:
            found = real(client, *arguments, **options)
            found.refs[Ref(b"refs/tags/../../x=m@v1.0.0")] = id
            found.refs[Ref(b"refs/tags/n@v1.0.0")] = ObjectID(b"no id")
            return found

        monkeypatch.setattr(TCPGitClient, "get_refs", malicious)
        assert isinstance(remote_repo.repo, Repo)
        with git_server(remote_repo.repo) as url:
            assert disk.registry.fetch(remote=url).transferred == ("m@v1.0.0",)
            assert list(Registry.open(url)) == ["m"]
        with pytest.raises(InvalidNameError):
            LocalRefs(disk.repo, "repository").create([NewRef("../x=m@v1.0.0", id.decode())])

    def test_a_tag_whose_commit_is_not_sent_is_not_fetched(
        self, disk: Builder, remote_repo: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remote_repo.commit("f1", 5)
        remote_repo.tags("m@v1.0.0", commit="f1")
        real = Transport.fetch_pack

        def part(transport: Transport, wants: Any, file: Any, **_: Any) -> None:
            real(transport, wants, file, haves=[remote_repo.commits["f1"]])

        monkeypatch.setattr(Transport, "fetch_pack", part)
        assert isinstance(remote_repo.repo, Repo)
        with (
            git_server(remote_repo.repo) as url,
            pytest.raises(RemoteError, match="did not send .*, so no tag was fetched"),
        ):
            disk.registry.fetch(remote=url)
        assert not tags(disk)

    def test_an_object_that_was_not_requested_is_not_accepted(
        self, disk: Builder, remote_repo: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remote_repo.commit("f1", 5)
        remote_repo.tags("m@v1.0.0", commit="f1")
        real = Transport.fetch_pack
        other = remote_repo.commit("f2", 6)

        def another(transport: Transport, _wants: Any, file: Any, **options: Any) -> None:
            real(transport, [other], file, **options)

        monkeypatch.setattr(Transport, "fetch_pack", another)
        assert isinstance(remote_repo.repo, Repo)
        with git_server(remote_repo.repo) as url, pytest.raises(RemoteError, match="did not send"):
            disk.registry.fetch(remote=url)
        assert not tags(disk)

    def test_another_object_format_is_refused(self, disk: Builder, tmp_path: Path) -> None:
        with Repo.init_bare(str(tmp_path / "wide"), mkdir=True, object_format="sha256") as repo:
            Builder(repo).tags("m@v1.0.0")
            with pytest.raises(
                RepositoryError, match="differs from this repository's, which is sha1; fetch from a"
            ):
                disk.registry.fetch(remote=repo.path)

    def test_a_sha256_repository_is_not_pushed_to_a_server(self, tmp_path: Path) -> None:
        with Repo.init(str(tmp_path / "wide"), mkdir=True, object_format="sha256") as repo:
            sha256 = Builder(repo).tags("m@v1.0.0")
            with pytest.raises(
                PushRejectedError,
                match="a SHA-256 repository to a server is not supported; push wi",
            ):
                sha256.registry.push(remote="git://127.0.0.1:1/m")

    def test_hooks_are_found_in_the_configured_directory(
        self, disk: Builder, remote_repo: Builder, tmp_path: Path
    ) -> None:
        disk.tags("m@v1.0.0")
        hook = tmp_path / "hooks" / "post-receive"
        hook.parent.mkdir()
        hook.write_text("#!/bin/sh\n")
        hook.chmod(0o755)
        assert isinstance(remote_repo.repo, Repo)
        with Path(remote_repo.repo.path, "config").open("a") as file:
            file.write(f"[core]\n\thooksPath = {hook.parent}\n")
        with pytest.raises(PushRejectedError, match="post-receive"):
            disk.registry.push(remote=remote_repo.repo.path)


def test_a_tag_that_conflicts_with_a_directory_is_a_conflict(
    local_repo: Builder, remote_repo: Builder
) -> None:
    local_repo.tag("m#prod")
    remote_repo.tags("a@v1.0.0", "m#prod/eu#1", "z@v1.0.0")
    result = local_repo.registry.fetch()
    assert result.transferred == ("a@v1.0.0", "z@v1.0.0")
    assert [(one.tag, one.local) for one in result.conflicts] == [("m#prod/eu#1", "")]
    assert "m#prod/eu#1: name conflict local, " in str(result)


@pytest.mark.parametrize("url", SERVERS, indirect=True)
def test_a_push_without_a_report_is_an_error(
    local_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_repo.tags("m@v1.0.0")
    result = PushResult({}, frozenset({"refs/tags/m@v1.0.0"}), "")
    monkeypatch.setattr(Transport, "send", lambda *_, **__: result)
    with pytest.raises(RemoteError, match="did not report whether"):
        local_repo.registry.push()


@pytest.mark.parametrize("remote", [None, 7])
def test_what_cannot_be_a_remote_is_refused(disk: Builder, remote: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="a remote is a name such as 'origin'"):
        disk.registry.push(remote=remote)


def test_a_path_is_relative_to_the_current_directory(
    disk: Builder, remote_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.tags("m@v1.0.0")
    assert isinstance(remote_repo.repo, Repo)
    monkeypatch.chdir(Path(remote_repo.repo.path).parent)
    assert disk.registry.push(remote=Path(remote_repo.repo.path).name).transferred == ("m@v1.0.0",)
    assert disk.registry.push(remote=Path(remote_repo.repo.path)).unchanged == ("m@v1.0.0",)  # type: ignore[arg-type]


def test_a_path_without_a_repository(disk: Builder, tmp_path: Path) -> None:
    disk.tags("m@v1.0.0")
    with pytest.raises(RepositoryNotFoundError):
        disk.registry.push(remote=str(tmp_path))


@pytest.mark.parametrize(("own", "other"), [("sha1", "sha256"), ("sha256", "sha1")])
def test_a_push_between_object_formats_changes_nothing(
    tmp_path: Path, own: str, other: str
) -> None:
    with (
        Repo.init_bare(str(tmp_path / "own"), mkdir=True, object_format=own) as repo,
        Repo.init_bare(str(tmp_path / "other"), mkdir=True, object_format=other) as target,
    ):
        builder = Builder(repo)
        builder.commit()
        builder.tags("m@v1.0.0")
        with pytest.raises(PushRejectedError, match=f"its object format is {other}, unlike"):
            builder.registry.push(remote=target.path)
        assert target.refs.allkeys() <= {b"HEAD"}
        assert list(target.object_store) == []


def test_a_tag_may_be_named_twice(local_repo: Builder) -> None:
    local_repo.tags("m@v1.0.0")
    assert local_repo.registry.push("m@v1.0.0", "refs/tags/m@v1.0.0").transferred == ("m@v1.0.0",)
    assert list(local_repo.registry.delete_tags("m@v1.0.0", "m@v1.0.0")) == ["m@v1.0.0"]
    assert len(local_repo.registry) == 0


def test_an_object_that_is_missing_locally_is_named(local_repo: Builder) -> None:
    local_repo.commit("c2", 1, "c1")
    local_repo.tags("m@v1.0.0", commit="c2")
    sha = local_repo.commits["c1"]
    (local_repo.git_dir / "objects" / sha[:2] / sha[2:]).unlink()
    with pytest.raises(RepositoryError, match=f"lacks the object {sha}, which has to be pushed; "):
        local_repo.registry.push()
