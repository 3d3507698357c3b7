"""Pushing from and fetching into the clones that people have, at C git's servers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelversions import Identity, Registry, StageNotAllowedError
from tests.compat.git import Git, init
from tests.remote.conftest import Far, bare, server
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
def far(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Far]:
    with server(request.param, tmp_path, bare(tmp_path, with_large_commits), monkeypatch) as far:
        yield far


def clone(far: Far, path: Path, *options: str) -> Git:
    here = Git(path.parent)
    here("clone", "-q", "--no-tags", *options, f"file://{far.git.path}", str(path))
    git = Git(path)
    git("remote", "set-url", "origin", far.url)
    return git


def fetched(git: Git) -> list[str]:
    with Registry.open(git.path) as registry:
        return list(registry.fetch().transferred)


ALL = ["m@v1.0.0", "m@v2.0.0", "m@v3.0.0"]


@pytest.mark.parametrize("options", [(), ("--depth=1",), ("--depth=3",), ("--bare",)])
def test_fetching_into_clones(far: Far, tmp_path: Path, options: tuple[str, ...]) -> None:
    git = clone(far, tmp_path / "clone", *options)
    assert fetched(git) == ALL
    git("fsck", "--strict")
    assert git("tag").split() == ALL


def test_a_detached_checkout_fetches_what_it_lacks(far: Far, tmp_path: Path) -> None:
    git = clone(far, tmp_path / "clone")
    git("checkout", "-q", "--detach")
    git("branch", "-D", "main")
    with proxied(far.port) as proxy:
        git("remote", "set-url", "origin", far.url.replace(str(far.port), str(proxy.port)))
        if far.url.startswith("ssh"):
            git("remote", "set-url", "origin", far.url)
        assert fetched(git) == ALL
        assert proxy.received < LARGE


def test_objects_that_dulwich_cannot_parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit and tags without a zone or with a bad time: fetched, read, pushed, as by Git."""

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

    with server("daemon", tmp_path, bare(tmp_path, irregular), monkeypatch) as far:
        git = clone(far, tmp_path / "clone")
        assert fetched(git) == ALL
        with Registry.open(far.url) as there, Registry.open(git.path) as here:
            assert there.history() == here.history()
            assert [one.message for one in there.problems()] == [
                one.message for one in here.problems()
            ]
            assert len(here.history()) == 3
            far.git("tag", "-d", *ALL)
            assert list(here.push(*ALL).transferred) == ALL
        assert far.git("tag").split() == ALL


def _written(git: Git, kind: str, text: str) -> str:
    return git("hash-object", "-t", kind, "-w", "--literally", "--stdin", text=text).strip()


def test_pushing_from_packs_with_and_without_a_bitmap(far: Far, tmp_path: Path) -> None:
    git = clone(far, tmp_path / "clone")
    git("repack", "-q", "-a", "-d", "-b")
    git.commit(1_700_001_000, "new")
    git("repack", "-q", "-d")
    with Registry.open(git.path) as registry:
        event = registry.register("n", "v1.0.0", author=ANN, push=True)
        registry.register("n", "v2.0.0", commit="HEAD~1", author=ANN, push=True)
    far.git("fsck", "--strict")
    assert far.git("rev-parse", "n@v1.0.0^{commit}").strip() == event.commit


def test_a_new_commit_is_sent_without_what_is_there(far: Far, tmp_path: Path) -> None:
    git = clone(far, tmp_path / "clone")
    (git.path / "new").write_text("new")
    git("add", "new")
    git("commit", "-q", "-m", "new")
    with proxied(far.port) as proxy, Registry.open(git.path) as registry:
        url = far.url.replace(str(far.port), str(proxy.port))
        registry.register("n", "v1.0.0", author=ANN)
        registry.push(remote=far.url if far.url.startswith("ssh") else url)
        assert proxy.sent < LARGE
    far.git("fsck", "--strict")
    assert far.git("ls-tree", "--name-only", "n@v1.0.0").split()[-1] == "new"


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

    with server("daemon", tmp_path, bare(tmp_path, many), monkeypatch) as far:
        took = []
        for name in ("theirs", "ours"):
            path = tmp_path / name
            Git(tmp_path)("clone", "-q", f"file://{far.git.path}", str(path))
            git = Git(path)
            with Registry.open(path) as registry:
                event = registry.register(name, "v1.0.0", author=ANN)
                start = time.perf_counter()
                if name == "ours":
                    registry.push(event, remote=far.url)
                else:
                    git("push", "-q", far.url, f"refs/tags/{event.tag}")
                took.append(time.perf_counter() - start)
        assert took[1] < 6 * took[0], took


@pytest.mark.parametrize("kind", ["daemon", "web", "web v0", "daemon filter"])
def test_a_large_head_on_a_server_without_filters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Commits and the root tree come first in a pack: no more is taken."""

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
    with server(kind, tmp_path, bare(tmp_path, configured), monkeypatch) as far:
        # Half of a file's bytes for each connection; who needs more of them waits in vain.
        with proxied(far.port, limit=LARGE // 2, silent=True) as proxy:
            url = far.url.replace(str(far.port), str(proxy.port))
            with Registry.open(url, timeout=10) as registry, Registry.open(far.git.path) as local:
                assert registry.history() == local.history()
                assert registry.commits(limit=3) == local.commits(limit=3)
                assert registry.commits(limit=None) == local.commits(limit=None)
                old = far.git("rev-parse", "main~5").strip()
                registry.register("n", "v1.0.0", commit=old, author=ANN)
                registry.assign("n", "v1.0.0", "dev", author=ANN)
                with pytest.raises(StageNotAllowedError, match="allowed: dev"):
                    registry.assign("n", "v1.0.0", "prod", author=ANN)
        far.git("fsck", "--strict")
