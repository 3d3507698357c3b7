"""What real servers tell is what their repositories do, and it takes few bytes."""

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
    Far,
    bare,
    check_irregular_tags,
    server,
    with_histories,
    with_one_commit,
)
from tests.servers import proxied
from tests.test_corpora import NAMES

pytestmark = pytest.mark.remote


def test_every_generated_history_is_the_same_there_as_here(lived: Far) -> None:
    with lived.open() as remote_registry, lived.local as local:
        assert len(local.history()) > 200
        assert same(remote_registry, local)
        assert remote_registry.commits(limit=7) == local.commits(limit=7)
        for name in list(local)[:5]:
            assert remote_registry[name].latest == local[name].latest


def test_irregular_tags_are_read_alike(far: Far) -> None:
    check_irregular_tags(far)


@pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the corpora are not at {CORPORA}")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["daemon", "web filter", "web v0"])
def test_every_corpus_is_the_same_there_as_here(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Repo.init_bare(str(tmp_path / NAME), mkdir=True) as repo:
        corpus(name, Builder(repo))
    with server(kind, tmp_path, Git(tmp_path / NAME), monkeypatch) as far:
        assert same(far.open(), far.local)


def test_the_configuration_is_read_where_a_server_filters_and_where_not(far: Far) -> None:
    with Repo(str(far.git.path)) as repo:
        Builder(repo).commit_file(".gto", "stages: [prod]\n")
    with far.open() as remote_registry:
        assert remote_registry._store.read_file(".gto") == b"stages: [prod]\n"
        assert remote_registry._store.read_file("other") is None


def test_annotations_and_files_are_those_of_the_version(far: Far, tmp_path: Path) -> None:
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
    work("push", "-qf", str(far.git.path), "HEAD:main", "m@v1.0.0")
    with far.open() as remote_registry:
        version = remote_registry["m"]["v1.0.0"]
        assert remote_registry.artifact(version).path == "sub/model"
        assert list(remote_registry.artifacts(version)) == ["m"]
        assert list(remote_registry.artifacts()) == []
        assert remote_registry.read_bytes("m@latest") == noise
        with pytest.raises(FileNotInGitError, match="there is no file 'sub/none'"):
            remote_registry.read_bytes("m@latest", "sub/none")


def test_a_repository_that_is_not_there(far: Far) -> None:
    with (
        Registry.open(far.url.replace(NAME, "other.git"), **far.options) as remote_registry,
        pytest.raises(RepositoryNotFoundError, match="there is no repository at"),
    ):
        len(remote_registry)


@pytest.mark.parametrize("limit", [0, 60, 700, 1500, 4000])
@pytest.mark.parametrize("silent", [True, False])
def test_a_server_that_stalls_or_drops_is_an_error_in_time(
    plain: Far, limit: int, silent: bool
) -> None:
    for number in range(60):
        plain.git("tag", "-a", f"m@v1.0.{number}", "-m", "one of many")
    with (
        proxied(plain.port, limit=limit, silent=silent) as proxy,
        Registry.open(plain.at(proxy.port), timeout=0.5) as remote_registry,
        pytest.raises(RemoteTimeoutError if silent else RemoteError),
    ):
        str(remote_registry)


class TestBytes:
    """Counted on the wire, by a proxy."""

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
        with server(request.param, tmp_path, git, monkeypatch) as far:
            yield far

    def test_reading_takes_the_tags_and_no_more(self, big: Far) -> None:
        taken = {}
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
                    taken[model] = proxy.total
                    proxy.reset()
                    assert remote_registry[model].history
                    assert proxy.total < 1.1 * listed  # what was read is kept
                    if big.version == 0:  # it lists all its refs at each question
                        taken[model] -= 2 * listed
        assert taken["small"] < 10_000
        assert taken["large"] < 12 * taken["small"]

    def test_the_latest_version_takes_its_own_tag_object(self, big: Far) -> None:
        with proxied(big.port) as proxy, Registry.open(big.at(proxy.port)) as remote_registry:
            found = remote_registry["small"]
            listed = proxy.total
            assert listed < 60_000
            assert proxy.lines <= 2  # dulwich asks what the server can do, and then for the list
            assert str(found.latest) == "small@v1.0.19"
            more = proxy.total - listed
            assert (more - listed if big.version == 0 else more) < 2_000
            assert proxy.lines <= 3


def test_a_redirect_is_followed_without_credentials(tmp_path: Path) -> None:
    git = bare(tmp_path, with_histories)
    asked = []

    def credentials(url: str, _hint: str | None) -> tuple[str, str]:
        asked.append(url)
        return "ann", servers.PASSWORD

    with servers.web(tmp_path) as web, Registry.open(git.path) as local:
        other = web.url.replace("127.0.0.1", "127.0.0.2").replace("//", "//ann:s3cret@")
        with Registry.open(other + NAME, credentials=credentials) as remote_registry:
            assert same(remote_registry, local)
        assert not asked
        heads = (tmp_path / "redirected.log").read_text()
        assert "Basic" in heads  # it went to the host that it was meant for
        heads = (tmp_path / "access.log").read_text()
        assert "POST" in heads
        assert {line.rpartition(" ")[2] for line in heads.splitlines()} == {'"-"'}
    with servers.web(tmp_path, auth=True) as web:
        other = web.url.replace("127.0.0.1", "127.0.0.2")
        with (
            Registry.open(other + NAME, credentials=credentials) as remote_registry,
            pytest.raises(AuthenticationError, match="not sent to another host"),
        ):
            len(remote_registry)
        assert not asked
        credentials.__dict__["any_host"] = True
        with Registry.open(other + NAME, credentials=credentials) as remote_registry:
            assert len(remote_registry)
        assert asked == [web.url + NAME]  # as Git does: for the server that wants them
        with Registry.open(web.url + NAME, credentials=credentials) as remote_registry:
            assert len(remote_registry)
