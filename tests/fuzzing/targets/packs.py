"""Packs, their indexes, deltas and loose objects: compared with a simple reader.

An input describes a pack, as neither a hash nor deflated data is found by mutation: see
``Described``.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import attrs
from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.pack import create_delta
from dulwich.repo import Repo

from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.objects.pack_files import (
    FANOUT,
    INDEX_V2_MAGIC,
    MAX_OBJECT,
    OVERSIZED,
    TYPES,
)
from modelversions.git.objects.partial_pack import PackFile, read_start
from modelversions.git.objects.received_packs import Fetched
from modelversions.git.objects.tag_reader import TagReader
from tests.fuzzing import seeds as cases
from tests.fuzzing.scratch import Reader, scratch

MODULES = (
    "modelversions.git.objects.pack_files",
    "modelversions.git.objects.partial_pack",
    "modelversions.git.objects.received_packs",
    "modelversions.git.objects.object_files",
    "modelversions.git.objects.tag_reader",
)
_OFS, _REF = 6, 7
_MOST = 12
"""The entries of a pack."""
_REPEATED = 20_000
Found = tuple[str, bytes]


@attrs.define
class _Entry:
    """An entry as described: a byte for the type and flags, perhaps one for its base, content."""

    kind: int
    base: int
    size: int
    """The size in its header."""
    content: bytes
    """The content, or a delta."""
    raw: bytes
    """The deflated content, or bytes in its place."""
    start: int = 0
    """The offset in the pack."""


def _id(number: int) -> bytes:
    """Return the ID of an entry in the index; readers do not verify it."""
    return bytes([number + 1]) * 20


@attrs.define
class Described:
    """A pack built from a description."""

    entries: list[_Entry]
    flags: int
    tail: bytes

    @classmethod
    def of(cls, data: bytes) -> Described:
        """Read a description: flags, then entries of type, base, length and content."""
        reader = Reader(data)
        flags = reader.byte()
        entries: list[_Entry] = []
        while not reader.is_at_end and len(entries) < _MOST:
            number = reader.byte()
            kind = number & 7
            if kind == 0:
                break
            base = reader.byte() % 64 if kind in (_OFS, _REF) else 0
            content = reader.take(reader.number())
            if number & 8:
                content *= 1 + _REPEATED // (len(content) + 1)
            size = reader.number() << reader.byte() % 32 if number & 16 else len(content)
            raw = content if number & 32 else zlib.compress(content, 1)
            entries.append(_Entry(kind, base, size, content, raw))
        return cls(entries, flags, reader.rest())

    def pack(self) -> bytes:
        """Return the bytes of the pack."""
        found = bytearray(b"PACK" + struct.pack(">II", 2, len(self.entries) + (self.flags & 1)))
        for number, entry in enumerate(self.entries):
            entry.start = len(found)
            found += _header(entry.kind, entry.size)
            if entry.kind == _REF:
                found += _id(entry.base)
            elif entry.kind == _OFS:
                base = self.entries[entry.base].start if entry.base < number else 0
                found += _distance(entry.start - base)
            found += entry.raw
        if self.flags & 2:
            found += self.tail
        return bytes(found) + hashlib.sha1(found).digest()  # noqa: S324  # as Git does

    def index(self) -> bytes:
        """Return an index of version 2, or the rest of the description instead."""
        if self.flags & 4:
            return self.tail
        ids = [_id(number) for number in range(len(self.entries))]
        ends = [sum(id[0] <= first for id in ids) for first in range(256)]
        offsets = struct.pack(f">{len(ids)}I", *(entry.start for entry in self.entries))
        sums = bytes(4 * len(ids) + 40)
        return INDEX_V2_MAGIC + FANOUT.pack(*ends) + b"".join(ids) + sums[:-40] + offsets + sums

    def object(self, number: int, above: frozenset[int] = frozenset()) -> Found | None:
        """Return the expected object; None if it is broken."""
        entry = self.entries[number]
        if entry.size > MAX_OBJECT:
            kind = self.type(number)
            return None if kind is None else (kind, OVERSIZED)
        try:
            stream = zlib.decompressobj()
            content = stream.decompress(entry.raw, _REPEATED * 4)
        except zlib.error:
            return None
        if not stream.eof or len(content) != entry.size:
            return None
        if entry.kind in TYPES:
            return TYPES[entry.kind], content
        base = None
        if self.has_base(number) and number not in above:
            base = self.object(entry.base, above | {number})
        if base is None or base[1] is OVERSIZED:
            return base
        sizes = _sizes(content)
        if sizes is not None and sizes[1] > MAX_OBJECT:
            return base[0], OVERSIZED
        made = None if sizes is None else _applied(base[1], content, *sizes)
        return None if made is None else (base[0], made)

    def has_base(self, number: int) -> bool:
        """Return whether it is a delta of an existing entry."""
        entry = self.entries[number]
        is_before = entry.kind == _OFS and entry.base < number
        return is_before or (entry.kind == _REF and entry.base < len(self.entries))

    def type(self, number: int) -> str | None:
        """Return a type from the headers alone; None if there is none."""
        for _ in self.entries:
            if self.entries[number].kind in TYPES:
                return TYPES[self.entries[number].kind]
            if not self.has_base(number):
                return None
            number = self.entries[number].base
        return None


def _header(kind: int, size: int) -> bytes:
    byte, size = kind << 4 | size & 15, size >> 4
    found = bytearray()
    while size:
        found.append(byte | 128)
        byte, size = size & 127, size >> 7
    found.append(byte)
    return bytes(found)


def _distance(number: int) -> bytes:
    found = [number & 127]
    while number >> 7:
        number = (number >> 7) - 1
        found.append(128 | number & 127)
    return bytes(reversed(found))


def _applied(base: bytes, delta: bytes, source: int, target: int, at: int) -> bytes | None:
    """Apply a delta; None if it is broken.

    As by dulwich, an invalid copy is ignored at the end of a delta that has made all bytes. For
    Git, such a delta is broken.
    """
    if source != len(base):
        return None
    found = bytearray()
    while at < len(delta):
        byte, at = delta[at], at + 1
        if byte & 128:
            numbers = [0, 0]
            for bit in range(7):
                if byte & 1 << bit:
                    if at >= len(delta):
                        return None
                    numbers[bit // 4] |= delta[at] << 8 * (bit % 4)
                    at += 1
            start, count = numbers[0], numbers[1] or 0x10000
            if start + count > len(base) or len(found) + count > target:
                break
            found += base[start : start + count]
        elif byte:
            if at + byte > len(delta):
                return None
            found += delta[at : at + byte]
            at += byte
        else:
            return None
        if len(found) > target:
            return None
    return bytes(found) if len(found) == target and at == len(delta) else None


def _sizes(delta: bytes) -> tuple[int, int, int] | None:
    """Return the sizes of a delta's base and result, and the offset of its instructions."""
    match = re.match(rb"([\x80-\xff]{0,9}[\0-\x7f])([\x80-\xff]{0,9}[\0-\x7f])", delta, re.DOTALL)
    if match is None:
        return None
    source, target = (
        sum((byte & 127) << 7 * number for number, byte in enumerate(part))
        for part in match.groups()
    )
    return source, target, match.end()


def seeds() -> Iterator[bytes]:
    """Yield packs of the objects of cases: with and without deltas, and broken ones."""
    numbers = {name: number for number, name in TYPES.items()}
    found = [(numbers[kind], raw) for kind, raw in cases.objects() if kind in numbers and raw][:400]
    for start in range(0, len(found), 6):
        whole = b"".join(bytes([kind]) + _long(raw) for kind, raw in found[start : start + 6])
        for flags in (0, 1, 2, 4):
            yield bytes([flags]) + whole
    tags = [raw for kind, raw in found if kind == 4]
    for one, other in itertools.pairwise(tags[:60]):
        delta = b"".join(create_delta(one, other))
        back = b"".join(create_delta(other, one))
        chain = bytes([4]) + _long(one)
        for kind in (_OFS, _REF):
            yield b"\0" + chain + bytes([kind, 0]) + _long(delta) + bytes([kind, 1]) + _long(back)
    yield b"\0" + bytes([_REF, 1]) + _long(b"\x05\x05\x90\x05") + bytes([_REF, 0]) + _long(b"\0\0")
    yield (
        b"\0"
        + bytes([3 | 8])
        + _long(b"x")
        + bytes([_OFS, 0])
        + _long(b"\xa0\x9c\x01\x05\x05hello")
    )
    yield b"\0" + bytes([4 | 16]) + _long(b"x") + b"\xff\xff\x1f"


def _long(content: bytes) -> bytes:
    return struct.pack(">H", len(content)) + content


@functools.cache
def _directory() -> Path:
    """Return the directory of a repository."""
    path = scratch() / "packs"
    Repo.init_bare(str(path), mkdir=True).close()
    return path


def check(data: bytes) -> None:
    """Read the objects of a pack from files, and from a server's answer."""
    made = Described.of(data)
    pack, index = made.pack(), made.index()
    for name, content in (
        ("pack/pack-x.pack", pack),
        ("pack/pack-x.idx", index),
        (f"fe/{'fe' * 19}", data),
    ):
        _write(_directory() / "objects" / name, content)
    repo = Repo(str(_directory()))
    try:
        _check_files(made, repo)
    finally:
        repo.close()
    _check_received(made, pack)


def _write(path: Path, content: bytes) -> None:
    """Replace a file; a mapped file must not be changed in place."""
    path.parent.mkdir(exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def _check_files(made: Described, repo: Repo) -> None:
    """Read single objects, many objects, and types."""
    ids = [_id(number).hex() for number in range(len(made.entries))] + ["fe" * 20, "fd" * 20]
    files, single = ObjectFiles(repo, "x"), ObjectFiles(repo, "x")
    try:
        many = dict(files.read_many(ids))
        assert many == {number: single.raw(id) for number, id in enumerate(ids)}
        types = files.types(ids)
        assert types == {id: files.type(id) for id in ids}
        assert files.missing(ids) <= {id for id, type in types.items() if not type}
        tags = TagReader(files).read(ids)
        assert all(tag.commit is None or tag.time is not None for tag in tags)
    finally:
        files.close()
        single.close()
    if made.flags & 6:
        return
    for number in range(len(made.entries)):
        expected = made.object(number)
        found = many[number]
        assert found == (expected or ("", b"")), number
        assert expected is None or (found[1] is OVERSIZED) is (expected[1] is OVERSIZED)
        assert expected is None or types[ids[number]] == expected[0]


def _check_received(made: Described, pack: bytes) -> None:
    """Read a pack as from a server: its start, and all of it."""
    start = read_start(pack, DEFAULT_OBJECT_FORMAT)
    cut = read_start(pack[: len(pack) // 2], DEFAULT_OBJECT_FORMAT)
    assert cut.objects.items() <= start.objects.items()
    file = PackFile(1 << 20, format=DEFAULT_OBJECT_FORMAT)
    file.write(pack)
    received = Fetched()
    try:
        received.add_pack_file(file)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # the session translates any error
        return
    named = {bytes.fromhex(id.decode()): received.get_raw(id) for id in received}
    assert start.objects.items() <= named.items() or made.flags & 3
    assert all(kind in TYPES for kind, _ in named.values())
