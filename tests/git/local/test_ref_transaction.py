"""Refs are created and deleted all or none, in the order of locks that Git uses."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from dulwich.file import GitFile
from dulwich.repo import Repo

from modelversions import (
    ConfigurationError,
    DubiousOwnershipError,
    Identity,
    LockedError,
    Registry,
    RepositoryError,
    WriteConflictError,
)
from modelversions.git import programs
from tests.builders import Builder, at

ANN = Identity("Ann", "ann@example.com")
HEADER = "# pack-refs with: peeled fully-peeled sorted \n"
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX modes and hooks")


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that a file was renamed to during the test, in order."""
    found: list[Path] = []
    replace = os.replace

    def record(old: Any, new: Any, **options: Any) -> None:
        found.append(Path(os.fsdecode(new)))
        replace(old, new, **options)

    monkeypatch.setattr(os, "replace", record)
    return found


def refs(builder: Builder) -> dict[str, str]:
    """Return all tags, read again."""
    return tags_of(builder.git_dir.parent)


def tags_of(path: Path) -> dict[str, str]:
    with Repo(str(path)) as repo:
        return {name.decode(): id.decode() for name, id in repo.refs.as_dict(b"refs/tags").items()}  # type: ignore[arg-type]


def files(builder: Builder) -> dict[str, bytes]:
    """Return all files of the repository except its objects."""
    root = builder.git_dir
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.relative_to(root).parts[0] != "objects"
    }


def locks(git: Path) -> list[Path]:
    found = [*git.rglob("*.lock"), *git.rglob("*.new")]
    return [path for path in found if path.is_file()]


@pytest.fixture
def mixed(disk: Builder) -> Builder:
    """Tags that are packed, that are loose, and a loose one above an older packed one."""
    with (disk.git_dir / "config").open("a") as file:
        file.write("[core]\n\tfsync = reference\n")
    disk.commit("c2", 1, "c1")
    disk.tags("m@v1.0.0", "m@v2.0.0", "n@v1.0.0")
    disk.pack()
    disk.tag("m@v2.0.0", "c2", 40)
    disk.tag("m@v3.0.0", "c2", 50)
    disk.tag("a/b@v1.0.0", "c2", 60)
    return disk


class TestDeletion:
    @pytest.mark.usefixtures("short_lock_timeout")
    def test_a_held_packed_refs_lock_changes_nothing(self, mixed: Builder) -> None:
        lock = mixed.git_dir / "packed-refs.lock"
        lock.touch()
        before = files(mixed)
        with pytest.raises(LockedError, match=r"packed-refs.lock' and try again"):
            mixed.registry.delete_tags("m@v2.0.0")
        assert files(mixed) == before

    @pytest.mark.usefixtures("short_lock_timeout")
    def test_the_locked_tag_of_several_is_named(self, mixed: Builder) -> None:
        (mixed.git_dir / "refs" / "tags" / "m@v2.0.0.lock").touch()
        with pytest.raises(LockedError, match="the tag 'm@v2.0.0' is locked") as caught:
            mixed.registry.delete_tags("m@v1.0.0", "m@v2.0.0")
        assert caught.value.tag == "m@v2.0.0"

    def test_a_version_is_created_before_its_stage(
        self, disk: Builder, renamed: list[Path]
    ) -> None:
        disk.registry.assign("m", "v1.0.0", "prod", register=True, author=ANN)
        assert [path.name for path in renamed if path.name.startswith("m")] == [
            "m@v1.0.0",
            "m#prod#1",
        ]

    def test_the_packed_refs_file_is_rewritten_once(
        self, mixed: Builder, renamed: list[Path]
    ) -> None:
        mixed.registry.delete_tags("m@v1.0.0", "m@v2.0.0", "n@v1.0.0")
        assert renamed == [mixed.git_dir / "packed-refs"]
        assert (mixed.git_dir / "packed-refs").read_text().startswith(HEADER)
        assert refs(mixed).keys() == {"m@v3.0.0", "a/b@v1.0.0"}
        assert locks(mixed.git_dir) == []
        assert mixed.registry.delete_tags() == {}

    def test_a_file_without_traits_keeps_its_header(self, mixed: Builder) -> None:
        packed = mixed.git_dir / "packed-refs"
        header, rest = packed.read_text().split("\n", 1)
        packed.write_text("# pack-refs with: peeled \n" + rest)
        mixed.registry.delete_tags("m@v1.0.0")
        assert packed.read_text().startswith("# pack-refs with: peeled \n")
        assert "m@v1.0.0" not in refs(mixed)
        assert header in HEADER

    def test_a_packed_refs_file_that_cannot_be_parsed(self, mixed: Builder) -> None:
        packed = mixed.git_dir / "packed-refs"
        packed.write_text(packed.read_text().replace("sorted", "") + "nonsense\n")
        registry = mixed.registry
        with pytest.raises(RepositoryError, match="unexpected line 'nonsense'"):
            registry.delete_tags("m@v3.0.0")
        assert locks(mixed.git_dir) == []

    def test_an_invalid_line_in_a_sorted_file(self, mixed: Builder) -> None:
        packed = mixed.git_dir / "packed-refs"
        text = packed.read_text()
        registry = mixed.registry
        refs = [ref for ref in registry._store.tags() if ref.name == "m@v1.0.0"]
        packed.write_text(text.replace(f"{refs[0].id} refs/tags/m@v1.0.0", "nonsense"))
        with pytest.raises(WriteConflictError, match="was changed"):
            registry._store.delete(refs)
        (mixed.git_dir / "refs" / "tags" / "m@v1.0.0").write_text(f"{refs[0].id}\n")
        packed.write_text(
            text.replace(f"{refs[0].id} refs/tags/m@v1.0.0\n^", "x refs/tags/m@v1.0.0\n^")
        )
        with pytest.raises(RepositoryError, match="unexpected line 'x refs/tags/m@v1.0.0'"):
            registry._store.delete(refs)
        assert locks(mixed.git_dir) == []

    def test_a_reader_never_sees_the_older_packed_value(
        self, mixed: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        newest, seen = refs(mixed)["m@v2.0.0"], []
        for name in ("replace", "unlink", "rename"):
            call = getattr(os, name)

            def reading(*arguments: Any, call: Callable[..., None] = call, **options: Any) -> None:
                seen.append(refs(mixed).get("m@v2.0.0"))
                call(*arguments, **options)
                seen.append(refs(mixed).get("m@v2.0.0"))

            monkeypatch.setattr(os, name, reading)
        mixed.registry.delete_tags("m@v2.0.0")
        assert set(seen) == {newest, None}

    def test_a_symbolic_tag_is_deleted_not_its_target(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        (disk.git_dir / "refs" / "tags" / "m@v2.0.0").write_text("ref: refs/tags/m@v1.0.0\n")
        disk.registry.delete_tags("m@v2.0.0")
        assert refs(disk).keys() == {"m@v1.0.0"}

    def test_empty_directories_are_removed_with_the_last_tag(self, mixed: Builder) -> None:
        mixed.registry.delete_tags("a/b@v1.0.0")
        tags = mixed.git_dir / "refs" / "tags"
        assert sorted(path.name for path in tags.iterdir()) == ["m@v2.0.0", "m@v3.0.0"]
        mixed.registry.delete_tags("m@v2.0.0", "m@v3.0.0")
        assert tags.is_dir()

    def test_a_linked_packed_refs_file_remains_a_link(self, mixed: Builder, tmp_path: Path) -> None:
        packed = mixed.git_dir / "packed-refs"
        packed.rename(tmp_path / "shared-refs")
        packed.symlink_to(tmp_path / "shared-refs")
        mixed.registry.delete_tags("m@v1.0.0")
        assert packed.is_symlink()
        assert "m@v1.0.0" not in refs(mixed)

    def test_sha256(self, tmp_path: Path) -> None:
        with Repo.init(str(tmp_path), object_format="sha256") as repo:
            builder = Builder(repo)
            builder.tags("m@v1.0.0", "m@v2.0.0")
            builder.pack()
            builder.registry.delete_tags("m@v1.0.0")
            assert [version.name for version in builder.registry["m"]] == ["v2.0.0"]


class TestFailures:
    """After an interrupt or a full disk at any system call, all refs are changed or none is."""

    CALLS = ("open", "close", "replace", "unlink", "mkdir", "fsync", "truncate", "rmdir")

    @contextmanager
    def failing(
        self, monkeypatch: pytest.MonkeyPatch, number: int, failure: BaseException, *, after: bool
    ) -> Iterator[list[str]]:
        """Make one call raise, before or after it has taken effect."""
        calls: list[str] = []
        with monkeypatch.context() as patch:
            for name in self.CALLS:
                call = getattr(os, name)

                def raising(
                    *arguments: Any, name: str = name, call: Any = call, **options: Any
                ) -> Any:
                    calls.append(name)
                    if len(calls) != number:
                        return call(*arguments, **options)
                    if after:
                        call(*arguments, **options)
                    raise failure

                patch.setattr(os, name, raising)
            yield calls

    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
    @pytest.mark.parametrize("with_reflog", [False, True])
    @pytest.mark.parametrize("method", ["delete", "assign"])
    def test_all_or_none(
        self,
        mixed: Builder,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        method: str,
        failure: BaseException,
        *,
        with_reflog: bool,
        after: bool,
    ) -> None:
        if with_reflog:
            mixed.configure("logAllRefUpdates", "always")
        (mixed.git_dir / "refs" / "tags" / "a" / "m@v0.0.1").mkdir()
        before, outcomes, number = refs(mixed), set(), 0
        while True:
            number += 1
            copy = tmp_path / f"copy{number}"
            shutil.copytree(mixed.git_dir.parent, copy)
            with Registry.open(copy) as registry:
                with self.failing(monkeypatch, number, failure, after=after) as calls:
                    self.change(registry, method)
                now = tags_of(copy)
            assert locks(copy / ".git") == [], f"call {number}: {calls}"
            outcomes.add(len(now) - len(before))
            assert {**before, **now} == (before if len(now) <= len(before) else now)
            if len(calls) < number:
                break
        assert outcomes == {0, -3 if method == "delete" else 2}
        assert number > 8

    @staticmethod
    def change(registry: Registry, method: str) -> None:
        """Delete three tags, or create two."""
        with suppress(KeyboardInterrupt, WriteConflictError, RepositoryError):
            if method == "delete":
                registry.delete_tags("m@v1.0.0", "m@v2.0.0", "m@v3.0.0")
            else:
                registry.assign("a/m", stage="dev", register=True, author=ANN, when=at(0))


class TestSharedRepository:
    @posix
    @pytest.mark.parametrize(
        ("value", "file", "directory"),
        [
            ("group", 0o660, 0o2770),
            ("true", 0o660, 0o2770),
            ("yes", 0o660, 0o2770),
            ("1", 0o660, 0o2770),
            ("all", 0o664, 0o2775),
            ("0640", 0o640, 0o2750),
            ("660", 0o660, 0o2770),
            ("umask", 0o600, 0o700),
            ("off", 0o600, 0o700),
            ("0", 0o600, 0o700),
            ("9", 0o660, 0o2770),
        ],
    )
    def test_modes(self, tmp_path: Path, value: str, file: int, directory: int) -> None:
        with Repo.init(str(tmp_path)) as repo:
            builder = Builder(repo)
            builder.commit()
            builder.tags("m@v1.0.0", "m@v2.0.0")
            builder.pack()
            config = repo.get_config()
            config.set(b"core", b"sharedRepository", value.encode())
            config.set(b"core", b"logAllRefUpdates", b"always")
            config.write_to_path()
        umask = os.umask(0o077)
        try:
            with Registry.open(tmp_path) as registry:
                registry.register("a/m", "v1.0.0", author=ANN)
                registry.delete_tags("m@v1.0.0")
        finally:
            os.umask(umask)
        git = tmp_path / ".git"
        for path in ("refs/tags/a/m@v1.0.0", "packed-refs", "logs/refs/tags/a/m@v1.0.0"):
            assert stat.S_IMODE((git / path).stat().st_mode) == file, path
        for path in ("refs/tags/a", "logs/refs/tags/a"):
            assert stat.S_IMODE((git / path).stat().st_mode) == directory, path

    @posix
    @pytest.mark.parametrize("value", ["07", "worldwide"])
    def test_a_value_that_git_refuses(self, mixed: Builder, value: str) -> None:
        mixed.configure("sharedRepository", value)
        before = refs(mixed)
        with pytest.raises(ConfigurationError, match=r"core\.sharedRepository"):
            mixed.registry.register("x/m", "v1.0.0", author=ANN)
        assert refs(mixed) == before


class TestReflogs:
    def test_none_is_created_by_default(self, mixed: Builder) -> None:
        mixed.registry.register("m", "v4.0.0", author=ANN, force=True)
        assert not (mixed.git_dir / "logs" / "refs" / "tags").exists()

    def test_always(self, mixed: Builder) -> None:
        mixed.configure("logAllRefUpdates", "always")
        event = mixed.registry.register(
            "x/m", "v4.0.0", author=ANN, commit=mixed.commits["c2"], when=at(5)
        )
        log = mixed.git_dir / "logs" / "refs" / "tags" / "x" / "m@v4.0.0"
        id = refs(mixed)["x/m@v4.0.0"]
        message = f"tag: tagging {event.commit[:7]} (c2, 2023-11-14)"
        person = "Ann <ann@example.com> 1700000005 +0000"
        assert log.read_text() == f"{'0' * 40} {id} {person}\t{message}\n"
        mixed.registry.delete_tags(event)
        assert not log.parent.exists()

    def test_an_existing_one_is_appended_to(self, mixed: Builder) -> None:
        log = mixed.git_dir / "logs" / "refs" / "tags" / "m@v4.0.0"
        log.parent.mkdir(parents=True)
        log.write_text("before\n")
        mixed.registry.register("m", "v4.0.0", author=ANN, force=True)
        assert log.read_text().startswith("before\n0000")


@posix
class TestHook:
    """``reference-transaction``."""

    @pytest.fixture
    def hooked(self, mixed: Builder) -> Callable[[str], Path]:
        def write(end: str) -> Path:
            hook = mixed.git_dir / "hooks" / "reference-transaction"
            hook.parent.mkdir(exist_ok=True)
            output = mixed.git_dir / "output"
            hook.write_text(
                f'#!/bin/sh\necho "$1 $GIT_DIR $PWD" >>"{output}"\ncat >>"{output}"\n{end}\n'
            )
            hook.chmod(0o755)
            return output

        return write

    def test_its_arguments_and_input(self, mixed: Builder, hooked: Callable[[str], Path]) -> None:
        output, zero = hooked("exit 0"), "0" * 40
        location = f" {mixed.git_dir.parent}"  # GIT_DIR is not set in an ordinary work tree
        mixed.registry.register("m", "v4.0.0", author=ANN, force=True)
        new = f"{zero} {refs(mixed)['m@v4.0.0']} refs/tags/m@v4.0.0\n"
        assert output.read_text() == f"prepared {location}\n{new}committed {location}\n{new}"
        output.unlink()
        old = f"{refs(mixed)['m@v1.0.0']} {zero} refs/tags/m@v1.0.0\n"
        mixed.registry.delete_tags("m@v1.0.0")
        assert output.read_text() == f"prepared {location}\n{old}committed {location}\n{old}"

    def test_it_can_refuse(self, mixed: Builder, hooked: Callable[[str], Path]) -> None:
        output, before = hooked('echo "not today" >&2; exit 1'), refs(mixed)
        with pytest.raises(WriteConflictError, match=r"rejected the tag 'm@v4.0.0': not today"):
            mixed.registry.register("m", "v4.0.0", author=ANN, force=True)
        with pytest.raises(WriteConflictError, match="reference-transaction"):
            mixed.registry.delete_tags("m@v1.0.0")
        assert refs(mixed) == before
        states = [
            line.split()[0] for line in output.read_text().splitlines() if "/tags/" not in line
        ]
        assert states == ["prepared", "aborted"] * 2
        assert locks(mixed.git_dir) == []

    def test_one_without_an_interpreter_is_run_by_the_shell(
        self, mixed: Builder, hooked: Callable[[str], Path]
    ) -> None:
        output, hook = hooked("exit 0"), mixed.git_dir / "hooks" / "reference-transaction"
        hook.write_text(hook.read_text().partition("\n")[2])
        mixed.registry.register("m", "v4.0.0", author=ANN, force=True)
        assert output.read_text().startswith("prepared")
        hook.write_text("")
        mixed.registry.register("m", "v5.0.0", author=ANN, force=True)
        hook.write_text("#!/no/such/program\n")
        with pytest.raises(WriteConflictError, match="/no/such/program|No such file"):
            mixed.registry.register("m", "v6.0.0", author=ANN, force=True)

    def test_another_directory_of_hooks(self, mixed: Builder) -> None:
        mixed.configure("hooksPath", "../hooks-of-all")
        hook = mixed.git_dir.parent.parent / "hooks-of-all" / "reference-transaction"
        hook.parent.mkdir()
        hook.write_text("#!/bin/sh\nexit 1\n")
        mixed.registry.register("m", "v4.0.0", author=ANN, force=True)  # it is not executable
        hook.chmod(0o755)
        with pytest.raises(WriteConflictError, match="it gave no reason"):
            mixed.registry.register("m", "v5.0.0", author=ANN, force=True)

    def test_a_hook_of_another_user_is_not_run(
        self, mixed: Builder, hooked: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        output, before = hooked("exit 0"), refs(mixed)
        monkeypatch.setattr(programs, "_owner", lambda _path: os.geteuid() + 1)
        with pytest.raises(DubiousOwnershipError, match=r"running its hook .* safe.directory"):
            mixed.registry.register("m", "v4.0.0", author=ANN, force=True)
        assert (refs(mixed), output.exists()) == (before, False)


class TestRaces:
    def test_a_directory_that_vanishes_is_created_again(
        self, mixed: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """``git pack-refs --all`` removes the directories that it empties."""
        opened, remaining = os.open, [3]

        def vanishing(path: Any, *arguments: Any, **options: Any) -> int:
            if os.fsdecode(path).endswith("m@v1.0.0.lock") and remaining[0]:
                remaining[0] -= 1
                Path(os.fsdecode(path)).parent.rmdir()
            return opened(path, *arguments, **options)

        monkeypatch.setattr(os, "open", vanishing)
        assert mixed.registry.register("x/m", "v1.0.0", author=ANN).tag == "x/m@v1.0.0"
        remaining[0] = 99  # more than it tries
        with pytest.raises(WriteConflictError, match="cannot be written"):
            mixed.registry.register("y/m", "v1.0.0", author=ANN)

    def test_a_directory_that_another_process_creates(
        self, mixed: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mkdir = os.mkdir

        def twice(path: Any, *arguments: Any, **options: Any) -> None:
            mkdir(path, *arguments, **options)
            mkdir(path, *arguments, **options)

        monkeypatch.setattr(os, "mkdir", twice)
        (mixed.git_dir / "objects").chmod(0o755)
        mixed.configure("logAllRefUpdates", "always")
        assert mixed.registry.register("x/m", "v1.0.0", author=ANN).tag == "x/m@v1.0.0"

    def test_a_reader_takes_no_lock(self, mixed: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("packed-refs", "HEAD", "config", "refs/heads/main", "refs/tags/m@v3.0.0"):
            (mixed.git_dir / f"{name}.lock").touch()
        monkeypatch.setattr("time.sleep", pytest.fail)
        registry = mixed.registry
        assert str(registry)
        assert registry.history()
        assert registry.problems()
        assert registry.at("HEAD~1")
        assert registry.commits()
        assert registry.register("x/m", "v1.0.0", author=ANN, dry_run=True).counter is None


@pytest.mark.parametrize("times", [1, 5, 1000])
def test_the_directory_of_an_object_vanishes(
    disk: Builder, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """``git gc`` removes empty directories of objects."""
    remaining = [times]

    def vanishing(path: str, *arguments: Any, **options: Any) -> Any:
        directory = Path(path).parent
        if remaining[0] and not any(directory.iterdir()):
            remaining[0] -= 1
            directory.rmdir()
        return GitFile(path, *arguments, **options)

    monkeypatch.setattr("dulwich.object_store.GitFile", vanishing)
    if times < 1000:
        disk.registry.register("m", "v1.0.0", author=ANN, when=at(60))
        assert remaining == [0]
        assert list(disk.registry) == ["m"]
    else:
        with pytest.raises(WriteConflictError, match="No such file or directory"):
            disk.registry.register("m", "v1.0.0", author=ANN, when=at(60))
        assert list(disk.registry) == []


@pytest.mark.parametrize("full", [False, True])
def test_the_lock_of_another_process_is_kept(
    disk: Builder, monkeypatch: pytest.MonkeyPatch, *, full: bool
) -> None:
    """Another process may lock a ref as soon as it was renamed."""
    assert isinstance(disk.repo, Repo)
    replace, renamed = os.replace, list[bytes]()

    def replacing(source: bytes, target: bytes) -> None:
        if b"refs/tags" not in os.fsencode(target):
            return replace(source, target)
        if full and renamed:
            raise OSError(errno.ENOSPC, "no space left on device")
        replace(source, target)
        renamed.append(target)
        Path(os.fsdecode(source)).write_bytes(b"another process")
        return None

    monkeypatch.setattr("modelversions.git.local.ref_transaction.os.replace", replacing)
    registry = disk.registry
    if full:
        with pytest.raises(WriteConflictError, match="no space left"):
            registry.assign("m", "v1.0.0", "prod", register=True, author=ANN)
    else:
        registry.assign("m", "v1.0.0", "prod", register=True, author=ANN)
    monkeypatch.undo()
    assert len(registry.history()) == (0 if full else 2)
    locks = [Path(os.fsdecode(target) + ".lock") for target in renamed]
    assert [lock.read_bytes() for lock in locks] == [b"another process"] * (1 if full else 2)
    remaining = Path(disk.repo.path, ".git", "refs").rglob("*.lock")
    assert sorted(remaining) == sorted(locks)
