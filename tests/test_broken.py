"""Repositories that lack something, or say what is not so: nothing is taken for granted."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dulwich.refs import Ref
from dulwich.repo import Repo

from modelversions import (
    Identity,
    InvalidTagNameError,
    ModelNotFoundError,
    ModelVersionsError,
    NotACommitError,
    ObjectMissingError,
    ProblemKind,
    Registry,
    RepositoryError,
    RevisionNotFoundError,
    TagNotFoundError,
)
from modelversions.git.local.local_store import LocalStore
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
        def call(path: Any, *rest: object, **more: object) -> object:
            if os.fsdecode(path).endswith(refused):
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
            with pytest.raises(ObjectMissingError, match="cannot determine the state of"):
                verb("m", stage="prod", author=ME, force=True, **where)  # type: ignore[call-overload]

    def test_with_a_registration_that_is_new(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0").commit("c2", 50)
        disk.ref("refs/tags/m#prod#1", "b" * 40)
        with pytest.raises(ObjectMissingError, match="the state of 'prod'"):
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
        assert "cycle" in str(disk.registry.problems()[0])
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
        latest = registry["m"].latest
        assert latest is not None
        # like C git, this trusts the peeled ids of packed-refs, which dulwich writes for such a tag
        assert latest.name == ("v3.0.0" if packed and kind == "tag" else "v1.0.0")
        assert [one.name for one in registry["m"]] == ["v1.0.0"]
        problems = registry.problems(NOW)
        assert [problem.kind for problem in problems] == [ProblemKind.NOT_A_COMMIT] * 2
        assert f"it peels to a {kind}, not to a commit" in str(problems[0])

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
        assert kinds(disk) == [("m@v1.0.0", ProblemKind.SHARED_COMMIT)]

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


class TestIds:
    """An id that is too long or too short for the repository is a problem, not an accident."""

    @pytest.mark.parametrize("format", ["sha1", "sha256"])
    def test_in_every_place(self, tmp_path: Path, format: str) -> None:
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


class TestCommits:
    """Listing commits, as far as they are there."""

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
        (git_folder(three) / "shallow").write_text(f"{three.commits['c2']}\n")
        assert self.listed(three) == ["c3", "c2"]
        with pytest.raises(RevisionNotFoundError, match="no commit 'HEAD~2'"):
            three.registry.at("HEAD~2")
        (git_folder(three) / "shallow").write_text("rubbish\n")
        with pytest.raises(RepositoryError, match="see what 'git fsck' says"):
            self.listed(three)

    def test_a_committer_that_cannot_be_read(self, three: Builder) -> None:
        parent = three.commits["c3"]
        text = f"tree {'a' * 40}\nparent {parent}\nauthor x\ncommitter rubbish\n\nodd\n"
        id = "d" * 40
        loose(three, id).parent.mkdir()
        loose(three, id).write_bytes(zlib.compress(f"commit {len(text)}\0{text}".encode()))
        (git_folder(three) / "refs" / "heads" / "main").write_text(f"{id}\n")
        assert self.listed(three) == ["odd", "c3", "c2", "c1"]

    def test_newest_first_each_once(self, three: Builder) -> None:
        three.commit("side", 1, "c1")
        three.commit("merge", 9, "c3", "side")
        assert self.listed(three) == ["merge", "c3", "side", "c2", "c1"]

    def test_a_head_that_is_missing_is_no_empty_repository(self, three: Builder) -> None:
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
        index = next((git_folder(three) / "objects" / "pack").glob("*.idx"))
        index.chmod(0o600)
        index.write_bytes(index.read_bytes()[:length])
        with Registry.open(git_folder(three).parent) as registry:
            assert [problem.kind for problem in registry.problems()] == [ProblemKind.MISSING]
            for look in (registry.commits, lambda: registry.at(three.commits["c1"][:8])):
                with pytest.raises((RepositoryError, RevisionNotFoundError)):
                    look()

    def test_refs_that_cannot_be_opened(
        self, three: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HEAD", "packed-refs"):
            with monkeypatch.context() as patch:
                opened(patch, name)
                with pytest.raises(RepositoryError, match="Permission denied"):
                    three.registry.at("HEAD" if name == "HEAD" else "nowhere")
        three.tag("m@v1.0.0")
        opened(monkeypatch, "m@v1.0.0")
        assert list(three.registry) == []
        assert [problem.tag for problem in three.registry.problems()] == ["m@v1.0.0"]

    def test_a_folder_of_refs_that_cannot_be_listed(
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
                RepositoryError, match="cannot be read: .* see what 'git fsck' says"
            ):
                builder.registry.assign("m", "v1.0.0", "prod", author=ME)
            assert kinds(builder) == [(".gto", ProblemKind.CONFIGURATION)]

    def test_a_tag_that_cannot_be_read_names_no_commit(self, disk: Builder) -> None:
        disk.raw("odd", "rubbish")
        with pytest.raises(NotACommitError, match="'odd' names a tag"):
            disk.registry.at("odd")


class TestNames:
    """A name that nothing can have names nothing."""

    @pytest.mark.parametrize("name", ["a\0b", "a" * 5000, "a/" * 3000 + "b", "\udcff", "a\0b/c"])
    def test_on_every_look(self, disk: Builder, name: str) -> None:
        registry = disk.tags("m@v1.0.0").registry
        assert name not in registry
        assert registry.get(name) is None
        assert registry.event(f"{name}@v1.0.0") is None
        for reference in (f"{name}@latest", f"{name}@v1.0.0", f"{name}#prod", name):
            with pytest.raises(
                LookupError if "@l" in reference else (LookupError, ValueError)
            ) as e:
                registry.resolve(reference)
            assert isinstance(e.value, ModelVersionsError)
        with pytest.raises(ModelNotFoundError):
            registry[name]
        with pytest.raises(TagNotFoundError):
            registry.verify(f"{name}@v1.0.0")
        with pytest.raises((TagNotFoundError, InvalidTagNameError)):
            registry.delete_tags(f"{name}@v1.0.0")
        for look in (registry.at, registry.commits):
            with pytest.raises(RevisionNotFoundError):
                look(name)
