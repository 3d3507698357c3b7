"""Objects as raw bytes, straight from pack files and loose files.

dulwich makes an object of each on the way, which takes most of the time, and it refuses the loose
ones that it cannot parse, which are the very ones to be reported.

An object that is not there, or is broken, is data. A file that is there and may not be read is
not: nobody can tell what it holds, so that is an error.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from dulwich.object_format import ObjectFormat
from dulwich.object_store import BaseObjectStore
from dulwich.objects import ObjectID, RawObjectID
from dulwich.pack import load_pack_index
from dulwich.repo import BaseRepo

from modelversions.errors import RepositoryError

Raw = tuple[str, bytes]
"""An object's kind and content."""

_MANY = 1000
"""From so many objects on a look at the whole index can be faster than one for each."""

_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_NAMES = frozenset(_KINDS.values())
_DELTA_BY_PLACE, _DELTA_BY_NAME = 6, 7
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR})

_DEEPEST = 5000
"""More deltas upon deltas than Git ever makes: a chain that goes on is a ring."""

Place = TypeVar("Place")
Found = TypeVar("Found")


class ObjectFiles:
    """The objects of one repository, by id; what is in no plain file, dulwich finds.

    Every look raises ``RepositoryError`` where a file is there and cannot be opened.
    """

    def __init__(self, repo: BaseRepo, location: str) -> None:
        """Read from the repository's object store, and from those that it borrows from."""
        self._store = repo.object_store
        self._format = repo.object_format
        self._digits = self._format.hex_length
        self._location = location
        self._packs: dict[str, _Pack] = {}
        self._expected = 0

    def fits(self, id: str) -> bool:
        """Say whether an id is as long as this repository's are: another names nothing here."""
        return len(id) == self._digits

    def raw(self, id: str) -> Raw:
        """Read an object. An empty kind says that it is missing or broken."""
        if len(id) != self._digits:
            return "", b""
        name = bytes.fromhex(id)
        return (
            _packed(self._packs.values(), _Pack.read, name)
            or self._loose(id)
            or _packed(self._newcomers(), _Pack.read, name)
            or self._by_dulwich(id)
        )

    def kind(self, id: str) -> str:
        """Return an object's kind, from its header where that will do; empty as for ``raw``."""
        if len(id) != self._digits:
            return ""
        name = bytes.fromhex(id)
        return (
            _packed(self._packs.values(), _Pack.kind, name)
            or (self._loose(id) or ("", b""))[0]
            or _packed(self._newcomers(), _Pack.kind, name)
            or self._by_dulwich(id)[0]
        )

    def expect(self, count: int) -> None:
        """Prepare for reading so many more: where it pays, take in a pack's whole index."""
        self._expected += count
        if count > _MANY:
            for pack in (*self._packs.values(), *self._newcomers()):
                pack.expect(self._expected)

    def forget(self) -> None:
        """Let go of packs that were deleted: a collection of garbage has put others in place."""
        for path in [path for path in self._packs if not os.path.exists(path)]:
            self._packs.pop(path).close()

    def close(self) -> None:
        """Let go of the pack files; the next call opens them again."""
        while self._packs:
            self._packs.popitem()[1].close()

    def _newcomers(self) -> Iterator[_Pack]:
        """Open the packs that are not open yet."""
        for place in _places(self._store):
            folder = os.path.join(place, "pack")
            for file in self._unless_gone(os.listdir, folder) or ():
                path = os.path.join(folder, file)
                if file.endswith(".idx") and path not in self._packs:
                    pack = self._unless_gone(self._open, path)
                    if pack is not None:
                        self._packs[path] = pack
                        yield pack

    def _open(self, path: str) -> _Pack | None:
        try:
            return _Pack(path, self._format)
        except OSError:
            raise
        except Exception:  # noqa: BLE001  # a broken index: dulwich says how Git would see it
            return None

    def _loose(self, id: str) -> Raw | None:
        for place in _places(self._store):
            content = self._unless_gone(_content, os.path.join(place, id[:2], id[2:]))
            with contextlib.suppress(zlib.error):
                head, _, raw = zlib.decompress(content or b"").partition(b"\0")
                kind = head.partition(b" ")[0].decode(errors="replace")
                if kind in _NAMES:
                    return kind, raw
        return None

    def _by_dulwich(self, id: str) -> Raw:
        """Read what is stored as a delta, or in memory."""
        try:
            found = self._unless_gone(self._store.get_raw, ObjectID(id.encode()))
        except RepositoryError:
            raise
        except Exception:  # noqa: BLE001  # a broken object is data: dulwich and zlib disagree how
            found = None
        return ("", b"") if found is None else (_KINDS[found[0]], found[1])

    def _unless_gone(self, read: Callable[[Place], Found], place: Place) -> Found | None:
        """Read what may not be there; what is there has to be readable.

        Raises:
            RepositoryError: it is there, and is not.
        """
        try:
            return read(place)
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise RepositoryError(
                f"the objects of {self._location!r} cannot be read: {error}; see that its files "
                "may be",
                location=self._location,
            ) from error


class _Pack:
    """One pack file and its index."""

    def __init__(self, path: str, format: ObjectFormat) -> None:
        with open(f"{path[:-4]}.pack", "rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._index = load_pack_index(path, format)
        self._width = format.oid_length
        self._offsets: dict[bytes, int] = {}

    def read(self, name: bytes) -> Raw | None:
        """Read an object by its binary id; None if it is not here, is a delta or is broken."""
        try:
            return self._at(self._place(name))
        except Exception:  # noqa: BLE001  # dulwich and zlib disagree how a broken one is told
            return None

    def kind(self, name: bytes) -> str | None:
        """Tell an object's kind by the head of its entry, or by that of what it is a delta of."""
        try:
            at = self._offsets.get(name)
            return self._kind(self._place(name) if at is None else at)
        except Exception:  # noqa: BLE001  # the same
            return None

    def _place(self, name: bytes) -> int:
        at = self._offsets.get(name)
        return self._index.object_offset(RawObjectID(name)) if at is None else at

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

    def _at(self, at: int) -> Raw | None:
        kind, size, start = self._head(at)
        if kind not in _KINDS:
            return None
        most = size + (size >> 6) + 128  # more than zlib ever makes of so many bytes
        raw = zlib.decompressobj().decompress(self._data[start : start + most])
        return (_KINDS[kind], raw) if len(raw) == size else None

    def _kind(self, at: int) -> str | None:
        for _ in range(_DEEPEST):
            kind = self._data[at] >> 4 & 7
            if kind in _KINDS:
                return _KINDS[kind]
            start = self._head(at)[2]
            if kind == _DELTA_BY_PLACE:
                at -= self._distance(start)
            elif kind == _DELTA_BY_NAME:
                at = self._place(self._data[start : start + self._width])
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

    def expect(self, count: int) -> None:
        """Take in the whole index, if a good part of it will be asked for."""
        with contextlib.suppress(Exception):  # a broken one is found out entry by entry
            if len(self._index) < 8 * count and not self._offsets:
                self._offsets = {name: offset for name, offset, _ in self._index.iterentries()}

    def close(self) -> None:
        """Close both files."""
        self._index.close()
        self._data.close()


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _packed(
    packs: Iterable[_Pack], ask: Callable[[_Pack, bytes], Found | None], name: bytes
) -> Found | None:
    for pack in packs:
        found = ask(pack, name)
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
