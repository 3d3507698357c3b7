"""Tags of tags, and wrong types of targets."""

from __future__ import annotations

import zlib

import pytest
from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.repo import Repo

from modelversions import (
    InvalidTagNameError,
    ModelNotFoundError,
    ModelVersionsError,
    ProblemKind,
    Registry,
    RevisionNotFoundError,
    TagNotFoundError,
)
from modelversions.git.local.local_store import LocalStore
from modelversions.git.objects.pack_files import Pack
from tests.builders import ANN, START, Builder, at
from tests.git.helpers import NOW, git_directory, kinds, loose


class TestChains:
    """Tags of tags, in long chains and in cycles."""

    def add_under_other_id(self, builder: Builder, name: str, id: str, target: str) -> None:
        """Store a tag object under an id that is not its own."""
        text = f"object {target}\ntype tag\ntag {name}\ntagger {ANN} {START} +0000\n\nx\n"
        path = loose(builder, id)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(b"tag %d\0%b" % (len(text), text.encode())))
        builder.ref(f"refs/tags/{name}", id)

    def test_a_cycle(self, disk: Builder) -> None:
        self.add_under_other_id(disk, "m@v1.0.0", "a" * 40, "b" * 40)
        self.add_under_other_id(disk, "m@v2.0.0", "b" * 40, "a" * 40)
        self.add_under_other_id(disk, "m@v3.0.0", "c" * 40, "c" * 40)
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
        store = LocalStore(disk.repo, "repository")
        read: list[str] = []
        raw = store._files.raw

        def counted(id: str) -> tuple[str, bytes]:
            read.append(id)
            return raw(id)

        monkeypatch.setattr(store._files, "raw", counted)
        found = store.read(reversed(store.tags()))
        assert {tag.commit for tag in found} == {disk.commits["c1"]}
        assert len(read) <= 2 * len(found)


class TestWrongTypes:
    """The declared type of a target is verified (F9)."""

    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("kind", ["blob", "tag"])
    def test_a_target_that_is_not_a_commit(self, disk: Builder, kind: str, packed: bool) -> None:
        disk.tags("m@v1.0.0")
        target = disk.blob() if kind == "blob" else disk.tag("inner")
        disk.tag("m@v2.0.0", target, 20)
        disk.tag("m@v3.0.0", disk.tag("other", target), 30, kind="tag")
        if packed:
            disk.pack()
        registry = disk.registry
        latest = registry["m"].latest
        assert latest is not None
        assert latest.name == "v1.0.0"
        assert [one.name for one in registry["m"]] == ["v1.0.0"]
        problems = registry.problems(NOW)
        assert [problem.kind for problem in problems] == [ProblemKind.NOT_A_COMMIT] * 2
        assert f"it peels to a {kind}, not to a commit" in str(problems[0])

    def test_a_target_that_is_not_a_tag(self, disk: Builder) -> None:
        disk.tag("m@v1.0.0", kind="tag")
        assert kinds(disk) == [("m@v1.0.0", ProblemKind.MALFORMED)]


class TestAgreement:
    """Reading names only and reading everything return the same."""

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
        packed = git_directory(disk) / "packed-refs"
        packed.write_text(packed.read_text().replace(id, "b" * 40))
        assert self.answers(disk) == ("v1.0.0", "v1.0.0")

    def test_a_broken_tag_object_in_a_pack(self, disk: Builder) -> None:
        id = disk.tags("m@v1.0.0").tag("m@v2.0.0", at=50)
        disk.pack()
        disk.repo.close()
        index = next((git_directory(disk) / "objects" / "pack").glob("*.idx"))
        offset = Pack(str(index), DEFAULT_OBJECT_FORMAT)._index.offset(bytes.fromhex(id))
        assert offset is not None
        pack = index.with_suffix(".pack")
        pack.chmod(0o600)
        content = pack.read_bytes()
        pack.write_bytes(content[: offset + 10] + b"\xff\xff" + content[offset + 12 :])
        assert self.answers(disk) == ("v1.0.0", "v1.0.0")

    def test_a_tag_of_a_missing_tag(self, disk: Builder) -> None:
        inner = disk.tags("m@v1.0.0").tag("inner", at=50)
        disk.tag("m@v2.0.0", inner, 60, kind="tag")
        disk.pack()
        packed = git_directory(disk) / "packed-refs"
        outer = disk.raw("m@v2.0.0", self.tag_of("tag", "b" * 40))
        loose_ref = git_directory(disk) / "refs" / "tags" / "m@v2.0.0"
        loose_ref.unlink()
        old = disk.registry["m"]["v2.0.0"]  # packed-refs still has its peeled id
        text = packed.read_text()
        line = next(one for one in text.splitlines() if one.endswith("m@v2.0.0"))
        packed.write_text(text.replace(line[:40], outer))
        assert self.answers(disk) == ("v1.0.0", "v1.0.0")
        assert old.commit == disk.commits["c1"]

    def test_packed_refs_with_another_commit(self, disk: Builder) -> None:
        disk.commit("c2", 1)
        disk.tags("m@v1.0.0", "m@v2.0.0")
        disk.pack()
        packed = git_directory(disk) / "packed-refs"
        old, new = disk.commits["c1"], disk.commits["c2"]
        packed.write_text(packed.read_text().replace(f"^{old}", f"^{new}"))
        latest, listed = disk.registry.latest()["m"], disk.registry["m"].latest
        assert listed is not None
        assert latest.commit == listed.commit == disk.registry["m"]["v2.0.0"].commit == old

    @staticmethod
    def tag_of(kind: str, target: str) -> str:
        return f"object {target}\ntype {kind}\ntag m@v2.0.0\ntagger {ANN} {START} +0000\n\nx\n"

    def test_a_packed_file_without_peeled_ids(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m@v2.0.0")
        disk.pack()
        packed = git_directory(disk) / "packed-refs"
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
        pack = next((git_directory(disk) / "objects" / "pack").glob("*.pack"))
        pack.chmod(0o600)
        content = pack.read_bytes()
        for broken in (content[:12] + b"\xff" * (len(content) - 12), content[:40]):
            pack.write_bytes(broken)
            with Repo(disk.repo.path) as repo:  # type: ignore[union-attr]
                assert self.answers(Builder(repo)) == (None, None)

    def test_equal_versions_of_which_one_is_missing(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m@v2.0.0").ref("refs/tags/m@v2.0.0+x", "b" * 40)
        registry = disk.registry
        assert registry["m"].latest == registry["m"]["v2.0.0"]


class TestNames:
    """Invalid names do not name anything."""

    @pytest.mark.parametrize("name", ["a\0b", "a" * 5000, "a/" * 3000 + "b", "\udcff", "a\0b/c"])
    def test_on_every_read(self, disk: Builder, name: str) -> None:
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
        for read in (registry.at, registry.commits):
            with pytest.raises(RevisionNotFoundError):
                read(name)
