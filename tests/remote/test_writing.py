"""Real servers take what every verb writes, refuse in their own words, and lose nothing."""

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
from tests.remote.conftest import ANN, NAME, Far, bare, check_every_verb, server, with_one_commit
from tests.servers import proxied

pytestmark = pytest.mark.remote

CLIENTS = 8


def test_every_verb_works_at_a_url(far: Far) -> None:
    check_every_verb(far)
    assert "error" not in far.git("fsck", "--strict", "--no-dangling")


def test_a_commit_is_a_full_sha_a_branch_a_tag_or_head(plain: Far) -> None:
    with plain.open() as remote_registry:
        head = plain.git("rev-parse", "HEAD").strip()
        plain.git("tag", "-a", "t", "-m", "a tag")
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
        tag = plain.git("rev-parse", "refs/tags/t").strip()
        assert remote_registry.register("m", author=ANN, commit=tag).commit == head
        plain.git("fsck", "--strict")


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_hooks_refusal_is_told_in_its_words(far: Far, hook: str) -> None:
    path = far.git.path / "hooks" / hook
    path.write_text("#!/bin/sh\necho 'Only the release job may write tags.' >&2\nexit 1\n")
    path.chmod(0o755)
    with far.open() as remote_registry:
        with pytest.raises(PushRejectedError, match="Only the release job may write") as caught:
            remote_registry.register("m", author=ANN)
        assert "hook declined" in caught.value.reason
        with pytest.raises(PushRejectedError, match="Only the release job"):
            remote_registry.assign("m", stage="prod", register=True, author=ANN, commit="main")
        assert not list(remote_registry)


def test_a_server_that_takes_nothing_says_so(tmp_path: Path) -> None:
    git = bare(tmp_path, with_one_commit)
    git("config", "http.receivepack", "false")
    with servers.web(tmp_path) as web, Registry.open(web.url + NAME) as remote_registry:
        assert not list(remote_registry)
        with pytest.raises(PermissionError, match="HTTP 403"):
            remote_registry.register("m", author=ANN)


def test_two_tags_go_together_or_not_at_all(far: Far) -> None:
    far.git("config", "receive.advertiseAtomic", "false")
    with far.open() as remote_registry:
        with pytest.raises(InvalidArgumentError, match="does not support atomic pushes"):
            remote_registry.assign("m", stage="prod", register=True, author=ANN, commit="main")
        assert not list(remote_registry)
        remote_registry.register("m", author=ANN)
        remote_registry.assign("m", "v0.0.1", "prod", author=ANN)
        far.git("config", "receive.advertiseAtomic", "true")
        remote_registry.assign("n", stage="prod", register=True, author=ANN, commit="main")
        assert len(remote_registry["n"].history) == 2


def test_a_tag_that_the_server_checks_is_refused_in_its_words(plain: Far) -> None:
    hook = plain.git.path / "hooks" / "update"
    hook.write_text('#!/bin/sh\n[ -n "${3%%0000*}" ] || { echo tags are kept; exit 1; }\n')
    hook.chmod(0o755)
    with plain.open() as remote_registry:
        remote_registry.register("m", author=ANN)
        with pytest.raises(PushRejectedError, match="tags are kept"):
            remote_registry.delete_tags("m@v0.0.1")
        assert "m" in remote_registry


@pytest.mark.parametrize("limit", [0, 100, 1000])
@pytest.mark.parametrize("silent", [True, False])
def test_a_line_that_stalls_or_breaks_leaves_all_or_nothing(
    plain: Far, limit: int, silent: bool
) -> None:
    plain.git("tag", "-a", "m@v1.0.0", "-m", "there")
    with (
        proxied(plain.port, limit=limit, silent=silent) as proxy,
        Registry.open(plain.at(proxy.port), timeout=0.5) as remote_registry,
    ):
        head = plain.git("rev-parse", "HEAD").strip()
        begun = time.monotonic()
        with suppress(RemoteError):
            remote_registry.assign("n", stage="prod", register=True, author=ANN, commit=head)
        assert time.monotonic() - begun < 20
    tags = plain.git("tag", "-l", "n*").split()
    assert tags in ([], ["n#prod#1", "n@v0.0.1"])
    plain.git("fsck", "--strict")


class TestRaces:
    """Eight clients at one server."""

    @pytest.fixture
    def remote_registries(self, plain: Far) -> Iterator[list[Registry]]:
        remote_registries = [plain.open() for _ in range(CLIENTS)]
        yield remote_registries
        for remote_registry in remote_registries:
            remote_registry.close()

    def test_one_of_many_registers_a_version(
        self, plain: Far, remote_registries: list[Registry]
    ) -> None:
        def register(remote_registry: Registry, version: str) -> bool:
            try:
                remote_registry.register("m", version, author=ANN, force=True)
            except VersionExistsError:
                return False
            return True

        with ThreadPoolExecutor(CLIENTS) as pool:
            for number in range(10):
                won = list(pool.map(register, remote_registries, [f"v1.0.{number}"] * CLIENTS))
                assert sum(won) == 1
        assert len(plain.local["m"]) == 10

    def test_no_assignment_is_lost(self, plain: Far, remote_registries: list[Registry]) -> None:
        for number in range(CLIENTS):
            parts = ("-m", f"c{number}", "-p", "HEAD", "HEAD^{tree}")
            sha = plain.git("commit-tree", *parts).strip()
            plain.git("update-ref", f"refs/heads/b{number}", sha)
            remote_registries[0].register("m", f"v1.0.{number}", author=ANN, commit=sha)

        def assign(remote_registry: Registry, number: int) -> str:
            return remote_registry.assign("m", f"v1.0.{number}", "prod", author=ANN).tag

        with ThreadPoolExecutor(CLIENTS) as pool:
            tags = list(pool.map(assign, remote_registries, range(CLIENTS)))
        assert len(set(tags)) == CLIENTS
        model = plain.local["m"]
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
    def clone(self, far: Far, tmp_path: Path) -> Git:
        git = init(tmp_path / "clone")
        git("remote", "add", "origin", far.url)
        git("fetch", "-q", str(far.git.path), "main")
        git("reset", "-q", "--hard", "FETCH_HEAD")
        return git

    def test_a_tag_takes_its_commits_along(self, far: Far, clone: Git) -> None:
        (clone.path / "model").write_bytes(os.urandom(100_000))
        clone("add", "model")
        clone.commit()
        with Registry.open(clone.path, **far.options) as here, far.local as there:
            event = here.register("m", "v1.0.0", author=ANN, push=True)
            assert there.event(event.tag) == event
            here.assign("m", "v1.0.0", "prod", author=ANN)
            here.register("n", "v1.0.0", author=ANN)
            result = here.push()
            assert (result.transferred, result.unchanged) == (
                ("m#prod#1", "n@v1.0.0"),
                ("m@v1.0.0",),
            )
            assert same(here, there)
        far.git("fsck", "--strict")

    def test_tags_are_deleted_there_too(self, far: Far, clone: Git) -> None:
        with Registry.open(clone.path, **far.options) as here:
            for number in range(3):
                here.register("m", f"v1.0.{number}", author=ANN, force=True)
            here.push()
            here.delete_tags("m@v1.0.0", "m@v1.0.1", push=True)
            assert far.git("tag").split() == clone("tag").split() == ["m@v1.0.2"]
            hook = far.git.path / "hooks" / "update"
            hook.write_text("#!/bin/sh\nexit 1\n")
            hook.chmod(0o755)
            with pytest.raises(PushRejectedError, match="'m@v1.0.2': hook declined"):
                here.delete_tags("m@v1.0.2", push=True)
            assert far.git("tag").split() == clone("tag").split() == ["m@v1.0.2"]

    def test_a_fetch_brings_tags_with_their_commits(self, far: Far, clone: Git) -> None:
        work = far.git.path.parent / "source"
        Git(work)("remote", "add", "up", str(far.git.path))
        (work / "model").write_bytes(os.urandom(100_000))
        Git(work)("add", "model")
        sha = Git(work).commit()
        Git(work)("tag", "-a", "m@v1.0.0", "-m", "theirs")
        Git(work)("tag", "-a", "release-1", "-m", "not ours")
        Git(work)("push", "-q", "up", "--tags")
        clone("tag", "-a", "n@v1.0.0", "-m", "ours")
        far.git("tag", "-a", "n@v1.0.0", "-m", "theirs")
        mine = clone("rev-parse", "n@v1.0.0")
        with Registry.open(clone.path, **far.options) as here:
            result = here.fetch()
            assert result.transferred == ("m@v1.0.0",)
            assert [conflict.tag for conflict in result.conflicts] == ["n@v1.0.0"]
            assert here["m"]["v1.0.0"].commit == sha
            assert here.fetch().unchanged == ("m@v1.0.0",)
        assert clone("rev-parse", "n@v1.0.0") == mine
        assert clone("tag").split() == ["m@v1.0.0", "n@v1.0.0"]
        clone("cat-file", "-e", f"{sha}:model")
        clone("fsck", "--strict")

    def test_a_refusal_leaves_the_tag_here(self, far: Far, clone: Git) -> None:
        hook = far.git.path / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\necho 'frozen until Monday' >&2\nexit 1\n")
        hook.chmod(0o755)
        with Registry.open(clone.path, **far.options) as here:
            with pytest.raises(NotPushedError, match="frozen until Monday.*fix this, then call"):
                here.register("m", "v1.0.0", author=ANN, push=True)
            assert here["m"].latest
            hook.unlink()
            assert here.push().transferred == ("m@v1.0.0",)

    def test_a_push_of_many_is_all_or_none_where_that_can_be(self, far: Far, clone: Git) -> None:
        hook = far.git.path / "hooks" / "update"
        hook.write_text('#!/bin/sh\n[ "$1" != refs/tags/m@v1.0.1 ]\n')
        hook.chmod(0o755)
        with Registry.open(clone.path, **far.options) as here:
            for number in range(3):
                here.register("m", f"v1.0.{number}", author=ANN, force=True)
            with pytest.raises(PushRejectedError):
                here.push()
            assert far.git("tag").split() == []
            far.git("config", "receive.advertiseAtomic", "false")
            with pytest.raises(PushRejectedError, match="'m@v1.0.1'.*; other tags accepted: 2;"):
                here.push()
            assert far.git("tag").split() == ["m@v1.0.0", "m@v1.0.2"]

    def test_two_writers_with_clones_do_not_overwrite(self, far: Far, clone: Git) -> None:
        with Registry.open(clone.path, **far.options) as here, far.open() as remote_registry:
            remote_registry.register("m", "v1.0.0", author=ANN, message="theirs")
            with pytest.raises(RemoteAheadError, match="'m@v1.0.0', which is not in the local"):
                here.register("m", "v1.0.0", author=ANN, push=True)
            assert remote_registry["m"]["v1.0.0"].message == "theirs"


class TestCredentials:
    """The ready ones, at a server that wants a password."""

    @pytest.fixture
    def guarded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
        git = bare(tmp_path, with_one_commit)
        with server("web auth", tmp_path, git, monkeypatch) as far:
            yield far

    def test_an_environment_variable(self, guarded: Far, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MODELS_TOKEN", servers.PASSWORD)
        ask = token_from_env("MODELS_TOKEN", "ann")
        with guarded.open(credentials=ask) as remote_registry:
            assert remote_registry.register("m", author=ANN).tag == "m@v0.0.1"

    def test_a_netrc_file(self, guarded: Far, tmp_path: Path) -> None:
        file = tmp_path / "netrc"
        file.write_text(f"machine 127.0.0.1 login ann password {servers.PASSWORD}\n")
        file.chmod(0o600)
        with guarded.open(credentials=netrc_file(file)) as remote_registry:
            assert not list(remote_registry)

    def test_gits_own_helpers(self, guarded: Far) -> None:
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

    def test_a_url(self, guarded: Far) -> None:
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


def test_a_version_at_a_commit_that_is_taken(plain: Far) -> None:
    with plain.open() as remote_registry:
        remote_registry.register("m", "v1.0.0", author=ANN)
        with pytest.raises(CommitTakenError):
            remote_registry.register("m", "v2.0.0", author=ANN)


def test_connections_and_requests_of_a_registration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One connection, and few requests, of which the first one is for the login."""
    with server("web auth tls", tmp_path, bare(tmp_path, with_one_commit), monkeypatch) as far:
        turns = tmp_path / "turns.log"
        with far.open() as registry:
            registry.register("m", "v1.0.0", author=ANN)
            registry.close()
    lines = turns.read_text().splitlines()  # the server has ended: its log is complete
    assert len({line.split()[0] for line in lines}) == 1
    assert len(lines) <= 6
