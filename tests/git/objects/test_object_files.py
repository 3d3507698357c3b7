"""Raw objects: in packs, loose, in alternates, as deltas, and broken; compared with dulwich."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from dulwich.objects import Blob, ObjectID
from dulwich.pack import write_pack, write_pack_index
from dulwich.repo import Repo
from hypothesis import given, settings
from hypothesis import strategies as st

from modelversions import ProblemKind, Registry
from modelversions.git.local.local_store import LocalStore
from modelversions.git.objects import object_files, pack_files
from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.objects.tag_reader import TagReader
from tests.builders import ANN, Builder

COMMIT, OFS_DELTA, REF_DELTA = b"\x10", b"\x60", b"\x70"  # headers of entries of size 0

SIGNED = "a tag\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----"
KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}


def packs_of(builder: Builder) -> Path:
    assert isinstance(builder.repo, Repo)
    return Path(builder.repo.object_store.pack_dir)


def read_by_dulwich(builder: Builder, id: str) -> tuple[str, bytes]:
    kind, raw = builder.repo.object_store.get_raw(ObjectID(id.encode()))
    return KINDS[kind], raw


@given(content=st.binary(max_size=5000), times=st.integers(1, 50))
def test_packed_objects_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, times: int
) -> None:
    with Repo.init(str(tmp_path_factory.mktemp("packed"))) as repo:
        builder = Builder(repo)
        ids = [builder.add(Blob.from_string(text)) for text in (content * times, b"", b"x")]
        ids.append(builder.commit())
        repo.object_store.pack_loose_objects()
        files = ObjectFiles(repo, "repository")
        for id in ids:
            assert files.raw(id) == read_by_dulwich(builder, id)
        files.close()


def test_objects_that_are_added_while_it_is_open(disk: Builder) -> None:
    files = ObjectFiles(disk.repo, "repository")
    ids = []
    for number in range(3):
        ids.append(disk.blob(f"loose {number}"))
        assert files.raw(ids[-1]) == ("blob", f"loose {number}".encode())
        disk.pack()
        for path in packs_of(disk).parent.glob("??"):
            assert not any(path.iterdir())
        assert [files.raw(id)[0] for id in ids] == ["blob"] * len(ids)
    files.close()
    assert files.raw(ids[0]) == ("blob", b"loose 0")
    assert files.raw("ab" * 20) == ("", b"")
    files.close()


def test_many_objects_at_once(disk: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [disk.blob(f"blob {number}") for number in range(500)]
    disk.pack()
    files = ObjectFiles(disk.repo, "repository")
    for limit in (1, 2, 64):
        monkeypatch.setattr("modelversions.git.objects.pack_files.SCAN_LIMIT", limit)
        assert [files.raw(id) for id in ids] == [read_by_dulwich(disk, id) for id in ids]
        assert {files.type(id[::-1]) for id in ids} == {""}
    assert files.raw("ab" * 20) == ("", b"")
    files.close()


@pytest.mark.parametrize("limit", [9, 10])
def test_bases_are_cached_unless_many_objects_were_read(
    disk: Builder, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    disk.tags(*(f"m@v1.0.{number}" for number in range(10)))
    disk.pack()
    ids = [ref.id for ref in disk.registry._store.tags()]
    files = ObjectFiles(disk.repo, "repository")
    monkeypatch.setattr(pack_files, "_LARGE_READ", limit)
    found = dict(files.read_many(ids))
    assert [len(pack._bases.objects) for pack in files._packs.values()] == [10 * (limit == 10)]
    assert dict(files.read_many(ids)) == found == dict(enumerate(map(files.raw, ids)))
    files.close()


def test_in_many_small_packs_each_object_is_searched_for_a_few_times(
    disk: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        disk.tags(*(f"m@v{number}.0.{patch}" for patch in range(5)))
        disk.pack()
    ids = [ref.id for ref in disk.registry._store.tags()]
    searched: list[int] = []
    real = pack_files._entries

    def counted(offsets: Iterable[int | None], wanted: Mapping[bytes, int]) -> Any:
        searched.append(len(wanted))
        return real(offsets, wanted)

    monkeypatch.setattr(pack_files, "_entries", counted)
    files = ObjectFiles(disk.repo, "repository")
    assert {type for _, (type, _) in files.read_many(ids)} == {"tag"}
    assert set(files.types(ids).values()) == {"tag"}
    assert not files.missing(ids)
    assert sum(searched) <= 2 * len(ids) == 200
    files.close()


@pytest.mark.parametrize("form", ["loose", "one pack", "two packs"])
def test_ids_that_are_requested_twice(disk: Builder, form: str) -> None:
    disk.tags("m@v1.0.0", "m@v2.0.0")
    if form == "two packs":
        disk.pack()
    disk.tags("m@v3.0.0")
    if form != "loose":
        disk.pack()
    one, two, three = (ref.id for ref in disk.registry._store.tags())
    ids = [one, two, "fe" * 20, one, three, "short", "FE" * 20, two, one, "short"]
    files = ObjectFiles(disk.repo, "repository")
    many = list(files.read_many(ids))
    assert sorted(number for number, _ in many) == list(range(len(ids)))
    assert dict(many) == {number: files.raw(id) for number, id in enumerate(ids)}
    assert files.types(ids) == {id: files.type(id) for id in ids}
    assert {id.lower() for id in files.missing(ids)} == {"fe" * 20, "short"}
    tags = TagReader(files).read(ids)
    assert [tag.name for tag in tags[3:5]] == ["m@v1.0.0", "m@v3.0.0"]
    assert tags == [TagReader(files).read([id])[0] for id in ids]
    assert TagReader(files).peel(ids) == [tag.commit for tag in tags]
    files.close()


@pytest.mark.parametrize("version", [1, 2])
def test_indexes_of_any_version(disk: Builder, version: int) -> None:
    """Version 1, and offsets that do not fit in four bytes."""
    directory, entries = packs_of(disk), [(bytes([number]) * 20, 12, 0) for number in range(256)]
    (directory / "pack-x.pack").write_bytes(bytes(12) + COMMIT)
    with (directory / "pack-x.idx").open("wb") as file:
        write_pack_index(file, entries, b"x" * 20, version=version)
    if version == 2:
        index = bytearray((directory / "pack-x.idx").read_bytes())
        at = 8 + 1024 + 256 * 24 + 4 * 7
        index[at : at + 4] = b"\x80\0\0\0"
        index[-40:-40] = (12).to_bytes(8, "big")
        (directory / "pack-x.idx").write_bytes(index)
    files = ObjectFiles(disk.repo, "repository")
    ids = [f"{number:02x}" * 20 for number in range(256)]
    assert {files.type(id) for id in ids} == {"commit"}
    assert files.types(ids) == dict.fromkeys(ids, "commit")
    assert files.types(ids[:3]) == dict.fromkeys(ids[:3], "commit")
    assert files.type("01" * 19 + "02") == ""
    assert files.types(["01" * 19 + "02"]) == {"01" * 19 + "02": ""}
    assert files.missing([*ids, "01" * 19 + "02"]) == {"01" * 19 + "02"}
    files.close()


def test_an_index_of_version_1_that_is_broken(
    disk: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, entries = packs_of(disk), [(bytes([number]) * 20, 12, 0) for number in range(256)]
    (directory / "pack-x.pack").write_bytes(bytes(12) + COMMIT)
    with (directory / "pack-x.idx").open("wb") as file:
        write_pack_index(file, entries, b"x" * 20, version=1)
    ids = [f"{number:02x}" * 20 for number in range(256)]
    files = ObjectFiles(disk.repo, "repository")
    assert not files.missing(ids)

    def fail(*_: object) -> None:
        raise struct.error

    with monkeypatch.context() as patch:
        patch.setattr("modelversions.git.objects.pack_files._OtherIndex.offset", fail)
        assert files.missing(ids) == set(ids)
    files.close()
    content = (directory / "pack-x.idx").read_bytes()
    (directory / "pack-x.idx").write_bytes(content[: 4 * 256 + 24 * 100])
    assert files.missing(ids[200:]) == set(ids[200:])
    files.close()


def test_deltas_that_dulwich_writes(disk: Builder) -> None:
    text = os.urandom(4000)
    blobs = [Blob.from_string(text + bytes([number])) for number in range(4)]
    write_pack(
        str(packs_of(disk) / "pack-deltas"),
        [(blob, None) for blob in blobs],
        object_format=disk.repo.object_format,
        deltify=True,
    )
    assert (packs_of(disk) / "pack-deltas.pack").stat().st_size < 2 * len(text)
    files = ObjectFiles(disk.repo, "repository")
    for blob in blobs:
        assert files.type(blob.id.decode()) == "blob"
        assert files.raw(blob.id.decode()) == ("blob", blob.data)
    files.close()


@pytest.mark.parametrize(
    ("entries", "kinds"),
    [
        ([COMMIT, OFS_DELTA + b"\x01"], ["commit", "commit"]),
        ([COMMIT + bytes(200), OFS_DELTA + b"\x80\x49"], ["commit", "commit"]),
        ([REF_DELTA + b"1" * 20, COMMIT], ["commit", "commit"]),
        ([REF_DELTA + b"9" * 20, OFS_DELTA + b"\x15"], ["", ""]),
        ([REF_DELTA + b"1" * 20, REF_DELTA + b"0" * 20], ["", ""]),
        ([b"\x50", OFS_DELTA + b"\x01"], ["", ""]),
        ([COMMIT, OFS_DELTA + b"\xff"], ["commit", ""]),
    ],
)
def test_the_type_of_a_delta_is_that_of_its_base(
    disk: Builder, entries: list[bytes], kinds: list[str]
) -> None:
    directory, at, rows = packs_of(disk), 12, []
    for number, entry in enumerate(entries):
        rows.append((str(number).encode() * 20, at, 0))
        at += len(entry)
    (directory / "pack-x.pack").write_bytes(bytes(12) + b"".join(entries))
    with (directory / "pack-x.idx").open("wb") as file:
        write_pack_index(file, rows, b"x" * 20)
    files = ObjectFiles(disk.repo, "repository")
    ids = [str(number).encode().hex() * 20 for number in range(2)]
    assert [files.type(id) for id in ids] == kinds
    types = files.types(ids)
    assert [types[id] for id in ids] == kinds
    files.close()


def test_deleted_packs_are_closed(disk: Builder) -> None:
    id = disk.blob("some content")
    disk.pack()
    files = ObjectFiles(disk.repo, "repository")
    assert files.raw(id)[0] == "blob"
    disk.blob("more content")
    disk.pack()
    old = list(files._packs)
    assert isinstance(disk.repo, Repo)
    disk.repo.object_store.repack()
    assert not [path for path in old if Path(path).exists()]
    files.forget()
    assert not files._packs
    assert files.raw(id) == ("blob", b"some content")
    assert len(files._packs) == 1
    files.close()


def test_listing_tags_closes_deleted_packs(disk: Builder) -> None:
    disk.tags("m@v1.0.0").pack()
    registry = disk.registry
    assert registry["m"].latest
    store = registry._store
    assert isinstance(store, LocalStore)
    assert len(store._files._packs) == 1
    disk.tags("m@v2.0.0")
    disk.pack()
    assert isinstance(disk.repo, Repo)
    disk.repo.object_store.repack()
    assert len(registry["m"]) == 2
    assert [Path(path).exists() for path in store._files._packs] == [True]


def test_an_invalid_loose_object(disk: Builder) -> None:
    id = disk.blob("some content")
    path = packs_of(disk).parent / id[:2] / id[2:]
    files = ObjectFiles(disk.repo, "repository")
    for content in (b"", b"lump 12\0some content"):
        path.chmod(0o600)
        path.write_bytes(zlib.compress(content))
        assert files.type(id) == ""
    path.write_bytes(b"")
    assert files.raw(id) == ("", b"")


@pytest.mark.parametrize("id", ["", "ab", "a" * 64])
def test_an_id_of_the_wrong_length(disk: Builder, id: str) -> None:
    files = ObjectFiles(disk.repo, "repository")
    assert (files.raw(id), files.type(id)) == (("", b""), "")


def test_a_broken_index_is_missing_objects(disk: Builder) -> None:
    id = disk.blob("some content")
    disk.pack()
    assert isinstance(disk.repo, Repo)
    disk.repo.close()
    index = next(packs_of(disk).glob("*.idx"))
    index.chmod(0o600)
    content = index.read_bytes()
    for length in (0, 4, 8, 500, 1032, 1040, len(content) - 60):
        index.write_bytes(content[:length])
        with Repo(disk.repo.path) as repo:
            files = ObjectFiles(repo, "repository")
            assert files.type(id) in ("", "blob")
            assert files.raw(id)[0] in ("", "blob")
            assert files.types([id])[id] in ("", "blob")
            assert files.missing([id]) <= {id}
            assert dict(files.read_many([id]))[0] in (("", b""), ("blob", b"some content"))
            files.close()


def test_a_broken_pack_is_a_missing_object(disk: Builder) -> None:
    id = disk.blob("some content " * 50)
    disk.pack()
    assert isinstance(disk.repo, Repo)
    disk.repo.close()
    pack = next(packs_of(disk).glob("*.pack"))
    pack.chmod(0o600)
    content = pack.read_bytes()
    for broken in (content[:14] + b"\xff" * (len(content) - 14), content[:16]):
        pack.write_bytes(broken)
        with Repo(disk.repo.path) as repo:
            files = ObjectFiles(repo, "repository")
            assert files.raw(id) == ("", b"")
            files.close()


def test_a_pack_that_cannot_be_opened_is_skipped(disk: Builder) -> None:
    id = disk.blob("some content")
    disk.pack()
    disk.repo.object_store.close()
    (packs_of(disk) / "pack-0.idx").write_bytes(b"rubbish")
    (packs_of(disk) / "pack-1.idx").write_bytes(next(packs_of(disk).glob("*.idx")).read_bytes())
    files = ObjectFiles(disk.repo, "repository")
    assert files.raw(id) == ("blob", b"some content")
    files.close()


def test_objects_that_are_packed_while_they_are_searched_for(
    disk: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.tags("m@v1.0.0", "m@v2.0.0")
    files = ObjectFiles(disk.repo, "repository")
    ids = [ref.id for ref in disk.registry._store.tags()]
    real = ObjectFiles._loose

    def pack_first(own: ObjectFiles, id: str) -> object:
        monkeypatch.undo()
        disk.pack()
        return real(own, id)

    monkeypatch.setattr(ObjectFiles, "_loose", pack_first)
    found = {ids[number]: type for number, (type, _) in files.read_many(ids)}
    assert found == dict.fromkeys(ids, "tag")
    files.close()


@pytest.mark.parametrize("version", [0, 1, 2])
def test_ids_that_begin_with_digits(disk: Builder, version: int) -> None:
    ids = {disk.blob(f"blob {number}") for number in range(600)} | {disk.commits["c1"]}
    if version:
        disk.pack()
        pack = next(iter(disk.repo.object_store.packs))
        entries = list(pack.index.iterentries())
        checksum = pack.data.get_stored_checksum()
        disk.repo.object_store.close()
        index = next(packs_of(disk).glob("*.idx"))
        index.chmod(0o600)
        with index.open("wb") as file:
            write_pack_index(file, entries, checksum, version=version)
        (packs_of(disk) / "pack-0.pack").write_bytes(b"")
        (packs_of(disk) / "pack-0.idx").write_bytes(index.read_bytes()[:1500])
    files = ObjectFiles(disk.repo, "repository")
    for digits in (2, 3, 4, 5, 39, 40):
        for id in ids:
            expected = {one for one in ids if one.startswith(id[:digits])}
            assert files.with_prefix(id[:digits]) >= expected
            assert {one[:digits] for one in files.with_prefix(id[:digits])} == {id[:digits]}
    assert files.with_prefix("0" * 40) == files.with_prefix("f" * 40) == set()
    files.close()


class TestManyPacks:
    """Each large open pack holds two file descriptors, and there may be thousands."""

    COUNT = 120

    @pytest.fixture
    def packed(self, disk: Builder) -> Builder:
        for number in range(self.COUNT):
            disk.tag(f"m@v0.{number}.0", at=number)
            disk.pack()
        return disk

    def test_few_are_open(self, packed: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pack_files, "MAX_IN_MEMORY", 0)
        monkeypatch.setattr(object_files, "MAX_MAPPED", 7)
        registry = packed.registry
        for _ in range(2):
            assert len(registry.history()) == self.COUNT
        files = registry._store._files  # type: ignore[attr-defined]
        assert 0 < len(files._packs) <= 7
        registry.close()

    @pytest.mark.parametrize("more", [{"tagger": None}, {"message": SIGNED}, {"zone": "+9999"}])
    def test_an_irregular_tag_hides_no_pack(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
    ) -> None:
        """To peel it, the pack of its commit is opened, which is the last one."""
        disk.commit()
        order: list[str] = []
        for number in range(4):
            if number:
                disk.tag(f"m@v0.{number}.0", at=number, **more)
            disk.pack()
            names = {path.name for path in packs_of(disk).iterdir()}
            order = [*names.difference(order), *order]
        real = os.listdir
        monkeypatch.setattr(
            "modelversions.git.objects.object_files.os.listdir",
            lambda path: order if Path(path) == packs_of(disk) else real(path),
        )
        with Registry.open(disk.git_dir) as registry:
            assert [event.tag for event in registry.history()] == [
                f"m@v0.{number}.0" for number in range(1, 4)
            ]
        with Registry.open(disk.git_dir) as registry:
            assert {one.kind for one in registry.problems()}.isdisjoint({ProblemKind.MISSING})

    @settings(max_examples=40)
    @given(
        forms=st.lists(st.sampled_from(["tag", "signed", "no tagger", "of a tag"]), min_size=1),
        packed=st.lists(st.booleans(), min_size=12, max_size=12),
    )
    def test_the_result_does_not_depend_on_the_packs_of_objects(
        self, tmp_path_factory: pytest.TempPathFactory, forms: list[str], packed: list[bool]
    ) -> None:
        found: list[tuple[Sequence[object], Sequence[object]]] = []
        for pack in (True, False):
            with Repo.init(str(tmp_path_factory.mktemp("packs"))) as repo:
                disk = Builder(repo)
                disk.commit()
                for number, (form, after) in enumerate(zip(forms, packed)):
                    tagger = None if form == "no tagger" else ANN
                    message = SIGNED if form == "signed" else "a tag"
                    name = f"m@v0.{number}.0"
                    id = disk.tag(name, at=number, tagger=tagger, message=message)
                    if form == "of a tag":
                        disk.tag(name, id, at=number, kind="tag")
                    if pack and after:
                        disk.pack()
                with Registry.open(disk.git_dir) as registry:
                    found.append((registry.history(), registry.problems()))
        assert found[0] == found[1]
        assert len(found[0][0]) == min(len(forms), 12)

    def test_short_shas_and_missing_objects_open_few(
        self, packed: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pack_files, "MAX_IN_MEMORY", 0)
        monkeypatch.setattr(object_files, "MAX_MAPPED", 7)
        for number in range(200):
            packed.ref(f"refs/tags/n@v0.{number}.0", f"{number:040x}")
        opened: list[str] = []
        real = ObjectFiles._open

        def count(files: ObjectFiles, path: str) -> object:
            opened.append(path)
            return real(files, path)

        monkeypatch.setattr(ObjectFiles, "_open", count)
        assert isinstance(packed.repo, Repo)
        with Repo(packed.repo.path) as repo, Registry.from_repo(repo) as registry:
            assert list(registry.latest()) == ["m"]
            assert len(opened) < 20 * self.COUNT
            sha = packed.commits["c1"]
            assert registry.commits(sha[:10])[0].commit == sha
            assert not repo.object_store._pack_cache
            assert len(registry._store._files._packs) <= 7  # type: ignore[attr-defined]

    def test_with_few_file_descriptors(self, packed: Builder) -> None:
        assert isinstance(packed.repo, Repo)
        code = (
            "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)); "
            "from modelversions import Registry; "
            "print(len(Registry.open(sys.argv[1]).history()))"
        )
        command = [sys.executable, "-c", code, packed.repo.path]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str(self.COUNT)


def test_alternates_in_a_cycle(disk: Builder, tmp_path: Path) -> None:
    disk.tags("m@v1.0.0")
    disk.pack()
    disk.ref("refs/tags/m@v2.0.0", "b" * 40)
    assert isinstance(disk.repo, Repo)
    own = Path(disk.repo.path, ".git", "objects")
    with Repo.init(str(tmp_path / "other"), mkdir=True) as other:
        other_objects = Path(other.path, ".git", "objects")
        for objects, alternate in ((own, other_objects), (other_objects, own)):
            (objects / "info").mkdir(exist_ok=True)
            (objects / "info" / "alternates").write_text(f"{alternate}\n")
    with Registry.open(disk.repo.path) as registry:
        assert [event.tag for event in registry.history()] == ["m@v1.0.0"]
        assert [problem.tag for problem in registry.problems()] == ["m@v2.0.0"]
