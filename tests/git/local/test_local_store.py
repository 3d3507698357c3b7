"""Opening local repositories."""

from __future__ import annotations

import os
import re
import shutil
import time
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from dulwich.refs import Ref
from dulwich.repo import MemoryRepo, Repo

from modelversions import (
    ConfigurationError,
    Identity,
    Registry,
    RepositoryError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tests.builders import Builder
from tests.git.local.helpers import ANN, path_of


class TestOpening:
    def test_a_path_inside_a_repository(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk.tags("m@v1.0.0")
        inside = path_of(disk) / "a" / "b"
        inside.mkdir(parents=True)
        (inside / "file").write_text("")
        for path in (inside, str(inside), inside / "file", path_of(disk) / ".git"):
            with Registry.open(path) as registry:
                assert list(registry) == ["m"]
        monkeypatch.chdir(inside)
        with Registry.open() as registry:
            assert list(registry) == ["m"]
            assert repr(registry) == f"<Registry {str(path_of(disk))!r}: 1 model>"

    def test_a_bare_repository(self, tmp_path: Path) -> None:
        with Repo.init_bare(str(tmp_path / "bare.git"), mkdir=True) as repo:
            builder = Builder(repo)
            builder.tags("m@v1.0.0")
            with Registry.open(tmp_path / "bare.git") as registry:
                registry.register("m", "v2.0.0", author=ANN, force=True)
                assert registry.latest()["m"].name == "v2.0.0"

    def test_a_linked_worktree(self, disk: Builder, tmp_path: Path) -> None:
        disk.tags("m@v1.0.0")
        assert isinstance(disk.repo, Repo)
        linked = tmp_path / "linked"
        disk.repo.worktrees.add(str(linked), branch=b"side").close()
        with Registry.open(linked) as registry:
            registry.register("m", "v2.0.0", author=ANN, force=True)
        assert disk.registry.latest()["m"].name == "v2.0.0"

    @pytest.mark.usefixtures("short_lock_timeout")
    def test_reftable(self, tmp_path: Path) -> None:
        Repo.init(str(tmp_path), format=1).close()
        with (tmp_path / ".git" / "config").open("a") as config:
            config.write("[extensions]\n\trefStorage = reftable\n")
        with Repo(str(tmp_path)) as repo:
            builder = Builder(repo)
            builder.tags("m@v1.0.0", "n@v1.0.0")
            builder.ref("refs/tags/m@v3.0.0", builder.commits["c1"])
            with Registry.open(tmp_path) as registry:
                registry.register("m", "v2.0.0", author=ANN, force=True)
                assert registry["m"].latest == registry["m"]["v2.0.0"]
                assert list(registry) == ["m", "n"]
                assert len(registry.problems()) == 2
                lock = tmp_path / ".git" / "reftable" / "tables.list.lock"
                lock.touch()
                with pytest.raises(OSError, match=r"tables.list.lock' and try again"):
                    registry.register("m", "v4.0.0", author=ANN, force=True)

    def test_the_configuration_of_a_worktree_has_priority(self, disk: Builder) -> None:
        config = path_of(disk) / ".git" / "config"
        config.write_text(
            "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tworktreeConfig = true\n"
            "[user]\n\tname = Local\n\temail = l@example.com\n"
        )
        (path_of(disk) / ".git" / "config.worktree").write_text("[user]\n\tname = Worktree\n")
        with Registry.open(path_of(disk)) as registry:
            event = registry.register("m", "v1.0.0")
        assert event.author == Identity("Worktree", "l@example.com")

    def test_the_configuration_of_a_user_for_some_directories(
        self, disk: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "work").write_text("[user]\n\tname = Work\n")
        condition = f'[includeIf "gitdir:{path_of(disk)}/"]\n\tpath = {tmp_path}/work\n'
        user = "[user]\n\tname = Home\n\temail = h@example.com\n"
        (tmp_path / "global").write_text(user + condition)
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "global"))
        assert disk.registry.register("m", "v1.0.0").author == Identity("Work", "h@example.com")
        memory = Builder(MemoryRepo())
        memory.commit()
        assert memory.registry.register("m", "v1.0.0").author == Identity("Home", "h@example.com")

    def test_a_configuration_that_cannot_be_read(
        self, disk: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "global").write_text("[user\nname = x")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "global"))
        with pytest.raises(
            ConfigurationError, match="'git config --list --show-origin' shows where"
        ):
            disk.registry.register("m", "v1.0.0")

    def test_sha256(self, tmp_path: Path) -> None:
        with Repo.init(str(tmp_path), object_format="sha256") as repo:
            builder = Builder(repo)
            sha = builder.commit()
            event = builder.registry.register("m", "v1.0.0", author=ANN, commit=sha[:10])
            assert len(event.commit) == 64
            builder.repo.refs.pack_refs(all=True)
            with Registry.open(tmp_path) as registry:
                assert registry["m"].history == (event,)
                assert registry.at(sha)

    def test_alternates(self, disk: Builder, tmp_path: Path) -> None:
        disk.tags("m@v1.0.0")
        tag = disk.raw("m@v2.0.0", f"object {disk.commits['c1']}\ntype commit\ntag m@v2.0.0\n\nx\n")
        with Repo.init(str(tmp_path / "borrower"), mkdir=True) as borrower:
            assert isinstance(disk.repo, Repo)
            borrower.object_store.add_alternate_path(disk.repo.object_store.path)
            for name in ("m@v1.0.0", "m@v2.0.0"):
                ref = Ref(f"refs/tags/{name}".encode())
                borrower.refs[ref] = disk.repo.refs[ref]
            with Registry.open(borrower.path) as registry:
                assert [version.name for version in registry["m"]] == ["v2.0.0", "v1.0.0"]
                assert tag == borrower.refs[Ref(b"refs/tags/m@v2.0.0")].decode()

    def test_a_given_repository_is_not_closed(self) -> None:
        builder = Builder(MemoryRepo())
        builder.tags("m@v1.0.0")
        with Registry.from_repo(builder.repo) as registry:
            assert repr(registry) == "<Registry 'memory': 1 model>"
        assert list(Registry.from_repo(builder.repo)) == ["m"]

    @pytest.mark.parametrize("path", ["nowhere", "./user@host:path", "C:\\nowhere", ""])
    def test_a_mistyped_path_is_never_treated_as_a_url(self, path: str) -> None:
        with pytest.raises(RepositoryNotFoundError, match="there is no") as caught:
            Registry.open(path)
        assert caught.value.location == path
        assert isinstance(caught.value, FileNotFoundError)

    def test_a_directory_without_a_repository(self, tmp_path: Path) -> None:
        with pytest.raises(RepositoryNotFoundError, match="' is not in a Git repository"):
            Registry.open(tmp_path)

    def test_the_error_shows_the_full_path_of_a_relative_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(RepositoryNotFoundError, match=re.escape(f"'.' ({tmp_path}) is not in")):
            Registry.open()

    def test_the_home_directory_is_not_expanded(self) -> None:
        with pytest.raises(RepositoryNotFoundError, match=r"pass os.path.expanduser\('~/models'\)"):
            Registry.open("~/models")

    def test_an_unknown_format_version(self, disk: Builder) -> None:
        config = path_of(disk) / ".git" / "config"
        config.write_text("[core]\n\trepositoryformatversion = 9\n")
        with pytest.raises(RepositoryError, match="cannot be read"):
            Registry.open(path_of(disk))

    def test_refs_that_cannot_be_read(self, disk: Builder) -> None:
        (path_of(disk) / ".git" / "packed-refs").mkdir()
        with pytest.raises(RepositoryError, match=r"the tags of .* cannot be read"):
            list(disk.registry)


def test_a_deleted_repository_is_not_an_empty_registry(disk: Builder, tmp_path: Path) -> None:
    disk.tags("m@v1.0.0")
    with Registry.open(path_of(disk)) as registry:
        shutil.move(path_of(disk), tmp_path / "elsewhere")
        with pytest.raises(RepositoryError, match="cannot be read: .*No such file"):
            list(registry)


@pytest.mark.parametrize("commits", [0, 1])
def test_a_repository_without_commits(commits: int) -> None:
    builder = Builder()
    hint = "HEAD names no commit yet; create one first, or pass another branch or a commit"
    if commits:
        builder.commit()
        assert builder.registry.commits()
    else:
        with pytest.raises(RevisionNotFoundError, match=hint):
            builder.registry.at()
        with pytest.raises(RevisionNotFoundError, match=hint):
            builder.registry.register("m", author=ANN)


def test_the_location_of_a_submodule(disk: Builder) -> None:
    """It is the directory of the work tree, as in ``git submodule status``."""
    disk.tags("m@v1.0.0")
    root = path_of(disk)
    directory = root / "lib"
    directory.mkdir()
    modules = root / ".git" / "modules" / "lib"
    shutil.copytree(root / ".git", modules, ignore=shutil.ignore_patterns("modules"))
    (directory / ".git").write_text("gitdir: ../.git/modules/lib\n")
    (modules / "config").write_text("[core]\n\tworktree = ../../../lib\n\tbare = false\n")
    with Registry.open(directory) as registry:
        assert repr(registry) == f"<Registry {str(directory)!r}: 1 model>"


class TestLocksOfObjects:
    """dulwich leaves the lock file of an object if writing it is interrupted."""

    def lock(self, disk: Builder) -> tuple[Path, dict[str, Any]]:
        """Return the lock of the object that a registration writes, and the registration."""
        disk.commit()
        when = datetime(2030, 1, 1, tzinfo=timezone.utc)
        arguments: dict[str, Any] = {"model": "m", "version": "v1.0.0", "author": ANN, "when": when}
        registry = disk.registry
        registry.register(**arguments)
        (id,) = registry.delete_tags("m@v1.0.0").values()
        path = path_of(disk) / ".git" / "objects" / id[:2] / id[2:]
        path.unlink()
        return path.with_suffix(".lock"), arguments

    def test_an_interrupt_while_another_writer_is_waited_for(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lock, arguments = self.lock(disk)
        lock.touch()
        monkeypatch.setattr(time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            disk.registry.register(**arguments)
        assert lock.exists()

    @pytest.mark.parametrize("other", [False, True])
    def test_an_interrupt_while_the_object_is_written(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch, *, other: bool
    ) -> None:
        lock, arguments = self.lock(disk)
        lexists = os.path.lexists
        monkeypatch.setattr(os.path, "lexists", lambda path: other or lexists(path))
        monkeypatch.setattr("dulwich.object_store.GitFile", partial(interrupted_file, lock))
        with pytest.raises(KeyboardInterrupt):
            disk.registry.register(**arguments)
        assert lock.exists() == other


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def interrupted_file(lock: Path, *_: object, **__: object) -> None:
    lock.touch()
    raise KeyboardInterrupt
