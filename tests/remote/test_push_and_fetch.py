"""Pushing from and fetching into clones of various kinds, with C git's servers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelversions import Identity, Registry, StageNotAllowedError
from tests.compat.git import Git, init
from tests.remote.conftest import ServedRepo, bare, server
from tests.servers import proxied

pytestmark = pytest.mark.remote

ANN = Identity("Ann", "ann@example.com")
KINDS = ("daemon", "web", "web v0", "ssh v0")
LARGE = 300_000
"""The bytes of a file in each commit."""


def with_large_commits(path: Path) -> Git:
    """Ten commits with a large file each; a tag on the first and on the last but one."""
    git = init(path)
    stream = "".join(
        f"commit refs/heads/main\nmark :{n + 1}\ncommitter Ann <a@b> {1_700_000_000 + n} +0000\n"
        f"data 1\n{n}\nM 100644 inline file{n}\ndata {LARGE}\n{_noise(n)}\n"
        for n in range(10)
    )
    git("fast-import", "--quiet", text=stream)
    git("checkout", "-q", "-f", "main")
    git("tag", "-a", "-m", "x", "m@v1.0.0", "HEAD~9")
    git("tag", "-a", "-m", "x", "m@v2.0.0", "HEAD~1")
    git("tag", "-a", "-m", "x", "m@v3.0.0", "HEAD")
    return git


def _noise(seed: int) -> str:
    import random

    return "".join(random.Random(seed).choices("0123456789abcdef", k=LARGE))  # noqa: S311


@pytest.fixture(params=KINDS)
def served_repo(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServedRepo]:
    with server(
        request.param, tmp_path, bare(tmp_path, with_large_commits), monkeypatch
    ) as served_repo:
        yield served_repo


def clone(served_repo: ServedRepo, path: Path, *options: str) -> Git:
    parent = Git(path.parent)
    parent("clone", "-q", "--no-tags", *options, f"file://{served_repo.git.path}", str(path))
    git = Git(path)
    git("remote", "set-url", "origin", served_repo.url)
    return git


def fetched(git: Git) -> list[str]:
    with Registry.open(git.path) as registry:
        return list(registry.fetch().transferred)


ALL = ["m@v1.0.0", "m@v2.0.0", "m@v3.0.0"]


@pytest.mark.parametrize("options", [(), ("--depth=1",), ("--depth=3",), ("--bare",)])
def test_fetching_into_clones(
    served_repo: ServedRepo, tmp_path: Path, options: tuple[str, ...]
) -> None:
    git = clone(served_repo, tmp_path / "clone", *options)
    assert fetched(git) == ALL
    git("fsck", "--strict")
    assert git("tag").split() == ALL


def test_a_detached_checkout_fetches_only_missing_objects(
    served_repo: ServedRepo, tmp_path: Path
) -> None:
    git = clone(served_repo, tmp_path / "clone")
    git("checkout", "-q", "--detach")
    git("branch", "-D", "main")
    with proxied(served_repo.port) as proxy:
        git(
            "remote",
            "set-url",
            "origin",
            served_repo.url.replace(str(served_repo.port), str(proxy.port)),
        )
        if served_repo.url.startswith("ssh"):
            git("remote", "set-url", "origin", served_repo.url)
        assert fetched(git) == ALL
        assert proxy.received < LARGE


def test_objects_that_dulwich_cannot_parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit and tags without a UTC offset or with an invalid time, handled as by Git."""

    def irregular(path: Path) -> Git:
        git = init(path)
        git.commit()
        tree = git("rev-parse", "HEAD^{tree}").strip()
        commit = f"tree {tree}\nauthor Ann <a@b> 1\ncommitter Ann <a@b> 1700000000 +0000\n\nx\n"
        id = _written(git, "commit", commit)
        git("tag", "-a", "-m", "x", "m@v1.0.0", id)
        for name, tagger in (("v2.0.0", "Ann <a@b> x +0000"), ("v3.0.0", "Ann <a@b> 1700000000")):
            text = f"object {id}\ntype commit\ntag m@{name}\ntagger {tagger}\n\nx\n"
            git("update-ref", f"refs/tags/m@{name}", _written(git, "tag", text))
        return git

    with server("daemon", tmp_path, bare(tmp_path, irregular), monkeypatch) as served_repo:
        git = clone(served_repo, tmp_path / "clone")
        assert fetched(git) == ALL
        with Registry.open(served_repo.url) as remote, Registry.open(git.path) as local:
            assert remote.history() == local.history()
            assert [one.message for one in remote.problems()] == [
                one.message for one in local.problems()
            ]
            assert len(local.history()) == 3
            served_repo.git("tag", "-d", *ALL)
            assert list(local.push(*ALL).transferred) == ALL
        assert served_repo.git("tag").split() == ALL


def _written(git: Git, kind: str, text: str) -> str:
    return git("hash-object", "-t", kind, "-w", "--literally", "--stdin", text=text).strip()


def test_pushing_from_packs_with_and_without_a_bitmap(
    served_repo: ServedRepo, tmp_path: Path
) -> None:
    git = clone(served_repo, tmp_path / "clone")
    git("repack", "-q", "-a", "-d", "-b")
    git.commit(1_700_001_000, "new")
    git("repack", "-q", "-d")
    with Registry.open(git.path) as registry:
        event = registry.register("n", "v1.0.0", author=ANN, push=True)
        registry.register("n", "v2.0.0", commit="HEAD~1", author=ANN, push=True)
    served_repo.git("fsck", "--strict")
    assert served_repo.git("rev-parse", "n@v1.0.0^{commit}").strip() == event.commit


def test_a_new_commit_is_sent_without_existing_objects(
    served_repo: ServedRepo, tmp_path: Path
) -> None:
    git = clone(served_repo, tmp_path / "clone")
    (git.path / "new").write_text("new")
    git("add", "new")
    git("commit", "-q", "-m", "new")
    with proxied(served_repo.port) as proxy, Registry.open(git.path) as registry:
        url = served_repo.url.replace(str(served_repo.port), str(proxy.port))
        registry.register("n", "v1.0.0", author=ANN)
        registry.push(remote=served_repo.url if served_repo.url.startswith("ssh") else url)
        assert proxy.sent < LARGE
    served_repo.git("fsck", "--strict")
    assert served_repo.git("ls-tree", "--name-only", "n@v1.0.0").split()[-1] == "new"


def test_pushing_one_of_twenty_thousand_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def many(path: Path) -> Git:
        git = init(path)
        for number in range(20):
            git.commit(1_700_000_000 + number)
        commits = git("rev-list", "HEAD").split()
        git(
            "fast-import",
            "--quiet",
            text="".join(
                f"tag m{n % 100}@v0.0.{n // 100}\nfrom {commits[n % 20]}\n"
                f"tagger A <a@b> {1_700_000_000 + n} +0000\ndata 1\nx\n"
                for n in range(20_000)
            ),
        )
        git("gc", "-q")
        return git

    with server("daemon", tmp_path, bare(tmp_path, many), monkeypatch) as served_repo:
        durations = []
        for name in ("git", "library"):
            path = tmp_path / name
            Git(tmp_path)("clone", "-q", f"file://{served_repo.git.path}", str(path))
            git = Git(path)
            with Registry.open(path) as registry:
                event = registry.register(name, "v1.0.0", author=ANN)
                start = time.perf_counter()
                if name == "library":
                    registry.push(event, remote=served_repo.url)
                else:
                    git("push", "-q", served_repo.url, f"refs/tags/{event.tag}")
                durations.append(time.perf_counter() - start)
        assert durations[1] < 6 * durations[0], durations


@pytest.mark.parametrize("kind", ["daemon", "web", "web v0", "daemon filter"])
def test_a_large_head_on_a_server_without_filters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Commits and the root tree are first in a pack; no more is received."""

    def configured(path: Path) -> Git:
        git = with_large_commits(path)
        (git.path / ".gto").write_text("stages: [dev]\n")
        git("add", ".gto")
        git("commit", "-q", "-m", "allow dev")
        late = git("rev-parse", "HEAD~3").strip()
        text = f"object {late}\ntype commit\ntag late@v1.0.0\n\nno tagger\n"
        id = git("hash-object", "-t", "tag", "-w", "--literally", "--stdin", text=text).strip()
        git("update-ref", "refs/tags/late@v1.0.0", id)
        return git

    monkeypatch.setattr("modelversions.git.remote.transport.MAX_BYTES", 2_000_000)
    with server(kind, tmp_path, bare(tmp_path, configured), monkeypatch) as served_repo:
        # Half of a file's bytes for each connection; a client that needs more gets a timeout.
        with proxied(served_repo.port, limit=LARGE // 2, silent=True) as proxy:
            url = served_repo.url.replace(str(served_repo.port), str(proxy.port))
            with (
                Registry.open(url, timeout=10) as registry,
                Registry.open(served_repo.git.path) as local,
            ):
                assert registry.history() == local.history()
                assert registry.commits(limit=3) == local.commits(limit=3)
                assert registry.commits(limit=None) == local.commits(limit=None)
                old = served_repo.git("rev-parse", "main~5").strip()
                registry.register("n", "v1.0.0", commit=old, author=ANN)
                registry.assign("n", "v1.0.0", "dev", author=ANN)
                with pytest.raises(StageNotAllowedError, match="allowed: dev"):
                    registry.assign("n", "v1.0.0", "prod", author=ANN)
        served_repo.git("fsck", "--strict")
