"""The packed-refs file."""

from __future__ import annotations

from pathlib import Path

import pytest
from dulwich.refs import DiskRefsContainer, Ref, check_ref_format
from hypothesis import given
from hypothesis import strategies as st

from modelversions import (
    RepositoryError,
)
from modelversions.git.local.local_refs import LocalRefs
from modelversions.git.local.packed_refs import PackedTags, packed_ref, packed_tags
from modelversions.git.store import TagRef
from tests.builders import Builder
from tests.git.local.helpers import path_of


class TestRefs:
    def test_loose_refs_take_precedence_over_packed_ones(self, disk: Builder) -> None:
        disk.commit("c2", 1)
        disk.tags("m@v1.0.0", "m@v2.0.0", "a/b@v1.0.0", "m#prod/eu#1")
        disk.pack()
        disk.tag("m@v1.0.0", "c2")
        disk.tag("a/c@v1.0.0", "c2")
        registry = disk.registry
        assert registry["m"]["v1.0.0"].commit == disk.commits["c2"]
        assert registry["m"]["v2.0.0"].commit == disk.commits["c1"]
        assert registry["m"].stages.keys() == {"prod/eu"}
        assert list(registry) == ["a/b", "a/c", "m"]
        assert len(registry["a/b"]) == 1

    def test_lightweight_tags_in_a_packed_file(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "n@v1.0.0", "n@v1.0.0!")
        disk.ref("refs/tags/m@v2.0.0", disk.commits["c1"])
        disk.tag("m@v3.0.0", disk.blob(), kind="blob")
        disk.pack()
        registry = disk.registry
        assert {name: version.name for name, version in registry.latest().items()} == {
            "m": "v1.0.0"
        }
        assert registry["m"].latest == registry["m"]["v1.0.0"]
        assert list(registry) == ["m", "n"]

    def test_a_symbolic_ref_has_its_own_name(self, disk: Builder) -> None:
        disk.tag("m@v1.0.0")
        disk.repo.refs.set_symbolic_ref(Ref(b"refs/tags/m@v2.0.0"), Ref(b"refs/tags/m@v1.0.0"))
        assert [version.name for version in disk.registry["m"]] == ["v2.0.0", "v1.0.0"]

    @pytest.mark.parametrize("content", ["", "rubbish", "ref: refs/tags/m@v2.0.0", "ref: ", "12ab"])
    def test_a_ref_that_cannot_be_read_is_a_problem(self, disk: Builder, content: str) -> None:
        disk.tag("m@v1.0.0")
        tags = path_of(disk) / ".git" / "refs" / "tags"
        (tags / "m@v2.0.0").write_text(content)
        (tags / "m@v3.0.0.lock").write_text("")
        registry = disk.registry
        assert [version.name for version in registry["m"]] == ["v1.0.0"]
        assert [problem.message for problem in registry.problems()] == ["the ref cannot be read"]

    def test_a_ref_that_is_deleted_while_it_is_read(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk.tags("m@v1.0.0")
        monkeypatch.setattr(
            "modelversions.git.local.local_refs._files", lambda *_: iter([b"m@v9.0.0"])
        )
        assert list(disk.registry) == []

    def test_a_packed_file_without_traits(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        disk.ref("refs/tags/m@v2.0.0", disk.commits["c1"])
        disk.repo.refs.pack_refs(all=True)
        packed = path_of(disk) / ".git" / "packed-refs"
        lines = [line for line in packed.read_text().splitlines() if line[0] not in "#^"]
        for header in ("", "# pack-refs with: peeled \n"):
            packed.write_text(header + "".join(f"{line}\n" for line in reversed(lines)))
            assert [version.name for version in disk.registry["m"]] == ["v1.0.0"]


def listed(path: Path, *prefixes: str) -> dict[bytes, TagRef]:
    packed = packed_tags(bytes(path), [prefix.encode() for prefix in prefixes], PackedTags())
    return {ref.name.encode(): ref for ref in packed.refs}


SHA = st.integers(0, 2**160 - 1).map("{:040x}".format)


PARTS = st.text("abc@#v1./=!", min_size=1, max_size=5)


NAMES = st.one_of(PARTS.map("refs/tags/{}".format), PARTS.map("refs/{}".format)).filter(
    lambda name: check_ref_format(Ref(name.encode()))
)


@given(
    st.dictionaries(NAMES, st.tuples(SHA, st.one_of(st.none(), SHA)), max_size=12),
    st.lists(st.text("abc@#v", max_size=3), max_size=3),
    st.sampled_from(["", "cut"]),
)
def test_the_binary_search_finds_what_dulwich_reads(
    tmp_path_factory: pytest.TempPathFactory,
    refs: dict[str, tuple[str, str | None]],
    prefixes: list[str],
    end: str,
) -> None:
    root = tmp_path_factory.mktemp("packed")
    lines = ["# pack-refs with: peeled fully-peeled sorted "]
    for name, (sha, peeled) in sorted(refs.items()):
        lines += [f"{sha} {name}", *([f"^{peeled}"] if peeled else [])]
    path = root / "packed-refs"
    path.write_text("\n".join(lines) + "\n" + end)

    def find() -> dict[bytes, TagRef]:
        return listed(path, *prefixes)

    if end:
        with pytest.raises(RepositoryError, match="unexpected line 'cut'"):
            find()
        path.write_text("\n".join(lines) + "\n")
    found = find()
    expected = DiskRefsContainer(str(root)).get_packed_refs()
    assert {name: expected[Ref(name.encode())].decode() for name in refs} == {
        name: sha for name, (sha, _) in refs.items()
    }
    for order in (lines[1:], [line for line in lines[1:] if line[0] != "^"][::-1]):
        path.write_text("".join(f"{line}\n" for line in order))
        assert {ref.id for ref in find().values()} == {ref.id for ref in found.values()}
        path.write_text("\n".join(lines) + "\n")
    wanted = {f"refs/tags/{prefix}" for prefix in prefixes}
    assert {name.decode(): (ref.id, ref.peeled) for name, ref in found.items()} == {
        name.removeprefix("refs/tags/"): (sha, peeled or sha)
        for name, (sha, peeled) in refs.items()
        if name.startswith("refs/tags/") and name.startswith(tuple(wanted))
    }


def test_a_packed_file_that_is_missing_or_empty(tmp_path: Path) -> None:
    path = tmp_path / "packed-refs"
    assert listed(path, "") == {}
    for text in ("", "# pack-refs with: peeled fully-peeled \n"):
        path.write_text(text)
        assert listed(path, "") == {}
        assert packed_ref(bytes(path), b"refs/tags/m") == b""


@pytest.mark.parametrize(
    "rubbish", ["^abc", "rubbish", "# a comment", "abc refs/tags/n", f"^{'a' * 39}", "\n"]
)
@pytest.mark.parametrize("header", ["", "# pack-refs with: peeled fully-peeled sorted \n"])
@pytest.mark.parametrize("position", [1, 3, 5])
def test_a_line_that_git_rejects(disk: Builder, header: str, rubbish: str, position: int) -> None:
    disk.tags("m@v1.0.0", "m@v2.0.0")
    disk.pack()
    packed = path_of(disk) / ".git" / "packed-refs"
    lines = [line for line in packed.read_text().splitlines(keepends=True) if line[0] != "#"]
    lines.insert(position, f"{rubbish}\n")
    packed.write_text(header + "".join(lines))
    for _ in range(2):
        if header and position == 1 and "tags" not in rubbish:  # before all tags
            assert list(disk.registry) == ["m"]
            continue
        with pytest.raises(RepositoryError, match="the refs in .* unexpected line .*; repair"):
            list(disk.registry)
        if not header:
            with pytest.raises(RepositoryError, match="unexpected line"):
                disk.registry.at("nowhere")


@pytest.mark.parametrize("space", ["\t", "\r"])
def test_other_white_space_after_an_id(disk: Builder, space: str) -> None:
    names = [f"{model}@v{number}.0.0" for model in "abc" for number in range(3)]
    disk.tags(*names)
    disk.pack()
    packed = path_of(disk) / ".git" / "packed-refs"
    lines = packed.read_text().split("\n")
    packed.write_text("\n".join([lines[0], *(line.replace(" ", space) for line in lines[1:])]))
    registry = disk.registry
    assert sorted(event.tag for event in registry.history()) == names
    for model in "abc":
        assert str(disk.registry[model].latest) == f"{model}@v2.0.0"
    assert registry._store.resolve("b@v1.0.0") == disk.commits["c1"]


@pytest.mark.parametrize("position", [4, 6, 9])
def test_two_peeled_ids(disk: Builder, position: int) -> None:
    disk.tags("a@v1.0.0", "b@v1.0.0", "c@v1.0.0", "d@v1.0.0")
    disk.pack()
    packed = path_of(disk) / ".git" / "packed-refs"
    lines = packed.read_text().splitlines(keepends=True)
    peeled = next(line for line in lines if line[0] == "^")
    packed.write_text("".join([*lines[:position], peeled, peeled, *lines[position:]]))
    with pytest.raises(RepositoryError, match="unexpected line"):
        list(disk.registry)
    found = set()
    for model in "abcd":
        try:
            found.add(str(disk.registry[model].latest))
        except RepositoryError:  # the lines follow a tag of this model
            found.add(model)
    assert len(found & {f"{model}@v1.0.0" for model in "abcd"}) == 3


def test_ref_names_may_be_any_bytes(disk: Builder) -> None:
    disk.tags("m@v1.0.0")
    id = disk.repo.refs[Ref(b"refs/tags/m@v1.0.0")]
    disk.repo.refs[Ref(b"refs/tags/\xff@v1.0.0")] = id
    refs = LocalRefs(disk.repo, "repository").tags([""])
    assert [ref.name for ref in refs] == ["m@v1.0.0", "\ufffd@v1.0.0"]
    assert [problem.tag for problem in disk.registry.problems()] == ["\ufffd@v1.0.0"]
