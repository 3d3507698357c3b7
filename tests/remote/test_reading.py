"""Reads from real servers agree with their repositories, and need few bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import (
    AuthenticationError,
    FileNotInGitError,
    Registry,
    RemoteError,
    RemoteTimeoutError,
    RepositoryNotFoundError,
)
from tests.builders import CORPORA, Builder, corpus, same
from tests.compat.git import Git, init
from tests.remote import servers
from tests.remote.conftest import (
    NAME,
    ServedRepo,
    bare,
    check_irregular_tags,
    server,
    with_history,
    with_one_commit,
)
from tests.servers import proxied
from tests.test_corpora import NAMES

pytestmark = pytest.mark.remote


def test_every_generated_history_is_read_as_in_the_repository(
    repo_with_history: ServedRepo,
) -> None:
    with repo_with_history.open() as remote_registry, repo_with_history.local as local:
        assert len(local.history()) > 200
        assert same(remote_registry, local)
        assert remote_registry.commits(limit=7) == local.commits(limit=7)
        for name in list(local)[:5]:
            assert remote_registry[name].latest == local[name].latest


def test_irregular_tags_are_read_as_in_the_repository(served_repo: ServedRepo) -> None:
    check_irregular_tags(served_repo)


@pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the corpora are not at {CORPORA}")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["daemon", "web filter", "web v0"])
def test_every_corpus_is_read_as_in_the_repository(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Repo.init_bare(str(tmp_path / NAME), mkdir=True) as repo:
        corpus(name, Builder(repo))
    with server(kind, tmp_path, Git(tmp_path / NAME), monkeypatch) as served_repo:
        assert same(served_repo.open(), served_repo.local)


def test_the_configuration_is_read_with_and_without_filters(served_repo: ServedRepo) -> None:
    with Repo(str(served_repo.git.path)) as repo:
        Builder(repo).commit_file(".gto", "stages: [prod]\n")
    with served_repo.open() as remote_registry:
        assert remote_registry._store.read_file(".gto") == b"stages: [prod]\n"
        assert remote_registry._store.read_file("other") is None


def test_annotations_and_files_are_those_of_the_version(
    served_repo: ServedRepo, tmp_path: Path
) -> None:
    work = init(tmp_path / "work")
    (work.path / "sub").mkdir()
    (work.path / "dvc.yaml").write_text("artifacts: {m: {path: sub/model, type: model}}\n")
    (work.path / "sub" / "model").write_bytes(noise := os.urandom(200_000))
    (work.path / "sub" / "other").write_bytes(os.urandom(2_000_000))
    work("add", ".")
    work.commit()
    work("tag", "-a", "m@v1.0.0", "-m", "x")
    (work.path / "sub" / "model").write_text("later")
    work("rm", "-q", "dvc.yaml")
    work("add", ".")
    work.commit()
    work("push", "-qf", str(served_repo.git.path), "HEAD:main", "m@v1.0.0")
    with served_repo.open() as remote_registry:
        version = remote_registry["m"]["v1.0.0"]
        assert remote_registry.artifact(version).path == "sub/model"
        assert list(remote_registry.artifacts(version)) == ["m"]
        assert list(remote_registry.artifacts()) == []
        assert remote_registry.read_bytes("m@latest") == noise
        with pytest.raises(FileNotInGitError, match="there is no file 'sub/none'"):
            remote_registry.read_bytes("m@latest", "sub/none")


def test_a_repository_that_does_not_exist(served_repo: ServedRepo) -> None:
    with (
        Registry.open(
            served_repo.url.replace(NAME, "other.git"), **served_repo.options
        ) as remote_registry,
        pytest.raises(RepositoryNotFoundError, match="there is no repository at"),
    ):
        len(remote_registry)


@pytest.mark.parametrize("limit", [0, 60, 700, 1500, 4000])
@pytest.mark.parametrize("silent", [True, False])
def test_a_server_that_stalls_or_drops_the_connection_is_an_error_within_the_timeout(
    common_server_repo: ServedRepo, limit: int, silent: bool
) -> None:
    for number in range(60):
        common_server_repo.git("tag", "-a", f"m@v1.0.{number}", "-m", "one of many")
    with (
        proxied(common_server_repo.port, limit=limit, silent=silent) as proxy,
        Registry.open(common_server_repo.at(proxy.port), timeout=0.5) as remote_registry,
        pytest.raises(RemoteTimeoutError if silent else RemoteError),
    ):
        str(remote_registry)


class TestBytes:
    """Bytes counted by a proxy."""

    @pytest.fixture(params=["daemon", "daemon filter", "web", "web v0"])
    def big(
        self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> object:
        """A repository with files that do not compress, and models of several sizes."""
        git = bare(tmp_path, with_one_commit)
        with Repo(str(git.path)) as repo:
            builder = Builder(repo)
            noise = Path("/dev/urandom").open("rb")  # noqa: SIM115  # closed below
            for number in range(200):
                builder.commit_file("data", noise.read(50_000).hex(), f"c{number}", number)
                builder.ref(f"refs/heads/b{number}", builder.commits[f"c{number}"])
                for model, size in (("small", 20), ("large", 200)):
                    if number < size:
                        builder.tag(f"{model}@v1.0.{number}", f"c{number}", number)
            noise.close()
        git("pack-refs", "--all")
        with server(request.param, tmp_path, git, monkeypatch) as served_repo:
            yield served_repo

    def test_reading_receives_the_tags_only(self, big: ServedRepo) -> None:
        received = {}
        with proxied(big.port) as proxy:
            for model in ("small", "large"):
                with Registry.open(big.at(proxy.port)) as remote_registry:
                    assert len(remote_registry) == 2
                    proxy.reset()
                    found = remote_registry[model]
                    listed = proxy.total
                    proxy.reset()
                    latest = found.latest
                    assert latest is not None
                    assert str(latest) in ("small@v1.0.19", "large@v1.0.199")
                    assert latest.message
                    received[model] = proxy.total
                    proxy.reset()
                    assert remote_registry[model].history
                    assert proxy.total < 1.1 * listed  # what was read is cached
                    if big.version == 0:  # it lists all its refs for each request
                        received[model] -= 2 * listed
        assert received["small"] < 10_000
        assert received["large"] < 12 * received["small"]

    def test_the_latest_version_needs_only_its_own_tag_object(self, big: ServedRepo) -> None:
        with proxied(big.port) as proxy, Registry.open(big.at(proxy.port)) as remote_registry:
            found = remote_registry["small"]
            listed = proxy.total
            assert listed < 60_000
            assert proxy.connections <= 2  # dulwich requests the capabilities, then the list
            assert str(found.latest) == "small@v1.0.19"
            more = proxy.total - listed
            assert (more - listed if big.version == 0 else more) < 2_000
            assert proxy.connections <= 3


def test_a_redirect_is_followed_without_credentials(tmp_path: Path) -> None:
    git = bare(tmp_path, with_history)
    calls = []

    def credentials(url: str, _hint: str | None) -> tuple[str, str]:
        calls.append(url)
        return "ann", servers.PASSWORD

    with servers.web(tmp_path) as web, Registry.open(git.path) as local:
        other = web.url.replace("127.0.0.1", "127.0.0.2").replace("//", "//ann:s3cret@")
        with Registry.open(other + NAME, credentials=credentials) as remote_registry:
            assert same(remote_registry, local)
        assert not calls
        log = (tmp_path / "redirected.log").read_text()
        assert "Basic" in log  # it was sent to the intended host
        log = (tmp_path / "access.log").read_text()
        assert "POST" in log
        assert {line.rpartition(" ")[2] for line in log.splitlines()} == {'"-"'}
    with servers.web(tmp_path, auth=True) as web:
        other = web.url.replace("127.0.0.1", "127.0.0.2")
        with (
            Registry.open(other + NAME, credentials=credentials) as remote_registry,
            pytest.raises(AuthenticationError, match="not sent to another host"),
        ):
            len(remote_registry)
        assert not calls
        credentials.__dict__["any_host"] = True
        with Registry.open(other + NAME, credentials=credentials) as remote_registry:
            assert len(remote_registry)
        assert calls == [web.url + NAME]  # as Git does: for the server that requires them
        with Registry.open(web.url + NAME, credentials=credentials) as remote_registry:
            assert len(remote_registry)
