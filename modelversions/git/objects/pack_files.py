"""A pack file and its index, as Git writes them: objects as bytes, by their binary ids.

dulwich reads these files too, but its index lookup is about ten times slower, and it resolves each
delta down to a whole object again: reading all tags of a repository after ``git gc``, where nearly
all of them are deltas, takes it 20 times as long as C git. Here many objects are read in the order
of the pack, and the objects that deltas apply to are cached, so that each is inflated once. Indexes
other than version 2 are delegated to dulwich.

Deltas are applied by dulwich, which reads one broken form that Git does not: it ignores an invalid
copy at the end of a delta that has made all bytes.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, KeysView, Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO, TypeVar

from dulwich.object_format import ObjectFormat
from dulwich.objects import RawObjectID
from dulwich.pack import apply_delta, load_pack_index

Raw = tuple[str, bytes]
"""An object's type and content."""


Item = TypeVar("Item")
"""What a caller knows an object by, such as its number in a list."""

_Entry = tuple[int, bytes, Item]
"""The offset of an object, its id, and what the caller knows it by."""


class Oversized(bytes):
    """Stands for the content of an object that is larger than the limit."""


OVERSIZED = Oversized()

TYPES = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
"""The types of objects by their numbers."""
NUMBERS = {name: number for number, name in TYPES.items()}

OFS_DELTA, REF_DELTA = 6, 7

_MAX_DEPTH = 5000
"""The longest chain of deltas: Git makes none above 4,095, so a longer one is a cycle."""

MAX_OBJECT = 128 << 20
"""The bytes of the largest object that is read, but for a file that the caller names."""
_MAX_MADE = 1 << 30
"""The bytes that may be made to apply the deltas that lead to one object."""
_SMALL_BASE = 1 << 16
"""The bytes of a base whose small deltas cannot make much more than 16 MB."""
_MAX_SHIFT = 63
"""The bits of the largest size in a pack, rounded up."""

_BASE_CACHE_LIMIT = 8 << 20
"""The bytes of resolved objects that one pack keeps for the deltas that may apply to them."""
_LARGE_READ = 4096
"""After the reading of more objects, none is kept: few of them will be needed again."""
_OBJECT_OVERHEAD = 200
"""The bytes that Python takes for an object in that cache, beside its content."""

_WBITS = zlib.MAX_WBITS
_ZLIB_OVERHEAD = 128
"""With a 64th of the size, more bytes than zlib ever adds to incompressible data."""

INDEX_V2_MAGIC = b"\xfftOc\0\0\0\x02"
FANOUT = struct.Struct(">256I")
_IDS_AT = len(INDEX_V2_MAGIC) + FANOUT.size
LARGE_OFFSET_FLAG = 1 << 31
"""Marks an offset that is kept in the table of eight bytes each."""
SCAN_LIMIT = 128
"""A range of at most so many ids is scanned, not bisected further."""
_BULK_FACTOR = 3
"""All offsets of an index are read where more than one in so many of its objects is wanted."""

MAX_IN_MEMORY = 1 << 16
"""The bytes of a pack or index that is read rather than mapped: a repository may have thousands."""


class _Index:
    """The offsets of a pack's objects, from an index of version 2."""

    def __init__(self, data: mmap.mmap | bytes, width: int) -> None:
        self._data = data
        self._width = width
        self._ends = FANOUT.unpack_from(data, len(INDEX_V2_MAGIC))
        self._offsets_at = _IDS_AT + self._ends[-1] * (width + 4)

    def offset(self, oid: bytes) -> int | None:
        """Return the offset of an object, or None if it is not in the pack."""
        data, width, first = self._data, self._width, oid[0]
        low, high = self._ends[first - 1] if first else 0, self._ends[first]
        while high - low > SCAN_LIMIT:
            middle = (low + high) // 2
            at = _IDS_AT + middle * width
            if data[at : at + width] <= oid:
                low = middle
            else:
                high = middle
        at = data.find(oid, _IDS_AT + low * width, _IDS_AT + high * width) - _IDS_AT
        number, rest = divmod(at, width)
        return None if at < 0 or rest else self._offset(number)

    def entries(self, wanted: Mapping[bytes, Item]) -> list[_Entry[Item]]:
        """Return the wanted objects that are in the pack."""
        if len(wanted) * _BULK_FACTOR < self._ends[-1]:
            return _entries(map(self.offset, wanted), wanted)
        offsets = dict(zip(self._ids(), self._offsets()))
        if len(offsets) < len(wanted):  # one of many packs: the other objects take no time
            return [(offsets[oid], oid, wanted[oid]) for oid in offsets.keys() & wanted.keys()]
        return _entries(map(offsets.get, wanted), wanted)

    def existing(self, oids: KeysView[bytes]) -> Collection[bytes]:
        """Return those of ``oids`` that are in the pack."""
        if len(oids) * _BULK_FACTOR < self._ends[-1]:
            return [oid for oid in oids if self.offset(oid) is not None]
        return oids & set(self._ids())

    def with_prefix(self, prefix: str) -> list[bytes]:
        """Return the ids that begin with hexadecimal digits, of which there are at least 2."""
        start = bytes.fromhex(prefix[: len(prefix) // 2 * 2])
        data, width, first = self._data, self._width, start[0]
        low, last = self._ends[first - 1] if first else 0, self._ends[first]
        high = last
        while low < high:  # the first id that is not before the prefix
            middle = (low + high) // 2
            at = _IDS_AT + middle * width
            if data[at : at + len(start)] < start:
                low = middle + 1
            else:
                high = middle
        found = []
        for number in range(low, last):
            at = _IDS_AT + number * width
            oid = data[at : at + width]
            if not oid.startswith(start):
                break
            found.append(oid)
        return [oid for oid in found if oid.hex().startswith(prefix)]

    def _ids(self) -> list[bytes]:
        width = self._width
        ids = self._data[_IDS_AT : _IDS_AT + self._ends[-1] * width]
        return [ids[at : at + width] for at in range(0, len(ids), width)]

    def _offsets(self) -> tuple[int, ...]:
        count = self._ends[-1]
        offsets = struct.unpack_from(f">{count}I", self._data, self._offsets_at)
        if max(offsets, default=0) >= LARGE_OFFSET_FLAG:
            offsets = tuple(map(self._offset, range(count)))
        return offsets

    def _offset(self, number: int) -> int:
        at = self._offsets_at + 4 * number
        offset = int.from_bytes(self._data[at : at + 4], "big")
        if offset < LARGE_OFFSET_FLAG:
            return offset
        at = self._offsets_at + 4 * self._ends[-1] + 8 * (offset - LARGE_OFFSET_FLAG)
        return int.from_bytes(self._data[at : at + 8], "big")

    @property
    def holds_file(self) -> bool:
        return isinstance(self._data, mmap.mmap)

    def close(self) -> None:
        _close(self._data)


class _OtherIndex:
    """An index of another version, read by dulwich."""

    holds_file = True

    def __init__(self, path: str, format: ObjectFormat) -> None:
        self._index = load_pack_index(path, format)

    def offset(self, oid: bytes) -> int | None:
        """Return the offset of an object, or None if it is not in the pack."""
        try:
            return self._index.object_offset(RawObjectID(oid))
        except KeyError:
            return None

    def entries(self, wanted: Mapping[bytes, Item]) -> list[_Entry[Item]]:
        """Return the wanted objects that are in the pack."""
        return _entries(map(self.offset, wanted), wanted)

    def existing(self, oids: KeysView[bytes]) -> Collection[bytes]:
        """Return those of ``oids`` that are in the pack."""
        return [oid for oid in oids if self.offset(oid) is not None]

    def with_prefix(self, prefix: str) -> list[bytes]:
        """Return the ids that begin with some hexadecimal digits."""
        ids = (oid for oid, _, _ in self._index.iterentries())
        return [oid for oid in ids if oid.hex().startswith(prefix)]

    def close(self) -> None:
        self._index.close()


class _BaseCache:
    """Objects of a pack by offset, bounded in bytes: all are dropped when there are too many.

    Bases are near their deltas in a pack, so that few are made again.
    """

    def __init__(self) -> None:
        self.objects: dict[int, Raw] = {}
        self.left = _BASE_CACHE_LIMIT
        """The bytes that may still be added."""

    def add(self, offset: int, found: Raw) -> None:
        """Keep an object, in place of all others if it does not fit; unless it is too large."""
        size = len(found[1]) + _OBJECT_OVERHEAD
        if size > self.left:
            self.clear()
        if size <= self.left:
            self.objects[offset] = found
            self.left -= size

    def clear(self) -> None:
        self.objects.clear()
        self.left = _BASE_CACHE_LIMIT


class _Work:
    """The bytes that are made to read one object."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._made = 0

    def allows(self, size: int) -> bool:
        """Count bytes before they are made; return whether they may be."""
        self._made += size
        return self._limit is None or (size <= self._limit and self._made <= _MAX_MADE)


class Pack:
    """One pack file and its index."""

    def __init__(self, path: str, format: ObjectFormat) -> None:
        """Open both.

        Raises:
            OSError: one is not there, or may not be read.
            Exception: the index is broken.
        """
        with open(f"{path[:-4]}.pack", "rb") as file:
            self._data = _contents(file)
        self._width = format.oid_length
        self._index = _index(path, format)
        self._bases = _BaseCache()

    def read(self, oid: bytes, limit: int | None = MAX_OBJECT) -> Raw | None:
        """Return an object, or None if it is not here or is broken.

        The content of one that is larger than the limit is ``OVERSIZED``.
        """
        try:
            offset = self._index.offset(oid)
            return None if offset is None else self._object(offset, limit)
        except Exception:  # noqa: BLE001  # dulwich, zlib and struct report a broken pack differently
            return None

    def read_many(self, wanted: dict[bytes, Item]) -> Iterator[tuple[Item, Raw]]:
        """Yield objects that are here and not broken, in the order of the pack.

        Args:
            wanted: what is yielded with the objects, by their ids. The ids of those that were
                yielded are removed in the end.
        """
        entries = self._sorted(wanted)
        broken: set[bytes] = set()
        for offset, oid, item in entries:
            try:
                found = self._small_entry(offset)
            except Exception:  # noqa: BLE001  # _object() tells whether it is broken or too large
                found = None
            if found is None:
                try:
                    found = self._object(offset)
                except Exception:  # noqa: BLE001  # as in read()
                    broken.add(oid)
                    continue
            yield item, found
        _remove(wanted, entries, broken)
        if len(entries) > _LARGE_READ:
            self._bases.clear()

    def type(self, oid: bytes) -> str | None:
        """Return an object's type from its header, or from that of a delta's base."""
        try:
            offset = self._index.offset(oid)
            return None if offset is None else self._type(offset, {})
        except Exception:  # noqa: BLE001  # as in read()
            return None

    def types(self, wanted: dict[bytes, Item]) -> Iterator[tuple[Item, str]]:
        """Yield the types of objects that are here, as ``type()`` gives them.

        Args:
            wanted: as for ``read_many``.
        """
        entries = self._sorted(wanted)
        known: dict[int, str] = {}
        broken: set[bytes] = set()
        for offset, oid, item in entries:
            try:
                found = self._type(offset, known)
            except Exception:  # noqa: BLE001  # as in read()
                found = None
            if found is None:
                broken.add(oid)
            else:
                yield item, found
        _remove(wanted, entries, broken)

    def discard(self, wanted: dict[bytes, Item]) -> None:
        """Remove the wanted objects that are here, though they may be broken."""
        try:
            found = self._index.existing(wanted.keys())
        except Exception:  # noqa: BLE001  # the index is cut short
            return
        if len(found) == len(wanted):
            wanted.clear()
        else:
            for oid in found:
                del wanted[oid]

    def with_prefix(self, prefix: str) -> list[bytes]:
        """Return the ids here that begin with hexadecimal digits, of which there are at least 2."""
        return self._index.with_prefix(prefix)

    def _sorted(self, wanted: Mapping[bytes, Item]) -> list[_Entry[Item]]:
        try:
            return sorted(self._index.entries(wanted))
        except Exception:  # noqa: BLE001  # the index is cut short
            return []

    def _small_entry(self, offset: int) -> Raw | None:
        """Return the object at an offset if it is one of the most common entries after ``git gc``.

        That is a whole object of less than 2 KB, or an OFS_DELTA of less than 2 KB whose base is
        cached. This halves the time that the objects of 100,000 tags take: 0.8 s to 0.4 s.
        """
        data, bases = self._data, self._bases
        byte = data[offset]
        number = byte >> 4 & 7
        size, at = byte & 15, offset + 1
        if byte & 128:
            byte = data[at]
            size |= byte << 4
            at += 1
            if byte & 128:
                return None
        if number != OFS_DELTA:
            return self._small_object(offset, number, at, size) if number in TYPES else None
        byte = data[at]
        distance = byte & 127
        while byte & 128:
            at += 1
            byte = data[at]
            distance = (distance + 1 << 7) + (byte & 127)
        base = bases.objects.get(offset - distance)
        if base is None or len(base[1]) > _SMALL_BASE:
            return None
        delta = zlib.decompress(data[at + 1 : at + size + _ZLIB_OVERHEAD], _WBITS, size + 1)
        if len(delta) != size:
            return None
        raw = b"".join(apply_delta(base[1], delta))
        bases.objects[offset] = found = base[0], raw
        bases.left -= len(raw) + _OBJECT_OVERHEAD  # as add() does, which would take 5 % longer
        if bases.left < 0:
            bases.clear()
        return found

    def _small_object(self, offset: int, number: int, start: int, size: int) -> Raw | None:
        """Return the whole object at an offset, whose data begins at ``start``."""
        raw = zlib.decompress(self._data[start : start + size + _ZLIB_OVERHEAD], _WBITS, size + 1)
        if len(raw) != size:
            return None
        found = TYPES[number], raw
        self._bases.add(offset, found)
        return found

    def _object(self, offset: int, limit: int | None = MAX_OBJECT) -> Raw:
        """Return the object at an offset, with the deltas that lead to it applied.

        Raises:
            Exception: it, or an object that it is a delta of, is broken.
        """
        found = self._bases.objects.get(offset)
        deltas: list[tuple[int, bytes]] = []
        work = _Work(limit)
        while found is None:
            number = self._data[offset] >> 4 & 7
            size, start = entry_head(self._data, offset)
            if not work.allows(size):
                return self._type(offset, {}) or "", OVERSIZED
            if number in TYPES:
                found = TYPES[number], self._inflate(start, size)
                self._bases.add(offset, found)
                break
            base, start = self._base(offset, number, start)
            deltas.append((offset, self._inflate(start, size)))
            if len(deltas) > _MAX_DEPTH:
                raise ValueError(f"the chain of deltas at {offset} does not end")
            offset = base
            found = self._bases.objects.get(offset)
        while deltas:
            offset, delta = deltas.pop()
            if not work.allows(delta_size(delta)):
                return found[0], OVERSIZED
            found = found[0], b"".join(apply_delta(found[1], delta))
            self._bases.add(offset, found)
        return found

    def _inflate(self, start: int, size: int) -> bytes:
        most = size + (size >> 6) + _ZLIB_OVERHEAD
        stream = zlib.decompressobj()
        raw = stream.decompress(self._data[start : start + most], size + 1)
        if len(raw) != size or not stream.eof:
            raise ValueError(f"there are not {size} bytes at {start}")
        return raw

    def _base(self, offset: int, number: int, start: int) -> tuple[int, int]:
        """Return the offset of a delta's base, and where the delta's own data begins."""
        if number == OFS_DELTA:
            distance, start = base_distance(self._data, start)
            if not 0 < distance < offset:
                raise ValueError(f"the base of the delta at {offset} is {distance} bytes before it")
            return offset - distance, start
        base = self._index.offset(self._data[start : start + self._width])
        if number != REF_DELTA or base is None:
            raise ValueError(f"the entry at {offset} is no object and has no base")
        return base, start + self._width

    def _type(self, offset: int, known: dict[int, str]) -> str | None:
        """Return the type of the object at an offset, and add it to the known types by offset."""
        passed: list[int] = []
        found: str | None = None
        while found is None and len(passed) < _MAX_DEPTH:
            passed.append(offset)
            number, start = self._data[offset] >> 4 & 7, entry_head(self._data, offset)[1]
            if number in TYPES:
                found = TYPES[number]
            else:
                offset = self._base(offset, number, start)[0]
                found = known.get(offset)
        if found is not None:
            for offset in passed:
                known[offset] = found
        return found

    def close(self) -> None:
        """Close both files."""
        self._index.close()
        _close(self._data)

    @property
    def holds_files(self) -> bool:
        """Whether it holds a file descriptor: small files are in memory."""
        return self._index.holds_file or isinstance(self._data, mmap.mmap)


def _entries(offsets: Iterable[int | None], wanted: Mapping[bytes, Item]) -> list[_Entry[Item]]:
    """Return the entries of those objects that have an offset, of which all are given."""
    found = zip(offsets, wanted, wanted.values())
    return [(offset, oid, item) for offset, oid, item in found if offset is not None]


def _remove(
    wanted: dict[bytes, Item], entries: Sequence[_Entry[Item]], broken: Collection[bytes]
) -> None:
    """Remove the objects that were found in a pack and are not broken from those to be found.

    To remove each where all were found would take a tenth of the time of a read.
    """
    if len(entries) == len(wanted) and not broken:
        wanted.clear()
        return
    for _, oid, _ in entries:
        if oid not in broken:
            del wanted[oid]


def entry_head(data: mmap.mmap | bytes, at: int) -> tuple[int, int]:
    """Return the size in the head of an entry, and the offset of what follows.

    Raises:
        IndexError: it is incomplete.
        ValueError: the number is longer than any size.
    """
    byte = data[at]
    size, shift = byte & 15, 4
    while byte & 128:
        if shift > _MAX_SHIFT:
            raise ValueError(f"the size at {at} has no end")
        at += 1
        byte = data[at]
        size |= (byte & 127) << shift
        shift += 7
    return size, at + 1


def base_distance(data: mmap.mmap | bytes, at: int) -> tuple[int, int]:
    """Return how far before its own entry a delta's base begins, and the offset after that.

    Raises:
        IndexError, ValueError: as for ``entry_head``.
    """
    byte, end = data[at], at + _MAX_SHIFT // 7
    distance = byte & 127
    while byte & 128:
        if at > end:
            raise ValueError(f"the distance at {at} has no end")
        at += 1
        byte = data[at]
        distance = (distance + 1 << 7) + (byte & 127)
    return distance, at + 1


def delta_size(delta: bytes) -> int:
    """Return the size of what a delta makes.

    Raises:
        IndexError, ValueError: as for ``entry_head``.
    """
    size = at = 0
    for _ in range(2):  # the size of the base, then that of the result
        size = shift = 0
        byte = 128
        while byte & 128:
            if shift > _MAX_SHIFT:
                raise ValueError("the size in the delta has no end")
            byte = delta[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
    return size


def _contents(file: BinaryIO) -> mmap.mmap | bytes:
    """Return a file's content; a large one is mapped, which holds a file descriptor."""
    if os.fstat(file.fileno()).st_size <= MAX_IN_MEMORY:
        return file.read()
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _close(data: mmap.mmap | bytes) -> None:
    if isinstance(data, mmap.mmap):
        with suppress(BufferError):  # after an interrupt, while a regular expression still scans it
            data.close()


def _index(path: str, format: ObjectFormat) -> _Index | _OtherIndex:
    with open(path, "rb") as file:
        if file.read(len(INDEX_V2_MAGIC)) == INDEX_V2_MAGIC:
            file.seek(0)
            return _Index(_contents(file), format.oid_length)
    return _OtherIndex(path, format)
