"""Missing, unreadable and pruned objects."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from dulwich.refs import Ref
from dulwich.repo import Repo

from modelversions import (
    ObjectMissingError,
    ProblemKind,
    Registry,
    RepositoryError,
)
from modelversions.git.local.local_store import LocalStore
from tests.builders import ANN, START, Builder
from tests.git.helpers import ME, NOW, kinds, loose, refuse_to_open


class TestMissing:
    """A missing object may reappear: results without it are not cached."""

    @pytest.fixture
    def incomplete(self, disk: Builder) -> tuple[Builder, Path, bytes]:
        disk.commit("c2", 1)
        id = disk.tags("m@v1.0.0").tag("m@v2.0.0", "c2", 30)
        path = loose(disk, id)
        content = path.read_bytes()
        path.unlink()
        return disk, path, content

    @pytest.mark.parametrize(
        "read",
        [
            lambda registry: registry["m"].latest.name,
            lambda registry: registry.latest()["m"].name,
            lambda registry: registry.history()[-1].version.__str__(),
            lambda registry: next(iter(registry["m"])).name,
        ],
    )
    def test_it_is_used_once_it_reappears(
        self, incomplete: tuple[Builder, Path, bytes], read: Callable[[Registry], str]
    ) -> None:
        builder, path, content = incomplete
        registry = builder.registry
        assert read(registry) == "v1.0.0"
        assert registry.problems(NOW)[0].kind is ProblemKind.MISSING
        path.write_bytes(content)
        assert read(registry) == "v2.0.0"
        assert registry.problems(NOW) == ()

    def test_a_model_that_has_no_other_tag(self, disk: Builder) -> None:
        id = disk.tag("m@v1.0.0")
        content = loose(disk, id).read_bytes()
        loose(disk, id).unlink()
        registry = disk.registry
        assert "m" not in registry
        loose(disk, id).write_bytes(content)
        assert "m" in registry

    @pytest.mark.parametrize(
        "write",
        [
            lambda r: r.register("m", "v2.0.0", author=ME),
            lambda r: r.deregister("m", "v2.0.0", author=ME),
            lambda r: r.assign("m", "v2.0.0", "prod", author=ME),
            lambda r: r.assign("m", "v2.0.0", "prod", register=True, author=ME),
            lambda r: r.unassign("m", "v2.0.0", "prod", author=ME),
            lambda r: r.deprecate("m", author=ME),
        ],
    )
    def test_no_event_is_written_for_its_version(
        self, incomplete: tuple[Builder, Path, bytes], write: Callable[[Registry], object]
    ) -> None:
        builder, path, _ = incomplete
        before = builder.repo.refs.as_dict()
        with pytest.raises(
            ObjectMissingError, match=r"of the tag 'm@v2.0.0' is missing; fetch"
        ) as e:
            write(builder.registry)
        assert e.value.id == path.parent.name + path.name
        assert builder.repo.refs.as_dict() == before

    def test_other_versions_and_stages_can_be_written(
        self, incomplete: tuple[Builder, Path, bytes]
    ) -> None:
        registry = incomplete[0].registry
        assert registry.assign("m", "v1.0.0", "prod", author=ME).tag == "m#prod#1"
        assert registry.register("m", bump="minor", author=ME).tag == "m@v2.1.0"
        assert registry.register("n", "v2.0.0", author=ME).tag == "n@v2.0.0"
        registry.delete_tags("m@v2.0.0")
        assert registry.register("m", "v2.0.0", author=ME, force=True).tag == "m@v2.0.0"

    @pytest.mark.parametrize("where", [{"version": "v1.0.0"}, {"commit": "HEAD"}])
    @pytest.mark.parametrize("tag", ["m#prod#1", "m@v1.0.0!"])
    def test_a_missing_tag_that_affects_the_stage(
        self, disk: Builder, tag: str, where: dict[str, str]
    ) -> None:
        disk.tags("m@v1.0.0", "m#dev#2").ref(f"refs/tags/{tag}", "b" * 40)
        registry = disk.registry
        for write in (registry.assign, registry.unassign):
            with pytest.raises(ObjectMissingError, match="cannot determine the state of"):
                write("m", stage="prod", author=ME, force=True, **where)  # type: ignore[call-overload]

    def test_with_a_new_registration(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0").commit("c2", 50)
        disk.ref("refs/tags/m#prod#1", "b" * 40)
        with pytest.raises(ObjectMissingError, match="the state of 'prod'"):
            disk.registry.assign("m", stage="prod", register=True, author=ME)
        assert [event.tag for event in disk.registry.history()] == ["m@v1.0.0"]

    def test_a_missing_commit_may_reappear(self, disk: Builder) -> None:
        sha = disk.commits["c1"]
        content = loose(disk, sha).read_bytes()
        disk.tag("m@v1.0.0", sha)
        loose(disk, sha).unlink()
        registry = disk.registry
        assert registry["m"].latest == registry["m"]["v1.0.0"]
        assert [str(problem) for problem in registry.problems(NOW)] == [
            f"m@v1.0.0: its commit {sha} is not in the repository"
        ]
        loose(disk, sha).write_bytes(content)
        assert registry.problems(NOW) == ()


class TestUnreadable:
    """An unreadable file is an error, not a missing object."""

    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("refused", [".idx", ".pack", "/pack"])
    def test_an_object(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch, refused: str, packed: bool
    ) -> None:
        id = disk.tags("m@v1.0.0").tag("m@v2.0.0", at=30)
        if packed:
            disk.pack()
        registry = disk.registry
        with monkeypatch.context() as patch:
            refuse_to_open(patch, refused if packed else id[2:])
            for read in (registry.history, registry.latest, lambda: list(registry["m"])):
                with pytest.raises(RepositoryError, match="cannot be read: .*Permission denied"):
                    read()
            with pytest.raises(RepositoryError):
                registry.register("m", "v2.0.0", author=ME, force=True)
        assert registry["m"].latest == registry["m"]["v2.0.0"]


def test_closing_waits_for_a_reader(disk: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.tags("m@v1.0.0", "m@v2.0.0")
    disk.pack()
    store = LocalStore(disk.repo, "repository")
    reading, closed = threading.Event(), threading.Event()
    raw = store._files.raw

    def slow(id: str) -> tuple[str, bytes]:
        reading.set()
        assert not closed.wait(0.05), "closed in the middle of a read"
        return raw(id)

    def close() -> None:
        reading.wait(5)
        store.close()
        closed.set()

    monkeypatch.setattr(store._files, "raw", slow)
    other = threading.Thread(target=close)
    other.start()
    found = store.read(store.tags())
    other.join()
    assert all(tag.commit for tag in found)


class TestPruned:
    """A model that was looked up, and is read after its tags were deleted."""

    def prune(self, builder: Builder, name: str) -> None:
        ref = Ref(f"refs/tags/{name}".encode())
        id = builder.repo.refs[ref].decode()
        del builder.repo.refs[ref]
        loose(builder, id).unlink()

    def test_a_deleted_tag(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m@v2.0.0")
        model = disk.registry["m"]
        self.prune(disk, "m@v2.0.0")
        for _ in range(2):
            with pytest.raises(ObjectMissingError, match=r"'m@v2.0.0' was deleted or moved after"):
                list(model)
            with pytest.raises(ObjectMissingError, match=r"look 'm' up in the registry again"):
                model.latest  # noqa: B018  # the attribute raises
        assert [version.name for version in disk.registry["m"]] == ["v1.0.0"]

    def test_a_moved_tag(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m@v2.0.0")
        model = disk.registry["m"]
        self.prune(disk, "m@v2.0.0")
        disk.tag("m@v2.0.0", at=60)
        with pytest.raises(ObjectMissingError):
            list(model)

    def test_a_missing_object_of_an_existing_ref_is_a_problem(self, disk: Builder) -> None:
        id = disk.tags("m@v1.0.0").tag("m@v2.0.0", at=30)
        model = disk.registry["m"]
        loose(disk, id).unlink()
        assert [version.name for version in model] == ["v1.0.0"]
        assert model.problems[0].kind is ProblemKind.MISSING


class TestIds:
    """An id that is too long or too short for the repository is a problem, not an error."""

    @pytest.mark.parametrize("format", ["sha1", "sha256"])
    def test_in_each_directory(self, tmp_path: Path, format: str) -> None:
        with Repo.init(str(tmp_path), object_format=format) as repo:
            builder = Builder(repo)
            builder.tags("m@v1.0.0").pack()
            wrong = "a" * (64 if format == "sha1" else 40)
            head = f"object {wrong}\ntype %s\ntag x\ntagger {ANN} {START} +0000\n\nx\n"
            builder.raw("m@v2.0.0", head % "commit")
            builder.raw("m@v3.0.0", head % "tag")
            (tmp_path / ".git" / "refs" / "tags" / "m@v4.0.0").write_text(wrong)
            packed = tmp_path / ".git" / "packed-refs"
            more = f"{wrong} refs/tags/m@v5.0.0\n^{wrong}\n{wrong} refs/tags/m@v6.0.0\n"
            packed.write_text(packed.read_text() + more)
            names = [f"m@v{number}.0.0" for number in range(2, 7)]
            assert kinds(builder) == [(name, ProblemKind.MALFORMED) for name in names]
            assert builder.registry["m"].latest == builder.registry["m"]["v1.0.0"]
            assert not builder.registry.verify("m@v4.0.0")
            with pytest.raises(RepositoryError, match="leads to the object aaa"):
                builder.registry.at("m@v4.0.0")
