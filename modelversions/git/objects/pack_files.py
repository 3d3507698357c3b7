"""A pack file and its index, as Git writes them: raw objects by their binary ids.

dulwich reads these files too, but its index lookup is about ten times slower, and it resolves each
delta down to a whole object again: reading all tags of a repository after ``git gc``, where nearly
all of them are deltas, takes it 20 times as long as C git. Here the objects that deltas apply to
are cached, so that each is inflated once. Indexes other than version 2 are delegated to dulwich.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from typing import BinaryIO

from dulwich.object_format import ObjectFormat
from dulwich.objects import RawObjectID
from dulwich.pack import apply_delta, load_pack_index

Raw = tuple[str, bytes]
"""An object's kind and content."""

KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
"""The kinds of objects by their numbers."""
NUMBERS = {kind: number for number, kind in KINDS.items()}

_OFS_DELTA, _REF_DELTA = 6, 7

_MAX_DEPTH = 5000
"""The longest chain of deltas: Git makes none above 4,095, so a longer one is a cycle."""

_BASE_CACHE_LIMIT = 32 << 20
"""The bytes of resolved objects that one pack keeps for the deltas that may apply to them."""
_OBJECT_OVERHEAD = 200
"""The bytes that Python takes for an object in that cache, beside its content."""

_SECOND_FORM = b"\xfftOc\0\0\0\x02"
_FIRSTS = struct.Struct(">256I")
_NAMES_AT = len(_SECOND_FORM) + _FIRSTS.size
_FEW = 128
"""Names among which one is found by reading on, and no more by halving."""
_FAR = 1 << 31
"""Marks a place that does not fit into four bytes."""


MAX_IN_MEMORY = 1 << 16
"""The bytes of a pack or index that is read rather than mapped: a repository may have thousands."""


class _Index:
    """Where the objects of a pack begin, from an index in the form that Git writes since 2008."""

    def __init__(self, data: mmap.mmap | bytes, width: int) -> None:
        self._data = data
        self._width = width
        self._ends = _FIRSTS.unpack_from(data, len(_SECOND_FORM))
        self._places_at = _NAMES_AT + self._ends[-1] * (width + 4)

    def place(self, name: bytes) -> int | None:
        """Return where an object begins, if it is here."""
        data, width, first = self._data, self._width, name[0]
        low, high = self._ends[first - 1] if first else 0, self._ends[first]
        while high - low > _FEW:
            middle = (low + high) // 2
            at = _NAMES_AT + middle * width
            if data[at : at + width] <= name:
                low = middle
            else:
                high = middle
        at = data.find(name, _NAMES_AT + low * width, _NAMES_AT + high * width) - _NAMES_AT
        number, rest = divmod(at, width)
        return None if at < 0 or rest else self._place(number)

    def _place(self, number: int) -> int:
        at = self._places_at + 4 * number
        place = int.from_bytes(self._data[at : at + 4], "big")
        if place < _FAR:
            return place
        at = self._places_at + 4 * self._ends[-1] + 8 * (place - _FAR)
        return int.from_bytes(self._data[at : at + 8], "big")

    @property
    def holds_file(self) -> bool:
        return isinstance(self._data, mmap.mmap)

    def close(self) -> None:
        _close(self._data)


class _OtherIndex:
    """An index in another form: dulwich knows them all."""

    holds_file = True

    def __init__(self, path: str, format: ObjectFormat) -> None:
        self._index = load_pack_index(path, format)

    def place(self, name: bytes) -> int | None:
        """Return where an object begins, if it is here."""
        try:
            return self._index.object_offset(RawObjectID(name))
        except KeyError:
            return None

    def close(self) -> None:
        self._index.close()


class _BaseCache:
    """Objects of a pack by offset, bounded in bytes: the oldest is dropped first."""

    def __init__(self) -> None:
        self._objects: dict[int, Raw] = {}
        self._size = 0
        self.get = self._objects.get

    def add(self, offset: int, found: Raw) -> None:
        """Keep an object, unless it would take an eighth of the cache for itself."""
        size = len(found[1]) + _OBJECT_OVERHEAD
        if size > _BASE_CACHE_LIMIT // 8:
            return
        self._objects[offset] = found
        self._size += size
        while self._size > _BASE_CACHE_LIMIT:
            oldest = self._objects.pop(next(iter(self._objects)))
            self._size -= len(oldest[1]) + _OBJECT_OVERHEAD


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

    def read(self, name: bytes) -> Raw | None:
        """Read an object by its binary id; None if it is not here or is broken."""
        try:
            offset = self._index.place(name)
            return None if offset is None else self._object(offset)
        except Exception:  # noqa: BLE001  # a broken one is told in many ways
            return None

    def _object(self, offset: int) -> Raw:
        """Return the object at an offset, with the deltas that lead to it applied.

        Raises:
            Exception: it, or an object that it is a delta of, is broken.
        """
        deltas: list[tuple[int, bytes]] = []
        found = self._bases.get(offset)
        while found is None:
            number, size, start = self._head(offset)
            if number in KINDS:
                found = KINDS[number], self._inflate(start, size)
                self._bases.add(offset, found)
                break
            base, start = self._base(offset, number, start)
            deltas.append((offset, self._inflate(start, size)))
            if len(deltas) > _MAX_DEPTH:
                raise ValueError(f"the chain of deltas at {offset} does not end")
            offset = base
            found = self._bases.get(offset)
        for at, delta in reversed(deltas):
            found = found[0], b"".join(apply_delta(found[1], delta))
            self._bases.add(at, found)
        return found

    def _inflate(self, start: int, size: int) -> bytes:
        most = size + (size >> 6) + 128  # more than zlib ever makes of so many bytes
        raw = zlib.decompress(self._data[start : start + most], bufsize=size + 1)
        if len(raw) != size:
            raise ValueError(f"there are {len(raw)} bytes at {start}, not {size}")
        return raw

    def _base(self, offset: int, number: int, start: int) -> tuple[int, int]:
        """Return the offset of a delta's base, and where the delta's own data begins."""
        if number == _OFS_DELTA:
            distance, start = self._distance(start)
            if not 0 < distance < offset:
                raise ValueError(f"the base of the delta at {offset} is {distance} bytes before it")
            return offset - distance, start
        base = self._index.place(self._data[start : start + self._width])
        if number != _REF_DELTA or base is None:
            raise ValueError(f"the entry at {offset} is no object and has no base")
        return base, start + self._width

    def kind(self, name: bytes) -> str | None:
        """Return an object's kind by the header of its entry, or by that of the delta's base."""
        try:
            offset = self._index.place(name)
            return None if offset is None else self._kind(offset)
        except Exception:  # noqa: BLE001  # the same
            return None

    def _head(self, at: int) -> tuple[int, int, int]:
        """Return the number of an entry's kind, its size and where the rest of it begins."""
        byte = self._data[at]
        kind, size, shift = byte >> 4 & 7, byte & 15, 4
        while byte & 128:
            at += 1
            byte = self._data[at]
            size += (byte & 127) << shift
            shift += 7
        return kind, size, at + 1

    def _kind(self, offset: int) -> str | None:
        for _ in range(_MAX_DEPTH):
            number, _, start = self._head(offset)
            if number in KINDS:
                return KINDS[number]
            offset = self._base(offset, number, start)[0]
        return None

    def _distance(self, at: int) -> tuple[int, int]:
        """Read how far before its own entry the base of a delta begins, and where that ends."""
        byte = self._data[at]
        distance = byte & 127
        while byte & 128:
            at += 1
            byte = self._data[at]
            distance = (distance + 1 << 7) + (byte & 127)
        return distance, at + 1

    def close(self) -> None:
        """Close both files."""
        self._index.close()
        _close(self._data)

    @property
    def holds_files(self) -> bool:
        """Whether it holds a file descriptor: small files are in memory."""
        return self._index.holds_file or isinstance(self._data, mmap.mmap)


def _contents(file: BinaryIO) -> mmap.mmap | bytes:
    """Return what a file holds; a large one is mapped, which holds a file descriptor."""
    if os.fstat(file.fileno()).st_size <= MAX_IN_MEMORY:
        return file.read()
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _close(data: mmap.mmap | bytes) -> None:
    if isinstance(data, mmap.mmap):
        data.close()


def _index(path: str, format: ObjectFormat) -> _Index | _OtherIndex:
    with open(path, "rb") as file:
        if file.read(len(_SECOND_FORM)) == _SECOND_FORM:
            file.seek(0)
            return _Index(_contents(file), format.oid_length)
    return _OtherIndex(path, format)
