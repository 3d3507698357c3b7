"""Objects as raw bytes, straight from pack files and loose files.

dulwich makes an object of each on the way, which takes most of the time, and it refuses the loose
ones that it cannot parse, which are the very ones to be reported.

An object that is not there, or is broken, is data. A file that is there and may not be read is
not: nobody can tell what it holds, so that is an error.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from dulwich.object_store import BaseObjectStore
from dulwich.objects import ObjectID
from dulwich.repo import BaseRepo

from modelversions.errors import RepositoryError
from modelversions.git.objects.pack_files import KINDS, Pack, Raw

_NAMES = frozenset(KINDS.values())
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})
"""Errors that say of a file that there is none of an object."""

MAX_MAPPED = 100
"""The large packs that are open at one time; the others are opened again when they are needed."""

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
        self._packs: dict[str, Pack] = {}
        self._replaced: Mapping[str, str] = {}

    def replace(self, objects: Mapping[str, str]) -> None:
        """Read from now on other objects in the place of some, by their ids (``git replace``)."""
        self._replaced = objects

    def fits(self, id: str) -> bool:
        """Say whether an id is as long as this repository's are: another names nothing here."""
        return len(id) == self._digits

    def raw(self, id: str) -> Raw:
        """Read an object. An empty kind says that it is missing or broken."""
        if self._replaced:
            id = self._replaced.get(id, id)
        if len(id) != self._digits:
            return "", b""
        name = bytes.fromhex(id)
        for pack in self._packs.values():  # nearly all are in one that is open
            found = pack.read(name)
            if found is not None:
                return found
        loose = self._loose(id)
        if loose is not None and loose[0]:
            return loose
        return _packed(self._newcomers(), Pack.read, name) or loose or self._by_dulwich(id)

    def kind(self, id: str) -> str:
        """Return an object's kind, from its header where that will do; empty as for ``raw``."""
        if self._replaced:
            id = self._replaced.get(id, id)
        if len(id) != self._digits:
            return ""
        name = bytes.fromhex(id)
        return (
            _packed(self._packs.values(), Pack.kind, name)
            or (self._loose(id) or ("", b""))[0]
            or _packed(self._newcomers(), Pack.kind, name)
            or self.raw(id)[0]
        )

    def forget(self) -> None:
        """Let go of packs that were deleted: a collection of garbage has put others in place."""
        for path in [path for path in self._packs if not os.path.exists(path)]:
            self._packs.pop(path).close()

    def close(self) -> None:
        """Let go of the pack files; the next call opens them again."""
        while self._packs:
            self._packs.popitem()[1].close()

    def _newcomers(self) -> Iterator[Pack]:
        """Open the packs that are not open yet."""
        for place in _places(self._store):
            folder = os.path.join(place, "pack")
            for file in self._unless_gone(os.listdir, folder) or ():
                path = os.path.join(folder, file)
                if file.endswith(".idx") and path not in self._packs:
                    pack = self._unless_gone(self._open, path)
                    if pack is not None:
                        self._packs[path] = pack
                        self._close_oldest()
                        yield pack

    def _close_oldest(self) -> None:
        """Close the pack that was opened first, where too many hold file descriptors."""
        mapped = [path for path, pack in self._packs.items() if pack.holds_files]
        if len(mapped) > MAX_MAPPED:
            self._packs.pop(mapped[0]).close()

    def _open(self, path: str) -> Pack | None:
        try:
            return Pack(path, self._format)
        except OSError:
            raise
        except Exception:  # noqa: BLE001  # a broken index: dulwich says how Git would see it
            return None

    def _loose(self, id: str) -> Raw | None:
        """Read a loose object; an empty kind where its file is broken, None where there is none."""
        broken = None
        for place in _places(self._store):
            content = self._unless_gone(_content, os.path.join(place, id[:2], id[2:]))
            if content is not None:
                found = _inflated(content)
                if found[0]:
                    return found
                broken = found
        return broken

    def _by_dulwich(self, id: str) -> Raw:
        """Read what is stored as a delta, or in memory."""
        try:
            found = self._unless_gone(self._store.get_raw, ObjectID(id.encode()))
        except RepositoryError:
            raise
        except Exception:  # noqa: BLE001  # a broken object is data: dulwich and zlib disagree how
            found = None
        return ("", b"") if found is None else (KINDS[found[0]], found[1])

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


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _inflated(content: bytes) -> Raw:
    """Return the object in a loose file: as Git, none with bytes after it, or of another size."""
    stream = zlib.decompressobj()
    try:
        head, _, raw = stream.decompress(content).partition(b"\0")
    except zlib.error:
        return "", b""
    kind, _, size = head.decode(errors="replace").partition(" ")
    whole = stream.eof and not stream.unused_data and size == str(len(raw))
    return (kind, raw) if whole and kind in _NAMES else ("", b"")


def _packed(
    packs: Iterable[Pack], ask: Callable[[Pack, bytes], Found | None], name: bytes
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
