"""Read objects as raw bytes, from pack files and loose files.

dulwich parses each object that it reads, which takes most of the time. It raises an error for a
loose object that it cannot parse; such an object has to be reported as a problem.

A missing or broken object is data. An unreadable file is an error, not a missing object.
"""

from __future__ import annotations

import errno
import functools
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TypeVar

from dulwich.objects import ObjectID
from dulwich.repo import BaseRepo

from modelversions.errors import RepositoryError
from modelversions.git.objects.alternates import object_directories
from modelversions.git.objects.pack_files import MAX_OBJECT, OVERSIZED, TYPES, Pack, Raw

_TYPE_NAMES = frozenset(TYPES.values())
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})
"""The errors for a file that does not exist."""

_MAX_HEAD = 64
"""The bytes of a loose object that contain its type and size."""
_SIZE = re.compile(r"0|[1-9][0-9]{0,19}")

MAX_MAPPED = 100
"""The maximum number of large packs that are open; a closed one is reopened when needed."""

Argument = TypeVar("Argument")
Found = TypeVar("Found")


class ObjectFiles:
    """The objects of one repository, by id; dulwich reads those that are not in files.

    Every method that reads raises ``RepositoryError`` if a file exists and cannot be opened.
    """

    def __init__(self, repo: BaseRepo, location: str) -> None:
        """Initialize with a repository; its alternates are read too."""
        self._store = repo.object_store
        self._format = repo.object_format
        self._digits = self._format.hex_length
        self._location = location
        self._packs: dict[str, Pack] = {}
        self.replaced: Mapping[str, str] = {}
        """The ids of replacement objects, by the ids that they replace (``git replace``)."""
        self._known_directories: list[str] | None = None

    def fits(self, id: str) -> bool:
        """Return whether an id has the length of this repository's ids."""
        return len(id) == self._digits

    def raw(self, id: str, limit: int | None = MAX_OBJECT) -> Raw:
        """Read an object; the type is empty if it is missing or broken.

        The content of an object that is larger than the limit is ``OVERSIZED``.
        """
        id = self.replaced.get(id, id)
        if len(id) != self._digits:
            return "", b""
        oid = bytes.fromhex(id)
        for pack in self._packs.values():  # nearly all objects are in an open pack
            found = pack.read(oid, limit)
            if found is not None:
                return found
        loose = self._loose(id, limit)
        if loose is not None and loose[0]:
            return loose
        read = functools.partial(Pack.read, limit=limit)
        packs = self._new_packs(set(self._packs))
        return _packed(packs, read, oid) or loose or self._by_dulwich(id)

    def read_many(self, ids: Sequence[str]) -> Iterator[tuple[int, Raw]]:
        """Yield objects as from ``raw()``, those of a pack in the order of the pack.

        Yields:
            The index of an id, and the object.
        """
        return self._many(ids, Pack.read_many, lambda found: found)

    def type(self, id: str) -> str:
        """Return an object's type, from its header if possible; empty if missing or broken."""
        id = self.replaced.get(id, id)
        if len(id) != self._digits:
            return ""
        oid = bytes.fromhex(id)
        return (
            _packed(self._packs.values(), Pack.type, oid)
            or (self._loose(id) or ("", b""))[0]
            or _packed(self._new_packs(set(self._packs)), Pack.type, oid)
            or self.raw(id)[0]
        )

    def types(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the types of objects by their ids, as from ``type()``."""
        wanted = list(ids)
        found = self._many(wanted, Pack.types, itemgetter(0))
        return {wanted[number]: type for number, type in found}

    def missing(self, ids: Iterable[str]) -> set[str]:
        """Return the ids that are neither in the index of a pack nor found by ``raw()``."""
        wanted = list(ids)
        packable, others = self._separate(wanted)
        for pack in self._every_pack(set()):
            if not packable:
                break
            pack.discard(packable)
        types = self.types([wanted[number] for number in [*packable.values(), *others]])
        return {id for id, type in types.items() if not type}

    def _many(
        self,
        ids: Sequence[str],
        in_pack: Callable[[Pack, dict[bytes, int]], Iterable[tuple[int, Found]]],
        of: Callable[[Raw], Found],
    ) -> Iterator[tuple[int, Found]]:
        """Yield the results of ``in_pack`` for objects in packs, and of ``of`` for the others.

        All objects are searched for in a pack at once, including missing ones: opening 150 large
        packs for each of 1,000 missing objects took 100 seconds.
        """
        packable, others = self._separate(ids)
        if len(packable) + len(others) < len(ids):
            yield from self._repeated(ids, in_pack, of)
            return
        searched: set[str] = set()
        for pack in self._every_pack(searched):
            if not packable:
                break
            yield from in_pack(pack, packable)
        for oid, number in list(packable.items()):
            loose = self._loose(ids[number])
            if loose is not None and loose[0]:
                yield packable.pop(oid), of(loose)
        for pack in self._new_packs(searched) if packable else ():  # ``git gc`` may have moved them
            yield from in_pack(pack, packable)
        for number in packable.values():
            yield number, of(self._by_dulwich(ids[number]))
        for number in others:
            yield number, of(self.raw(ids[number]))

    def _repeated(
        self,
        ids: Sequence[str],
        in_pack: Callable[[Pack, dict[bytes, int]], Iterable[tuple[int, Found]]],
        of: Callable[[Raw], Found],
    ) -> Iterator[tuple[int, Found]]:
        """Yield the results of ``_many`` for a list that contains some ids more than once."""
        numbers: dict[bytes | str, list[int]] = {}
        for number, id in enumerate(ids):
            key = bytes.fromhex(id) if self.fits(id) else id
            numbers.setdefault(key, []).append(number)
        repeated = list(numbers.values())
        unique = [ids[first] for first, *_ in repeated]
        for index, found in self._many(unique, in_pack, of):
            yield from [(number, found) for number in repeated[index]]

    def with_prefix(self, prefix: str) -> set[str]:
        """Return the ids that begin with a prefix of at least 2 hexadecimal digits.

        dulwich would open the indexes of all packs, and keep them open.
        """
        if not self._directories():
            return {id.decode("ascii") for id in self._store.iter_prefix(prefix.encode())}
        found = {oid.hex() for pack in self._every_pack(set()) for oid in pack.with_prefix(prefix)}
        for directory in self._directories():
            names = self._unless_gone(os.listdir, os.path.join(directory, prefix[:2])) or ()
            found.update(prefix[:2] + name for name in names)
        return {id for id in found if id.startswith(prefix) and self.fits(id)}

    def first_missing(self, ids: Iterable[str]) -> str | None:
        """Return the first id whose object is missing or broken; None if there is none."""
        wanted = dict.fromkeys(ids)
        types = self.types(wanted)
        return next((id for id in wanted if not types[id]), None)

    def _separate(self, ids: Sequence[str]) -> tuple[dict[bytes, int], list[int]]:
        """Separate the ids that may be in a pack from those that are read one by one.

        Returns:
            The indexes of the former by the bytes of the id, and the indexes of the latter.
        """
        if not self.replaced and set(map(len, ids)) == {self._digits}:  # twice as fast
            return dict(zip(map(bytes.fromhex, ids), range(len(ids)))), []
        packable, others = {}, []
        for number, id in enumerate(ids):
            if len(id) == self._digits and id not in self.replaced:
                packable[bytes.fromhex(id)] = number
            else:
                others.append(number)
        return packable, others

    def _every_pack(self, searched: set[str]) -> Iterator[Pack]:
        """Yield the open packs, then the others; add their paths to ``searched``."""
        for path, pack in list(self._packs.items()):
            searched.add(path)
            yield pack
        yield from self._new_packs(searched)

    def _directories(self) -> list[str]:
        """Return the object directories; none for a repository in memory."""
        if self._known_directories is None:
            path = getattr(self._store, "path", None)
            found = [] if path is None else object_directories(os.fsdecode(path))
            self._known_directories = found
        return self._known_directories

    def forget(self) -> None:
        """Close deleted packs, and forget the alternates: ``git gc`` changes both."""
        self._known_directories = None
        for path in [path for path in self._packs if not os.path.exists(path)]:
            self._packs.pop(path).close()

    def close(self) -> None:
        """Close the pack files; the next call opens them again."""
        while self._packs:
            self._packs.popitem()[1].close()

    def _new_packs(self, searched: set[str]) -> Iterator[Pack]:
        """Yield the packs whose paths are not in ``searched``, and add the paths.

        A pack may be open already, as the caller may open packs between two iterations.
        """
        for directory in self._directories():
            pack_dir = os.path.join(directory, "pack")
            for file in self._unless_gone(os.listdir, pack_dir) or ():
                path = os.path.join(pack_dir, file)
                if file.endswith(".idx") and path not in searched:
                    searched.add(path)
                    pack = self._packs.get(path) or self._opened(path)
                    if pack is not None:
                        yield pack

    def _opened(self, path: str) -> Pack | None:
        """Open a pack; return None if it does not exist or is broken."""
        pack = self._unless_gone(self._open, path)
        if pack is not None:
            self._packs[path] = pack
            self._close_oldest()
        return pack

    def _close_oldest(self) -> None:
        """Close the pack that was opened first, if too many packs hold file descriptors."""
        mapped = [path for path, pack in self._packs.items() if pack.holds_files]
        if len(mapped) > MAX_MAPPED:
            self._packs.pop(mapped[0]).close()

    def _open(self, path: str) -> Pack | None:
        try:
            return Pack(path, self._format)
        except OSError:
            raise
        except Exception:  # noqa: BLE001  # a broken index: dulwich raises various errors
            return None

    def _loose(self, id: str, limit: int | None = MAX_OBJECT) -> Raw | None:
        """Read a loose object; return None if there is no file, an empty type if it is broken."""
        broken = None
        for directory in self._directories():
            content = self._unless_gone(_content, os.path.join(directory, id[:2], id[2:]))
            if content is not None:
                found = _inflated(content, limit)
                if found[0]:
                    return found
                broken = found
        return broken

    def _by_dulwich(self, id: str) -> Raw:
        """Read an object that is not in files, such as one in memory.

        dulwich would open all packs for a missing object, and keep them open.
        """
        if self._directories():
            return "", b""
        try:
            number, raw = self._store.get_raw(ObjectID(id.encode()))
        except Exception:  # noqa: BLE001  # a broken object is data; dulwich and zlib raise various errors
            return "", b""
        return TYPES[number], raw

    def _unless_gone(self, read: Callable[[Argument], Found], argument: Argument) -> Found | None:
        """Return ``read(argument)``, or None if the file does not exist.

        Raises:
            RepositoryError: the file exists and cannot be read.
        """
        try:
            return read(argument)
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise RepositoryError(
                f"the objects of {self._location!r} cannot be read: {error}; check the file "
                "permissions",
                location=self._location,
            ) from error


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _inflated(content: bytes, limit: int | None) -> Raw:
    """Return the object in a loose file; as in Git, it must end with the file and have its size."""
    stream = zlib.decompressobj()
    try:
        head, _, raw = stream.decompress(content, _MAX_HEAD).partition(b"\0")
        kind, _, digits = head.decode(errors="replace").partition(" ")
        if kind not in _TYPE_NAMES or not _SIZE.fullmatch(digits):
            return "", b""
        size = int(digits)
        if limit is not None and size > limit:
            return kind, OVERSIZED
        raw += stream.decompress(stream.unconsumed_tail, max(size - len(raw), 0) + 1)
    except zlib.error:
        return "", b""
    is_complete = stream.eof and not stream.unused_data and size == len(raw)
    return (kind, raw) if is_complete else ("", b"")


def _packed(
    packs: Iterable[Pack], read: Callable[[Pack, bytes], Found | None], oid: bytes
) -> Found | None:
    for pack in packs:
        found = read(pack, oid)
        if found is not None:
            return found
    return None
