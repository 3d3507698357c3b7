"""A damaged ref or object is a problem; the others are listed as by Git."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from modelversions import ProblemKind, Registry, RepositoryError
from tests.builders import START, Builder, at


def loose(builder: Builder, name: str) -> Path:
    return builder.git_dir / "refs" / "tags" / name


def object_file(builder: Builder, id: str) -> Path:
    return builder.git_dir / "objects" / id[:2] / id[2:]


def kinds(registry: Registry) -> dict[str, ProblemKind]:
    return {problem.tag: problem.kind for problem in registry.problems(at(10**6))}


@pytest.fixture
def two_tags(disk: Builder) -> Builder:
    """Two tags; a test damages the second one."""
    return disk.tags("m@v1.0.0", "n@v1.0.0")


class TestRefs:
    def test_a_link_that_leads_to_itself(self, two_tags: Builder) -> None:
        loose(two_tags, "n@v1.0.0").unlink()
        loose(two_tags, "n@v1.0.0").symlink_to("n@v1.0.0")
        loose(two_tags, "directory").symlink_to("directory")
        assert list(two_tags.registry) == ["m"]
        assert kinds(two_tags.registry) == {"n@v1.0.0": ProblemKind.MALFORMED}

    def test_a_ref_that_cannot_be_read(
        self, two_tags: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = open

        def refusing(path: Any, *arguments: Any, **options: Any) -> Any:
            if os.fsdecode(path).endswith("n@v1.0.0"):
                raise PermissionError(13, "Permission denied", path)
            return opened(path, *arguments, **options)

        monkeypatch.setattr("builtins.open", refusing)
        assert list(two_tags.registry) == ["m"]
        assert kinds(two_tags.registry) == {"n@v1.0.0": ProblemKind.MALFORMED}
        with pytest.raises(RepositoryError, match="Permission denied"):
            two_tags.registry.at("n@v1.0.0")

    def test_symbolic_refs_in_a_cycle(self, two_tags: Builder) -> None:
        loose(two_tags, "n@v1.0.0").write_text("ref: refs/tags/n@v2.0.0\n")
        loose(two_tags, "n@v2.0.0").write_text("ref: refs/tags/n@v1.0.0\n")
        assert list(two_tags.registry) == ["m"]

    @pytest.mark.parametrize("end", [" and more\n", "\tx", "\nsecond line\n", "\r\n", "\n\n", ""])
    def test_text_after_the_id(self, two_tags: Builder, end: str) -> None:
        ref = loose(two_tags, "n@v1.0.0")
        ref.write_bytes((ref.read_text().strip() + end).encode())
        assert list(two_tags.registry) == ["m", "n"]
        assert two_tags.registry.problems() == ()
        assert two_tags.registry.at("n@v1.0.0")

    @pytest.mark.parametrize("text", ["", "x", "{id}x\n", "{short}\n", " {id}\n"])
    def test_no_id(self, two_tags: Builder, text: str) -> None:
        ref = loose(two_tags, "n@v1.0.0")
        id = ref.read_text().strip()
        ref.write_text(text.format(id=id, short=id[:39]))
        assert list(two_tags.registry) == ["m"]
        assert kinds(two_tags.registry) == {"n@v1.0.0": ProblemKind.MALFORMED}

    @pytest.mark.parametrize("packed", [False, True])
    def test_an_id_in_upper_case(self, two_tags: Builder, *, packed: bool) -> None:
        ref = loose(two_tags, "n@v1.0.0")
        id = ref.read_text().strip()
        if packed:
            two_tags.pack()
            ref = two_tags.git_dir / "packed-refs"
        ref.write_text(ref.read_text().replace(id, id.upper()))
        registry = two_tags.registry
        assert list(registry) == ["m", "n"]
        assert registry["n"].history[0].commit == two_tags.commits["c1"]
        assert registry.at("n@v1.0.0")
        registry.delete_tags("n@v1.0.0")
        assert list(registry) == ["m"]

    @pytest.mark.parametrize("name", ["n..b=m@v1.0.0", ".n@v1.0.0", "n@v1.0.0 x", "n//a@v1.0.0"])
    def test_a_packed_name_that_git_does_not_accept(self, two_tags: Builder, name: str) -> None:
        two_tags.pack()
        packed = two_tags.git_dir / "packed-refs"
        packed.write_text(packed.read_text().replace("n@v1.0.0", name))
        assert list(two_tags.registry) == ["m"]
        with pytest.raises(LookupError):
            two_tags.registry.at("n..b=m@v1.0.0")


class TestObjects:
    def test_a_directory_in_place_of_an_object(self, two_tags: Builder) -> None:
        id = two_tags.repo.refs[b"refs/tags/n@v1.0.0"].decode()  # type: ignore[index]
        object_file(two_tags, id).unlink()
        object_file(two_tags, id).mkdir()
        assert kinds(two_tags.registry) == {"n@v1.0.0": ProblemKind.MISSING}
        assert two_tags.registry.history()[0].model == "m"

    @pytest.mark.parametrize("damage", ["trailing", "size", "kind", "cut", "nothing"])
    def test_a_loose_file_that_git_does_not_accept(self, two_tags: Builder, damage: str) -> None:
        path = object_file(two_tags, two_tags.repo.refs[b"refs/tags/n@v1.0.0"].decode())  # type: ignore[index]
        content = path.read_bytes()
        raw = zlib.decompress(content)
        new = {
            "trailing": content + b"x",
            "size": zlib.compress(raw + b"x"),
            "kind": zlib.compress(b"t" + raw),
            "cut": content[:-5],
            "nothing": b"",
        }[damage]
        path.chmod(0o644)
        path.write_bytes(new)
        assert kinds(two_tags.registry) == {"n@v1.0.0": ProblemKind.MISSING}
        assert [event.model for event in two_tags.registry.history()] == ["m"]

    def test_a_header_before_the_tagger(self, disk: Builder) -> None:
        commit = disk.commits["c1"]
        who = f"tagger Ann <ann@example.com> {START + 7} +0000"
        text = f"object {commit.upper()}\ntype commit\ntag m@v1.0.0\nx y\n{who}\nz\n\nmessage\n"
        disk.raw("m@v1.0.0", text)
        event = disk.registry.history()[0]
        assert (event.time, event.message, event.commit) == (at(7), "message", commit)
        assert disk.registry.problems(at(10**6)) == ()
