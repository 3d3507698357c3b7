"""Revisions, as Git resolves them."""

from __future__ import annotations

import hashlib
from itertools import count

import pytest
from dulwich.objects import Commit, ObjectID
from dulwich.repo import Repo

from modelversions import (
    AmbiguousRevisionError,
    NotACommitError,
    Registry,
    RevisionNotFoundError,
)
from tests.builders import Builder
from tests.git.local.helpers import ANN, path_of


def text_with_prefix(prefix: str, kind: str, text: str) -> str:
    """Return ``text`` with a number, so that the id of the object begins with ``prefix``."""
    for number in count():
        content = text.format(number)
        raw = f"{kind} {len(content)}\0{content}".encode()
        if hashlib.sha1(raw, usedforsecurity=False).hexdigest().startswith(prefix):
            return content
    raise AssertionError(prefix)


class TestRevisions:
    @pytest.fixture(params=["memory", "disk"])
    def many(self, request: pytest.FixtureRequest) -> Builder:
        """Commits c1 <- c2 <- c4 and c1 <- c3 <- c4, a merge."""
        found = request.getfixturevalue("builder" if request.param == "memory" else "disk")
        assert isinstance(found, Builder)
        found.commit("c2", 2, "c1")
        found.commit("c3", 3, "c1")
        found.commit("c4", 4, "c2", "c3")
        found.tag("v1", "c2")
        found.tag("tagged", found.tag("inner", "c3"), kind="tag")
        found.ref("refs/heads/side/one", found.commits["c3"])
        found.ref("refs/remotes/origin/main", found.commits["c2"])
        found.ref("refs/remotes/origin/HEAD", found.commits["c2"])
        return found

    @pytest.mark.parametrize(
        ("revision", "label"),
        [
            ("HEAD", "c4"),
            ("@", "c4"),
            ("main", "c4"),
            ("refs/heads/main", "c4"),
            ("heads/main", "c4"),
            ("side/one", "c3"),
            ("v1", "c2"),
            ("tagged", "c3"),
            ("tagged^{}", "c3"),
            ("tagged^{commit}~", "c1"),
            ("origin/main", "c2"),
            ("origin", "c2"),
            ("HEAD~", "c2"),
            ("HEAD^", "c2"),
            ("HEAD^2", "c3"),
            ("HEAD~2", "c1"),
            ("HEAD^2~1", "c1"),
            ("HEAD^2^", "c1"),
            ("HEAD^^", "c1"),
            ("HEAD~1^0", "c2"),
            ("@~2", "c1"),
        ],
    )
    def test_what_names_a_commit(self, many: Builder, revision: str, label: str) -> None:
        store = many.registry._store
        assert store.resolve(revision) == many.commits[label]
        for length in (40, 12):
            assert store.resolve(many.commits[label][:length].upper()) == many.commits[label]

    @pytest.mark.parametrize(
        "revision",
        [
            "",
            "nowhere",
            "HEAD~9",
            "HEAD^3",
            "~1",
            "a b",
            "a\0b",
            "a" * 5000,
            "a/" * 3000,
            "\udcff",
            "nowhere@{0}",
            "HEAD@{9}",
            "é",
            "0" * 40,
            "ab",
        ],
    )
    def test_revisions_that_name_no_commit(self, many: Builder, revision: str) -> None:
        with pytest.raises(RevisionNotFoundError, match="there is no commit") as caught:
            many.registry._store.resolve(revision)
        assert caught.value.revision == revision

    @pytest.mark.parametrize(
        "revision",
        [
            *("^main", "HEAD:x", ":/text", "main..side/one", "HEAD^{/c1}", "HEAD^{tree}"),
            *("HEAD^!", "HEAD^@", "HEAD^-", "@{u}", "main@{upstream}", "@{-1}", "@{yesterday}"),
        ],
    )
    def test_a_form_that_is_not_supported(self, many: Builder, revision: str) -> None:
        with pytest.raises(RevisionNotFoundError, match="is not supported; pass a SHA, a branch"):
            many.registry._store.resolve(revision)

    def test_the_reflog_of_a_ref(self, disk: Builder) -> None:
        first, second = disk.commits["c1"], disk.commit("c2", 2, "c1")
        logs = path_of(disk) / ".git" / "logs"
        (logs / "refs" / "heads").mkdir(parents=True, exist_ok=True)
        line = f"{ANN.name} <{ANN.email}> 1700000000 +0000\tx\n"
        (logs / "refs" / "heads" / "main").write_text(
            f"{'0' * 40} {first} {line}rubbish\n{first} {second} {line}"
        )
        (logs / "HEAD").write_text(f"{first} {second} {line}")
        resolve = disk.registry._store.resolve
        for revision in ("@{1}", "main@{1}", "HEAD@{1}", "@{0}~1", "refs/heads/main@{1}"):
            assert resolve(revision) == first
        assert resolve("@{0}") == resolve("HEAD@{0}") == second
        (logs / "HEAD").unlink()
        for revision in ("@{2}", "HEAD@{1}"):
            with pytest.raises(RevisionNotFoundError, match="there is no commit"):
                resolve(revision)

    def test_what_describe_prints(self, many: Builder) -> None:
        sha = many.commits["c3"]
        assert many.registry._store.resolve(f"v1-3-g{sha[:9]}") == sha

    def test_an_object_that_is_not_a_commit(self, many: Builder) -> None:
        blob = many.blob()
        many.ref("refs/tags/a-blob", blob)
        for revision in (blob, blob[:10], "a-blob"):
            with pytest.raises(NotACommitError, match="names a blob, not a commit") as caught:
                many.registry._store.resolve(revision)
            assert caught.value.type == "blob"

    def test_a_short_sha_that_matches_several_commits(self, builder: Builder) -> None:
        shas: dict[str, list[str]] = {}
        for number in range(800):
            sha = builder.commit(f"n{number}", number)
            shas.setdefault(sha[:4], []).append(sha)
        both = next((found for found in shas.values() if len(found) > 1), None)
        assert both is not None
        with pytest.raises(
            AmbiguousRevisionError, match=r"matches . commits, .* more digits"
        ) as caught:
            builder.registry._store.resolve(both[0][:4])
        assert set(caught.value.candidates) == set(both)

    @pytest.mark.parametrize("on_disk", [False, True])
    def test_a_short_sha_that_matches_several_objects(
        self, request: pytest.FixtureRequest, *, on_disk: bool
    ) -> None:
        builder: Builder = request.getfixturevalue("disk" if on_disk else "builder")
        resolve = builder.registry._store.resolve
        commit = builder.commits["c1"]
        blob = builder.blob(text_with_prefix(commit[:4], "blob", "{}"))
        assert blob[:4] == commit[:4]
        assert resolve(commit[:4]) == commit  # as git rev-parse with ^{commit}
        text = "object %s\ntype %s\ntag t\ntagger Ann <a> 1 +0000\n\n{}\n"
        other_tag = builder.raw("t", text_with_prefix(commit[:4], "tag", text % (blob, "blob")))
        builder.raw("u", text_with_prefix(commit[:4], "tag", text % ("b" * 40, "commit")))
        assert resolve(commit[:4]) == commit
        tag = builder.raw("v", text_with_prefix(commit[:4], "tag", text % (commit, "commit")))
        with pytest.raises(AmbiguousRevisionError, match="matches 2 objects") as caught:
            resolve(commit[:4])
        assert set(caught.value.candidates) == {commit, tag}
        assert resolve(f"v1-3-g{commit[:4]}") == commit  # git describe names commits only
        assert resolve(tag[:20]) == commit
        with pytest.raises(NotACommitError):
            resolve(other_tag[:20])
        other = builder.blob(text_with_prefix("1234", "blob", "{}"))
        assert (
            builder.raw("w", text_with_prefix("1234", "tag", text % (other, "blob")))[:4] == "1234"
        )
        with pytest.raises(AmbiguousRevisionError, match="matches 2 objects"):
            resolve("1234")

    def test_packed_and_symbolic_refs(self, disk: Builder) -> None:
        disk.commit("c2", 2, "c1")
        disk.tag("v1")
        for number in range(8):
            disk.ref(f"refs/heads/b{number}", disk.commits["c1"])
        disk.pack()
        store = disk.registry._store
        for revision, label in {"HEAD": "c2", "main": "c2", "v1": "c1", "b7~0": "c1"}.items():
            assert store.resolve(revision) == disk.commits[label]
        git = path_of(disk) / ".git"
        (git / "FETCH_HEAD").write_text(f"{disk.commits['c1']}\t\tbranch 'x' of y\n")
        assert store.resolve("FETCH_HEAD") == disk.commits["c1"]
        (git / "LOOP").write_text("ref: LOOP\n")
        (git / "config.sha").write_text(disk.commits["c1"])
        for revision in ("LOOP", "config.sha", "../.git/config.sha", "zz", "refs/heads"):
            with pytest.raises(RevisionNotFoundError):
                store.resolve(revision)
        packed = git / "packed-refs"
        packed.write_text(packed.read_text().replace(" sorted", ""))
        assert store.resolve("main") == disk.commits["c2"]
        packed.write_text("")
        with pytest.raises(RevisionNotFoundError):
            store.resolve("main")
        packed.unlink()
        with pytest.raises(RevisionNotFoundError):
            store.resolve("main")

    def test_a_branch_takes_precedence_over_a_short_sha(self, many: Builder) -> None:
        short = many.commits["c1"][:6]
        many.ref(f"refs/heads/{short}", many.commits["c4"])
        assert many.registry._store.resolve(short) == many.commits["c4"]


def test_a_commit_that_cannot_be_read_completely(builder: Builder) -> None:
    raw = b"tree %b\n\nmessage\n" % (b"a" * 40)
    from modelversions.git.tag_object import parse_commit

    commit = parse_commit("b" * 40, raw)
    assert (commit.author, commit.subject, commit.time.year) == (None, "message", 1970)
    assert isinstance(builder.repo.object_store[ObjectID(builder.commits["c1"].encode())], Commit)


def test_a_short_sha_after_another_program_has_repacked(disk: Builder) -> None:
    sha = disk.commit()
    disk.commit("c2", 1, "c1")
    disk.pack()
    assert isinstance(disk.repo, Repo)
    with Repo(disk.repo.path) as repo, Repo(disk.repo.path) as other:
        registry = Registry.from_repo(repo)
        assert registry.commits(sha[:8])[0].commit == sha
        Builder(other).blob("one more, so that the pack has another name")
        other.object_store.repack()
        assert registry.commits(sha[:8])[0].commit == sha
