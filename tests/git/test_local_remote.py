"""A local repository as a remote: read and written by Git's rules."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dulwich.objects import ObjectID
from dulwich.repo import Repo

from modelversions import (
    DubiousOwnershipError,
    Identity,
    PushRejectedError,
    Registry,
    RemoteError,
    RepositoryError,
    TagExistsError,
)
from modelversions.git.local.local_refs import LocalRefs
from tests.builders import Builder

ANN = Identity("Ann", "ann@example.com")


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Builder]:
    """The other repository: bare, empty."""
    with Repo.init_bare(str(tmp_path / "other"), mkdir=True) as repo:
        yield Builder(repo)


@pytest.fixture
def path(other: Builder) -> Path:
    assert isinstance(other.repo, Repo)
    return Path(other.repo.path)


def configure(path: Path, text: str) -> None:
    with (path / "config").open("a") as file:
        file.write(text)


def shallow(builder: Builder, commit: str) -> None:
    builder.repo.update_shallow({ObjectID(builder.commits[commit].encode())}, None)


def pack_modes(path: Path) -> dict[str, int]:
    """Return the modes of the one pack and of its index, by their suffixes."""
    files = list((path / "objects" / "pack").iterdir())
    assert len(files) == 2
    return {file.suffix: stat.S_IMODE(file.stat().st_mode) for file in files}


def tags(builder: Builder) -> list[str]:
    return [ref.name for ref in builder.registry._store.tags()]


class TestShallow:
    def test_push_of_a_tag_on_an_existing_commit(
        self, disk: Builder, other: Builder, path: Path
    ) -> None:
        disk.commit("c2", 1, "c1")
        disk.tags("m@v1.0.0", commit="c2")
        disk.registry.push(remote=str(path))
        shallow(disk, "c2")
        disk.tags("m@v2.0.0", commit="c2")
        assert disk.registry.push(remote=str(path)).transferred == ("m@v2.0.0",)
        assert tags(other) == ["m@v1.0.0", "m@v2.0.0"]

    def test_push_of_a_history_that_is_missing_on_both_sides(
        self, disk: Builder, other: Builder, path: Path
    ) -> None:
        sha = disk.commit("c2", 1, "c1")
        missing = disk.commits["c1"]
        disk.tags("m@v1.0.0", commit="c2")
        shallow(disk, "c2")
        with pytest.raises(PushRejectedError, match=f"the object {missing} is in neither reposit"):
            disk.registry.push(remote=str(path))
        assert tags(other) == []
        assert ObjectID(sha.encode()) not in other.repo.object_store
        assert not list((path / "objects" / "pack").iterdir())

    def test_push_of_a_commit_before_the_boundary_of_the_other_repository(
        self, disk: Builder, other: Builder, path: Path
    ) -> None:
        disk.commit("c2", 1, "c1")
        disk.tags("m@v2.0.0", commit="c2")
        disk.registry.push(remote=str(path))
        old = ObjectID(disk.commits["c1"].encode())
        other.commits.update(disk.commits)
        shallow(other, "c2")
        for pack in (path / "objects" / "pack").iterdir():
            pack.unlink()
        copy_without(disk, path, old)
        disk.tags("m@v1.0.0", commit="c1")
        assert disk.registry.push(remote=str(path)).transferred == ("m@v1.0.0",)
        with Repo(str(path)) as again:
            assert old in again.object_store
            assert again[old].tree in again.object_store  # type: ignore[attr-defined]

    def test_fetch_of_an_incomplete_history(
        self, disk: Builder, other: Builder, path: Path
    ) -> None:
        other.commit("c1", 5)
        other.commit("c2", 6, "c1")
        other.tags("m@v1.0.0", commit="c2")
        shallow(other, "c2")
        with pytest.raises(RemoteError, match="if it is a shallow clone"):
            disk.registry.fetch(remote=str(path))
        assert tags(disk) == []


def copy_without(source: Builder, path: Path, omitted: ObjectID) -> None:
    """Copy all objects except one, as if a shallow clone had been made."""
    with Repo(str(path)) as target:
        for id in source.repo.object_store:
            if id != omitted:
                target.object_store.add_object(source.repo[id])


class TestRefs:
    def test_hidden_refs_are_not_fetched(self, disk: Builder, other: Builder, path: Path) -> None:
        other.commit("c1", 5)
        other.tags("m@v1.0.0", "m@v2.0.0", "n@v1.0.0", "n/x@v1.0.0")
        configure(
            path,
            "[transfer]\nhideRefs = refs/tags/\n[uploadpack]\nhideRefs = !refs/tags/m@v2.0.0\n"
            "hideRefs = !^refs/tags/n\n[receive]\nhideRefs = refs/tags/m@v2.0.0\n",
        )
        assert disk.registry.fetch(remote=str(path)).transferred == ("m@v2.0.0", "n/x@v1.0.0")

    def test_hidden_refs_are_not_pushed_to(self, disk: Builder, other: Builder, path: Path) -> None:
        disk.tags("m@v1.0.0", "n@v1.0.0")
        configure(path, "[receive]\nhideRefs = refs/tags/m@v1.0.0\n")
        with pytest.raises(PushRejectedError, match="hides the ref 'refs/tags/m@v1.0.0'; push wi"):
            disk.registry.push(remote=str(path))
        assert tags(other) == []

    def test_irregular_refs_prevent_neither_push_nor_fetch(
        self, disk: Builder, other: Builder, path: Path
    ) -> None:
        other.commit("c1", 5)
        id = other.tag("m@v1.0.0", other.commits["c1"])
        (path / "packed-refs").write_text(f"{id} refs/tags/zz..b=m@v1.0.0\n")
        directory = path / "refs" / "tags"
        (directory / "m@v2.0.0").write_text(f"{id} and text\n")
        (directory / "m@v3.0.0").write_text(f"{id.upper()}\n")
        (directory / "m@v4.0.0").write_text("")
        (directory / "m@v5.0.0").write_text(f"{'1' * 40}\n")
        fetched = disk.registry.fetch(remote=str(path)).transferred
        assert fetched == ("m@v1.0.0", "m@v2.0.0", "m@v3.0.0")
        disk.tags("n@v1.0.0")
        assert disk.registry.push("n@v1.0.0", remote=str(path)).transferred == ("n@v1.0.0",)

    def test_a_tag_that_is_written_concurrently(
        self, disk: Builder, other: Builder, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk.tags("m@v1.0.0", "n@v1.0.0")
        real = LocalRefs.create

        def create(refs: LocalRefs, new: object) -> None:
            other.ref("refs/tags/n@v1.0.0", disk.commits["c1"])
            real(refs, new)  # type: ignore[arg-type]

        monkeypatch.setattr(LocalRefs, "create", create)
        result = disk.registry.push(remote=str(path))
        assert result.transferred == ("m@v1.0.0",)
        assert [conflict.tag for conflict in result.conflicts] == ["n@v1.0.0"]

    def test_a_tag_that_exists_and_is_not_listed(
        self, disk: Builder, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk.tags("m@v1.0.0")

        def create(*_: object) -> None:
            raise TagExistsError("it exists", tag="m@v1.0.0")

        monkeypatch.setattr(LocalRefs, "create", create)
        with pytest.raises(TagExistsError, match="it exists"):
            disk.registry.push(remote=str(path))

    def test_concurrent_pushes_of_the_same_tags(
        self, disk: Builder, other: Builder, path: Path
    ) -> None:
        disk.tags("m@v1.0.0", "m@v2.0.0", "m@v3.0.0")
        with ThreadPoolExecutor(8) as threads:
            futures = [
                threads.submit(Registry.open(disk.git_dir).push, remote=str(path)) for _ in range(8)
            ]
        results = [future.result() for future in futures]
        assert sorted(tag for one in results for tag in one.transferred) == tags(other)
        assert all(not one.conflicts for one in results)
        assert not [one for one in path.rglob("*") if one.name.startswith("tmp_")]

    def test_modes_and_reflog(self, disk: Builder, path: Path) -> None:
        configure(path, "[core]\nsharedRepository = group\nlogAllRefUpdates = always\n")
        disk.tags("m@v1.0.0")
        before = os.umask(0o077)
        try:
            disk.registry.push(remote=str(path))
        finally:
            os.umask(before)
        ref = path / "refs" / "tags" / "m@v1.0.0"
        assert stat.S_IMODE(ref.stat().st_mode) == 0o660
        assert pack_modes(path) == {".pack": 0o440, ".idx": 0o440}
        log = (path / "logs" / "refs" / "tags" / "m@v1.0.0").read_text()
        assert log.endswith("\tpush\n")
        assert log.startswith("0" * 40 + " " + ref.read_text().strip())

    def test_modes_without_sharing(self, disk: Builder, path: Path) -> None:
        disk.tags("m@v1.0.0")
        before = os.umask(0o027)
        try:
            disk.registry.push(remote=str(path))
        finally:
            os.umask(before)
        assert pack_modes(path) == {".pack": 0o440, ".idx": 0o440}


def test_an_object_that_is_missing_in_the_remote_is_named(
    disk: Builder, other: Builder, path: Path
) -> None:
    other.commit("c1", 5)
    other.tags("m@v1.0.0")
    sha = other.commits["c1"]
    (path / "objects" / sha[:2] / sha[2:]).unlink()
    with pytest.raises(RemoteError, match=f"lacks the object {sha}, to which its tags lead, so"):
        disk.registry.fetch(remote=str(path))
    assert tags(disk) == []


def test_progress(disk: Builder, path: Path) -> None:
    disk.tags("m@v1.0.0")
    steps: list[tuple[int, int | None, str]] = []
    with Registry.open(disk.repo.path, progress=lambda *step: steps.append(step)) as registry:  # type: ignore[union-attr]
        registry.push(remote=str(path))
    assert steps == [(number, 3, "copying objects") for number in (1, 2, 3)]


@pytest.mark.parametrize("owned", ["repo", "other"])
@pytest.mark.parametrize("method", ["push", "fetch"])
def test_a_repository_of_another_user(
    disk: Builder, path: Path, owned: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.tags("m@v1.0.0")
    uid = os.geteuid()
    monkeypatch.setattr(
        "modelversions.git.programs._owner",
        lambda file: uid + (f"/{owned}" in str(Path(file).resolve())),
    )
    action = "using its remotes" if owned == "repo" else f"{method}ing (to|from) it"
    with pytest.raises(DubiousOwnershipError, match=f"{owned}': another user owns.*{action} is re"):
        getattr(disk.registry, method)(remote=str(path))
    assert list(disk.registry) == ["m"]


@pytest.mark.parametrize(
    ("failure", "expected", "message"),
    [
        (OSError(28, "No space left"), RemoteError, "cannot be stored in 'file://.*No space left"),
        (RepositoryError("broken", location="remote"), RepositoryError, "^broken$"),
    ],
)
def test_objects_that_cannot_be_stored_in_the_remote(
    disk: Builder,
    other: Builder,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    expected: type[Exception],
    message: str,
) -> None:
    def fail(*_: object) -> None:
        raise failure

    disk.tags("m@v1.0.0")
    monkeypatch.setattr("modelversions.git.local_remote.store_pack", fail)
    with pytest.raises(expected, match=message):
        disk.registry.push(remote=str(path))
    assert tags(other) == []
    assert not list((path / "objects" / "pack").iterdir())
