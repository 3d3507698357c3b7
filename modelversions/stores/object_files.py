"""Objects as raw bytes, straight from pack files and loose files.

dulwich makes an object of each on the way, which takes most of the time, and it refuses the loose
ones that it cannot parse, which are the very ones to be reported.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import zlib
from collections.abc import Iterable, Iterator

from dulwich.object_format import ObjectFormat
from dulwich.object_store import BaseObjectStore
from dulwich.objects import ObjectID, RawObjectID
from dulwich.pack import load_pack_index
from dulwich.repo import BaseRepo

Raw = tuple[str, bytes]
"""An object's kind and content."""

_MANY = 1000
"""From so many objects on a look at the whole index can be faster than one for each."""

_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}


class ObjectFiles:
    """The objects of one repository, by id; what is in no plain file, dulwich finds."""

    def __init__(self, repo: BaseRepo) -> None:
        """Read from the repository's object store, and from those that it borrows from."""
        self._store = repo.object_store
        self._format = repo.object_format
        self._packs: dict[str, _Pack] = {}
        self._expected = 0

    def raw(self, id: str) -> Raw:
        """Read an object. An empty kind says that it is missing or broken."""
        name = bytes.fromhex(id)
        return (
            _packed(self._packs.values(), name)
            or self._loose(id)
            or _packed(self._newcomers(), name)
            or self._by_dulwich(id)
        )

    def expect(self, count: int) -> None:
        """Prepare for reading so many more: where it pays, take in a pack's whole index."""
        self._expected += count
        if count > _MANY:
            for pack in (*self._packs.values(), *self._newcomers()):
                pack.expect(self._expected)

    def close(self) -> None:
        """Let go of the pack files; the next call opens them again."""
        while self._packs:
            self._packs.popitem()[1].close()

    def _newcomers(self) -> Iterator[_Pack]:
        """Open the packs that are not open yet."""
        for place in _places(self._store):
            folder = os.path.join(place, "pack")
            with contextlib.suppress(OSError):
                for file in os.listdir(folder):
                    path = os.path.join(folder, file)
                    if file.endswith(".idx") and path not in self._packs:
                        try:
                            self._packs[path] = _Pack(path, self._format)
                        except Exception:  # noqa: BLE001,S112  # dulwich says how Git would see it
                            continue
                        yield self._packs[path]

    def _loose(self, id: str) -> Raw | None:
        for place in _places(self._store):
            path = os.path.join(place, id[:2], id[2:])
            with contextlib.suppress(OSError, ValueError, zlib.error), open(path, "rb") as file:
                head, _, raw = zlib.decompress(file.read()).partition(b"\0")
                return head.split(b" ")[0].decode("ascii"), raw
        return None

    def _by_dulwich(self, id: str) -> Raw:
        """Read what is stored as a delta, or in memory."""
        try:
            number, raw = self._store.get_raw(ObjectID(id.encode()))
        except Exception:  # noqa: BLE001  # a broken object is data: dulwich and zlib disagree how
            return "", b""
        return _KINDS[number], raw


class _Pack:
    """One pack file and its index."""

    def __init__(self, path: str, format: ObjectFormat) -> None:
        with open(f"{path[:-4]}.pack", "rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._index = load_pack_index(path, format)
        self._offsets: dict[bytes, int] = {}

    def read(self, name: bytes) -> Raw | None:
        """Read an object by its binary id; None if it is not here, is a delta or is broken."""
        try:
            at = self._offsets.get(name)
            return self._at(self._index.object_offset(RawObjectID(name)) if at is None else at)
        except (KeyError, IndexError, zlib.error):
            return None

    def _at(self, at: int) -> Raw | None:
        byte = self._data[at]
        kind, size, shift = byte >> 4 & 7, byte & 15, 4
        while byte & 128:
            at += 1
            byte = self._data[at]
            size += (byte & 127) << shift
            shift += 7
        if kind not in _KINDS:
            return None
        most = size + (size >> 6) + 128  # more than zlib ever makes of so many bytes
        raw = zlib.decompressobj().decompress(self._data[at + 1 : at + 1 + most])
        return (_KINDS[kind], raw) if len(raw) == size else None

    def expect(self, count: int) -> None:
        """Take in the whole index, if a good part of it will be asked for."""
        if len(self._index) < 8 * count and not self._offsets:
            self._offsets = {name: offset for name, offset, _ in self._index.iterentries()}

    def close(self) -> None:
        """Close both files."""
        self._index.close()
        self._data.close()


def _packed(packs: Iterable[_Pack], name: bytes) -> Raw | None:
    for pack in packs:
        found = pack.read(name)
        if found is not None:
            return found
    return None


def _places(store: BaseObjectStore) -> Iterator[str]:
    """Give the folders of a store on disk, and of those that it borrows from; none in memory."""
    path = getattr(store, "path", None)
    if path is not None:
        yield os.fsdecode(path)
    for alternate in getattr(store, "alternates", ()):
        yield from _places(alternate)
