"""Repositories that lack something, or say what is not so: nothing is taken for granted."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from dulwich.refs import Ref
from dulwich.repo import Repo

from modelversions import (
    Identity,
    ObjectMissingError,
    ProblemKind,
    Registry,
    RepositoryError,
)
from modelversions.stores.local import LocalStore
from tests.builders import ANN, START, Builder, at

ME = Identity("Ann", "ann@example.com")
NOW = at(10_000)


def git_folder(builder: Builder) -> Path:
    assert isinstance(builder.repo, Repo)
    return Path(builder.repo.controldir())


def loose(builder: Builder, id: str) -> Path:
    return git_folder(builder) / "objects" / id[:2] / id[2:]


def kinds(builder: Builder) -> list[tuple[str, ProblemKind]]:
    return [(problem.tag, problem.kind) for problem in builder.registry.problems(NOW)]


def opened(monkeypatch: pytest.MonkeyPatch, refused: str) -> None:
    """Let no file whose path ends so be opened or listed: permissions do not bind a superuser."""

    def guarded(real: Callable[..., object]) -> Callable[..., object]:
        def call(path: object, *rest: object, **more: object) -> object:
            if str(path).endswith(refused):
                raise PermissionError(13, "Permission denied", path)
            return real(path, *rest, **more)

        return call

    monkeypatch.setattr("builtins.open", guarded(open))
    monkeypatch.setattr("os.listdir", guarded(os.listdir))


class TestMissing:
    """An object that is missing may come back: nothing is remembered that lacks it."""

    @pytest.fixture
    def lacking(self, disk: Builder) -> tuple[Builder, Path, bytes]:
        disk.commit("c2", 1)
        id = disk.tags("m@v1.0.0").tag("m@v2.0.0", "c2", 30)
        path = loose(disk, id)
        content = path.read_bytes()
        path.unlink()
        return disk, path, content

    @pytest.mark.parametrize(
        "look",
        [
            lambda registry: registry["m"].latest.name,
            lambda registry: registry.latest()["m"].name,
            lambda registry: registry.history()[-1].version.__str__(),
            lambda registry: next(iter(registry["m"])).name,
        ],
    )
    def test_it_counts_once_it_is_back(
        self, lacking: tuple[Builder, Path, bytes], look: Callable[[Registry], str]
    ) -> None:
        builder, path, content = lacking
        registry = builder.registry
        assert look(registry) == "v1.0.0"
        assert registry.problems(NOW)[0].kind is ProblemKind.MISSING
        path.write_bytes(content)
        assert look(registry) == "v2.0.0"
        assert registry.problems(NOW) == ()

    def test_a_model_that_has_nothing_else(self, disk: Builder) -> None:
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
    def test_nothing_is_written_about_it(
        self, lacking: tuple[Builder, Path, bytes], write: Callable[[Registry], object]
    ) -> None:
        builder, path, _ = lacking
        before = builder.repo.refs.as_dict()
        with pytest.raises(
            ObjectMissingError, match=r"of the tag 'm@v2.0.0' is missing; fetch"
        ) as e:
            write(builder.registry)
        assert e.value.id == path.parent.name + path.name
        assert builder.repo.refs.as_dict() == before

    def test_other_versions_and_stages_are_free(self, lacking: tuple[Builder, Path, bytes]) -> None:
        registry = lacking[0].registry
        assert registry.assign("m", "v1.0.0", "prod", author=ME).tag == "m#prod#1"
        assert registry.register("m", bump="minor", author=ME).tag == "m@v2.1.0"
        assert registry.register("n", "v2.0.0", author=ME).tag == "n@v2.0.0"
        registry.delete_tags("m@v2.0.0")
        assert registry.register("m", "v2.0.0", author=ME, force=True).tag == "m@v2.0.0"

    @pytest.mark.parametrize("where", [{"version": "v1.0.0"}, {"commit": "HEAD"}])
    @pytest.mark.parametrize("tag", ["m#prod#1", "m@v1.0.0!"])
    def test_a_stage_s_tag_that_matters(
        self, disk: Builder, tag: str, where: dict[str, str]
    ) -> None:
        disk.tags("m@v1.0.0", "m#dev#2").ref(f"refs/tags/{tag}", "b" * 40)
        registry = disk.registry
        for verb in (registry.assign, registry.unassign):
            with pytest.raises(ObjectMissingError, match="nobody can tell how"):
                verb("m", stage="prod", author=ME, force=True, **where)  # type: ignore[arg-type]

    def test_with_a_registration_that_is_new(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0").commit("c2", 50)
        disk.ref("refs/tags/m#prod#1", "b" * 40)
        with pytest.raises(ObjectMissingError, match="how 'prod' stands"):
            disk.registry.assign("m", stage="prod", register=True, author=ME)
        assert [event.tag for event in disk.registry.history()] == ["m@v1.0.0"]

    def test_a_missing_commit_may_come_too(self, disk: Builder) -> None:
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
    """What is there and cannot be opened is an error: nobody knows what it would say."""

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
            opened(patch, refused if packed else id[2:])
            for look in (registry.history, registry.latest, lambda: list(registry["m"])):
                with pytest.raises(RepositoryError, match="cannot be read: .*Permission denied"):
                    look()
            with pytest.raises(RepositoryError):
                registry.register("m", "v2.0.0", author=ME, force=True)
        assert registry["m"].latest == registry["m"]["v2.0.0"]

    def test_what_dulwich_cannot_open_either(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: object) -> object:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(disk.repo.object_store, "get_raw", refuse)
        disk.ref("refs/tags/m@v1.0.0", "b" * 40)
        with pytest.raises(RepositoryError, match="Permission denied"):
            disk.registry.history()


def test_a_reader_is_not_closed_upon(disk: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.tags("m@v1.0.0", "m@v2.0.0")
    disk.pack()
    store = LocalStore(disk.repo, "here")
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
    assert all(tag.commit for tag in found.values())


class TestChains:
    """Tags of tags, however many and whichever way they lead."""

    def lying(self, builder: Builder, name: str, id: str, target: str) -> None:
        """Store a tag object under an id that is not its own."""
        text = f"object {target}\ntype tag\ntag {name}\ntagger {ANN} {START} +0000\n\nx\n"
        path = loose(builder, id)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(b"tag %d\0%b" % (len(text), text.encode())))
        builder.ref(f"refs/tags/{name}", id)

    def test_a_ring(self, disk: Builder) -> None:
        self.lying(disk, "m@v1.0.0", "a" * 40, "b" * 40)
        self.lying(disk, "m@v2.0.0", "b" * 40, "a" * 40)
        self.lying(disk, "m@v3.0.0", "c" * 40, "c" * 40)
        disk.tag("m@v4.0.0", "b" * 40, kind="tag")
        assert [kind for _, kind in kinds(disk)] == [ProblemKind.MALFORMED] * 4
        assert "ring" in str(disk.registry.problems()[0])
        assert list(disk.registry) == []

    def test_each_tag_of_a_long_chain_is_read_a_few_times(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inner = disk.tag("m@v0.0.0")
        for number in range(1, 200):
            inner = disk.tag(f"m@v0.0.{number}", inner, number, kind="tag")
        store = LocalStore(disk.repo, "here")
        asked: list[str] = []
        raw = store._files.raw

        def counted(id: str) -> tuple[str, bytes]:
            asked.append(id)
            return raw(id)

        monkeypatch.setattr(store._files, "raw", counted)
        found = store.read(reversed(store.tags()))
        assert {tag.commit for tag in found.values()} == {disk.commits["c1"]}
        assert len(asked) <= 2 * len(found)


class TestFalseKinds:
    """What a tag says of its target is looked at (F9)."""

    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("kind", ["blob", "tag"])
    def test_a_commit_that_is_none(self, disk: Builder, kind: str, packed: bool) -> None:
        disk.tags("m@v1.0.0")
        target = disk.blob() if kind == "blob" else disk.tag("inner")
        disk.tag("m@v2.0.0", target, 20)
        disk.tag("m@v3.0.0", disk.tag("other", target), 30, kind="tag")
        if packed:
            disk.pack()
        registry = disk.registry
        assert registry["m"].latest == registry["m"]["v1.0.0"]
        problems = registry.problems(NOW)
        assert [problem.kind for problem in problems] == [ProblemKind.NOT_A_COMMIT] * 2
        assert f"it leads to a {kind}, not to a commit" in str(problems[0])

    def test_a_tag_that_is_a_commit(self, disk: Builder) -> None:
        disk.tag("m@v1.0.0", kind="tag")
        assert kinds(disk) == [("m@v1.0.0", ProblemKind.MALFORMED)]


class TestAgreement:
    """Names alone and a full read never say different things."""

    @staticmethod
    def answers(builder: Builder) -> tuple[str | None, str | None]:
        def name(registry: Registry) -> str | None:
            model = registry.get("m")
            return model.latest.name if model and model.latest else None

        read = builder.registry
        read.history()
        return name(builder.registry), name(read)

    def test_a_missing_tag_object(self, disk: Builder) -> None:
        id = disk.tags("m@v1.0.0").tag("m@v2.0.0", at=50)
        disk.pack()
        packed = git_folder(disk) / "packed-refs"
        packed.write_text(packed.read_text().replace(id, "b" * 40))
        assert self.answers(disk) == ("v1.0.0", "v1.0.0")

    def test_a_packed_file_that_lies_about_what_is_annotated(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m@v2.0.0")
        disk.pack()
        packed = git_folder(disk) / "packed-refs"
        lines = packed.read_text().splitlines()
        packed.write_text("".join(f"{line}\n" for line in lines if line[0] != "^"))
        assert self.answers(disk) == ("v2.0.0", "v2.0.0")

    def test_a_header_that_ends_without_a_newline(self, disk: Builder) -> None:
        sha = disk.commits["c1"]
        disk.tags("m@v1.0.0").raw(
            "m@v2.0.0", f"object {sha}\ntype commit\ntag m@v2.0.0\ntagger {ANN} {START} +0000"
        )
        assert self.answers(disk) == ("v2.0.0", "v2.0.0")
        assert disk.registry["m"]["v2.0.0"].registered_at == at(0)
        assert kinds(disk) == [("m@v1.0.0", ProblemKind.TWO_VERSIONS)]

    def test_a_broken_pack(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m@v2.0.0")
        disk.pack()
        disk.repo.close()
        pack = next((git_folder(disk) / "objects" / "pack").glob("*.pack"))
        pack.chmod(0o600)
        content = pack.read_bytes()
        for broken in (content[:12] + b"\xff" * (len(content) - 12), content[:40]):
            pack.write_bytes(broken)
            with Repo(disk.repo.path) as repo:  # type: ignore[union-attr]
                assert self.answers(Builder(repo)) == (None, None)

    def test_equals_of_which_one_is_missing(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m@v2.0.0").ref("refs/tags/m@v2.0.0+x", "b" * 40)
        registry = disk.registry
        assert registry["m"].latest == registry["m"]["v2.0.0"]


class TestPruned:
    """A model that was looked up, and is read when its tags are gone."""

    def prune(self, builder: Builder, name: str) -> None:
        ref = Ref(f"refs/tags/{name}".encode())
        id = builder.repo.refs[ref].decode()
        del builder.repo.refs[ref]
        loose(builder, id).unlink()

    def test_it_says_so(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m@v2.0.0")
        model = disk.registry["m"]
        self.prune(disk, "m@v2.0.0")
        for _ in range(2):
            with pytest.raises(ObjectMissingError, match=r"'m@v2.0.0' was deleted or moved since"):
                list(model)
            with pytest.raises(ObjectMissingError, match=r"look 'm' up in the registry again"):
                model.latest  # noqa: B018  # it is the look that raises
        assert [version.name for version in disk.registry["m"]] == ["v1.0.0"]

    def test_so_it_does_for_a_tag_that_moved(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m@v2.0.0")
        model = disk.registry["m"]
        self.prune(disk, "m@v2.0.0")
        disk.tag("m@v2.0.0", at=60)
        with pytest.raises(ObjectMissingError):
            list(model)

    def test_a_ref_that_stands_is_the_repository_s_problem(self, disk: Builder) -> None:
        id = disk.tags("m@v1.0.0").tag("m@v2.0.0", at=30)
        model = disk.registry["m"]
        loose(disk, id).unlink()
        assert [version.name for version in model] == ["v1.0.0"]
        assert model.problems[0].kind is ProblemKind.MISSING
