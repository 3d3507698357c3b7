"""Real servers accept every kind of write, refuse with their own messages, and lose nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from modelversions import (
    CommitTakenError,
    InvalidArgumentError,
    NotPushedError,
    PushRejectedError,
    Registry,
    RemoteAheadError,
    RemoteError,
    RevisionNotFoundError,
    StageHeldError,
    VersionExistsError,
)
from modelversions.credentials import git_credential_fill, netrc_file, token_from_env
from tests.builders import same
from tests.compat.git import Git, init
from tests.remote import servers
from tests.remote.conftest import (
    ANN,
    NAME,
    ServedRepo,
    bare,
    check_every_write,
    server,
    with_one_commit,
)
from tests.servers import proxied

pytestmark = pytest.mark.remote

CLIENTS = 8


def test_every_write_works_at_a_url(served_repo: ServedRepo) -> None:
    check_every_write(served_repo)
    assert "error" not in served_repo.git("fsck", "--strict", "--no-dangling")


def test_a_commit_is_a_full_sha_a_branch_a_tag_or_head(common_server_repo: ServedRepo) -> None:
    with common_server_repo.open() as remote_registry:
        head = common_server_repo.git("rev-parse", "HEAD").strip()
        common_server_repo.git("tag", "-a", "t", "-m", "a tag")
        for number, revision in enumerate([head, "main", "refs/heads/main", "t", "HEAD", "@"]):
            assert (
                remote_registry.register(f"m{number}", author=ANN, commit=revision).commit == head
            )
        for revision in (head[:8], "HEAD~1"):
            with pytest.raises(
                RevisionNotFoundError, match="cannot be resolved at a URL: short SHAs"
            ):
                remote_registry.register("m", author=ANN, commit=revision)
        with pytest.raises(RevisionNotFoundError, match="does not send the object 1111"):
            remote_registry.register("m", author=ANN, commit="1" * 40)
        assert "m" not in remote_registry
        tag = common_server_repo.git("rev-parse", "refs/tags/t").strip()
        assert remote_registry.register("m", author=ANN, commit=tag).commit == head
        common_server_repo.git("fsck", "--strict")


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_refusal_includes_the_output_of_the_hook(served_repo: ServedRepo, hook: str) -> None:
    path = served_repo.git.path / "hooks" / hook
    path.write_text("#!/bin/sh\necho 'Only the release job may write tags.' >&2\nexit 1\n")
    path.chmod(0o755)
    with served_repo.open() as remote_registry:
        with pytest.raises(PushRejectedError, match="Only the release job may write") as caught:
            remote_registry.register("m", author=ANN)
        assert "hook declined" in caught.value.reason
        with pytest.raises(PushRejectedError, match="Only the release job"):
            remote_registry.assign("m", stage="prod", register=True, author=ANN, commit="main")
        assert not list(remote_registry)


def test_a_server_without_pushes_is_an_error(tmp_path: Path) -> None:
    git = bare(tmp_path, with_one_commit)
    git("config", "http.receivepack", "false")
    with servers.web(tmp_path) as web, Registry.open(web.url + NAME) as remote_registry:
        assert not list(remote_registry)
        with pytest.raises(PermissionError, match="HTTP 403"):
            remote_registry.register("m", author=ANN)


def test_two_tags_are_pushed_atomically_or_not_at_all(served_repo: ServedRepo) -> None:
    served_repo.git("config", "receive.advertiseAtomic", "false")
    with served_repo.open() as remote_registry:
        with pytest.raises(InvalidArgumentError, match="does not support atomic pushes"):
            remote_registry.assign("m", stage="prod", register=True, author=ANN, commit="main")
        assert not list(remote_registry)
        remote_registry.register("m", author=ANN)
        remote_registry.assign("m", "v0.0.1", "prod", author=ANN)
        served_repo.git("config", "receive.advertiseAtomic", "true")
        remote_registry.assign("n", stage="prod", register=True, author=ANN, commit="main")
        assert len(remote_registry["n"].history) == 2


def test_a_refused_deletion_includes_the_output_of_the_hook(common_server_repo: ServedRepo) -> None:
    hook = common_server_repo.git.path / "hooks" / "update"
    hook.write_text('#!/bin/sh\n[ -n "${3%%0000*}" ] || { echo tags are kept; exit 1; }\n')
    hook.chmod(0o755)
    with common_server_repo.open() as remote_registry:
        remote_registry.register("m", author=ANN)
        with pytest.raises(PushRejectedError, match="tags are kept"):
            remote_registry.delete_tags("m@v0.0.1")
        assert "m" in remote_registry


@pytest.mark.parametrize("limit", [0, 100, 1000])
@pytest.mark.parametrize("silent", [True, False])
def test_a_connection_that_stalls_or_breaks_changes_all_tags_or_none(
    common_server_repo: ServedRepo, limit: int, silent: bool
) -> None:
    common_server_repo.git("tag", "-a", "m@v1.0.0", "-m", "existing")
    with (
        proxied(common_server_repo.port, limit=limit, silent=silent) as proxy,
        Registry.open(common_server_repo.at(proxy.port), timeout=0.5) as remote_registry,
    ):
        head = common_server_repo.git("rev-parse", "HEAD").strip()
        start = time.monotonic()
        with suppress(RemoteError):
            remote_registry.assign("n", stage="prod", register=True, author=ANN, commit=head)
        assert time.monotonic() - start < 20
    tags = common_server_repo.git("tag", "-l", "n*").split()
    assert tags in ([], ["n#prod#1", "n@v0.0.1"])
    common_server_repo.git("fsck", "--strict")


class TestRaces:
    """Eight clients of one server."""

    @pytest.fixture
    def remote_registries(self, common_server_repo: ServedRepo) -> Iterator[list[Registry]]:
        remote_registries = [common_server_repo.open() for _ in range(CLIENTS)]
        yield remote_registries
        for remote_registry in remote_registries:
            remote_registry.close()

    def test_one_of_many_registers_a_version(
        self, common_server_repo: ServedRepo, remote_registries: list[Registry]
    ) -> None:
        def register(remote_registry: Registry, version: str) -> bool:
            try:
                remote_registry.register("m", version, author=ANN, force=True)
            except VersionExistsError:
                return False
            return True

        with ThreadPoolExecutor(CLIENTS) as pool:
            for number in range(10):
                results = list(pool.map(register, remote_registries, [f"v1.0.{number}"] * CLIENTS))
                assert sum(results) == 1
        assert len(common_server_repo.local["m"]) == 10

    def test_no_assignment_is_lost(
        self, common_server_repo: ServedRepo, remote_registries: list[Registry]
    ) -> None:
        for number in range(CLIENTS):
            parts = ("-m", f"c{number}", "-p", "HEAD", "HEAD^{tree}")
            sha = common_server_repo.git("commit-tree", *parts).strip()
            common_server_repo.git("update-ref", f"refs/heads/b{number}", sha)
            remote_registries[0].register("m", f"v1.0.{number}", author=ANN, commit=sha)

        def assign(remote_registry: Registry, number: int) -> str:
            return remote_registry.assign("m", f"v1.0.{number}", "prod", author=ANN).tag

        with ThreadPoolExecutor(CLIENTS) as pool:
            tags = list(pool.map(assign, remote_registries, range(CLIENTS)))
        assert len(set(tags)) == CLIENTS
        model = common_server_repo.local["m"]
        assert len(model.holders("prod")) == CLIENTS
        assert len([event for event in model.history if event.stage]) == CLIENTS

    def test_one_of_many_assigns_the_same(self, remote_registries: list[Registry]) -> None:
        remote_registries[0].register("m", "v1.0.0", author=ANN)

        def assign(remote_registry: Registry) -> bool:
            try:
                remote_registry.assign("m", "v1.0.0", "prod", author=ANN)
            except StageHeldError:
                return False
            return True

        with ThreadPoolExecutor(CLIENTS) as pool:
            assert sum(pool.map(assign, remote_registries)) == 1


class TestExchange:
    """Tags pushed and fetched between a clone and a real server."""

    @pytest.fixture
    def clone(self, served_repo: ServedRepo, tmp_path: Path) -> Git:
        git = init(tmp_path / "clone")
        git("remote", "add", "origin", served_repo.url)
        git("fetch", "-q", str(served_repo.git.path), "main")
        git("reset", "-q", "--hard", "FETCH_HEAD")
        return git

    def test_a_tag_is_pushed_with_its_commits(self, served_repo: ServedRepo, clone: Git) -> None:
        (clone.path / "model").write_bytes(os.urandom(100_000))
        clone("add", "model")
        clone.commit()
        with (
            Registry.open(clone.path, **served_repo.options) as local,
            served_repo.local as in_served_repo,
        ):
            event = local.register("m", "v1.0.0", author=ANN, push=True)
            assert in_served_repo.event(event.tag) == event
            local.assign("m", "v1.0.0", "prod", author=ANN)
            local.register("n", "v1.0.0", author=ANN)
            result = local.push()
            assert (result.transferred, result.unchanged) == (
                ("m#prod#1", "n@v1.0.0"),
                ("m@v1.0.0",),
            )
            assert same(local, in_served_repo)
        served_repo.git("fsck", "--strict")

    def test_tags_are_deleted_on_the_server_too(self, served_repo: ServedRepo, clone: Git) -> None:
        with Registry.open(clone.path, **served_repo.options) as local:
            for number in range(3):
                local.register("m", f"v1.0.{number}", author=ANN, force=True)
            local.push()
            local.delete_tags("m@v1.0.0", "m@v1.0.1", push=True)
            assert served_repo.git("tag").split() == clone("tag").split() == ["m@v1.0.2"]
            hook = served_repo.git.path / "hooks" / "update"
            hook.write_text("#!/bin/sh\nexit 1\n")
            hook.chmod(0o755)
            with pytest.raises(PushRejectedError, match="'m@v1.0.2': hook declined"):
                local.delete_tags("m@v1.0.2", push=True)
            assert served_repo.git("tag").split() == clone("tag").split() == ["m@v1.0.2"]

    def test_tags_are_fetched_with_their_commits(self, served_repo: ServedRepo, clone: Git) -> None:
        work = served_repo.git.path.parent / "source"
        Git(work)("remote", "add", "up", str(served_repo.git.path))
        (work / "model").write_bytes(os.urandom(100_000))
        Git(work)("add", "model")
        sha = Git(work).commit()
        Git(work)("tag", "-a", "m@v1.0.0", "-m", "theirs")
        Git(work)("tag", "-a", "release-1", "-m", "not ours")
        Git(work)("push", "-q", "up", "--tags")
        clone("tag", "-a", "n@v1.0.0", "-m", "ours")
        served_repo.git("tag", "-a", "n@v1.0.0", "-m", "theirs")
        local_id = clone("rev-parse", "n@v1.0.0")
        with Registry.open(clone.path, **served_repo.options) as local:
            result = local.fetch()
            assert result.transferred == ("m@v1.0.0",)
            assert [conflict.tag for conflict in result.conflicts] == ["n@v1.0.0"]
            assert local["m"]["v1.0.0"].commit == sha
            assert local.fetch().unchanged == ("m@v1.0.0",)
        assert clone("rev-parse", "n@v1.0.0") == local_id
        assert clone("tag").split() == ["m@v1.0.0", "n@v1.0.0"]
        clone("cat-file", "-e", f"{sha}:model")
        clone("fsck", "--strict")

    def test_the_local_tag_is_kept_after_a_refusal(
        self, served_repo: ServedRepo, clone: Git
    ) -> None:
        hook = served_repo.git.path / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\necho 'frozen until Monday' >&2\nexit 1\n")
        hook.chmod(0o755)
        with Registry.open(clone.path, **served_repo.options) as local:
            with pytest.raises(NotPushedError, match="frozen until Monday.*fix this, then call"):
                local.register("m", "v1.0.0", author=ANN, push=True)
            assert local["m"].latest
            hook.unlink()
            assert local.push().transferred == ("m@v1.0.0",)

    def test_a_push_of_many_tags_is_atomic_if_the_server_supports_that(
        self, served_repo: ServedRepo, clone: Git
    ) -> None:
        hook = served_repo.git.path / "hooks" / "update"
        hook.write_text('#!/bin/sh\n[ "$1" != refs/tags/m@v1.0.1 ]\n')
        hook.chmod(0o755)
        with Registry.open(clone.path, **served_repo.options) as local:
            for number in range(3):
                local.register("m", f"v1.0.{number}", author=ANN, force=True)
            with pytest.raises(PushRejectedError):
                local.push()
            assert served_repo.git("tag").split() == []
            served_repo.git("config", "receive.advertiseAtomic", "false")
            with pytest.raises(PushRejectedError, match="'m@v1.0.1'.*; other tags accepted: 2;"):
                local.push()
            assert served_repo.git("tag").split() == ["m@v1.0.0", "m@v1.0.2"]

    def test_two_writers_with_clones_do_not_overwrite(
        self, served_repo: ServedRepo, clone: Git
    ) -> None:
        with (
            Registry.open(clone.path, **served_repo.options) as local,
            served_repo.open() as remote_registry,
        ):
            remote_registry.register("m", "v1.0.0", author=ANN, message="remote")
            with pytest.raises(RemoteAheadError, match="'m@v1.0.0', which is not in the local"):
                local.register("m", "v1.0.0", author=ANN, push=True)
            assert remote_registry["m"]["v1.0.0"].message == "remote"


class TestCredentials:
    """The provided ones, at a server that requires a password."""

    @pytest.fixture
    def guarded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedRepo]:
        git = bare(tmp_path, with_one_commit)
        with server("web auth", tmp_path, git, monkeypatch) as served_repo:
            yield served_repo

    def test_an_environment_variable(
        self, guarded: ServedRepo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MODELS_TOKEN", servers.PASSWORD)
        credentials = token_from_env("MODELS_TOKEN", "ann")
        with guarded.open(credentials=credentials) as remote_registry:
            assert remote_registry.register("m", author=ANN).tag == "m@v0.0.1"

    def test_a_netrc_file(self, guarded: ServedRepo, tmp_path: Path) -> None:
        file = tmp_path / "netrc"
        file.write_text(f"machine 127.0.0.1 login ann password {servers.PASSWORD}\n")
        file.chmod(0o600)
        with guarded.open(credentials=netrc_file(file)) as remote_registry:
            assert not list(remote_registry)

    def test_gits_own_helpers(self, guarded: ServedRepo) -> None:
        store = Path("~/.git-credentials").expanduser()
        store.write_text(f"http://ann:p%40ss%2Fw%2Brd@127.0.0.1:{guarded.port}\n")
        config = Path(os.environ["GIT_CONFIG_GLOBAL"])
        config.write_text("[credential]\n\thelper = store\n")
        with guarded.open(credentials=git_credential_fill()) as remote_registry:
            assert not list(remote_registry)
        config.write_text("")
        with (
            guarded.open(credentials=git_credential_fill()) as remote_registry,
            pytest.raises(PermissionError, match="it requires credentials"),
        ):
            list(remote_registry)

    def test_a_url(self, guarded: ServedRepo) -> None:
        url = guarded.url.replace("//", "//ann:p%40ss%2Fw%2Brd@")
        with Registry.open(url) as remote_registry:
            assert remote_registry.register("m", author=ANN).tag == "m@v0.0.1"
            assert "p%40" not in repr(remote_registry) + repr(vars(remote_registry))


def test_an_unknown_certificate_authority_is_an_error(tmp_path: Path) -> None:
    bare(tmp_path, with_one_commit)
    with (
        servers.web(tmp_path, tls=True) as web,
        Registry.open(web.url + NAME) as remote_registry,
        pytest.raises(RemoteError, match="certificate verify failed"),
    ):
        len(remote_registry)


def test_a_version_at_a_commit_that_is_taken(common_server_repo: ServedRepo) -> None:
    with common_server_repo.open() as remote_registry:
        remote_registry.register("m", "v1.0.0", author=ANN)
        with pytest.raises(CommitTakenError):
            remote_registry.register("m", "v2.0.0", author=ANN)


def test_connections_and_requests_of_a_registration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One connection and few requests; the first one is for the login."""
    with server(
        "web auth tls", tmp_path, bare(tmp_path, with_one_commit), monkeypatch
    ) as served_repo:
        log = tmp_path / "requests.log"
        with served_repo.open() as registry:
            registry.register("m", "v1.0.0", author=ANN)
            registry.close()
    lines = log.read_text().splitlines()  # the server has ended: its log is complete
    assert len({line.split()[0] for line in lines}) == 1
    assert len(lines) <= 6
