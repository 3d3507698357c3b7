"""A pack file and its index, as Git writes them: raw objects by their binary ids.

dulwich reads these files too; to find a place takes it ten times as long, and to make an object of
what is there more. What is in another form than nearly all packs are, is left to it.
"""

from __future__ import annotations

import mmap
import struct
import zlib

from dulwich.object_format import ObjectFormat
from dulwich.objects import RawObjectID
from dulwich.pack import load_pack_index

Raw = tuple[str, bytes]
"""An object's kind and content."""

KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
"""The kinds of objects by their numbers."""

_DELTA_BY_PLACE, _DELTA_BY_NAME = 6, 7

_DEEPEST = 5000
"""More deltas upon deltas than Git ever makes: a chain that goes on is a ring."""

_SECOND_FORM = b"\xfftOc\0\0\0\x02"
_FIRSTS = struct.Struct(">256I")
_NAMES_AT = len(_SECOND_FORM) + _FIRSTS.size
_FEW = 128
"""Names among which one is found by reading on, and no more by halving."""
_FAR = 1 << 31
"""Marks a place that does not fit into four bytes."""


class _Index:
    """Where the objects of a pack begin, from an index in the form that Git writes since 2008."""

    def __init__(self, data: mmap.mmap, width: int) -> None:
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

    def close(self) -> None:
        self._data.close()


class _OtherIndex:
    """An index in another form: dulwich knows them all."""

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


class Pack:
    """One pack file and its index."""

    def __init__(self, path: str, format: ObjectFormat) -> None:
        """Open both.

        Raises:
            OSError: one is not there, or may not be read.
            Exception: the index is broken.
        """
        with open(f"{path[:-4]}.pack", "rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._width = format.oid_length
        self._index = _index(path, format)

    def read(self, name: bytes) -> Raw | None:
        """Read an object by its binary id; None if it is not here, is a delta or is broken."""
        try:
            at = self._index.place(name)
            if at is None:
                return None
            kind, size, start = self._head(at)
            if kind not in KINDS:
                return None
            most = size + (size >> 6) + 128  # more than zlib ever makes of so many bytes
            raw = zlib.decompress(self._data[start : start + most], bufsize=size + 1)
        except Exception:  # noqa: BLE001  # a broken one is told in many ways
            return None
        return (KINDS[kind], raw) if len(raw) == size else None

    def kind(self, name: bytes) -> str | None:
        """Tell an object's kind by the head of its entry, or by that of what it is a delta of."""
        try:
            return self._kind(self._index.place(name))
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

    def _kind(self, at: int | None) -> str | None:
        for _ in range(_DEEPEST):
            if at is None:
                break
            kind = self._data[at] >> 4 & 7
            if kind in KINDS:
                return KINDS[kind]
            start = self._head(at)[2]
            if kind == _DELTA_BY_PLACE:
                at -= self._distance(start)
            elif kind == _DELTA_BY_NAME:
                at = self._index.place(self._data[start : start + self._width])
            else:
                break
        return None

    def _distance(self, at: int) -> int:
        """Read how far before its own entry the base of a delta begins."""
        byte = self._data[at]
        distance = byte & 127
        while byte & 128:
            at += 1
            byte = self._data[at]
            distance = (distance + 1 << 7) + (byte & 127)
        return distance

    def close(self) -> None:
        """Close both files."""
        self._index.close()
        self._data.close()


def _index(path: str, format: ObjectFormat) -> _Index | _OtherIndex:
    with open(path, "rb") as file:
        if file.read(len(_SECOND_FORM)) == _SECOND_FORM:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return _Index(data, format.oid_length)
    return _OtherIndex(path, format)
