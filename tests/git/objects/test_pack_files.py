"""Deltas in pack files: chains of both forms, resolved once, and broken ones."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from dulwich.pack import create_delta, write_pack_index
from dulwich.repo import Repo
from hypothesis import given, settings
from hypothesis import strategies as st

from modelversions.git.objects import pack_files
from modelversions.git.objects.object_files import ObjectFiles

TAG, OFS_DELTA, REF_DELTA = 4, 6, 7


def oid(number: int) -> bytes:
    return hashlib.sha1(str(number).encode(), usedforsecurity=False).digest()


def entry(kind: int, content: bytes, reference: bytes = b"", size: int | None = None) -> bytes:
    """Return a pack entry: its kind and size, the reference to its base, its content deflated."""
    size = len(content) if size is None else size
    header = [kind << 4 | size & 15]
    size >>= 4
    while size:
        header[-1] |= 128
        header.append(size & 127)
        size >>= 7
    return bytes(header) + reference + zlib.compress(content)


def distance(number: int) -> bytes:
    """Encode the distance from a delta's base to its own entry, as in an OFS_DELTA."""
    parts = [number & 127]
    number >>= 7
    while number:
        number -= 1
        parts.insert(0, number & 127 | 128)
        number >>= 7
    return bytes(parts)


def delta(base: bytes, content: bytes) -> bytes:
    return b"".join(create_delta(base, content))


class Pack:
    """A pack that a test builds entry by entry."""

    def __init__(self, directory: Path) -> None:
        self.repo = Repo.init(str(directory))
        self.path = Path(self.repo.object_store.pack_dir, "pack-x")
        self.data = bytearray(12)
        self.offsets: list[int] = []

    def add(self, raw: bytes) -> None:
        self.offsets.append(len(self.data))
        self.data += raw

    def whole(self, content: bytes) -> None:
        self.add(entry(TAG, content))

    def ofs(self, base: int, data: bytes, size: int | None = None) -> None:
        offset = len(self.data) - self.offsets[base]
        self.add(entry(OFS_DELTA, data, distance(offset), size))

    def ref(self, base: int, data: bytes) -> None:
        self.add(entry(REF_DELTA, data, oid(base)))

    def read(self, numbers: Sequence[int], *, bulk: bool = True) -> list[tuple[str, bytes]]:
        """Read objects one by one; with ``bulk``, check that reading many returns the same."""
        rows = sorted((oid(number), offset, 0) for number, offset in enumerate(self.offsets))
        self.path.with_suffix(".pack").write_bytes(self.data)
        with self.path.with_suffix(".idx").open("wb") as file:
            write_pack_index(file, rows, b"x" * 20)
        files = ObjectFiles(self.repo, "repository")
        ids = [oid(number).hex() for number in numbers]
        try:
            found = [files.raw(id) for id in ids]
            if bulk:
                files.close()
                many = dict(files.read_many(ids))
                assert [many[number] for number in range(len(ids))] == found
                assert files.missing(ids) <= {id for id, (type, _) in zip(ids, found) if not type}
                types = files.types(ids)
                assert [types[id] for id, (type, _) in zip(ids, found) if type] == [
                    type for type, _ in found if type
                ]
            return found
        finally:
            files.close()
            self.repo.close()


CONTENT = b"object 1234\ntype commit\ntag m@v1.0.0\n\nRegistering\n"


@settings(deadline=None, max_examples=60)
@given(
    contents=st.lists(st.binary(max_size=300), min_size=1, max_size=12),
    forms=st.lists(st.booleans(), min_size=12, max_size=12),
    data=st.data(),
)
@pytest.mark.parametrize("limit", [1, 8 * 400, 1 << 20])
def test_chains_of_both_forms_in_any_order(
    tmp_path_factory: pytest.TempPathFactory,
    limit: int,
    contents: list[bytes],
    forms: list[bool],
    data: st.DataObject,
) -> None:
    pack = Pack(tmp_path_factory.mktemp("pack"))
    pack.whole(contents[0])
    for number, content in enumerate(contents[1:], start=1):
        base = data.draw(st.integers(0, number - 1))
        (pack.ofs if forms[number] else pack.ref)(base, delta(contents[base], content))
    order = data.draw(st.permutations(range(len(contents))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack_files, "_BASE_CACHE_LIMIT", limit)
        assert pack.read(order) == [("tag", contents[number]) for number in order]


def test_a_base_is_inflated_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = Pack(tmp_path)
    pack.whole(CONTENT)
    for number in range(200):
        pack.ofs(number, delta(CONTENT, CONTENT))
    inflated: list[int] = []
    inflate = pack_files.Pack._inflate

    def counted(self: pack_files.Pack, start: int, size: int) -> bytes:
        inflated.append(start)
        return inflate(self, start, size)

    monkeypatch.setattr(pack_files.Pack, "_inflate", counted)
    assert pack.read(range(200, -1, -1), bulk=False) == [("tag", CONTENT)] * 201
    assert len(inflated) == 201


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_files, "_BASE_CACHE_LIMIT", 8 * 300)
    cache = pack_files._BaseCache()
    for offset in range(50):
        cache.add(offset, ("tag", bytes(100)))
        assert len(cache.objects) == offset % 8 + 1
    cache.add(50, ("blob", bytes(2000)))
    assert list(cache.objects) == [50]
    cache.add(51, ("blob", bytes(2201)))
    assert not cache.objects


def test_small_deltas_are_read_with_a_small_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_files, "_BASE_CACHE_LIMIT", 10 * 300)
    pack = Pack(tmp_path)
    contents = [CONTENT + str(number).encode() for number in range(40)]
    pack.whole(contents[0])
    for number, content in enumerate(contents[1:]):
        pack.ofs(number, delta(contents[number], content))
    assert pack.read(range(40)) == [("tag", content) for content in contents]


def test_an_object_that_an_index_has_twice_is_read_once(tmp_path: Path) -> None:
    pack = Pack(tmp_path)
    pack.whole(CONTENT)
    assert pack.read([0]) == [("tag", CONTENT)]
    with pack.path.with_suffix(".idx").open("wb") as file:
        write_pack_index(file, [(oid(0), 12, 0), (oid(0), 12, 0)], b"x" * 20)
    files = ObjectFiles(pack.repo, "repository")
    id = oid(0).hex()
    try:
        assert list(files.read_many([id])) == [(0, ("tag", CONTENT))]
        assert files.types([id]) == {id: "tag"}
        assert files.missing([id]) == set()
    finally:
        files.close()


@pytest.mark.parametrize(
    "broken",
    [
        lambda pack: pack.ofs(0, delta(CONTENT, CONTENT), size=1000),
        lambda pack: pack.ofs(0, delta(CONTENT + b"longer", CONTENT)),
        lambda pack: pack.ofs(0, b"\xff" * 40),
        lambda pack: pack.add(entry(OFS_DELTA, b"", distance(10_000))),
        lambda pack: pack.add(entry(OFS_DELTA, b"", distance(0))),
        lambda pack: pack.ref(7, delta(CONTENT, CONTENT)),
        lambda pack: pack.ref(1, delta(CONTENT, CONTENT)),
        lambda pack: pack.add(entry(5, CONTENT)),
        lambda pack: pack.add(entry(TAG, CONTENT, size=len(CONTENT) - 1)),
        lambda pack: pack.add(entry(OFS_DELTA, delta(CONTENT, CONTENT), distance(10))[:-4]),
    ],
    ids=[
        "size",
        "base-size",
        "garbage",
        "before-start",
        "itself",
        "absent",
        "cycle",
        "kind",
        "whole-size",
        "cut",
    ],
)
def test_a_broken_delta_is_a_missing_object(tmp_path: Path, broken: object) -> None:
    pack = Pack(tmp_path)
    pack.whole(CONTENT)
    assert callable(broken)
    broken(pack)
    assert pack.read([1, 0]) == [("", b""), ("tag", CONTENT)]


def test_a_chain_longer_than_git_writes_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = Pack(tmp_path)
    pack.whole(CONTENT)
    for number in range(6):
        pack.ofs(number, delta(CONTENT, CONTENT))
    monkeypatch.setattr(pack_files, "_MAX_DEPTH", 5)
    monkeypatch.setattr(ObjectFiles, "_by_dulwich", lambda *_: ("", b""))
    assert pack.read([6, 5], bulk=False) == [("", b""), ("tag", CONTENT)]


@pytest.mark.parametrize("size", [10, 16, 2047, 2048, 300_000])
def test_deltas_of_any_size(tmp_path: Path, size: int) -> None:
    pack = Pack(tmp_path)
    pack.whole(CONTENT)
    added = os.urandom(size)
    pack.ofs(0, delta(CONTENT, added))
    assert pack.read([1, 0]) == [("tag", added), ("tag", CONTENT)]
