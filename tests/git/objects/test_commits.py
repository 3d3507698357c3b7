"""Listing commits, as far as they exist."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import (
    NotACommitError,
    ProblemKind,
    Registry,
    RepositoryError,
    RevisionNotFoundError,
)
from tests.builders import Builder
from tests.git.helpers import ME, git_directory, kinds, loose, refuse_to_open


class TestCommits:
    """Listing commits, as far as they exist."""

    @pytest.fixture
    def three(self, disk: Builder) -> Builder:
        disk.commit("c2", 1, "c1")
        disk.commit("c3", 2, "c2")
        return disk

    def listed(self, builder: Builder) -> list[str]:
        return [commit.subject for commit in builder.registry.commits()]

    def test_a_missing_parent(self, three: Builder) -> None:
        loose(three, three.commits["c1"]).unlink()
        assert self.listed(three) == ["c3", "c2"]
        with pytest.raises(RepositoryError, match="leads to the object .* missing or broken"):
            three.registry.at("HEAD~2")

    def test_a_shallow_clone(self, three: Builder) -> None:
        (git_directory(three) / "shallow").write_text(f"{three.commits['c2']}\n")
        assert self.listed(three) == ["c3", "c2"]
        with pytest.raises(RevisionNotFoundError, match="no commit 'HEAD~2'"):
            three.registry.at("HEAD~2")
        (git_directory(three) / "shallow").write_text("rubbish\n")
        with pytest.raises(RepositoryError, match="run 'git fsck' for details"):
            self.listed(three)

    def test_a_committer_that_cannot_be_read(self, three: Builder) -> None:
        parent = three.commits["c3"]
        text = f"tree {'a' * 40}\nparent {parent}\nauthor x\ncommitter rubbish\n\nstrange\n"
        id = "d" * 40
        loose(three, id).parent.mkdir()
        loose(three, id).write_bytes(zlib.compress(f"commit {len(text)}\0{text}".encode()))
        (git_directory(three) / "refs" / "heads" / "main").write_text(f"{id}\n")
        assert self.listed(three) == ["strange", "c3", "c2", "c1"]

    def test_newest_first_each_once(self, three: Builder) -> None:
        three.commit("side", 1, "c1")
        three.commit("merge", 9, "c3", "side")
        assert self.listed(three) == ["merge", "c3", "side", "c2", "c1"]

    def test_a_repository_whose_head_is_missing_is_not_empty(self, three: Builder) -> None:
        loose(three, three.commits["c3"]).unlink()
        with pytest.raises(
            RepositoryError, match="'HEAD' leads to the object .* missing or broken"
        ):
            three.registry.commits()

    @pytest.mark.parametrize("length", [0, 10, 1000, 1050])
    def test_a_broken_index(self, three: Builder, length: int) -> None:
        three.tags("m@v1.0.0")
        three.pack()
        three.repo.close()
        index = next((git_directory(three) / "objects" / "pack").glob("*.idx"))
        index.chmod(0o600)
        index.write_bytes(index.read_bytes()[:length])
        with Registry.open(git_directory(three).parent) as registry:
            assert [problem.kind for problem in registry.problems()] == [ProblemKind.MISSING]
            for read in (registry.commits, lambda: registry.at(three.commits["c1"][:8])):
                with pytest.raises((RepositoryError, RevisionNotFoundError)):
                    read()

    def test_refs_that_cannot_be_opened(
        self, three: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HEAD", "packed-refs"):
            with monkeypatch.context() as patch:
                refuse_to_open(patch, name)
                with pytest.raises(RepositoryError, match="Permission denied"):
                    three.registry.at("HEAD" if name == "HEAD" else "nowhere")
        three.tag("m@v1.0.0")
        refuse_to_open(monkeypatch, "m@v1.0.0")
        assert list(three.registry) == []
        assert [problem.tag for problem in three.registry.problems()] == ["m@v1.0.0"]

    def test_a_directory_of_refs_that_cannot_be_listed(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(path: object) -> object:
            raise PermissionError(13, "Permission denied", path)

        monkeypatch.setattr("os.scandir", refuse)
        with pytest.raises(RepositoryError, match="Permission denied"):
            list(disk.registry)

    def test_a_tree_that_is_broken(self, tmp_path: Path) -> None:
        with Repo.init_bare(str(tmp_path)) as repo:
            builder = Builder(repo)
            for path in ("file", ".gto/file"):
                builder.commit_file(path, "stages: [dev]")
                assert builder.registry._store.read_file("file/x") is None
                assert builder.registry._store.read_file(".gto") is None
            tree = builder.repo[builder.repo.head()].tree.decode()  # type: ignore[attr-defined]
            loose(builder, tree).chmod(0o600)
            loose(builder, tree).write_bytes(zlib.compress(b"tree 7\0rubbish"))
            builder.tag("m@v1.0.0", "file")
            with pytest.raises(
                RepositoryError, match="cannot be read: .* run 'git fsck' for details"
            ):
                builder.registry.assign("m", "v1.0.0", "prod", author=ME)
            assert kinds(builder) == [(".gto", ProblemKind.CONFIGURATION)]

    def test_a_tag_that_cannot_be_read_names_no_commit(self, disk: Builder) -> None:
        disk.raw("strange", "rubbish")
        with pytest.raises(NotACommitError, match="'strange' names a tag"):
            disk.registry.at("strange")
