"""Servers other than C git: reads and writes agree with their repositories.

Each server runs once for all tests of this module, on a directory in which every test has a
subdirectory. Results are compared with C git and with the registry in the bare repository itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import (
    CommitTakenError,
    Event,
    ModelVersionsError,
    NotACommitError,
    Registry,
    RemoteError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    StageHeldError,
    VersionExistsError,
)
from tests.builders import CORPORA, Builder, corpus, same
from tests.compat.git import Git, init
from tests.remote import servers
from tests.remote.conftest import (
    ANN,
    NAME,
    ServedRepo,
    bare,
    check_every_write,
    check_irregular_tags,
    with_history,
    with_one_commit,
)
from tests.test_corpora import NAMES

pytestmark = pytest.mark.remote

CLIENTS = 8
KINDS = ("dulwich-git", "dulwich-http", "klaus", "jgit-git", "jgit-http")

Serve = Callable[[str], tuple[Path, str]]
"""Starts a kind of server on first use, and returns its root and URL."""

Add = Callable[[Callable[[Path], Git]], ServedRepo]
"""Adds a repository, created by a function in a new directory, behind the server."""


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    running: dict[str, tuple[Path, str]] = {}
    with ExitStack() as stack:

        def start(kind: str) -> tuple[Path, str]:
            if kind not in running:
                root = tmp_path_factory.mktemp(kind)
                name, _, scheme = kind.partition("-")
                server = (
                    servers.jgit(scheme, root)
                    if name == "jgit"
                    else servers.python_server(kind, root)
                )
                running[kind] = root, stack.enter_context(server)
            return running[kind]

        yield start


_numbers = count()


@pytest.fixture(params=KINDS)
def add(request: pytest.FixtureRequest, serve: Serve) -> Add:
    root, url = serve(request.param)

    def make(fill: Callable[[Path], Git]) -> ServedRepo:
        directory = root / f"t{next(_numbers)}"
        directory.mkdir()
        git = fill(directory)
        port = int(url.rpartition(":")[2].strip("/"))
        name = NAME.removesuffix(".git") if request.param == "klaus" else NAME
        return ServedRepo(git, f"{url}{directory.name}/{name}", port, version=0)

    return make


@pytest.fixture
def other(add: Add) -> ServedRepo:
    """A repository with one commit, behind each server."""
    return add(lambda directory: bare(directory, with_one_commit))


@pytest.fixture
def clone(other: ServedRepo, tmp_path: Path) -> Git:
    git = init(tmp_path / "clone")
    git("remote", "add", "origin", other.url)
    git("fetch", "-q", str(other.git.path), "main")
    git("reset", "-q", "--hard", "FETCH_HEAD")
    return git


def is_jgit(served_repo: ServedRepo) -> bool:
    return "jgit" in served_repo.git.path.parent.parent.name


def fsck(git: Git) -> None:
    """Fail unless C git finds the repository intact."""
    assert "error" not in git("fsck", "--strict", "--no-dangling")


def test_every_generated_history_is_the_same(add: Add) -> None:
    served_repo = add(lambda directory: bare(directory, with_history))
    with served_repo.open() as remote, served_repo.local as local:
        assert len(local.history()) > 200
        assert same(remote, local)
        assert remote.commits(limit=7) == local.commits(limit=7)


def test_irregular_tags_are_the_same(other: ServedRepo) -> None:
    check_irregular_tags(other)


@pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the corpora are not at {CORPORA}")
@pytest.mark.parametrize("name", NAMES)
def test_every_corpus_is_the_same(name: str, add: Add) -> None:
    def fill(directory: Path) -> Git:
        with Repo.init_bare(str(directory / NAME), mkdir=True) as repo:
            corpus(name, Builder(repo))
        return Git(directory / NAME)

    served_repo = add(fill)
    with served_repo.open() as remote, served_repo.local as local:
        assert same(remote, local)


def test_every_write_works(other: ServedRepo) -> None:
    check_every_write(other)
    assert other.git("tag").split() == ["m#prod!#2", "m#prod#1", "m@v1.0.0!", "n#dev#1", "n@v0.0.1"]
    fsck(other.git)


def test_a_commit_is_named_by_a_branch_a_tag_or_any_id_that_leads_to_it(other: ServedRepo) -> None:
    head = other.git("rev-parse", "HEAD").strip()
    other.git("tag", "-a", "t", "-m", "a tag")
    other.git("tag", "-a", "u", "-m", "a tag of a tag", "t")
    ids = [other.git("rev-parse", f"refs/tags/{name}").strip() for name in "tu"]
    with other.open() as remote:
        for revision in (head, "main", "refs/heads/main", "t", "HEAD", *ids):
            planned = remote.register("m", author=ANN, commit=revision, dry_run=True)
            assert planned.commit == head
        event = remote.register("m", author=ANN, commit=ids[1])
    assert event.commit == head
    assert other.git("cat-file", "tag", event.tag).startswith(f"object {head}\ntype commit\n")
    fsck(other.git)


def test_an_absent_object_or_one_of_another_type_is_not_a_commit(other: ServedRepo) -> None:
    tree = other.git("rev-parse", "HEAD^{tree}").strip()
    blob = other.git("hash-object", "-w", "--stdin", text="a blob").strip()
    other.git("tag", "b", blob)
    other.git("tag", "-a", "a", "-m", "a tag of a blob", blob)
    tagged = other.git("rev-parse", "a").strip()
    before = other.git("for-each-ref")
    refused = (RevisionNotFoundError, RemoteError)  # dulwich answers some ids with status 500
    with other.open() as remote:
        for dry_run in (True, False):
            for revision in ("a", "b"):
                with pytest.raises(NotACommitError):
                    remote.register("m", author=ANN, commit=revision, dry_run=dry_run)
            with pytest.raises(RevisionNotFoundError):
                remote.register("m", author=ANN, commit="absent", dry_run=dry_run)
            for revision in ("1" * 40, tree, blob, tagged):
                with pytest.raises(refused):
                    remote.register("m", author=ANN, commit=revision, dry_run=dry_run)
    assert other.git("for-each-ref") == before
    fsck(other.git)


def test_an_absent_repository(other: ServedRepo) -> None:
    silent = other.url.startswith("git://")  # these daemons close the connection without a message
    error = RemoteError if silent else RepositoryNotFoundError
    message = "the connection was closed" if silent else "there is no repository at"
    with Registry.open(f"{other.url}-absent") as remote, pytest.raises(error, match=message):
        len(remote)


def test_the_configuration_is_read_from_head(other: ServedRepo) -> None:
    with Repo(str(other.git.path)) as repo:
        Builder(repo).commit_file(".gto", "stages: [prod]\n")
    with other.open() as remote:
        assert remote._store.read_file(".gto") == b"stages: [prod]\n"
        assert remote._store.read_file("other") is None


def test_the_files_of_a_version_are_read(other: ServedRepo, tmp_path: Path) -> None:
    work = init(tmp_path / "work")
    (work.path / "sub").mkdir()
    (work.path / "dvc.yaml").write_text("artifacts: {m: {path: sub/model}}\n")
    (work.path / "sub" / "model").write_bytes(noise := os.urandom(200_000))
    work("add", ".")
    work.commit()
    work("tag", "-a", "m@v1.0.0", "-m", "x")
    work("commit", "-q", "--allow-empty", "-m", "later")
    work("push", "-qf", str(other.git.path), "HEAD:main", "m@v1.0.0")
    with other.open() as remote:
        assert remote.artifact("m@v1.0.0").path == "sub/model"
        assert list(remote.artifacts()) == ["m"]
        assert remote.read_bytes("m@latest") == noise


def test_tags_are_pushed_and_fetched(other: ServedRepo, clone: Git, tmp_path: Path) -> None:
    with Registry.open(clone.path) as local, other.local as remote_local:
        (clone.path / "model").write_bytes(b"model" * 1000)
        clone("add", "model")
        clone.commit()
        event = local.register("m", "v1.0.0", author=ANN, push=True)
        assert remote_local.event(event.tag) == event
        local.assign("m", "v1.0.0", "prod", author=ANN)
        result = local.push()
        assert (result.transferred, result.unchanged) == (("m#prod#1",), ("m@v1.0.0",))
        assert same(local, remote_local)
    second = init(tmp_path / "second")
    second("remote", "add", "origin", other.url)
    second.commit()
    with Registry.open(second.path) as local, other.local as remote_local:
        assert local.fetch().transferred == ("m#prod#1", "m@v1.0.0")
        assert same(local, remote_local)
        assert local.fetch().unchanged == ("m#prod#1", "m@v1.0.0")
    fsck(second)
    fsck(other.git)


def test_a_version_that_another_client_registered_is_refused(other: ServedRepo, clone: Git) -> None:
    with other.open() as remote, other.open() as slow, Registry.open(clone.path) as local:
        assert not list(slow)
        first = remote.register("m", "v1.0.0", author=ANN)
        kept = other.git("rev-parse", first.tag)
        with pytest.raises(VersionExistsError):
            slow.register("m", "v1.0.0", author=ANN, message="late", force=True)
        local.register("m", "v1.0.0", author=ANN, message="late too")
        result = local.push()
        assert [conflict.tag for conflict in result.conflicts] == ["m@v1.0.0"]
    assert other.git("rev-parse", first.tag) == kept


def check_race(served_repo: ServedRepo, written: list[Event], history: tuple[Event, ...]) -> None:
    """Fail unless one tag was written, and no other client reports success."""
    assert len(history) == 1
    assert written == list(history) or (not written and not is_jgit(served_repo))


class TestRaces:
    """Eight clients of one server, each with its own message.

    dulwich fails at some concurrent requests, or lists no HEAD, or does not send a tag: that is an
    error for the client, and does not affect the client that was first.
    """

    @pytest.fixture
    def remotes(self, other: ServedRepo) -> Iterator[list[Registry]]:
        remotes = [other.open() for _ in range(CLIENTS)]
        yield remotes
        for remote in remotes:
            remote.close()

    def race(
        self,
        served_repo: ServedRepo,
        call: Callable[[int], Event],
        *expected: type[ModelVersionsError],
    ) -> list[Event]:
        """Make the same call with each client; return the events of those that succeed."""

        def one(client: int) -> Event | None:
            try:
                return call(client)
            except expected:
                return None
            except ModelVersionsError:
                if is_jgit(served_repo):
                    raise
                return None

        with ThreadPoolExecutor(CLIENTS) as pool:
            return [event for event in pool.map(one, range(CLIENTS)) if event]

    def test_one_of_many_registers_a_version(
        self, other: ServedRepo, remotes: list[Registry]
    ) -> None:
        def register(client: int) -> Event:
            return remotes[client].register("m", "v1.0.0", author=ANN, message=f"{client}")

        written = self.race(other, register, VersionExistsError, CommitTakenError)
        check_race(other, written, other.local.history())

    def test_one_of_many_assigns_a_stage(self, other: ServedRepo, remotes: list[Registry]) -> None:
        first = remotes[0].register("m", "v1.0.0", author=ANN)

        def assign(client: int) -> Event:
            return remotes[client].assign("m", "v1.0.0", "prod", author=ANN, message=f"{client}")

        written = self.race(other, assign, StageHeldError)
        assert other.local.history()[0] == first
        check_race(other, written, other.local.history()[1:])
