"""One ref or object that is damaged is a problem; the rest is listed as Git lists it."""

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
def two(disk: Builder) -> Builder:
    """Two tags, of which a test damages the second."""
    return disk.tags("m@v1.0.0", "n@v1.0.0")


class TestRefs:
    def test_a_link_that_leads_to_itself(self, two: Builder) -> None:
        loose(two, "n@v1.0.0").unlink()
        loose(two, "n@v1.0.0").symlink_to("n@v1.0.0")
        loose(two, "folder").symlink_to("folder")
        assert list(two.registry) == ["m"]
        assert kinds(two.registry) == {"n@v1.0.0": ProblemKind.MALFORMED}

    def test_one_that_may_not_be_read(self, two: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
        opened = open

        def refusing(path: Any, *arguments: Any, **options: Any) -> Any:
            if os.fsdecode(path).endswith("n@v1.0.0"):
                raise PermissionError(13, "Permission denied", path)
            return opened(path, *arguments, **options)

        monkeypatch.setattr("builtins.open", refusing)
        assert list(two.registry) == ["m"]
        assert kinds(two.registry) == {"n@v1.0.0": ProblemKind.MALFORMED}
        with pytest.raises(RepositoryError, match="Permission denied"):
            two.registry.at("n@v1.0.0")

    def test_symbolic_refs_in_a_circle(self, two: Builder) -> None:
        loose(two, "n@v1.0.0").write_text("ref: refs/tags/n@v2.0.0\n")
        loose(two, "n@v2.0.0").write_text("ref: refs/tags/n@v1.0.0\n")
        assert list(two.registry) == ["m"]

    @pytest.mark.parametrize("end", [" and more\n", "\tx", "\nsecond line\n", "\r\n", "\n\n", ""])
    def test_text_after_the_id(self, two: Builder, end: str) -> None:
        ref = loose(two, "n@v1.0.0")
        ref.write_bytes((ref.read_text().strip() + end).encode())
        assert list(two.registry) == ["m", "n"]
        assert two.registry.problems() == ()
        assert two.registry.at("n@v1.0.0")

    @pytest.mark.parametrize("text", ["", "x", "{id}x\n", "{short}\n", " {id}\n"])
    def test_no_id(self, two: Builder, text: str) -> None:
        ref = loose(two, "n@v1.0.0")
        id = ref.read_text().strip()
        ref.write_text(text.format(id=id, short=id[:39]))
        assert list(two.registry) == ["m"]
        assert kinds(two.registry) == {"n@v1.0.0": ProblemKind.MALFORMED}

    @pytest.mark.parametrize("packed", [False, True])
    def test_an_id_in_upper_case(self, two: Builder, *, packed: bool) -> None:
        ref = loose(two, "n@v1.0.0")
        id = ref.read_text().strip()
        if packed:
            two.pack()
            ref = two.git_dir / "packed-refs"
        ref.write_text(ref.read_text().replace(id, id.upper()))
        registry = two.registry
        assert list(registry) == ["m", "n"]
        assert registry["n"].history[0].commit == two.commits["c1"]
        assert registry.at("n@v1.0.0")
        registry.delete_tags("n@v1.0.0")
        assert list(registry) == ["m"]

    @pytest.mark.parametrize("name", ["n..b=m@v1.0.0", ".n@v1.0.0", "n@v1.0.0 x", "n//a@v1.0.0"])
    def test_a_packed_name_that_git_does_not_take(self, two: Builder, name: str) -> None:
        two.pack()
        packed = two.git_dir / "packed-refs"
        packed.write_text(packed.read_text().replace("n@v1.0.0", name))
        assert list(two.registry) == ["m"]
        with pytest.raises(LookupError):
            two.registry.at("n..b=m@v1.0.0")


class TestObjects:
    def test_a_folder_in_its_place(self, two: Builder) -> None:
        id = two.repo.refs[b"refs/tags/n@v1.0.0"].decode()  # type: ignore[index]
        object_file(two, id).unlink()
        object_file(two, id).mkdir()
        assert kinds(two.registry) == {"n@v1.0.0": ProblemKind.MISSING}
        assert two.registry.history()[0].model == "m"

    @pytest.mark.parametrize("how", ["trailing", "size", "kind", "cut", "nothing"])
    def test_a_loose_file_that_git_does_not_take(self, two: Builder, how: str) -> None:
        path = object_file(two, two.repo.refs[b"refs/tags/n@v1.0.0"].decode())  # type: ignore[index]
        content = path.read_bytes()
        raw = zlib.decompress(content)
        new = {
            "trailing": content + b"x",
            "size": zlib.compress(raw + b"x"),
            "kind": zlib.compress(b"t" + raw),
            "cut": content[:-5],
            "nothing": b"",
        }[how]
        path.chmod(0o644)
        path.write_bytes(new)
        assert kinds(two.registry) == {"n@v1.0.0": ProblemKind.MISSING}
        assert [event.model for event in two.registry.history()] == ["m"]

    def test_a_header_before_the_tagger(self, disk: Builder) -> None:
        commit = disk.commits["c1"]
        who = f"tagger Ann <ann@example.com> {START + 7} +0000"
        text = f"object {commit.upper()}\ntype commit\ntag m@v1.0.0\nx y\n{who}\nz\n\nmessage\n"
        disk.raw("m@v1.0.0", text)
        event = disk.registry.history()[0]
        assert (event.time, event.message, event.commit) == (at(7), "message", commit)
        assert disk.registry.problems(at(10**6)) == ()
